"""Which sessions are summarised, where their summaries lie, and which assets are kept ready."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from market.models import Asset, Contract

LONGEST_LOOKBACK = 3_650
DEFAULT_LOOKBACK = 365


class SummaryMonth(models.Model):
    """The files with the summaries of a contract's sessions in one calendar month of trade dates.

    files: the SHA-256 of each timeframe's file, by timeframe. A changed month has new files; none is ever altered.
    """

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="summary_months")
    month = models.DateField(help_text="Its first day.")
    files = models.JSONField(default=dict)
    bytes = models.PositiveBigIntegerField()
    written_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["contract", "month"]
        constraints = [models.UniqueConstraint(fields=["contract", "month"], name="summary_month_once")]

    def __str__(self) -> str:
        return f"{self.contract} {self.month:%Y-%m}"


class Summary(models.Model):
    """A session whose summary is in the files of its month.

    It is stale, and counts for nothing, when the stored piece or what it is made with is not this any more.
    """

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="summaries")
    trade_date = models.DateField()
    source = models.CharField(max_length=64, blank=True, help_text="SHA-256 of its seconds; empty: nobody traded.")
    made_with = models.CharField(max_length=24, help_text="Version of the summaries, session and tick as one word.")

    class Meta:
        verbose_name_plural = "summaries"
        constraints = [models.UniqueConstraint(fields=["contract", "trade_date"], name="summary_once")]

    def __str__(self) -> str:
        return f"{self.contract} {self.trade_date}"


class KeptWarm(models.Model):
    """An asset whose sessions are fetched and summarised every night, as far back as this lookback reaches."""

    asset = models.OneToOneField(Asset, models.CASCADE, related_name="kept_warm")
    lookback_days = models.PositiveSmallIntegerField(
        "lookback (calendar days)",
        default=DEFAULT_LOOKBACK,
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_LOOKBACK)],
        help_text="A shorter one needs nothing more.",
    )

    class Meta:
        verbose_name = "asset kept warm"
        verbose_name_plural = "assets kept warm"
        ordering = ["asset__root"]
        constraints = [
            models.CheckConstraint(
                condition=Q(lookback_days__gte=1, lookback_days__lte=LONGEST_LOOKBACK), name="kept_warm_lookback"
            )
        ]

    def __str__(self) -> str:
        return f"{self.asset} {self.lookback_days} days"
