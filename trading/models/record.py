"""The record of trading: append-only, from which every state is rebuilt.

Prices are int64 1e-9 units, times UTC ns (`at`: wall clock), quantities contracts or shares, money 1e-9 dollars.
"""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from market.models import Asset, Contract
from trading.models.accounts import Account


class TradingSession(models.Model):
    """A user's trading of one asset in one replay, or live."""

    class Kind(models.TextChoices):
        REPLAY = "replay"
        LIVE = "live"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="trading_sessions")
    account = models.ForeignKey(Account, models.RESTRICT, related_name="sessions")
    asset = models.ForeignKey(Asset, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    epoch = models.PositiveIntegerField(default=0, help_text="Counts the processes that took it over: one may write.")
    seen_ns = models.BigIntegerField(
        default=0, help_text="How far the market was seen before going back: what trades up to here is a second try."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.asset} {self.kind} {self.id}"


class Take(models.Model):
    """One line of trading. Going back before something that happened begins another, which shares what was before.

    Rows of a take are its own; what it shares are the first inherited_… of its parent's line. settings, cash and rules
    are those that it began with, instruments all contracts that it knows by name. left_ns, left_marks: the furthest
    instant at which positions were open when its user went back, and their last prices there, 1e-9 units by contract:
    what they are worth where the take is never continued. None where nothing was open.
    """

    session = models.ForeignKey(TradingSession, models.CASCADE, related_name="takes")
    number = models.PositiveIntegerField()
    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="forks")
    fork_ns = models.BigIntegerField(null=True, blank=True)
    inherited_commands = models.PositiveIntegerField(default=0)
    inherited_events = models.PositiveIntegerField(default=0)
    inherited_fills = models.PositiveIntegerField(default=0)
    start_ns = models.BigIntegerField(help_text="The opening of the session in which its line was first traded.")
    cash = models.BigIntegerField(help_text="1e-9 dollars")
    settings = models.JSONField()
    rules = models.JSONField()
    instruments = models.JSONField()
    left_ns = models.BigIntegerField(null=True, blank=True)
    left_marks = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["session", "number"]
        constraints = [
            models.UniqueConstraint(fields=["session", "number"], name="take_once"),
            models.CheckConstraint(
                condition=Q(number=1, parent=None, fork_ns=None) | Q(number__gt=1, fork_ns__isnull=False),
                name="take_fork",
            ),
            models.CheckConstraint(
                condition=Q(left_ns__isnull=True, left_marks__isnull=True)
                | Q(left_ns__isnull=False, left_marks__isnull=False),
                name="take_left",
            ),
        ]

    def __str__(self) -> str:
        return f"take {self.number} of {self.session}"

    @property
    def is_left(self) -> bool:
        """Whether another take goes on in its place: nothing will happen in it any more."""
        return self.forks.exists()


class Pin(models.Model):
    """Which tape decides a take's fills in one session of a contract, so that they come out the same ever after."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="pins")
    contract = models.ForeignKey(Contract, models.PROTECT, related_name="+")
    trade_date = models.DateField()
    grade = models.CharField(max_length=6)
    checksums = models.JSONField(help_text="By schema, of the stored pieces.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["take", "contract", "trade_date"], name="pin_once")]

    def __str__(self) -> str:
        return f"{self.contract} {self.trade_date} {self.grade}"


class LoggedCommand(models.Model):
    """What a trader, a script or the account's rules asked for, in order; written before it acts. name: its id."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="commands")
    seq = models.PositiveIntegerField()
    playhead_ns = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=64)
    payload = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["take", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["take", "seq"], name="command_once"),
            models.UniqueConstraint(fields=["take", "name"], name="command_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.name}"


class OrderRecord(models.Model):
    """An order as it stands at the end of what is recorded."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="orders")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    contract = models.CharField(max_length=12)
    side = models.SmallIntegerField()
    type = models.CharField(max_length=14)
    tif = models.CharField(max_length=4)
    quantity = models.PositiveIntegerField()
    filled = models.PositiveIntegerField()
    limit = models.BigIntegerField(null=True)
    stop = models.BigIntegerField(null=True)
    status = models.CharField(max_length=10)
    cause = models.CharField(max_length=20)
    is_exit = models.BooleanField()
    is_short = models.BooleanField()
    origin = models.CharField(max_length=64)
    placed_ns = models.BigIntegerField()

    class Meta:
        ordering = ["take", "number"]
        constraints = [models.UniqueConstraint(fields=["take", "number"], name="order_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.status}"


class EventRecord(models.Model):
    """One change of an order (`order`: its number), or of the account."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="events")
    number = models.PositiveIntegerField()
    ns = models.BigIntegerField()
    change = models.CharField(max_length=10)
    reason = models.CharField(max_length=20)
    order = models.PositiveIntegerField(null=True)
    name = models.CharField(max_length=80, blank=True)
    text = models.TextField(blank=True)
    quantity = models.PositiveIntegerField()
    filled = models.PositiveIntegerField()
    limit = models.BigIntegerField(null=True)
    stop = models.BigIntegerField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["take", "number"]
        constraints = [models.UniqueConstraint(fields=["take", "number"], name="event_once")]

    def __str__(self) -> str:
        return f"{self.number} {self.change} {self.name}"


class FillRecord(models.Model):
    """An execution. why: the explanation's fields; text: the same as a sentence."""

    take = models.ForeignKey(Take, models.CASCADE, related_name="fills")
    number = models.PositiveIntegerField()
    order = models.PositiveIntegerField()
    name = models.CharField(max_length=80)
    contract = models.CharField(max_length=12)
    side = models.SmallIntegerField()
    quantity = models.PositiveIntegerField()
    price = models.BigIntegerField()
    ns = models.BigIntegerField()
    fee = models.BigIntegerField()
    of = models.PositiveIntegerField()
    why = models.JSONField()
    text = models.TextField()
    is_retake = models.BooleanField(help_text="The market of this moment had been seen before.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["take", "number"]
        constraints = [
            models.UniqueConstraint(fields=["take", "number"], name="fill_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0, side__in=(-1, 1)), name="fill_quantity"),
        ]

    def __str__(self) -> str:
        return self.text
