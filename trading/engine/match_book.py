"""Fills where the book is known: walking what is displayed, and waiting in its queues."""

from dataclasses import dataclass

import numpy as np

from market.engine.bars import Int64s
from market.engine.book import BookTape
from market.engine.trades import BUY, SELL
from trading.engine import scan
from trading.engine.feed import Span
from trading.engine.levels import OPPOSITE, OWN, UNKNOWN, Consumption, Ladder, ladders
from trading.engine.matching import Desk
from trading.engine.orders import Order
from trading.engine.records import Explanation
from trading.engine.terms import DEPTH_EXHAUSTED, PROTECTED, Grade, Reason, Side, TimeInForce

WHY = {scan.BY_QUEUE: Reason.QUEUE, scan.BY_THROUGH: Reason.THROUGH, scan.BY_BEST: Reason.BEST_REACHED}
AGGRESSOR = {Side.BUY: BUY, Side.SELL: SELL}
ANY_PRICE = {Side.BUY: 2**62, Side.SELL: -(2**62)}
"""The limit of a market order that waits for the first opposite price."""
LOOK_BACK = 4_096


@dataclass(frozen=True, slots=True)
class _Take:
    """So much of a displayed level. own: what was taken of it before. place: of the level, the best is 1."""

    price: int
    lots: int
    shown: int
    own: int
    place: int


