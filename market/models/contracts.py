"""Contracts, their ids and daily bars, and the rolls between them."""

from datetime import date
from typing import Any

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import BigIntegerRangeField, DateRangeField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Greatest, Least

from market.facts import MONTH_CODES
from market.models.assets import Asset


class Contract(models.Model):
    """One delivery month of a future, or a stock itself (year and month empty).

    A raw symbol alone is ambiguous over decades; (year, month) is not. raw_symbol is the newest one; `instrument_ids`
    has all of them with their dates. defined_ns is empty for a contract that no definition told of.
    """

    asset = models.ForeignKey(Asset, models.CASCADE, related_name="contracts")
    year = models.PositiveSmallIntegerField(null=True, blank=True)
    month = models.PositiveSmallIntegerField(null=True, blank=True)
    raw_symbol = models.CharField(max_length=12)
    first_trade_date = models.DateField(null=True, blank=True, help_text="Empty when no definition told it.")
    last_trade_date = models.DateField(null=True, blank=True, help_text="Empty when no definition told it.")
    expires_ns = models.BigIntegerField(null=True, blank=True, help_text="UTC instant after which it does not trade.")
    defined_ns = models.BigIntegerField(null=True, blank=True, help_text="UTC instant of the newest definition.")
    match_algorithm = models.CharField(max_length=2, blank=True, help_text="CME's letter, from the definition.")

    class Meta:
        ordering = ["asset", "year", "month"]
        constraints = [
            models.UniqueConstraint(fields=["asset", "year", "month"], nulls_distinct=False, name="contract_once"),
            models.CheckConstraint(
                condition=Q(month__isnull=False, month__gte=1, month__lte=12, year__isnull=False)
                | Q(month=None, year=None),
                name="contract_month",
            ),
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
        """Unambiguous name for files: root, month letter, four-digit year; a stock's root alone."""
        if self.month is None:
            return self.asset.root
        return f"{self.asset.root}{MONTH_CODES[self.month - 1]}{self.year}"

    @property
    def delivery(self) -> date:
        """The first day of the delivery month. Raises ValueError for a stock."""
        if self.year is None or self.month is None:
            raise ValueError(f"{self} has no delivery month")
        return date(self.year, self.month, 1)


class InstrumentId(models.Model):
    """The exchange's id and symbol of a contract on the UTC dates [first_date, end_date).

    Both are reused over the years, and a contract may have had several.
    """

    contract = models.ForeignKey(Contract, models.CASCADE, related_name="instrument_ids")
    instrument_id = models.BigIntegerField()
    raw_symbol = models.CharField(max_length=12)
    first_date = models.DateField()
    end_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contract", "instrument_id", "raw_symbol", "first_date"], name="instrument_id_once"
            ),
            models.CheckConstraint(condition=Q(first_date__lt=F("end_date")), name="instrument_id_dates"),
        ]

    def __str__(self) -> str:
        return f"{self.raw_symbol} = {self.instrument_id} from {self.first_date}"


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


def _closed_range(function: str, field: "models.Field[Any, Any]", first: str, last: str) -> Func:
    return Func(first, last, Value("[]"), function=function, output_field=field)


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
            models.CheckConstraint(condition=Q(first_date__lt=F("end_date")), name="daily_span_dates"),
            # An asset as a range of one number spares an extension of PostgreSQL; the dates with both ends included
            # overlap where two spans only touch.
            ExclusionConstraint(
                name="daily_spans_apart",
                expressions=[
                    (_closed_range("int8range", BigIntegerRangeField(), "asset", "asset"), RangeOperators.OVERLAPS),
                    (_closed_range("daterange", DateRangeField(), "first_date", "end_date"), RangeOperators.OVERLAPS),
                ],
            ),
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
