"""Long work with visible progress."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q


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
    IMPORT = "import"
    """The kind of those that import users' files."""

    kind = models.CharField(max_length=24)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True)
    cost = models.DecimalField(
        "estimated cost ($)", max_digits=12, decimal_places=6, null=True, help_text="Of the download it waits to make."
    )
    approved = models.DecimalField(
        "approved ($)", max_digits=12, decimal_places=6, default=0, help_text="What its user said yes to."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(done__lte=F("total")), name="job_done_within_total")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.state}"
