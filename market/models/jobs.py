"""Long work with visible progress."""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Sum
from django.utils import timezone


class Job(models.Model):
    """A long piece of work with visible progress."""

    class State(models.TextChoices):
        QUEUED = "queued"
        ASKING = "asking", "waits for a yes to its cost"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINAL = (State.DONE, State.FAILED, State.CANCELLED)
    ACTIVE = (State.QUEUED, State.RUNNING)
    """A worker's business. One that asks waits for a person, however long that takes."""
    IMPORT = "import"
    """The kind of those that import users' files."""

    kind = models.CharField(max_length=24)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    rate = models.FloatField("units a second", null=True, help_text="So far; empty before the first.")
    message = models.TextField(blank=True)
    cost = models.DecimalField(
        "estimated cost ($)", max_digits=12, decimal_places=6, null=True, help_text="Of the download it waits to make."
    )
    approved = models.DecimalField(
        "approved ($)", max_digits=12, decimal_places=6, default=0, help_text="What its user said yes to, in all."
    )
    reserved = models.DecimalField(
        "set aside ($)", max_digits=12, decimal_places=6, default=0, help_text="For what it is about to download."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(done__lte=F("total")), name="job_done_within_total"),
            models.UniqueConstraint(
                fields=["kind"],
                condition=Q(kind="history", state__in=["queued", "asking", "running"]),
                name="job_one_history_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.state}"

    @property
    def is_over(self) -> bool:
        return self.state in self.FINAL

    @property
    def what(self) -> str:
        """What it works on, as "NQ 2026-03-04 to 2026-03-25"; empty where its parameters do not tell."""
        if {"root", "first", "last"} <= self.params.keys():
            return "{root} {first} to {last}".format(**self.params)
        if "roots" in self.params:
            return ", ".join(self.params["roots"] or ["all assets"])
        return str(self.params.get("what", ""))

    @property
    def percent(self) -> int:
        """How much is done, 0 to 100."""
        return self.done * 100 // self.total if self.total else 0

    @property
    def eta_seconds(self) -> int | None:
        """Seconds left at the rate so far; None before there is one, and for a job that does not run."""
        if self.state != self.State.RUNNING or not self.rate:
            return None
        return round((self.total - self.done) / self.rate)

    @property
    def spent(self) -> Decimal:
        """Dollars for what it downloaded so far."""
        total: Decimal | None = self.purchases.aggregate(total=Sum("cost"))["total"]
        return total or Decimal(0)

    @property
    def elapsed(self) -> timedelta | None:
        """How long it has run, or ran; None before it started."""
        if self.started_at is None:
            return None
        until: datetime = self.finished_at or timezone.now()
        return until - self.started_at
