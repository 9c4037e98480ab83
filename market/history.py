"""Contracts and daily bars of an asset, and what the vendor says of its days: what the roll schedule is made of."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from django.db import transaction

from market import conditions
from market.databento_historical import (
    Definition,
    HistoricalGateway,
    IdInterval,
    Request,
    SymbolBars,
    definitions_request,
)
from market.facts import MONTH_CODES
from market.jobs import Progress
from market.locks import advisory_lock
from market.models import Asset, Contract, DailyBar, DailySpan, InstrumentId
from market.sessions import SECOND_NS

DEFINITION_EVERY_DAYS = 45
"""A snapshot lists everything traded that day; contracts live far longer than this."""
NEAR_BEFORE, NEAR_AFTER = timedelta(days=62), timedelta(days=365)
"""Contracts delivered this long before or after a window may carry its volume."""
DAILY_REQUESTS = 2
"""Of a span: which instrument ids the contracts had, and their bars."""
DAY_NS = 86_400 * SECOND_NS

Span = tuple[date, date]
"""UTC dates [first, end)."""


def missing_spans(asset: Asset, first: date, end: date) -> list[Span]:
    """The parts of [first, end) whose daily bars are not here, ascending."""
    missing = []
    for span in asset.daily_spans.filter(end_date__gt=first, first_date__lt=end).order_by("first_date"):
        if span.first_date > first:
            missing.append((first, span.first_date))
        first = max(first, span.end_date)
    return [*missing, (first, end)] if first < end else missing


def ensure_history(asset: Asset, gateway: HistoricalGateway, first: date, end: date, progress: Progress) -> None:
    """Have the contracts, the daily bars and the conditions of the UTC dates [first, end).

    Days that are not over must be left out by the caller. Each of `count_requests` is a unit of the progress.
    Raises GatewayError, JobCancelled, and what the gateway's purse raises.
    """
    with advisory_lock("history", asset.pk):
        spans = missing_spans(asset, first, end)
        gateway.afford([request for span in spans for request in _paid_requests(asset, *span)])
        for span_first, span_end in spans:
            progress.say(f"{asset.root}: contracts and daily volumes from {span_first} to {span_end}")
            _fetch_definitions(asset, gateway, span_first, span_end, progress)
            _fetch_daily_bars(asset, gateway, span_first, span_end, progress)


def count_requests(asset: Asset, first: date, end: date) -> int:
    """How many requests `ensure_history` makes now."""
    spans = missing_spans(asset, first, end)
    return sum(len(_snapshot_days(asset, *span)) + DAILY_REQUESTS for span in spans)


def _paid_requests(asset: Asset, first: date, end: date) -> Iterator[Request]:
    """What a span takes, to know its cost. Of the contracts only the parent is known before the definitions came."""
    for day in _snapshot_days(asset, first, end):
        yield definitions_request(asset.dataset, asset.root, day)
    yield Request(asset.dataset, "ohlcv-1d", (f"{asset.root}.FUT",), _utc_ns(first), _utc_ns(end), "parent")


def _fetch_definitions(asset: Asset, gateway: HistoricalGateway, first: date, end: date, progress: Progress) -> None:
    known = 0
    for day in _snapshot_days(asset, first, end):
        progress.say(f"{asset.root}: contracts of {day}")
        definitions = gateway.definitions(asset.dataset, asset.root, day)
        known += len(definitions)
        for definition in definitions:
            _save_definition(asset, definition)
        progress.say(f"{asset.root}: contracts listed on {day}", 1)
    if not known:
        _generate_contracts(asset, first, end)


def _snapshot_days(asset: Asset, first: date, end: date) -> list[date]:
    """Trade dates in [first, end), the first and the last included."""
    dates = [session.trade_date for session in asset.sessions.between(first, end - timedelta(days=1))]
    taken: list[date] = []
    for day in dates:
        if not taken or (day - taken[-1]).days >= DEFINITION_EVERY_DAYS or day == dates[-1]:
            taken.append(day)
    return taken


def _save_definition(asset: Asset, definition: Definition) -> None:
    Contract.objects.update_or_create(
        asset=asset,
        year=definition.year,
        month=definition.month,
        defaults={
            "raw_symbol": definition.raw_symbol,
            "first_trade_date": _date(definition.activation_ns),
            "last_trade_date": _date(definition.expiration_ns),
            "match_algorithm": definition.match_algorithm,
        },
    )


def _generate_contracts(asset: Asset, first: date, end: date) -> None:
    """The asset's listed months near the window, for a gateway without definitions."""
    day, last = (first - NEAR_BEFORE).replace(day=1), end + NEAR_AFTER
    while day <= last:
        code = MONTH_CODES[day.month - 1]
        if code in asset.listed_months:
            symbol = f"{asset.root}{code}{day.year % 10}"
            Contract.objects.get_or_create(asset=asset, year=day.year, month=day.month, defaults={"raw_symbol": symbol})
        day = (day + timedelta(days=31)).replace(day=1)


