"""A user's replays."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from market.models import Asset, Job
from market.sessions import to_et
from market.timeframes import TIMEFRAMES
from trading.models import TradingSession


class ReplaySession(models.Model):
    """One replay: where it was entered and where its clock stands. It belongs to one user."""

    class State(models.TextChoices):
        LOADING = "loading"
        READY = "ready"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="replays")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    entry_ns = models.BigIntegerField(help_text="UTC ns")
    anchor_ns = models.BigIntegerField(
        help_text="UTC ns: the entry, or the last jump beyond what was loaded; its front month has true prices."
    )
    timeframe = models.CharField(max_length=3, choices=[(name, name) for name in TIMEFRAMES])
    lookback_days = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.LOADING)
    problem = models.TextField(blank=True)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")

    trading = models.OneToOneField(TradingSession, models.RESTRICT, null=True, related_name="replay")

    playhead_ns = models.BigIntegerField(help_text="UTC ns")
    playing = models.BooleanField(default=False)
    speed = models.FloatField(
        null=True, default=1.0, help_text="Market seconds a second; empty is as fast as possible."
    )
    keeps = models.CharField(
        max_length=6,
        choices=[(name, name) for name in ("bars", "trades", "book")],
        default="bars",
        help_text="The grade that each session is brought to as the playhead comes to it.",
    )
    epoch = models.PositiveIntegerField(default=0, help_text="Counts the server processes that took this replay over.")

    created_at = models.DateTimeField(auto_now_add=True)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-saved_at"]
        constraints = [
            models.CheckConstraint(condition=Q(playhead_ns__gt=0), name="replay_playhead_positive"),
            models.CheckConstraint(condition=Q(speed=None) | Q(speed__gte=0.25, speed__lte=1000), name="replay_speed"),
        ]

    def __str__(self) -> str:
        return f"{self.asset} {self.id}"

    @property
    def playhead(self) -> datetime:
        """Where the clock stands, in ET."""
        return to_et(self.playhead_ns)
