"""One contract's orders against its tape, session after session."""

from collections.abc import Sequence
from typing import Protocol

from market.engine.bars import Bars
from market.engine.trades import Trades
from trading.engine import exits, trailing
from trading.engine.exits import ExitGroup
from trading.engine.feed import Feed, Span
from trading.engine.match_bars import BarsMatcher
from trading.engine.match_book import BookMatcher
from trading.engine.match_trades import TradesMatcher
from trading.engine.matching import Matcher
from trading.engine.orders import Order
from trading.engine.records import Explanation, price_text
from trading.engine.scan import NO_HIGH, NO_LOW
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import Change, Grade, OrderType, Reason, Side

LOOK_AHEAD = 1_024
"""Rows that are looked at beyond the playhead: 15 µs where the book is known."""


class House(exits.House, Protocol):
    """What a market needs of the broker."""

    now: int
    start_ns: int

    def say(self, order: Order, change: Change, reason: Reason, text: str = "") -> None: ...
    def end(self, order: Order, change: Change, reason: Reason, text: str = "") -> None: ...
    def book(self, order: Order, quantity: int, price: int, why: Explanation) -> None: ...
    def marked(self, contract: str, low: int, high: int) -> None: ...
    def held(self, contract: str) -> int: ...
    def settle(self, contract: str, grade: Grade) -> None: ...


