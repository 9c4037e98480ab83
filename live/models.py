"""What live decided, and what happened to it."""

from django.db import models

from market.models import Asset, Contract


class FrontMonth(models.Model):
    """The contract that live follows on a trade date. Decided once: the session in progress never changes its own."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="front_months")
    trade_date = models.DateField()
    contract = models.ForeignKey(Contract, models.CASCADE, related_name="+")
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["asset", "trade_date"]
        constraints = [models.UniqueConstraint(fields=["asset", "trade_date"], name="front_month_once")]

    def __str__(self) -> str:
        return f"{self.contract} on {self.trade_date}"


class FeedEvent(models.Model):
    """Something that happened to the feed, in words for the people who run it."""

    class Kind(models.TextChoices):
        STARTED = "started"
        ENDED = "ended"
        REFUSED = "refused", "refused by the gateway"
        ROLL = "roll", "front month changed"
        GAP = "gap", "bars are missing"
        STORED = "stored", "session stored"

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    text = models.TextField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"
