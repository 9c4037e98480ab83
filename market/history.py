"""Daily bars of an asset, the contracts that have them, and what the vendor says of its days."""

from collections.abc import Iterator
from datetime import date, timedelta

from django.db import transaction

from market import conditions, contracts
from market.contracts import near
from market.databento_historical import Definition, HistoricalGateway, Request, SymbolBars, definitions_request
from market.jobs import Progress
from market.locks import advisory_lock
from market.models import Asset, DailyBar, DailySpan
from market.sessions import SECOND_NS, utc_date

DEFINITION_EVERY_DAYS = 45
"""A snapshot lists everything traded that day; contracts live far longer than this."""
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
    found: list[Definition] = []
    for day in _snapshot_days(asset, first, end):
        progress.say(f"{asset.root}: contracts of {day}")
        found += gateway.definitions(asset.dataset, asset.root, day)
        progress.say(f"{asset.root}: contracts listed on {day}", 1)
    contracts.save_definitions(asset, found)
    if not any(contract.defined_ns for contract in near(asset, first, end)):
        contracts.generate(asset, first, end)


def _snapshot_days(asset: Asset, first: date, end: date) -> list[date]:
    """Trade dates in [first, end), the first and the last included."""
    dates = [session.trade_date for session in asset.sessions.between(first, end - timedelta(days=1))]
    taken: list[date] = []
    for day in dates:
        if not taken or (day - taken[-1]).days >= DEFINITION_EVERY_DAYS or day == dates[-1]:
            taken.append(day)
    return taken


def _fetch_daily_bars(asset: Asset, gateway: HistoricalGateway, first: date, end: date, progress: Progress) -> None:
    candidates = near(asset, first, end)
    symbols = contracts.symbols_of(candidates, first, end)
    ids = gateway.instrument_ids(asset.dataset, symbols, first, end) if symbols else []
    owned = contracts.owners(candidates, ids)
    known = sorted({interval.symbol for _, interval in owned})
    progress.say(f"{asset.root}: daily volumes of {len(known)} contracts", 1)
    found = gateway.bars(asset.dataset, known, "ohlcv-1d", _utc_ns(first), _utc_ns(end)) if known else []
    said = gateway.conditions(asset.dataset, first, end - timedelta(days=1))
    with transaction.atomic():
        conditions.save(asset.dataset, first, end, said)
        contracts.save_ids(owned)
        DailyBar.objects.bulk_create(daily_bars(owned, found), ignore_conflicts=True, batch_size=2_000)
        _add_span(asset, first, end, gateway.name)
    progress.say(f"{asset.root}: daily volumes up to {end}", 1)


def daily_bars(owned: list[contracts.Owned], found: list[SymbolBars]) -> Iterator[DailyBar]:
    """Unsaved rows: each bar belongs to the contract that had its symbol on its day."""
    for symbol_bars in found:
        of_symbol = [(contract, interval) for contract, interval in owned if interval.symbol == symbol_bars.symbol]
        bars = symbol_bars.bars
        for row in zip(bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume, strict=True):
            ts, open_, high, low, close, volume = map(int, row)
            day = utc_date(ts)
            for contract, interval in of_symbol:
                if interval.first <= day < interval.end:
                    yield DailyBar(
                        contract=contract, date=day, open=open_, high=high, low=low, close=close, volume=volume
                    )


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