class Market:
    """See `matching.Desk`. orders: all that work or wait for the opening, as they came."""

    def __init__(self, instrument: Instrument, settings: FillSettings, feed: Feed, house: House) -> None:
        self.instrument, self.settings = instrument, settings
        self.orders: dict[int, Order] = {}
        self.groups: list[ExitGroup] = []
        self.watch = (NO_LOW, NO_HIGH)
        """Print prices (at or under, at or over) of which the account's rules want to know."""
        self.span: Span | None = None
        self.matcher: Matcher | None = None
        self.is_trading = False
        self._feed, self._house = feed, house
        self._from_ns = house.start_ns
        self._bounds: list[int] = []
        self._carried: int | None = None
        self._is_found = False
        self._here: object = None
        """The matcher's state at the playhead while it has looked ahead; None where it has not."""

    @property
    def now(self) -> int:
        return self._house.now

    @property
    def is_active(self) -> bool:
        """Whether what the tape says can change anything."""
        if self.orders or self.watch != (NO_LOW, NO_HIGH):
            return True
        return bool(self.instrument.expires_ns) and bool(self._house.held(self.instrument.name))

    # --- time ---

    def sync(self) -> None:
        """Take the present place on the tape, after a time without orders."""
        self._find_span()
        if self.span is not None and self.matcher is not None:
            self.matcher.row = int(self.span.known.searchsorted(self.now, side="right"))
            self.is_trading = self._is_open(self.span, self.now)
            self._bounds = self._bounds_after(self.span)

    def next_boundary(self) -> tuple[int, bool] | None:
        """The next instant at which trading starts or stops, and whether it starts."""
        if not self._bounds or self.span is None:
            if self.span is None:
                self.sync()
            if not self._bounds or self.span is None:
                return None
        return self._bounds[0], self._is_open(self.span, self._bounds[0])

    def pass_boundary(self) -> None:
        """Trading starts, pauses, or the session is over."""
        assert self.span is not None
        at = self._bounds.pop(0)
        self.is_trading = self._is_open(self.span, at)
        if at == self.instrument.expires_ns:
            self._expire(self.span)
        if at >= self.span.close_ns:
            self._close()
        elif self.is_trading:
            self._reopen(self.span)

    def next_row(self, horizon_ns: int) -> int | None:
        """When the next row known by the horizon matters (UTC ns); None where none does."""
        matcher = self.matcher
        if matcher is None or not self.is_trading:
            return None
        known = matcher.span.known
        stop = int(known.searchsorted(horizon_ns, side="right"))
        if self._here is not None:
            if matcher.row >= stop:
                self.come_back(stop)
                return None
            self._here = None
            if self._is_found:
                return int(known[matcher.row])
        if stop <= matcher.row:
            return None
        row = matcher.scan(stop, *self._alarms())
        return int(known[row]) if row < stop else None

    def look_ahead(self) -> int:
        """Until when (UTC ns, not included) nothing can happen without a command: found out at once for many steps.

        What was found stays inside: `come_back` undoes it. A frame mostly costs no more than a comparison.
        """
        matcher = self.matcher
        boundary = self.next_boundary()
        bound = NO_HIGH if boundary is None else boundary[0]
        if matcher is None or not self.is_trading:
            return bound
        known = matcher.span.known
        if self._here is None:
            self._here = matcher.snapshot()
            stop = min(matcher.row + LOOK_AHEAD, int(known.searchsorted(bound, side="right")))
            self._is_found = matcher.scan(stop, *self._alarms()) < stop
        return min(bound, int(known[matcher.row])) if matcher.row < len(known) else bound

    def come_back(self, stop: int | None = None) -> None:
        """Forget what was seen ahead: the state as of the rows before `stop`, else those known now."""
        if self._here is None or self.matcher is None:
            return
        self.matcher.restore(self._here)
        self._here = None
        if stop is None:
            stop = int(self.matcher.span.known.searchsorted(self.now, side="right"))
        if stop > self.matcher.row:
            self.matcher.scan(stop, *self._alarms())

    def settle(self) -> None:
        """Carry out the row of `next_row`."""
        assert self.matcher is not None
        self.matcher.settle()

    def last_print(self) -> int | None:
        """The last price known; of the session before where this one has none yet."""
        last = self.matcher.last_print() if self.matcher else None
        return self._carried if last is None else last

    def mid(self) -> int | None:
        """The middle of the book; None where it, or one side of it, is unknown."""
        return self.matcher.mid() if isinstance(self.matcher, BookMatcher) else None

    def best_bid(self) -> int | None:
        """The best bid where the book is known, else the last price."""
        return self.matcher.best_bid() if isinstance(self.matcher, BookMatcher) else self.last_print()

    def low_so_far(self) -> int | None:
        """The lowest price of the session up to now; None before the first."""
        if self.matcher is None:
            return None
        tape, row = self.matcher.span.tape, self.matcher.row
        if isinstance(tape, Bars):
            prices = tape.low[:row]
        elif isinstance(tape, Trades):
            prices = tape.price[:row][tape.size[:row] > 0]
        else:
            prices = tape.price[:row][(tape.action[:row] == ord("T")) & (tape.size[:row] > 0)]
        return int(prices.min()) if len(prices) else None

    # --- orders ---

    def admit(self, order: Order) -> None:
        """The order reaches the exchange."""
        if not self.is_active:
            self.sync()
        refusal = self._refusal(order)
        if refusal is not None:
            change = Change.CANCELLED if refusal[0] is Reason.HALTED else Change.REJECTED
            self._house.end(order, change, *refusal)
            return
        self.orders[order.number] = order
        self._house.say(order, Change.WORKING, order.cause)
        if order.is_stop:
            self._arm(order)
        elif self.is_trading and self.matcher is not None:
            self.matcher.enter(order)

    def requeue(self, order: Order) -> None:
        """The order's price changed or its quantity grew: it goes to the end of the queue."""
        if order.number not in self.orders or order.is_stop or self.matcher is None:
            return
        self.matcher.leave(order)
        self.orders[order.number] = self.orders.pop(order.number)
        if self.is_trading:
            self.matcher.enter(order)

    def shrunk(self, order: Order) -> None:
        """The order's quantity fell; it keeps its place."""
        if self.matcher is not None:
            self.matcher.shrunk(order)

    def remove(self, order: Order) -> None:
        """The order is over."""
        self.orders.pop(order.number, None)
        if self.matcher is not None:
            self.matcher.leave(order)

    def is_passed(self, order: Order, stop: int) -> bool:
        """Whether the last print has already reached a stop price."""
        last = self.last_print()
        return last is not None and order.side.opposite.reached(last, stop)

    @property
    def has_queues(self) -> bool:
        """Whether its orders stand in the queues of a book."""
        return isinstance(self.matcher, BookMatcher)

    def queues(self) -> dict[str, tuple[int, int]]:
        """Lots ahead and displayed, −1 for unknown, by client order id; empty where no queue is known."""
        return self.matcher.queues() if isinstance(self.matcher, BookMatcher) else {}

    # --- matching.Desk ---

    def fill(self, order: Order, quantity: int, price: int, why: Explanation) -> None:
        self._house.book(order, quantity, price, why)

    def cancel(self, order: Order, reason: Reason, text: str = "") -> None:
        self._house.end(order, Change.CANCELLED, reason, text)

    def reject(self, order: Order, reason: Reason, text: str = "") -> None:
        self._house.end(order, Change.REJECTED, reason, text)

    def stops(self) -> Sequence[Order]:
        return [order for order in self.orders.values() if order.is_stop]

    def trigger(self, order: Order, print_size: int) -> None:
        assert self.matcher is not None
        order.triggered = True
        self._house.say(order, Change.TRIGGERED, Reason.STOP_REACHED)
        if order.spec.type is not OrderType.STOP_LIMIT and self.matcher.span.grade is not Grade.BARS:
            assert order.stop is not None
            order.limit = order.stop + order.side * self.instrument.protection * self.instrument.tick
            order.protected = True
        self.matcher.enter(order, print_size)

    def seen(self, low: int, high: int) -> None:
        for order in self.stops():
            if order.offset is not None:
                stop = trailing.follow(order, low if order.side is Side.BUY else high, self.instrument.tick)
                if stop is not None:
                    self._house.move_stop(order, stop, Reason.TRAIL)
        for group in self.groups:
            group.seen(self._house, low, high)
        self._house.marked(self.instrument.name, low, high)

    # --- inside ---

    def _refusal(self, order: Order) -> tuple[Reason, str] | None:
        """Why the exchange does not take the order; None where it does."""
        if self._has_expired(self.now):
            return Reason.EXPIRED, f"{self.instrument.name} has expired"
        if self.span is None:
            return Reason.NO_MARKET, f"no data of {self.instrument.name} from here on"
        if order.reduces and self._house.held(self.instrument.name) * order.side >= 0:
            return Reason.REDUCE_ONLY, "reduce-only: there is nothing to reduce"
        at_once = order.spec.tif.is_immediate
        if not self.is_trading and self.now >= self.span.open_ns and at_once:
            return Reason.HALTED, "trading is halted"
        if (
            not self.is_trading
            and self.now < self.span.open_ns
            and (at_once or (order.is_market and not order.is_stop))
        ):
            return Reason.MARKET_CLOSED, "the market is closed"
        if order.spec.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not order.is_exit:
            assert order.stop is not None
            if self.is_passed(order, order.stop):
                last = price_text(self.last_print() or 0)
                word = "at or under" if order.side is Side.BUY else "at or over"
                return Reason.STOP_PASSED, f"stop {price_text(order.stop)} is {word} the last print {last}"
        return None

    def _arm(self, order: Order) -> None:
        """A stop starts to watch; an exit whose stop has been passed meanwhile goes off at once."""
        last = self.last_print()
        if order.offset is not None and last is not None:
            order.stop = trailing.follow(order, last, self.instrument.tick)
        if order.is_exit and order.stop is not None and self.is_passed(order, order.stop) and self.is_trading:
            self.trigger(order, 0)

    def _alarms(self) -> tuple[int, int]:
        under, over = self.watch
        for order in self.orders.values():
            if order.is_stop:
                low, high = trailing.alarms(order, self.instrument.tick)
                under, over = max(under, low), min(over, high)
        for group in self.groups:
            low, high = group.alarms()
            under, over = max(under, low), min(over, high)
        return under, over

    def _find_span(self) -> None:
        """The session in progress or the next, with the last price of those that are over.

        All since the broker's start are passed, so that the price carried over does not depend on who asked when.
        """
        if self.span is None:
            self._take(self._feed.span_at(self.instrument.name, self._from_ns))
        while self.span is not None and self.now >= self.span.close_ns:
            if self.matcher is not None:
                self.matcher.row = len(self.span.known)
                self._carried = self.last_print()
            self._from_ns = self.span.close_ns
            self._take(self._feed.span_at(self.instrument.name, self._from_ns))

    def _take(self, span: Span | None) -> None:
        self.span, self.matcher, self.is_trading, self._bounds = span, None, False, []
        if span is not None:
            row = int(span.known.searchsorted(self.now, side="right"))
            self.matcher = self._match(span, row)
            self.is_trading = self._is_open(span, self.now)
            self._bounds = self._bounds_after(span)

    def _match(self, span: Span, row: int) -> Matcher:
        if isinstance(span.tape, Bars):
            return BarsMatcher(self, span, row)
        return TradesMatcher(self, span, row) if isinstance(span.tape, Trades) else BookMatcher(self, span, row)

    def _bounds_after(self, span: Span) -> list[int]:
        bounds = {*span.boundaries_after(self.now), span.close_ns}
        if self.now < self.instrument.expires_ns < span.close_ns:
            bounds.add(self.instrument.expires_ns)
        return sorted(bounds - {self.now})

    def _has_expired(self, ns: int) -> bool:
        return 0 < self.instrument.expires_ns <= ns

    def _is_open(self, span: Span, ns: int) -> bool:
        return span.is_trading(ns) and not self._has_expired(ns)

    def _reopen(self, span: Span) -> None:
        """All orders meet the market anew: what rested has lost its place."""
        self.matcher = self._match(span, int(span.known.searchsorted(self.now)))
        for order in list(self.orders.values()):
            if not order.is_over and not order.is_stop:
                self.matcher.enter(order)

    def _expire(self, span: Span) -> None:
        """The contract's last close: nothing works on in it, and nothing is held."""
        for order in list(self.orders.values()):
            if not order.is_over:
                self._house.end(order, Change.CANCELLED, Reason.EXPIRED, f"{self.instrument.name} has expired")
        self._house.settle(self.instrument.name, span.grade)

    def _close(self) -> None:
        for order in list(self.orders.values()):
            if order.spec.tif.value != "gtc" and not order.is_over:
                self._house.end(order, Change.EXPIRED, Reason.SESSION_CLOSE)
        self._find_span()
        if self.is_trading and self.span is not None:
            self._reopen(self.span)