def near(asset: Asset, first: date, end: date) -> list[Contract]:
    """The contracts that may trade in [first, end) and matter there, in order of expiry."""
    nearby = asset.contracts.filter(year__gte=first.year - 1, year__lte=end.year + 2).order_by("year", "month")
    return [
        contract
        for contract in nearby
        if first - NEAR_BEFORE <= contract.delivery <= end + NEAR_AFTER
        and (contract.last_trade_date is None or contract.last_trade_date >= first)
        and (contract.first_trade_date is None or contract.first_trade_date < end)
    ]


def _fetch_daily_bars(asset: Asset, gateway: HistoricalGateway, first: date, end: date, progress: Progress) -> None:
    contracts = near(asset, first, end)
    symbols = sorted({contract.raw_symbol for contract in contracts})
    ids = gateway.instrument_ids(asset.dataset, symbols, first, end) if symbols else []
    known = sorted({interval.symbol for interval in ids})
    progress.say(f"{asset.root}: daily volumes of {len(known)} contracts", 1)
    found = gateway.bars(asset.dataset, known, "ohlcv-1d", _utc_ns(first), _utc_ns(end)) if known else []
    said = gateway.conditions(asset.dataset, first, end - timedelta(days=1))
    with transaction.atomic():
        conditions.save(asset.dataset, first, end, said)
        _save_ids(contracts, ids)
        DailyBar.objects.bulk_create(_daily_bars(contracts, found), ignore_conflicts=True, batch_size=2_000)
        _add_span(asset, first, end, gateway.name)
    progress.say(f"{asset.root}: daily volumes up to {end}", 1)


def _save_ids(contracts: list[Contract], ids: list[IdInterval]) -> None:
    rows = [
        InstrumentId(
            contract=contract, instrument_id=interval.instrument_id, first_date=interval.first, end_date=interval.end
        )
        for interval in ids
        if (contract := _owner(contracts, interval.symbol, interval.first)) is not None
    ]
    InstrumentId.objects.bulk_create(rows, ignore_conflicts=True)


def _daily_bars(contracts: list[Contract], found: list[SymbolBars]) -> Iterator[DailyBar]:
    for symbol_bars in found:
        bars = symbol_bars.bars
        for row in zip(bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True):
            ts, open_, high, low, close, volume = map(int, row)
            day = datetime.fromtimestamp(ts // SECOND_NS, UTC).date()
            contract = _owner(contracts, symbol_bars.symbol, day)
            if contract is not None:
                yield DailyBar(contract=contract, date=day, open=open_, high=high, low=low, close=close, volume=volume)


def _owner(contracts: list[Contract], symbol: str, day: date) -> Contract | None:
    """Whose symbol it is on that day: one-digit years repeat, the nearest delivery that is not over has it."""
    alike = [c for c in contracts if c.raw_symbol == symbol and c.delivery + NEAR_BEFORE > day]
    return min(alike, key=lambda contract: contract.delivery, default=None)


def _add_span(asset: Asset, first: date, end: date, source: str) -> None:
    """Record [first, end) as here, joined with the spans it touches."""
    touching = asset.daily_spans.select_for_update().filter(first_date__lte=end, end_date__gte=first)
    spans = [(first, end), *((span.first_date, span.end_date) for span in touching)]
    touching.delete()
    DailySpan.objects.create(
        asset=asset,
        first_date=min(start for start, _ in spans),
        end_date=max(stop for _, stop in spans),
        source=source[:40],
    )


def _utc_ns(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS


def _date(ns: int | None) -> date | None:
    return None if ns is None else datetime.fromtimestamp(ns // SECOND_NS, UTC).date()
