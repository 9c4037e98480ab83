"""Fills where only bars are known. A bar is carried out when it is over; inside it the nearer extreme comes first."""

from dataclasses import dataclass, replace
from typing import NamedTuple

from market.engine.bars import Bars
from trading.engine import scan
from trading.engine.feed import Span
from trading.engine.matching import Desk
from trading.engine.orders import Order
from trading.engine.records import Explanation
from trading.engine.terms import AMBIGUOUS_BAR, Grade, OrderType, Preset, Reason, Side, TimeInForce


class _Bar(NamedTuple):
    """One bar. share: the lots of it that own orders may take, at least one."""

    ts: int
    open: int
    high: int
    low: int
    volume: int
    share: int

    def is_after_turn(self, price: int) -> bool:
        """Whether the path from the open reaches the price only after the first extreme. A tie goes down first."""
        up_first = self.high - self.open < self.open - self.low
        return price < self.open if up_first else price > self.open


@dataclass(frozen=True, slots=True)
class _Chance:
    """What a bar offers an order. step: 0 at the open, 1 on the way to the first extreme, 2 to the second."""

    order: Order
    price: int
    step: int
    away: int
    reason: Reason
    lots: int
    flags: tuple[str, ...] = ()


class BarsMatcher:
    """See `matching.Matcher`. first: the first row that an order may use, by order."""

    def __init__(self, desk: Desk, span: Span, row: int) -> None:
        assert isinstance(span.tape, Bars)
        self.desk, self.span, self.row = desk, span, row
        self._tape = span.tape
        self._orders: list[Order] = []
        self._first: dict[Order, int] = {}

    def enter(self, order: Order, print_size: int = 0) -> None:
        if order.spec.post_only and self._crosses(order):
            self.desk.reject(order, Reason.POST_ONLY, "post-only: it would trade at once")
            return
        self._orders.append(order)
        self._first[order] = self._first_row(order)
        for row in range(self._first[order], self.row):
            self._trade(row, [order])
            if order.is_over:
                return

    def leave(self, order: Order) -> None:
        if order in self._first:
            self._orders.remove(order)
            del self._first[order]

    def shrunk(self, order: Order) -> None:
        """Nothing to do: no queue is known."""

    def scan(self, stop: int, under: int, over: int) -> int:
        for order in self._orders:
            if order.limit is None or order.spec.tif.is_immediate:
                under = scan.NO_HIGH
            elif order.side is Side.BUY:
                under = max(under, order.limit)
            else:
                over = min(over, order.limit)
        self.row = scan.first_outside(self._tape.low, self._tape.high, self.row, stop, under, over)
        return self.row

    def settle(self) -> None:
        row = self.row
        self.row = row + 1
        waiting = [order for order in self.desk.stops() if order.act_ns <= self._tape.ts[row]]
        self._trade(row, [*(order for order in self._orders if self._first[order] <= row), *waiting])
        self.desk.seen(int(self._tape.low[row]), int(self._tape.high[row]))

    def last_print(self) -> int | None:
        return int(self._tape.close[self.row - 1]) if self.row else None

    def snapshot(self) -> object:
        return self.row

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, int)
        self.row = snapshot

    def _crosses(self, order: Order) -> bool:
        last = self.last_print()
        return last is not None and order.limit is not None and (last - order.limit) * order.side < 0

    def _first_row(self, order: Order) -> int:
        """A market order uses the bar that covers its placement, none of a halt; a limit one that it was there for."""
        if order.triggered:
            return self.row
        if order.limit is None or order.spec.tif.is_immediate:
            opened = max((start for start, _ in self.span.trading if start <= self.desk.now), default=self.desk.now)
            covering = int(self.span.known.searchsorted(order.placed_ns, side="right"))
            return max(covering, int(self._tape.ts.searchsorted(opened)))
        return int(self._tape.ts.searchsorted(self.desk.now))

    # --- one bar ---

    def _bar(self, row: int) -> _Bar:
        tape = self._tape
        volume = int(tape.volume[row])
        share = max(1, volume * self.desk.settings.bar_share // 100)
        return _Bar(int(tape.ts[row]), int(tape.open[row]), int(tape.high[row]), int(tape.low[row]), volume, share)

    def _trade(self, row: int, orders: list[Order]) -> None:
        bar = self._bar(row)
        left = bar.share
        for chance in self._chances(bar, orders):
            order = chance.order
            if order.is_over:
                continue
            if order.is_stop:
                self.desk.trigger(order, 0)
            lots = min(chance.lots, order.left, left)
            if order.spec.tif is TimeInForce.FOK and lots < order.left:
                lots = 0
            if lots:
                left -= lots
                self.desk.fill(order, lots, chance.price, self._why(chance, bar, bar.share - left - lots))
        for order in orders:
            if order.spec.tif.is_immediate and not order.is_over and not order.is_stop:
                self.desk.cancel(order, Reason.NOT_FILLED_AT_ONCE)

    def _chances(self, bar: _Bar, orders: list[Order]) -> list[_Chance]:
        """In the order of the bar's path, then of the own queue."""
        found = [chance for order in orders if (chance := self._chance(order, bar)) is not None]
        stopped = {pair: chance for chance in found if chance.order.is_stop and (pair := chance.order.pair) is not None}
        kept = []
        for chance in found:
            stop = stopped.get(chance.order.pair)
            if chance is stop:
                kept.append(self._flagged(stop, found))
            elif stop is None or chance.step == 0 < stop.step:
                kept.append(chance)
        return sorted(kept, key=lambda chance: (chance.step, chance.away))

    def _flagged(self, stop: _Chance, found: list[_Chance]) -> _Chance:
        """The stop, flagged where its target lies in the bar as well and neither was there at the open."""
        rivals = [chance for chance in found if chance.order.pair == stop.order.pair and chance is not stop]
        if stop.step == 0 or not any(chance.step for chance in rivals):
            return stop
        return replace(stop, flags=(AMBIGUOUS_BAR,))

    def _chance(self, order: Order, bar: _Bar) -> _Chance | None:
        if order.is_stop:
            return self._stop_chance(order, bar)
        worse = bar.high if order.side is Side.BUY else bar.low
        if order.limit is None:
            return _Chance(order, worse, 0, 0, Reason.BAR_EXTREME, bar.share)
        if order.spec.tif.is_immediate:
            reached = order.side.reached(worse, order.limit)
            return _Chance(order, worse, 0, 0, Reason.BAR_EXTREME, bar.share) if reached else None
        return self._limit_chance(order, order.limit, bar)

    def _limit_chance(self, order: Order, limit: int, bar: _Bar) -> _Chance | None:
        better = bar.low if order.side is Side.BUY else bar.high
        if (bar.open - limit) * order.side < 0:
            return _Chance(order, bar.open, 0, 0, Reason.BAR_OPEN, bar.share)
        step, away = 1 + bar.is_after_turn(limit), abs(limit - bar.open)
        if (better - limit) * order.side < 0:
            return _Chance(order, limit, step, away, Reason.THROUGH, bar.share)
        preset = self.desk.settings.preset
        if better != limit or preset is Preset.CONSERVATIVE:
            return None
        lots = bar.share if preset is Preset.OPTIMISTIC else bar.share // 2
        return _Chance(order, limit, step, away, Reason.BAR_TOUCH, lots)

    def _stop_chance(self, order: Order, bar: _Bar) -> _Chance | None:
        if order.stop is None:
            return None
        worse = bar.high if order.side is Side.BUY else bar.low
        if not order.side.opposite.reached(worse, order.stop):
            return None
        at_open = order.side.opposite.reached(bar.open, order.stop)
        price = bar.open if at_open else order.stop
        slipped = price + order.side * self.desk.settings.slip * self.desk.instrument.tick
        step = 0 if at_open else 1 + bar.is_after_turn(order.stop)
        lots = 0 if order.spec.type is OrderType.STOP_LIMIT else bar.share
        return _Chance(order, slipped, step, abs(price - bar.open), Reason.BAR_STOP, lots)

    def _why(self, chance: _Chance, bar: _Bar, own: int) -> Explanation:
        return Explanation(
            grade=Grade.BARS,
            reason=chance.reason,
            events=(bar.ts,),
            level=bar.volume,
            own=own,
            latency_ns=chance.order.latency_ns,
            preset=self.desk.settings.preset,
            slip=self.desk.settings.slip if chance.reason is Reason.BAR_STOP else 0,
            beyond=chance.reason is Reason.BAR_STOP and chance.step == 0,
            flags=chance.flags,
        )
