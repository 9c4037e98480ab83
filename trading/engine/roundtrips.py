"""Round trips: what a trader calls a trade, from the position's opening to its end, derived from fills alone."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from market.engine.bars import Bars
from market.engine.book import BookTape
from trading.engine.account import Position
from trading.engine.feed import Span
from trading.engine.records import Fill
from trading.engine.settings import Instrument
from trading.engine.terms import Side

Extremes = Callable[[str, int, int], tuple[int, int] | None]
"""Lowest and highest price of a contract from one instant to another (UTC ns); None where the tape has none."""


LEFT_OPEN = "left"
"""The flag of a trip that ended where its take was left, at the last price seen there."""


@dataclass(frozen=True, slots=True)
class Left:
    """Where a line of trading was left for good: UTC ns, and last prices there by contract, 1e-9 units."""

    ns: int
    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """One trip: from flat to flat, or through zero. Money is 1e-9 dollars, times UTC ns, prices 1e-9 units.

    quantity: the most lots held. entry, exit: average prices, exit None while open. exit_ns: None while open.
    gross: realised, before fees. worst, best: of the position's money at the tape's extremes while it was open, before
    fees, never above, below 0; None where the tape does not say. flags: of all its fills.
    """

    contract: str
    side: Side
    quantity: int
    entry_ns: int
    exit_ns: int | None
    entry: Fraction
    exit: Fraction | None
    gross: Fraction
    fees: int
    worst: Fraction | None
    best: Fraction | None
    fills: tuple[int, ...]
    flags: tuple[str, ...]

    @property
    def net(self) -> Fraction:
        """What it has brought after fees."""
        return self.gross - self.fees

    @property
    def is_open(self) -> bool:
        return self.exit_ns is None


@dataclass(slots=True)
class _Open:
    """A trip in the making."""

    position: Position
    side: Side
    entry_ns: int
    last_ns: int
    most: int = 0
    entered: list[tuple[int, int]] = field(default_factory=list)
    left: list[tuple[int, int]] = field(default_factory=list)
    fills: list[int] = field(default_factory=list)
    flags: dict[str, None] = field(default_factory=dict)
    extremes: list[Fraction] = field(default_factory=list)


def round_trips(
    fills: Iterable[Fill],
    instruments: Mapping[str, Instrument],
    extremes: Extremes | None = None,
    left: Left | None = None,
) -> list[RoundTrip]:
    """Round trips in the order of their ends, those still open last.

    A fill that turns the position ends one trip and begins the next; its fee is shared by quantity, what does not
    divide stays with the first. left: where no fill comes any more; what is open there ends at its price, without a
    fee. The same fills give the same trips.
    """
    going: dict[str, _Open] = {}
    done: list[RoundTrip] = []
    for fill in fills:
        for quantity, fee in _parts(fill, going.get(fill.contract)):
            trip = going.get(fill.contract)
            if trip is None:
                trip = going[fill.contract] = _Open(Position(instruments[fill.contract]), fill.side, fill.ns, fill.ns)
            _add(trip, fill, quantity, fee, extremes)
            if not trip.position.quantity:
                done.append(_made(going.pop(fill.contract), is_over=True))
    marks = left.marks if left is not None else {}
    for name in [name for name in going if name in marks]:
        assert left is not None
        _leave(going[name], left.ns, marks[name], extremes)
        done.append(_made(going.pop(name), is_over=True))
    return done + [_made(trip, is_over=False) for trip in going.values()]


def extremes_of(spans: Mapping[str, Iterable[Span]]) -> Extremes:
    """Extremes from tapes: of the bars that lie wholly in the time, else of the prints."""

    def found(contract: str, start_ns: int, end_ns: int) -> tuple[int, int] | None:
        parts = [part for span in spans.get(contract, ()) if (part := _of_span(span, start_ns, end_ns))]
        return (min(low for low, _ in parts), max(high for _, high in parts)) if parts else None

    return found


def _of_span(span: Span, start_ns: int, end_ns: int) -> tuple[int, int] | None:
    tape = span.tape
    ends = span.known
    first = int(tape.ts.searchsorted(start_ns)) if isinstance(tape, Bars) else int(ends.searchsorted(start_ns))
    rows = slice(first, int(ends.searchsorted(end_ns, side="right")))
    if isinstance(tape, Bars):
        low, high = tape.low[rows], tape.high[rows]
    else:
        is_print = tape.size[rows] > 0
        if isinstance(tape, BookTape):
            is_print &= tape.action[rows] == ord("T")
        low = high = tape.price[rows][is_print]
    return (int(low.min()), int(high.max())) if len(low) else None


def _parts(fill: Fill, trip: _Open | None) -> Iterator[tuple[int, int]]:
    """(quantity, fee) of the fill for the trip in progress and for the one it begins."""
    held = trip.position.quantity if trip else 0
    closing = min(fill.quantity, abs(held)) if held * fill.side < 0 else fill.quantity
    later_fee = fill.fee * (fill.quantity - closing) // fill.quantity
    yield closing, fill.fee - later_fee
    if closing < fill.quantity:
        yield fill.quantity - closing, later_fee


def _add(trip: _Open, fill: Fill, quantity: int, fee: int, extremes: Extremes | None) -> None:
    if extremes is not None and trip.fills:
        _see(trip, extremes(fill.contract, trip.last_ns, fill.ns))
    trip.position.take(fill.side, quantity, fill.price, fee)
    (trip.entered if fill.side is trip.side else trip.left).append((quantity, fill.price))
    trip.most = max(trip.most, abs(trip.position.quantity))
    trip.last_ns = fill.ns
    trip.fills.append(fill.number)
    trip.flags |= dict.fromkeys(fill.why.flags)
    if extremes is not None:
        _see(trip, (fill.price, fill.price))


def _leave(trip: _Open, ns: int, price: int, extremes: Extremes | None) -> None:
    """End a trip at a price, as if it had been closed there for nothing."""
    if extremes is not None:
        _see(trip, extremes(trip.position.instrument.name, trip.last_ns, ns))
    lots = abs(trip.position.quantity)
    trip.position.take(Side(-trip.side), lots, price, fee=0)
    trip.left.append((lots, price))
    trip.last_ns = ns
    trip.flags[LEFT_OPEN] = None
    if extremes is not None:
        _see(trip, (price, price))


def _see(trip: _Open, prices: tuple[int, int] | None) -> None:
    """What the trip stands at, with the position as it was between these prices."""
    for price in prices or ():
        trip.extremes.append(trip.position.realised + trip.position.open_money(price))


def _made(trip: _Open, *, is_over: bool) -> RoundTrip:
    return RoundTrip(
        contract=trip.position.instrument.name,
        side=trip.side,
        quantity=trip.most,
        entry_ns=trip.entry_ns,
        exit_ns=trip.last_ns if is_over else None,
        entry=_average(trip.entered),
        exit=_average(trip.left) if is_over else None,
        gross=trip.position.realised,
        fees=trip.position.fees,
        worst=min(Fraction(), *trip.extremes) if trip.extremes else None,
        best=max(Fraction(), *trip.extremes) if trip.extremes else None,
        fills=tuple(trip.fills),
        flags=tuple(trip.flags),
    )


def _average(lots: list[tuple[int, int]]) -> Fraction:
    return Fraction(sum(quantity * price for quantity, price in lots), sum(quantity for quantity, _ in lots))
