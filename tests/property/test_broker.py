"""The same tape and the same commands give the same fills: at any speed, in any frames, after any rewind or restart.

A state machine plays a session in frames of random length, sends random orders, seeks back into a new take and starts
its process anew; a second broker that is given the same commands and one single step must agree, on every event.
Besides: what the broker said by an instant does not depend on what the tape holds after it.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from unittest.mock import patch

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from market.engine.bars import Bars
from market.engine.book import BookTape
from market.engine.trades import Trades
from tests.unit.trading.tapes import ES, START, TICK, S, at, book, px
from trading.engine import scan
from trading.engine.broker import Broker, replay
from trading.engine.commands import (
    Assume,
    Breakeven,
    Cancel,
    CancelAll,
    ClosePart,
    Command,
    Exits,
    Flatten,
    OrderSpec,
    Replace,
    Reverse,
    Submit,
    Target,
    Trail,
)
from trading.engine.feed import Span, Spans
from trading.engine.records import Event, Fill
from trading.engine.rules import Rules
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import OrderType, Preset, Side, TimeInForce

LENGTH = 60
"""Seconds of a session; the second one begins as long after the first."""
NQ = Instrument("NQH4", TICK, 5_000_000_000, fee=1, protection=3, expires_ns=at(2.5 * LENGTH))
"""Its last close is in the middle of the second session."""
Tape = Bars | Trades | BookTape
MIDDLE = 1_000


def random_book(rng: np.random.Generator, start: float) -> BookTape:
    """A book that moves by a tick now and then, with prints at its best prices."""
    rows, second, middle = [], start, MIDDLE
    for _ in range(int(rng.integers(20, 120))):
        second += float(rng.exponential(0.4))
        if second >= start + LENGTH:
            break
        middle += int(rng.choice([-1, 0, 0, 0, 1]))
        bids = {middle - level: int(rng.integers(1, 6)) for level in range(1, 1 + int(rng.integers(1, 13)))}
        asks = {middle + level: int(rng.integers(1, 6)) for level in range(int(rng.integers(0, 2)), 12)}
        if rng.random() < 0.4:
            buys = bool(rng.random() < 0.5)
            price = min(asks) if buys else max(bids)
            rows.append((second, bids, asks, (price, int(rng.integers(1, 8)), "B" if buys else "A")))
        else:
            rows.append((second, bids, asks))
    return book(*rows)


def random_trades(rng: np.random.Generator, start: float) -> Trades:
    count = int(rng.integers(5, 150))
    seconds = np.sort(rng.uniform(start, start + LENGTH, count))
    ts = START + (seconds * S).astype(np.int64)
    price = px(1) * (MIDDLE + np.cumsum(rng.integers(-2, 3, count)))
    size = rng.integers(0, 7, count).astype(np.uint32)
    side = rng.choice(np.frombuffer(b"BAN", np.uint8), count)
    return Trades(ts, ts.copy(), price, size, side, np.arange(count, dtype=np.uint32))


def random_bars(rng: np.random.Generator, start: float) -> Bars:
    seconds = np.flatnonzero(rng.random(LENGTH) < 0.6)
    count = len(seconds)
    close = MIDDLE + np.cumsum(rng.integers(-2, 3, count))
    opened = close + rng.integers(-1, 2, count)
    high = np.maximum(opened, close) + rng.integers(0, 3, count)
    low = np.minimum(opened, close) - rng.integers(0, 3, count)
    ts = at(start) + seconds.astype(np.int64) * S
    volume = rng.integers(1, 40, count)
    return Bars(ts, opened * TICK, high * TICK, low * TICK, close * TICK, volume)


MAKERS = (random_book, random_trades, random_bars)


def random_spans(seed: int, grades: Sequence[int]) -> tuple[Span, ...]:
    """Two sessions with a halt in each."""
    rng = np.random.default_rng(seed)
    spans = []
    for number, grade in enumerate(grades):
        start = 2 * LENGTH * number
        halt = (at(start + 20), at(start + 26)) if rng.random() < 0.5 else (at(start + 40), at(start + 41))
        spans.append(Span(MAKERS[grade](rng, start), ((at(start), at(start + LENGTH)),), (halt,)))
    return tuple(spans)


def prices() -> st.SearchStrategy[int]:
    return st.integers(MIDDLE - 12, MIDDLE + 12).map(px)


@st.composite
def exits(draw: st.DrawFn) -> Exits | None:
    if draw(st.booleans()):
        return None
    targets = draw(st.sampled_from([(), (Target(3),), (Target(1, 1), Target(4))]))
    stop = draw(st.sampled_from([None, 2, 5]))
    even = draw(st.sampled_from([None, Breakeven(2, 1)])) if stop else None
    trail = draw(st.sampled_from([None, Trail(2, 2, 1)])) if stop else None
    return Exits(targets, stop, even, trail)


@st.composite
def specs(draw: st.DrawFn, depth: int = 1) -> OrderSpec:
    kind = draw(st.sampled_from(OrderType))
    spec = OrderSpec(
        contract=draw(st.sampled_from([ES.name, NQ.name])),
        side=draw(st.sampled_from(Side)),
        quantity=draw(st.integers(1, 9)),
        type=kind,
        limit=draw(prices()) if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop=draw(prices()) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        offset=draw(st.integers(1, 4)) if kind is OrderType.TRAILING_STOP else None,
        tif=draw(st.sampled_from(TimeInForce)),
        exits=draw(exits()),
        oco=draw(st.sampled_from([None, None, "pair"])),
        reduce_only=draw(st.sampled_from([False, False, False, True])),
    )
    if depth and draw(st.integers(0, 4)) == 0:
        return replace(spec, triggers=(draw(specs(depth=0)),))
    return spec


EXITS = (None, Exits((Target(2),), 3), Exits((Target(1, 1), Target(3)), 2, Breakeven(1), Trail(2, 1)))


def busy_order(rng: np.random.Generator) -> OrderSpec:
    """An order that is likely to trade."""
    side = Side.BUY if rng.random() < 0.5 else Side.SELL
    kind = list(OrderType)[rng.choice(5, p=[0.3, 0.4, 0.1, 0.1, 0.1])]
    near = px(MIDDLE + int(rng.integers(-6, 7)))
    return OrderSpec(
        contract=ES.name if rng.random() < 0.6 else NQ.name,
        side=side,
        quantity=int(rng.integers(1, 10)),
        type=kind,
        limit=near if kind in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None,
        stop=px(MIDDLE + side * int(rng.integers(0, 6))) if kind in (OrderType.STOP, OrderType.STOP_LIMIT) else None,
        offset=int(rng.integers(1, 4)) if kind is OrderType.TRAILING_STOP else None,
        exits=EXITS[rng.integers(0, 3)],
        tif=TimeInForce.GTC if rng.random() < 0.3 else TimeInForce.DAY,
    )


class Sessions(RuleBasedStateMachine):
    """`self.log` is the command log of the present take; `self.played` has played it in whatever frames came."""

    @initialize(
        seed=st.integers(0, 2**32 - 1),
        grades=st.tuples(*[st.integers(0, 2)] * 4),
        preset=st.sampled_from(Preset),
        latency_ms=st.sampled_from([0, 50, 200, 1_500]),
        jitter_ms=st.sampled_from([0, 300]),
        loss=st.sampled_from([None, 200 * S, 1_000 * S]),
    )
    def open(
        self, seed: int, grades: tuple[int, ...], preset: Preset, latency_ms: int, jitter_ms: int, loss: int | None
    ) -> None:
        self.spans = {ES.name: random_spans(seed, grades[:2]), NQ.name: random_spans(seed + 1, grades[2:])}
        self.settings = FillSettings(latency_ms * 1_000_000, jitter_ms * 1_000_000, seed, preset, assumed_ahead=6)
        self.rules = Rules(max_day_loss_open=loss, max_trade_loss=loss)
        self.log: list[tuple[int, Command]] = []
        self.shown: list[Event] = []
        self.playhead = at(0)
        self.names = 0
        self.played = self.fresh()

    def fresh(self, spans: dict[str, tuple[Span, ...]] | None = None) -> Broker:
        return Broker(
            Spans(spans or self.spans), (ES, NQ), self.settings, cash=10**15, rules=self.rules, start_ns=at(0)
        )

    def send(self, command: Command) -> None:
        self.log.append((self.playhead, command))
        self.shown += self.played.apply(command, self.playhead)

    def name(self) -> str:
        self.names += 1
        return f"c{self.names}"

    @rule(lengths=st.lists(st.sampled_from([1, 50_000_000, 333_333_333, S, 5 * S]), min_size=1, max_size=4))
    def play(self, lengths: list[int]) -> None:
        """Frames of any length, at any speed; a pause is none."""
        for length in lengths:
            self.playhead += length
            self.shown += self.played.advance(self.playhead)

    @rule(spec=specs())
    def submit(self, spec: OrderSpec) -> None:
        self.send(Submit(self.name(), spec))

    @rule(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 12))
    def trade(self, seed: int, count: int) -> None:
        """A busy trader: orders at and around the market, a second or so apart."""
        rng = np.random.default_rng(seed)
        for _ in range(count):
            self.send(Submit(self.name(), busy_order(rng)))
            self.play([int(rng.integers(0, 2 * S))])

    @precondition(lambda self: self.played.orders)
    @rule(which=st.integers(0, 100), quantity=st.none() | st.integers(1, 9), limit=st.none() | prices())
    def change(self, which: int, quantity: int | None, limit: int | None) -> None:
        names = list(self.played.orders)
        self.send(Replace(self.name(), names[which % len(names)], quantity=quantity, limit=limit))

    @precondition(lambda self: self.played.orders)
    @rule(which=st.integers(0, 100))
    def cancel(self, which: int) -> None:
        names = list(self.played.orders)
        self.send(Cancel(self.name(), names[which % len(names)]))

    @rule(kind=st.integers(0, 3), contract=st.sampled_from([ES.name, NQ.name]))
    def at_once(self, kind: int, contract: str) -> None:
        name = self.name()
        choice: tuple[Command, ...] = (
            CancelAll(name), Flatten(name), Reverse(name, contract), ClosePart(name, contract, 2)
        )  # fmt: skip
        self.send(choice[kind])

    @rule(preset=st.sampled_from(Preset), latency=st.integers(0, 2))
    def assume(self, preset: Preset, latency: int) -> None:
        self.send(Assume(self.name(), FillSettings(latency_ns=latency * S, preset=preset)))

    @rule(length=st.sampled_from([50_000_000, S]), frames=st.integers(1, 20))
    def look(self, length: int, frames: int) -> None:
        """A ladder that shows every queue in every frame: what was seen ahead is taken back each time."""
        for _ in range(frames):
            self.play([length])
            queues = self.played.queues()
            assert all(ahead <= shown or shown < 0 for ahead, shown in queues.values())
            self.played.mark(ES.name)

    @rule()
    def restart(self) -> None:
        """The process is gone; its successor runs the log again."""
        self.played = replay(self.fresh(), self.log, self.playhead)

    @rule(share=st.floats(0, 1))
    def rewind(self, share: float) -> None:
        """A new take: the commands after the moment stay behind with the old one."""
        self.playhead = at(0) + int((self.playhead - at(0)) * share)
        self.log = [entry for entry in self.log if entry[0] <= self.playhead]
        self.played = replay(self.fresh(), self.log, self.playhead)
        self.shown = list(self.played.events)

    @invariant()
    def nothing_impossible_is_booked(self) -> None:
        if not hasattr(self, "played"):
            return
        for order in self.played.orders.values():
            assert 0 <= order.filled <= order.quantity
            assert sum(fill.quantity for fill in self.played.fills if fill.order == order.number) == order.filled
        for contract in (ES.name, NQ.name):
            held = sum(fill.side * fill.quantity for fill in self.played.fills if fill.contract == contract)
            assert held == self.played.account.quantity(contract)
        for fill in self.played.fills:
            assert any(a <= fill.ns <= b for span in self.spans[fill.contract] for a, b in span.trading)
            limit = self.played.orders[fill.client_id].limit
            changed = any(isinstance(command, Replace) for _, command in self.log)
            slipped = fill.why.reason == "bar_stop"
            assert limit is None or changed or slipped or fill.side.reached(fill.price, limit)

    @invariant()
    def exits_never_outlive_a_position(self) -> None:
        if hasattr(self, "played"):
            for order in self.played.working():
                if order.is_exit:
                    assert self.played.account.quantity(order.contract) * order.side < 0

    @invariant()
    def exits_are_for_no_more_than_is_held(self) -> None:
        """Unless somebody made one larger by hand."""
        if not hasattr(self, "played") or any(isinstance(command, Replace) for _, command in self.log):
            return
        for contract in (ES.name, NQ.name):
            exits = [order for order in self.played.working(contract) if order.is_exit]
            for stops in (True, False):
                legs = [order.left for order in exits if (order.spec.type is OrderType.STOP) == stops]
                assert sum(legs) <= abs(self.played.account.quantity(contract))

    def teardown(self) -> None:
        if not hasattr(self, "played"):
            return
        once = replay(self.fresh(), self.log, self.playhead)
        assert once.digest() == self.played.digest()
        assert once.events == self.played.events == self.shown
        self.assert_the_future_does_not_show()
        for broker in (once, self.played):
            broker.advance(max(self.playhead, at(4 * LENGTH)))
        assert once.digest() == self.played.digest()

    def assert_the_future_does_not_show(self) -> None:
        """A tape that ends at the playhead tells the same story up to there."""
        cut = {name: tuple(_until(span, self.playhead) for span in spans) for name, spans in self.spans.items()}
        assert replay(self.fresh(cut), self.log, self.playhead).events == self.shown


def _until(span: Span, ns: int) -> Span:
    """The same session without the rows that are not known yet."""
    rows = int(span.known.searchsorted(ns, side="right"))
    tape = span.tape
    if isinstance(tape, BookTape):
        ends = int(tape.change_end[rows - 1]) if rows else 0
        frames = -(-rows // 1_024)
        columns = {name: getattr(tape, name) for name in tape.__dataclass_fields__}
        for name, column in columns.items():
            is_change = name.startswith("change_") and name != "change_end"
            columns[name] = column[: frames if name == "keyframes" else ends if is_change else rows]
        return Span(BookTape(**columns), span.segments, span.halts)
    return Span(tape[:rows], span.segments, span.halts)


TestSessions = Sessions.TestCase
TestSessions.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@given(seed=st.integers(0, 2**32 - 1), grade=st.integers(0, 2))
@settings(max_examples=20, deadline=None)
def test_every_nanosecond_step_agrees_with_one_leap(seed: int, grade: int) -> None:
    """All rows one by one, and just before and after each."""
    spans = {ES.name: random_spans(seed, (grade,))}
    orders = [
        Submit(
            "buy", OrderSpec(ES.name, Side.BUY, 4, OrderType.LIMIT, limit=px(MIDDLE - 1), exits=Exits((Target(1),), 2))
        ),
        Submit("sell", OrderSpec(ES.name, Side.SELL, 5, OrderType.STOP, stop=px(MIDDLE - 3))),
        Submit("trail", OrderSpec(ES.name, Side.BUY, 2, OrderType.TRAILING_STOP, offset=2)),
    ]
    brokers = [Broker(Spans(spans), (ES,), FillSettings(5_000_000), start_ns=at(0)) for _ in range(2)]
    moments = sorted({int(ns) + step for ns in spans[ES.name][0].known for step in (-1, 0, 1)})
    for broker in brokers:
        for command in orders:
            broker.apply(command, at(1))
    for ns in moments:
        if ns > at(1):
            brokers[0].advance(ns)
    brokers[1].advance(max(moments[-1], at(1)))
    assert brokers[0].events == brokers[1].events


@given(seed=st.integers(0, 2**32 - 1), limit=st.integers(1, 60))
@settings(max_examples=60, deadline=None)
def test_the_print_that_makes_the_day_s_loss_is_found(seed: int, limit: int) -> None:
    """Two positions, watched by alarm prices, against adding up after every print of both tapes."""
    rng = np.random.default_rng(seed)
    tapes = {ES.name: random_trades(rng, 0), NQ.name: random_trades(rng, 0)}
    spans = {name: (Span(tape, ((at(0), at(LENGTH)),)),) for name, tape in tapes.items()}
    rules = Rules(max_day_loss_open=limit * ES.tick_value)
    broker = Broker(
        Spans(spans), (replace(ES, fee=0), replace(NQ, fee=0)), FillSettings(0), rules=rules, start_ns=at(0)
    )
    for name, side in ((ES.name, Side.BUY), (NQ.name, Side.SELL)):
        broker.apply(Submit(name, OrderSpec(name, side, 3)), at(0))
    broker.advance(at(LENGTH))
    locked = next((event.ns for event in broker.events if event.change == "locked"), None)
    before = [fill for fill in broker.fills if locked is None or fill.ns <= locked]
    assert locked == first_loss(tapes, before, -limit * ES.tick_value)


def first_loss(tapes: dict[str, Tape], fills: Sequence[Fill], limit: int) -> int | None:
    """The first print after which cash flow and positions at the last prints come to no more than the limit."""
    prints = sorted(
        (int(ts), name, int(price), row)
        for name, tape in tapes.items()
        for row, (ts, price, size) in enumerate(zip(tape.ts, tape.price, tape.size, strict=True))
        if size
    )
    marks: dict[str, int] = {}
    values = {ES.name: ES.tick_value, NQ.name: NQ.tick_value}
    for ns, name, price, _ in prints:
        marks[name] = price
        done = [fill for fill in fills if fill.ns < ns or (fill.ns == ns and fill.contract <= name)]
        money = sum(
            fill.side * fill.quantity * (marks[fill.contract] - fill.price) * values[fill.contract] // TICK
            for fill in done
        )
        if money <= limit:
            return ns
    return None


@given(seed=st.integers(0, 2**32 - 1), preset=st.sampled_from(Preset))
@settings(max_examples=10, deadline=None)
def test_without_numba_the_fills_are_the_same(seed: int, preset: Preset) -> None:
    rng = np.random.default_rng(seed)
    spans = random_spans(seed, (0,))
    orders = [(at(1 + number), Submit(f"o{number}", busy_order(rng))) for number in range(15)]
    digests = []
    for plain in (False, True):
        with ExitStack() as stack:
            for name in ("next_book_row", "first_outside") if plain else ():
                stack.enter_context(patch.object(scan, name, getattr(scan, name).__wrapped__))
            broker = Broker(
                Spans({ES.name: spans, NQ.name: spans}), (ES, NQ), FillSettings(0, preset=preset), start_ns=at(0)
            )
            digests.append(replay(broker, orders, at(LENGTH)).digest())
    assert digests[0] == digests[1]
