"""What is known of the market: assets, contracts, daily bars, rolls, and which data is stored.

Prices are int64 in units of 1e-9, instants int64 UTC nanoseconds, money is Decimal US dollars.
"""

from datetime import date
from decimal import Decimal

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

from market.facts import MONTH_CODES, PRICE_SCALE
from market.sessions import CALENDARS, SessionCalendar, calendar


def validate_months(text: str) -> None:
    """Delivery months are distinct month letters in calendar order."""
    if not text or list(text) != [code for code in MONTH_CODES if code in text]:
        raise ValidationError(f"{text!r} is not a list of month letters in order, such as HMUZ.")


class Asset(models.Model):
    """A tradable root, e.g. NQ."""

    class PriceDisplay(models.TextChoices):
        DECIMAL = "decimal"
        THIRTY_SECONDS = "32nds", "32nds (110'165)"

    root = models.CharField(
        max_length=6, unique=True, validators=[RegexValidator(r"^[A-Z0-9]{1,6}$", "Capital letters and digits only.")]
    )
    name = models.CharField(max_length=80)
    exchange = models.CharField(max_length=12)
    dataset = models.CharField(max_length=20, default="GLBX.MDP3")
    point_value = models.DecimalField(
        "point value ($)", max_digits=16, decimal_places=4, validators=[MinValueValidator(Decimal("0.0001"))]
    )
    tick_size = models.BigIntegerField(
        "tick (1e-9)", validators=[MinValueValidator(1)], help_text="In units of 1e-9: 0.25 is 250000000."
    )
    decimals = models.PositiveSmallIntegerField()
    price_display = models.CharField(max_length=8, choices=PriceDisplay.choices, default=PriceDisplay.DECIMAL)
    active_months = models.CharField(max_length=12, validators=[validate_months])
    listed_months = models.CharField(max_length=12, validators=[validate_months])
    calendar = models.CharField(max_length=40, choices=[(name, name) for name in CALENDARS])
    is_active = models.BooleanField("offered to users", default=True)

    class Meta:
        ordering = ["root"]
        constraints = [
            models.CheckConstraint(condition=Q(tick_size__gt=0), name="asset_tick_positive"),
            models.CheckConstraint(condition=Q(point_value__gt=0), name="asset_point_value_positive"),
        ]

    def __str__(self) -> str:
        return self.root

    @property
    def tick_value(self) -> Decimal:
        """Dollars per tick and contract, exact."""
        return self.point_value * self.tick_size / PRICE_SCALE

    @property
    def sessions(self) -> SessionCalendar:
        """The asset's session calendar."""
        return calendar(self.calendar)


class AssetCost(models.Model):
    """Fees and margin of an asset from a date on."""

    class MarginKind(models.TextChoices):
        USD = "usd", "dollars per contract"
        PCT_NOTIONAL = "pct_notional", "percent of notional value"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="costs")
    effective_from = models.DateField()
    fee_exchange = models.DecimalField("exchange fee per side ($)", max_digits=8, decimal_places=4)
    fee_broker = models.DecimalField("broker fee per side ($)", max_digits=8, decimal_places=4)
    margin = models.DecimalField(max_digits=12, decimal_places=2)
    margin_kind = models.CharField(max_length=12, choices=MarginKind.choices, default=MarginKind.USD)

    class Meta:
        ordering = ["asset", "-effective_from"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "effective_from"], name="cost_once_a_day"),
            models.CheckConstraint(
                condition=Q(fee_exchange__gte=0, fee_broker__gte=0, margin__gte=0), name="cost_not_negative"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} from {self.effective_from}"


class Contract(models.Model):
    """One delivery month of an asset. A raw symbol alone is ambiguous over decades; (year, month) is not."""

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="contracts")
    year = models.PositiveSmallIntegerField()
    month = models.PositiveSmallIntegerField()
    raw_symbol = models.CharField(max_length=12)
    first_trade_date = models.DateField(null=True, blank=True, help_text="Empty when no definition told it.")
    last_trade_date = models.DateField(null=True, blank=True, help_text="Empty when no definition told it.")
    match_algorithm = models.CharField(max_length=2, blank=True, help_text="CME's letter, from the definition.")

    class Meta:
        ordering = ["asset", "year", "month"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "year", "month"], name="contract_once"),
            models.CheckConstraint(condition=Q(month__gte=1, month__lte=12), name="contract_month"),
            models.CheckConstraint(
                condition=Q(first_trade_date__lte=F("last_trade_date"))
                | Q(first_trade_date=None)
                | Q(last_trade_date=None),
                name="contract_life",
            ),
        ]

    def __str__(self) -> str:
        return self.raw_symbol

    @property
    def code(self) -> str:
        """Unambiguous name for files: root, month letter, four-digit year."""
        return f"{self.asset.root}{MONTH_CODES[self.month - 1]}{self.year}"

    @property
    def delivery(self) -> date:
        """The first day of the delivery month."""
        return date(self.year, self.month, 1)


