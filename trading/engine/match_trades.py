"""Fills where only prints are known: in the place of a print's buyer or seller, or behind an assumed queue."""

from dataclasses import dataclass

import numpy as np

from market.engine.trades import BUY, SELL, Trades
from trading.engine import scan
from trading.engine.feed import Span
from trading.engine.matching import Desk
from trading.engine.orders import Order
from trading.engine.records import Explanation
from trading.engine.terms import PROTECTED, Grade, Reason, Side, TimeInForce

OWN_AGGRESSOR = {Side.BUY: BUY, Side.SELL: SELL}


@dataclass(slots=True)
class _Place:
    """Where an order stands. takes: it takes the prints that come; otherwise `ahead` lots are assumed before it."""

    order: Order
    takes: bool
    ahead: int
    traded: int = 0


class TradesMatcher:
    """See `matching.Matcher`."""

    def __init__(self, desk: Desk, span: Span, row: int) -> None:
        assert isinstance(span.tape, Trades)
        self.desk, self.span, self.row = desk, span, row
        self._tape = span.tape
        self._places: list[_Place] = []

    def enter(self, order: Order, print_size: int = 0) -> None:
        last = self.last_print()
        crosses = order.limit is not None and last is not None and (last - order.limit) * order.side < 0
        if order.spec.post_only and crosses:
            self.desk.reject(order, Reason.POST_ONLY, "post-only: it would trade at once")
            return
        ahead = self.desk.settings.ahead_on_trades
        order.ahead_placed = ahead
        self._places.append(_Place(order, order.is_market or crosses or order.spec.tif.is_immediate, ahead))

    def leave(self, order: Order) -> None:
        self._places = [place for place in self._places if place.order is not order]

    def shrunk(self, order: Order) -> None:
        """Nothing to do: the place looks at the order."""

    def scan(self, stop: int, under: int, over: int) -> int:
        if any(place.takes for place in self._places):
            under = scan.NO_HIGH
        for place in self._places:
            limit = place.order.limit
            if limit is not None:
                under = max(under, limit) if place.order.side is Side.BUY else under
                over = min(over, limit) if place.order.side is Side.SELL else over
        self.row = scan.first_outside(self._tape.price, self._tape.price, self.row, stop, under, over)
        return self.row

    def settle(self) -> None:
        row = self.row
        self.row = row + 1
        price, size = int(self._tape.price[row]), int(self._tape.size[row])
        if not size:
            return
        taken = 0
        for place in list(self._places):
            if not place.order.is_over:
                taken += self._offer(place, row, price, size, taken)
        for order in [stop for stop in self.desk.stops() if stop.stop is not None]:
            assert order.stop is not None
            if order.is_stop and order.side.opposite.reached(price, order.stop):
                order.set_off = price, size, int(self._tape.sequence[row])
                self.desk.trigger(order, size)
        self.desk.seen(price, price)

    def last_print(self) -> int | None:
        real = np.flatnonzero(self._tape.size[max(0, self.row - 64) : self.row])
        if len(real):
            return int(self._tape.price[max(0, self.row - 64) + real[-1]])
        real = np.flatnonzero(self._tape.size[: self.row])
        return int(self._tape.price[real[-1]]) if len(real) else None

    def snapshot(self) -> object:
        return self.row

    def restore(self, snapshot: object) -> None:
        assert isinstance(snapshot, int)
        self.row = snapshot

    # --- one print ---

    def _offer(self, place: _Place, row: int, price: int, size: int, taken: int) -> int:
        """What an order makes of a print of which own orders have `taken` some; the lots that it takes."""
        if place.takes:
            return self._take(place, row, price, size, taken)
        return self._wait(place, row, price, size, taken)

    def _take(self, place: _Place, row: int, price: int, size: int, taken: int) -> int:
        order = place.order
        if order.limit is None:
            order.limit = price + order.side * self.desk.instrument.protection * self.desk.instrument.tick
            order.protected = True
        lots = min(order.left, size - taken) if order.side.reached(price, order.limit) else 0
        if order.spec.tif is TimeInForce.FOK and lots < order.left:
            lots = 0
        if lots:
            self.desk.fill(order, lots, price, self._why(place, Reason.PRINT, row, size, taken))
        if order.spec.tif.is_immediate and not order.is_over:
            self.desk.cancel(order, Reason.NOT_FILLED_AT_ONCE)
        elif not order.side.reached(price, order.limit):
            place.takes = False
        return lots

    def _wait(self, place: _Place, row: int, price: int, size: int, taken: int) -> int:
        order = place.order
        assert order.limit is not None
        if price != order.limit:
            if order.side.reached(price, order.limit):
                self.desk.fill(order, order.left, order.limit, self._why(place, Reason.THROUGH, row, size, 0))
            return 0
        if int(self._tape.side[row]) == OWN_AGGRESSOR[order.side]:
            return 0
        before = place.ahead
        gone = min(before, size - taken)
        place.ahead -= gone
        place.traded += gone
        lots = min(size - taken - gone, order.left)
        if lots:
            self.desk.fill(order, lots, price, self._why(place, Reason.QUEUE, row, size, taken, before))
        return lots

    def _why(
        self, place: _Place, reason: Reason, row: int, size: int, taken: int, before: int | None = None
    ) -> Explanation:
        order = place.order
        return Explanation(
            grade=Grade.TRADES,
            reason=reason,
            events=(int(self._tape.sequence[row]),),
            level=size,
            own=taken,
            latency_ns=order.latency_ns,
            preset=self.desk.settings.preset,
            ahead_placed=None if place.takes else order.ahead_placed,
            ahead_before=before,
            ahead_after=None if before is None else place.ahead,
            traded=place.traded,
            flags=(PROTECTED,) if order.protected and not place.takes else (),
        )
