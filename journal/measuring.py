"""MAE and MFE from the tapes that decided the fills."""

import logging
from collections.abc import Iterable
from decimal import Decimal

from journal import derivation
from journal.models import Trade
from market.store import DamagedPiece
from trading.engine.feed import Span
from trading.engine.roundtrips import RoundTrip, extremes_of
from trading.models import Take
from trading.record import pins_of
from trading.spans import NoTape, Pinned, load

log = logging.getLogger(__name__)

Interval = tuple[int, int]
ALWAYS = (0, 2**63 - 1)


def measure(take: Take, trades: Iterable[Trade]) -> dict[int, tuple[Decimal, Decimal]]:
    """(worst, best) in dollars by first fill; those whose tapes are not all stored as they were are left out."""
    wanted = {trade.first_fill: trade for trade in trades}
    spans, lacking = _tapes(take, list(wanted.values()))
    fills = derivation.line_fills(take)
    return {
        trip.fills[0]: (derivation.exact(trip.worst), derivation.exact(trip.best))
        for _, trip in derivation.own_trips(take, fills, extremes_of(spans))
        if trip.fills[0] in wanted and _is_known(trip, lacking) and trip.worst is not None and trip.best is not None
    }


def _tapes(take: Take, trades: list[Trade]) -> tuple[dict[str, list[Span]], list[tuple[str, Interval]]]:
    """The sessions in which these trades were open, by contract, and (contract, hours) of those that cannot be had."""
    spans: dict[str, list[Span]] = {}
    lacking = []
    for pinned in pins_of(take):
        hours = _hours(take, pinned)
        if not any(_was_open(trade, pinned.contract, hours) for trade in trades):
            continue
        try:
            spans.setdefault(pinned.contract, []).append(load(pinned))
        except (NoTape, DamagedPiece) as problem:
            log.warning("no MAE and MFE in %s: %s", take, problem)
            lacking.append((pinned.contract, hours))
    return spans, lacking


def _hours(take: Take, pinned: Pinned) -> Interval:
    session = take.session.asset.sessions.session(pinned.trade_date)
    return ALWAYS if session is None else (session.open_ns, session.close_ns)


def _was_open(trade: Trade, contract: str, hours: Interval) -> bool:
    assert trade.exit_ns is not None
    return trade.contract == contract and trade.entry_ns <= hours[1] and trade.exit_ns >= hours[0]


def _is_known(trip: RoundTrip, lacking: list[tuple[str, Interval]]) -> bool:
    assert trip.exit_ns is not None
    return not any(
        trip.contract == contract and trip.entry_ns <= end and trip.exit_ns >= start
        for contract, (start, end) in lacking
    )