class InstrumentId(models.Model):
    """The exchange's id of a contract on the days [first_date, end_date); ids are reused over the years."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="instrument_ids")
    instrument_id = models.BigIntegerField()
    first_date = models.DateField()
    end_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "instrument_id", "first_date"], name="instrument_id_once"),
            models.CheckConstraint(condition=Q(first_date__lt=F("end_date")), name="instrument_id_dates"),
        ]

    def __str__(self) -> str:
        return f"{self.contract} = {self.instrument_id} from {self.first_date}"


class DailyBar(models.Model):
    """`ohlcv-1d` as Databento makes it: the day from 00:00 to 24:00 UTC, not a session."""

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="daily_bars")
    date = models.DateField("UTC date")
    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    volume = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["contract", "date"], name="daily_bar_once"),
            models.CheckConstraint(
                condition=Q(high__gte=Greatest("open", "close"), low__lte=Least("open", "close")),
                name="daily_bar_shape",
            ),
            models.CheckConstraint(condition=Q(volume__gte=0), name="daily_bar_volume"),
        ]

    def __str__(self) -> str:
        return f"{self.contract} {self.date}"


class DailySpan(models.Model):
    """All daily bars of an asset on the UTC dates [first_date, end_date) are here. Spans of an asset never touch.

    is_scheduled: the rolls have been computed from them.
    """

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="daily_spans")
    first_date = models.DateField()
    end_date = models.DateField()
    is_scheduled = models.BooleanField(default=False)
    source = models.CharField(max_length=40)

    class Meta:
        ordering = ["asset", "first_date"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "first_date"], name="daily_span_once"),
            models.CheckConstraint(condition=Q(first_date__lt=F("end_date")), name="daily_span_dates"),
        ]

    def __str__(self) -> str:
        return f"{self.asset} {self.first_date} … {self.end_date}"


class Roll(models.Model):
    """The front month changes at the open of a trade date; a `seed` row names the first front month of a span."""

    class Kind(models.TextChoices):
        SEED = "seed"
        VOLUME = "volume"
        CACHE_GAP = "cache_gap", "cache gap"
        DEAD_CONTRACT = "dead_contract", "dead contract"

    class Spread(models.TextChoices):
        UNKNOWN = "unknown", "not priced yet"
        COMPLETE = "complete"
        INCOMPLETE = "incomplete"

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="rolls")
    trade_date = models.DateField()
    kind = models.CharField(max_length=16, choices=Kind.choices)
    from_contract = models.ForeignKey(Contract, models.CASCADE, null=True, blank=True, related_name="+")
    to_contract = models.ForeignKey(Contract, models.CASCADE, related_name="+")
    from_volume = models.BigIntegerField(null=True, blank=True, help_text="Prior session; empty without a daily bar.")
    to_volume = models.BigIntegerField(null=True, blank=True)
    spread_state = models.CharField(max_length=10, choices=Spread.choices, default=Spread.UNKNOWN)
    from_price = models.BigIntegerField(null=True, blank=True, help_text="1s open of the old contract at the roll.")
    to_price = models.BigIntegerField(null=True, blank=True, help_text="1s open of the new contract at the roll.")

    class Meta:
        ordering = ["asset", "trade_date"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "trade_date"], name="roll_once_a_session"),
            models.CheckConstraint(
                condition=Q(kind="seed", from_contract=None) | ~Q(kind="seed") & Q(from_contract__isnull=False),
                name="roll_has_from",
            ),
            models.CheckConstraint(
                condition=~Q(spread_state="complete") | Q(from_price__isnull=False, to_price__isnull=False),
                name="roll_complete_has_prices",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.asset} {self.trade_date}: {self.from_contract or '—'} → {self.to_contract}"

    @property
    def spread(self) -> int:
        """New minus old price at the roll, 1e-9 units; 0 unless complete."""
        if self.spread_state != self.Spread.COMPLETE or self.to_price is None or self.from_price is None:
            return 0
        return self.to_price - self.from_price


class Coverage(models.Model):
    """One stored piece: a schema of a contract on a trade date."""

    class State(models.TextChoices):
        COMPLETE = "complete"
        EMPTY = "empty"
        PARTIAL = "partial", "partial (the session was not over)"

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="coverage")
    schema = models.CharField(max_length=12)
    trade_date = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices)
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    checksum = models.CharField(max_length=64, blank=True)
    source = models.CharField(max_length=40)
    until_ns = models.BigIntegerField(help_text="Data was available up to here when it was fetched.")
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


class Job(models.Model):
    """A long piece of work with visible progress."""

    class State(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"
        CANCELLED = "cancelled"

    FINAL = (State.DONE, State.FAILED, State.CANCELLED)

    kind = models.CharField(max_length=24)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="jobs")
    params = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=Q(done__lte=F("total")), name="job_done_within_total")]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk} {self.state}"
