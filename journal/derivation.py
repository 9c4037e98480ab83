"""From the record to trades: the engine's round trips of a take's line, as the journal's rows."""

from collections.abc import Container, Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

from journal.models import Trade
from market.facts import PRICE_SCALE
from market.models import Asset
from trading.codec import of_json
from trading.engine.records import Fill
from trading.engine.roundtrips import Extremes, Left, RoundTrip, round_trips
from trading.engine.settings import Instrument
from trading.engine.terms import Grade
from trading.models import Take
from trading.record import fill_of, fills_of

COARSEST_FIRST = (Grade.BARS, Grade.TRADES, Grade.BOOK)


def line_fills(take: Take) -> list[Fill]:
    """All fills of a take's line."""
    return [fill_of(row) for row in fills_of(take)]


def own_trips(take: Take, fills: Sequence[Fill], extremes: Extremes | None = None) -> list[tuple[int, RoundTrip]]:
    """(number, trip) of those that have a fill of the take's own; the others are those of the takes before.

    Trips are numbered in the order of their first fills. More fills at the end change no number and no trip that is
    over: only those that were open. Those still open in a take that was left end there.
    """
    instruments = {each.name: each for each in of_json(take.instruments, list[Instrument])}
    trips = sorted(round_trips(fills, instruments, extremes, left_of(take)), key=lambda trip: trip.fills[0])
    numbered = enumerate(trips, start=1)
    return [(number, trip) for number, trip in numbered if trip.fills[-1] > take.inherited_fills]


def left_of(take: Take) -> Left | None:
    """Where a take was left with something open; None while it goes on."""
    if take.left_ns is None or take.left_marks is None or not take.is_left:
        return None
    return Left(take.left_ns, take.left_marks)


def retakes_of(take: Take) -> set[int]:
    """The numbers of the take's own fills whose moment had been seen before."""
    return set(take.fills.filter(is_retake=True).values_list("number", flat=True))


def rows(take: Take, fills: Sequence[Fill], retakes: Container[int]) -> Iterator[Trade]:
    """The take's trades, unsaved and unmeasured."""
    grades = {fill.number: fill.why.grade for fill in fills}
    for number, trip in own_trips(take, fills):
        is_retake = any(fill in retakes for fill in trip.fills)
        yield _row(take, number, trip, (grades[fill] for fill in trip.fills), is_retake=is_retake)


def exact(units: Fraction | int) -> Decimal:
    """Dollars of 1e-9 dollars, or a price of 1e-9 units. What is finer is rounded: an average, an open position."""
    return Decimal(round(units)) / PRICE_SCALE


def _row(take: Take, number: int, trip: RoundTrip, grades: Iterable[Grade], *, is_retake: bool) -> Trade:
    session = take.session
    gross, fees = exact(trip.gross), exact(trip.fees)
    return Trade(
        owner_id=session.owner_id,
        session=session,
        take=take,
        asset=session.asset,
        number=number,
        first_fill=trip.fills[0],
        fills=list(trip.fills),
        is_retake=is_retake,
        contract=trip.contract,
        side=int(trip.side),
        quantity=trip.quantity,
        trade_date=_trade_date(session.asset, trip.entry_ns),
        entry_ns=trip.entry_ns,
        exit_ns=trip.exit_ns,
        entry=exact(trip.entry),
        exit=None if trip.exit is None else exact(trip.exit),
        gross=gross,
        fees=fees,
        net=gross - fees,
        grade=min(grades, key=COARSEST_FIRST.index),
        flags=list(trip.flags),
    )


def _trade_date(asset: Asset, ns: int) -> date:
    # a bar's fill has the time of the bar's end: the last one's is the close itself
    return asset.sessions.first_closing_after(ns - 1).trade_date
