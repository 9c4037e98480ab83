"""Which market data is stored, and where it came from."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from market.models.contracts import Contract
from market.models.jobs import Job


class Coverage(models.Model):
    """One stored piece: a schema of a contract on a trade date."""

    class State(models.TextChoices):
        COMPLETE = "complete"
        EMPTY = "empty"
        PARTIAL = "partial"

    FROM_FILE = "file"
    """The source of what users imported."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="coverage")
    schema = models.CharField(max_length=12)
    trade_date = models.DateField()
    state = models.CharField(
        max_length=10,
        choices=State.choices,
        help_text="Partial: the session was not over when it was fetched, or users' files have a part of it only.",
    )
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=40)
    until_ns = models.BigIntegerField(help_text="Data was available up to here when it was fetched.")
    warnings = models.TextField(blank=True, help_text="What the gateway said beside the data.")
    made_from = models.CharField(
        max_length=12, blank=True, help_text="The imported schema that futsim made it from: trades or mbo."
    )
    fetched_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "schema", "trade_date"], name="coverage_once"),
            models.CheckConstraint(
                condition=Q(state="empty", rows=0) | ~Q(state="empty") & Q(rows__gt=0) & ~Q(checksum=""),
                name="coverage_empty_or_stored",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.schema} {self.trade_date} {self.state}"


class DayCondition(models.Model):
    """A UTC date whose data the vendor itself calls less than good; other dates have no row."""

    class Condition(models.TextChoices):
        DEGRADED = "degraded"
        MISSING = "missing"
        PENDING = "pending"

    dataset = models.CharField(max_length=20)
    date = models.DateField("UTC date")
    condition = models.CharField(max_length=10, choices=Condition.choices)

    class Meta:
        ordering = ["dataset", "-date"]
        constraints = [models.UniqueConstraint(fields=["dataset", "date"], name="day_condition_once")]

    def __str__(self) -> str:
        return f"{self.dataset} {self.date} {self.condition}"


class ImportedFile(models.Model):
    """A file that a user brought, and what became of it.

    report: as `market.importing.report.Report.as_json` writes it; empty until the import is over.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="imported_files")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="imported_files")
    name = models.CharField(max_length=255)
    bytes = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=64)
    report = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return self.name


class ImportedPiece(models.Model):
    """A file has rows of a stored piece, whether it brought them or found them there."""

    file = models.ForeignKey(ImportedFile, models.CASCADE, related_name="pieces")
    coverage = models.ForeignKey(Coverage, models.CASCADE, related_name="brought_by")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["file", "coverage"], name="imported_piece_once")]

    def __str__(self) -> str:
        return f"{self.coverage} of {self.file}"