class BookMatcher:
    """See `matching.Matcher`. The rows of `_queue` stand in the order in which own orders came."""

    def __init__(self, desk: Desk, span: Span, row: int) -> None:
        assert isinstance(span.tape, BookTape)
        self.desk, self.span, self.row = desk, span, row
        self._tape = span.tape
        self._orders: list[Order] = []
        self._queue: Int64s = np.zeros((0, scan.WIDTH), np.int64)
        self._taken = Consumption(self._tape)
        tape = self._tape
        self._columns = (
            *(tape.price, tape.size, tape.action, tape.side, tape.change_end),
            *(tape.change_price, tape.change_size, tape.change_side, tape.change_kind),
        )

    def enter(self, order: Order, print_size: int = 0) -> None:
        own, opposite = self._ladders(order)
        printed = None
        if print_size and int(self._tape.side[self.row - 1]) == AGGRESSOR[order.side]:
            self._print_leaves(order, opposite, print_size)
            printed = int(self._tape.price[self.row - 1]), print_size
        if order.spec.post_only and self._crosses(order, opposite):
            self.desk.reject(order, Reason.POST_ONLY, "post-only: it would trade at once")
            return
        self._walk(order, own, opposite, printed)
        if not order.is_over:
            self._rest(order, own, opposite)

    def leave(self, order: Order) -> None:
        if order in self._orders:
            at = self._orders.index(order)
            del self._orders[at]
            self._queue = np.delete(self._queue, at, axis=0)

    def shrunk(self, order: Order) -> None:
        if order in self._orders:
            self._queue[self._orders.index(order), scan.LEFT] = order.left

    def scan(self, stop: int, under: int, over: int) -> int:
        self.row = scan.next_book_row(
            self.row, stop, *self._columns, self._queue, int(self.desk.settings.preset), under, over
        )
        return self.row

    def settle(self) -> None:
        row = self.row
        self.row = row + 1
        answers = [(order, values) for order, values in zip(self._orders, self._queue.tolist(), strict=True)]
        for order, values in answers:
            if values[scan.FILL] and not order.is_over:
                self._passive_fill(order, values, row)
        for order, values in answers:
            if values[scan.WHY] == scan.BY_SWEEP and not order.is_over:
                self._sweep(order)
        for order in self._orders:
            self.shrunk(order)
        if self._tape.action[row] == ord("T") and self._tape.size[row]:
            self._printed(int(self._tape.price[row]))

    def last_print(self) -> int | None:
        end = self.row
        while end > 0:
            start = max(0, end - LOOK_BACK)
            found = np.flatnonzero((self._tape.action[start:end] == ord("T")) & (self._tape.size[start:end] > 0))
            if len(found):
                return int(self._tape.price[start + found[-1]])
            end = start
        return None

    def snapshot(self) -> object:
        return self.row, self._queue.copy()

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, tuple)
        self.row, self._queue = snapshot[0], snapshot[1].copy()

    def queues(self) -> dict[str, tuple[int, int]]:
        """Lots ahead (−1 unknown) and displayed (−1 out of view) of every resting order, by client order id."""
        columns = self._queue[:, [scan.AHEAD, scan.SHOWN]].tolist()
        return {order.client_id: (ahead, shown) for order, (ahead, shown) in zip(self._orders, columns, strict=True)}

    def best_bid(self) -> int | None:
        """The best bid after the rows that are past."""
        return ladders(self._tape, self.row - 1)[0].best

    def mid(self) -> int | None:
        """The middle of best bid and offer after the rows that are past; None without one of them."""
        bids, asks = ladders(self._tape, self.row - 1)
        return None if bids.best is None or asks.best is None else (bids.best + asks.best) // 2

    # --- taking ---

    def _ladders(self, order: Order) -> tuple[Ladder, Ladder]:
        """The own and the opposite side after the rows that are past."""
        bids, asks = ladders(self._tape, self.row - 1)
        return (bids, asks) if order.side is Side.BUY else (asks, bids)

    def _print_leaves(self, order: Order, opposite: Ladder, lots: int) -> None:
        price = int(self._tape.price[self.row - 1])
        shown = opposite.size_at(price, order.side.opposite)
        if shown:
            self._taken.take(OPPOSITE[order.side], price, self.row - 1, lots, shown)

    def _crosses(self, order: Order, opposite: Ladder) -> bool:
        return order.limit is not None and opposite.best is not None and order.side.reached(opposite.best, order.limit)

    def _walk(self, order: Order, own: Ladder, opposite: Ladder, printed: tuple[int, int] | None = None) -> None:
        """Take what is displayed within the limit; an immediate order is over after it.

        printed: price and size of the print that triggered it, where that took from the opposite side.
        A crossed book is that of an auction, which the opening will solve: there is nothing to take yet.
        """
        if own.best is not None and opposite.best is not None and order.side.reached(opposite.best, own.best):
            opposite = UNKNOWN
        if order.limit is None and opposite.best is not None:
            order.limit = opposite.best + order.side * self.desk.instrument.protection * self.desk.instrument.tick
            order.protected = True
        takes = self._plan(order, opposite)
        if order.spec.tif is TimeInForce.FOK and sum(take.lots for take in takes) < order.left:
            takes = []
        flags = self._flags(order, opposite, takes)
        for take in takes:
            last = take is takes[-1]
            self._taken.take(OPPOSITE[order.side], take.price, self.row - 1, take.lots, take.shown)
            self.desk.fill(order, take.lots, take.price, self._walked(order, take, printed, flags if last else ()))
            if order.is_over:
                return
        if order.spec.tif.is_immediate:
            self.desk.cancel(order, Reason.NOT_FILLED_AT_ONCE)

    def _plan(self, order: Order, opposite: Ladder) -> list[_Take]:
        takes: list[_Take] = []
        left = order.left
        for place, (price, shown) in enumerate(zip(opposite.prices, opposite.sizes, strict=True), start=1):
            if not left or order.limit is None or not order.side.reached(price, order.limit):
                break
            own = self._taken.at(OPPOSITE[order.side], price, self.row - 1)
            lots = min(left, max(0, shown - own))
            if lots:
                takes.append(_Take(price, lots, shown, own, place))
                left -= lots
        return takes

    def _flags(self, order: Order, opposite: Ladder, takes: list[_Take]) -> tuple[str, ...]:
        if not takes or sum(take.lots for take in takes) == order.left:
            return ()
        assert order.limit is not None
        if order.side.reached(opposite.prices[-1], order.limit) and len(opposite.prices) == 10:
            return (DEPTH_EXHAUSTED,)
        return (PROTECTED,) if order.protected else ()

    def _walked(
        self, order: Order, take: _Take, printed: tuple[int, int] | None, flags: tuple[str, ...]
    ) -> Explanation:
        return Explanation(
            grade=Grade.BOOK,
            reason=Reason.WALK,
            events=(int(self._tape.sequence[self.row - 1]),),
            level=take.shown,
            own=take.own,
            printed=min(take.own, printed[1]) if printed and printed[0] == take.price else 0,
            place=take.place,
            latency_ns=order.latency_ns,
            preset=self.desk.settings.preset,
            flags=flags,
        )

    # --- resting ---

    def _rest(self, order: Order, own: Ladder, opposite: Ladder) -> None:
        self._orders.append(order)
        self._queue = np.concatenate([self._queue, [self._place(order, own, opposite)]])

    def _place(self, order: Order, own: Ladder, opposite: Ladder) -> Int64s:
        """Where an order stands that joins the queue of its price now: a row of the queue."""
        values = np.zeros(scan.WIDTH, np.int64)
        price = ANY_PRICE[order.side] if order.limit is None else order.limit
        order.ahead_placed = shown = own.size_at(price, order.side)
        values[scan.SIDE], values[scan.PRICE], values[scan.LEFT] = OWN[order.side], price, order.left
        values[scan.AHEAD] = values[scan.SHOWN] = -1 if shown is None else shown
        values[scan.SWEEPS] = 2 if order.limit is None else self._crosses(order, opposite)
        return values

    def _passive_fill(self, order: Order, values: list[int], row: int) -> None:
        before = values[scan.BEFORE]
        reason = WHY[values[scan.WHY]]
        known = before >= 0 and not values[scan.SWEEPS]
        seen = values[scan.AHEAD] + values[scan.TRADED] + values[scan.CANCELLED]
        why = Explanation(
            grade=Grade.BOOK,
            reason=reason,
            events=(int(self._tape.sequence[row]),),
            level=int(self._tape.size[row]),
            own=values[scan.OWN],
            latency_ns=order.latency_ns,
            preset=self.desk.settings.preset,
            ahead_placed=order.ahead_placed,
            ahead_seen=seen if known and order.ahead_placed is None else None,
            ahead_before=before if known else None,
            ahead_after=(values[scan.AHEAD] if reason is Reason.QUEUE else 0) if known else None,
            traded=values[scan.TRADED],
            cancelled=values[scan.CANCELLED],
        )
        self.desk.fill(order, min(values[scan.FILL], order.left), values[scan.PRICE], why)

    def _sweep(self, order: Order) -> None:
        """The opposite side changed within the limit of a remainder: take again, then rest where it rests."""
        own, opposite = self._ladders(order)
        self._walk(order, own, opposite)
        if not order.is_over:
            self._queue[self._orders.index(order)] = self._place(order, own, opposite)

    def _printed(self, price: int) -> None:
        size = int(self._tape.size[self.row - 1])
        for order in [stop for stop in self.desk.stops() if stop.stop is not None]:
            assert order.stop is not None
            if order.is_stop and order.side.opposite.reached(price, order.stop):
                order.set_off = price, size, int(self._tape.sequence[self.row - 1])
                self.desk.trigger(order, size)
        self.desk.seen(price, price)
