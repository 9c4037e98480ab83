"""Trades as the journal shows them: derived from the record of fills, with what their trader wrote about them.

Money is exact dollars, average prices are rounded to 1e-9; times are UTC ns.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q

from market.models import Asset
from market.sessions import to_et
from trading.engine.roundtrips import LEFT_OPEN
from trading.engine.terms import AMBIGUOUS_BAR
from trading.models import Take, TradingSession

TAG_LENGTH = 30
NOTE_LENGTH = 4_000


def _money(words: str = "") -> "models.DecimalField[Decimal, Decimal]":
    return models.DecimalField(words or None, max_digits=24, decimal_places=9)


def _maybe(words: str = "") -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(words or None, max_digits=24, decimal_places=9, null=True)


class Trade(models.Model):
    """A round trip of a take: from flat to flat, or through zero. All but note and tags follows from the record.

    first_fill: the number, in the take's line, of the fill that opened it: with the take it names the trade for good.
    quantity: the most lots held. worst, best: MAE and MFE in dollars before fees, None while not known. exit, exit_ns:
    None while it is open. grade: the coarsest of its fills. trade_date: of its entry.
    """

    class Side(models.IntegerChoices):
        LONG = 1
        SHORT = -1

    class Grade(models.TextChoices):
        BARS = "bars"
        TRADES = "trades"
        BOOK = "book"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="trades")
    session = models.ForeignKey(TradingSession, models.CASCADE, related_name="trades")
    take = models.ForeignKey(Take, models.CASCADE, related_name="trades")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(help_text="Its place in the take's line, in the order of entries.")
    first_fill = models.PositiveIntegerField()
    fills = ArrayField(models.PositiveIntegerField(), help_text="Their numbers in the take's line.")
    is_retake = models.BooleanField(help_text="A moment of it had been seen before: it is a second try.")

    contract = models.CharField(max_length=12)
    side = models.SmallIntegerField(choices=Side.choices)
    quantity = models.PositiveIntegerField()
    trade_date = models.DateField()
    entry_ns = models.BigIntegerField()
    exit_ns = models.BigIntegerField(null=True)
    entry = _money()
    exit = _maybe()
    gross = _money()
    fees = _money()
    net = _money()
    worst = _maybe("MAE")
    best = _maybe("MFE")
    is_measured = models.BooleanField(default=False, help_text="The tape was asked for MAE and MFE.")
    grade = models.CharField(max_length=6, choices=Grade.choices)
    flags = ArrayField(models.CharField(max_length=20), default=list)

    note = models.TextField(blank=True, max_length=NOTE_LENGTH)
    tags = ArrayField(models.CharField(max_length=TAG_LENGTH), default=list, blank=True)

    class Meta:
        ordering = ["-entry_ns", "-pk"]
        indexes = [
            models.Index(fields=["owner", "-entry_ns", "-id"], name="trade_by_owner"),
            GinIndex(fields=["tags"], name="trade_tags"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["take", "first_fill"], name="trade_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, side__in=(-1, 1)), name="trade_quantity"),
            models.CheckConstraint(
                condition=Q(exit=None, exit_ns=None)
                | Q(exit__isnull=False, exit_ns__isnull=False, exit_ns__gte=F("entry_ns")),
                name="trade_exit",
            ),
            models.CheckConstraint(condition=Q(net=F("gross") - F("fees")), name="trade_net"),
        ]

    def __str__(self) -> str:
        return f"{self.get_side_display()} {self.quantity} {self.contract}"

    @property
    def is_open(self) -> bool:
        return self.exit_ns is None

    @property
    def is_ambiguous(self) -> bool:
        """Whether a fill of it rests on a bar that held target and stop."""
        return AMBIGUOUS_BAR in self.flags

    @property
    def is_left_open(self) -> bool:
        """Whether its user went back while it was open: it ends at the last price that he had seen."""
        return LEFT_OPEN in self.flags

    @property
    def entered(self) -> datetime:
        """In ET."""
        return to_et(self.entry_ns)

    @property
    def left(self) -> datetime | None:
        """In ET."""
        return None if self.exit_ns is None else to_et(self.exit_ns)

    @property
    def held(self) -> timedelta | None:
        """How long it was open, to the microsecond."""
        return None if self.exit_ns is None else timedelta(microseconds=(self.exit_ns - self.entry_ns) // 1_000)


class Reading(models.Model):
    """How far a take's own fills have been read into the journal.

    last_fill: the number of the last one. is_left: another take went on in its place by then.
    """

    take = models.OneToOneField(Take, models.CASCADE, related_name="reading")
    last_fill = models.PositiveIntegerField(default=0)
    is_left = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.take} up to fill {self.last_fill}"
