"""A user's practice accounts: what they begin with, how fills are assumed, and what they may do."""

from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from trading.texts import parse_hours

POSITIVE = [MinValueValidator(Decimal("0.01"))]
PERCENT = [MinValueValidator(1), MaxValueValidator(100)]


class Account(models.Model):
    """Money to practise with. What is set here holds for takes that begin later; limits hold at once."""

    class Preset(models.TextChoices):
        CONSERVATIVE = "conservative"
        NEUTRAL = "neutral"
        OPTIMISTIC = "optimistic"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="trading_accounts")
    name = models.CharField(max_length=40)
    cash = models.DecimalField(
        "starting balance ($)", max_digits=14, decimal_places=2, default=Decimal(100_000), validators=POSITIVE
    )
    latency_ms = models.PositiveSmallIntegerField(
        "latency (ms)", default=200, validators=[MaxValueValidator(5_000)], help_text="From your click to the exchange."
    )
    jitter_ms = models.PositiveSmallIntegerField(
        "jitter (ms)", default=0, validators=[MaxValueValidator(5_000)], help_text="At most so much more."
    )
    preset = models.CharField(
        max_length=12,
        choices=Preset.choices,
        default=Preset.CONSERVATIVE,
        help_text="Which cancels come out of the queue ahead of you, and what a touch is worth.",
    )
    bar_share = models.PositiveSmallIntegerField(
        "share of a bar (%)", default=25, validators=PERCENT, help_text="Of its volume, where only bars are known."
    )
    slip = models.PositiveSmallIntegerField(
        "slippage of stops (ticks)",
        default=1,
        validators=[MaxValueValidator(50)],
        help_text="Where only bars are known.",
    )
    assumed_ahead = models.PositiveIntegerField(
        "assumed ahead (lots)", default=20, validators=[MaxValueValidator(100_000)], help_text="Where no book is known."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["owner", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "name"], name="trading_account_once"),
            models.CheckConstraint(condition=Q(cash__gt=0), name="trading_account_cash"),
            models.CheckConstraint(condition=Q(bar_share__gte=1, bar_share__lte=100), name="trading_account_share"),
        ]

    def __str__(self) -> str:
        return self.name


def _money(words: str) -> "models.DecimalField[Decimal | None, Decimal | None]":
    return models.DecimalField(words, max_digits=12, decimal_places=2, null=True, blank=True, validators=POSITIVE)


def _percent(words: str, help_text: str) -> "models.PositiveSmallIntegerField[int | None, int | None]":
    return models.PositiveSmallIntegerField(words, null=True, blank=True, validators=PERCENT, help_text=help_text)


def _count(words: str, help_text: str = "") -> "models.PositiveIntegerField[int | None, int | None]":
    return models.PositiveIntegerField(
        words, null=True, blank=True, validators=[MinValueValidator(1)], help_text=help_text
    )


def validate_hours(text: str) -> None:
    """Raises ValidationError where `texts.parse_hours` cannot read it."""
    try:
        parse_hours(text)
    except ValueError as problem:
        raise ValidationError(str(problem)) from None


class Limits(models.Model):
    """What an account may do; empty means that there is no such limit."""

    max_day_loss = _money("loss of a day, realised ($)")
    max_day_loss_open = _money("loss of a day with what is open ($)")
    warn_percent = _percent("warn at (% of either)", "Empty: 80.")
    max_trade_loss = _money("loss of a trade ($)")
    max_order = _count("order size")
    max_position = _count("position of an asset")
    max_position_of = models.JSONField(
        "position of single assets", default=dict, blank=True, help_text="By root, before the one above."
    )
    max_position_all = _count("position over all assets")
    max_trades = _count("trades a day")
    hours = models.CharField(
        "trading hours (ET)",
        max_length=120,
        blank=True,
        validators=[validate_hours],
        help_text="As 09:30-11:30, 14:00-15:45; empty for all.",
    )
    cooldown_losses = models.PositiveSmallIntegerField(
        "pause after losses in a row", default=0, validators=[MaxValueValidator(100)], help_text="0: no pause."
    )
    cooldown_minutes = models.PositiveSmallIntegerField(
        "pause (minutes)", default=0, validators=[MaxValueValidator(1_440)]
    )
    giveback_from = _money("keep a day's peak from ($)")
    giveback_percent = _percent("end the day when given back (%)", "Empty: 50.")
    buying_power = models.BooleanField("orders need buying power", default=False)
    leverage = models.PositiveSmallIntegerField(
        "leverage of stocks",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(20)],
        help_text="Empty: 1.",
    )
    is_hard = models.BooleanField("locks are hard: nobody lifts them before 17:00 ET", default=False)

    class Meta:
        abstract = True


class AccountLimits(Limits):
    """Those that the user has set himself."""

    buying_power = models.BooleanField("orders need buying power", default=True)
    account = models.OneToOneField(Account, models.CASCADE, related_name="limits")

    class Meta:
        verbose_name_plural = "account limits"

    def __str__(self) -> str:
        return f"limits of {self.account}"


class ForcedLimits(Limits):
    """Those that an admin forces on all accounts of a user: of each two, the stricter one counts."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="forced_limits")

    class Meta:
        verbose_name_plural = "forced limits"

    def __str__(self) -> str:
        return f"limits forced on {self.user}"


class DayLock(models.Model):
    """A hard lock of an account: until 17:00 ET of this market day nobody lifts it, in no replay and no take."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="day_locks")
    market_day = models.DateField()
    text = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at"]
        constraints = [models.UniqueConstraint(fields=["account", "market_day"], name="day_lock_once")]

    def __str__(self) -> str:
        return f"{self.account} {self.market_day}"
