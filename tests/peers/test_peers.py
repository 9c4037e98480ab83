"""Our fills beside those of hftbacktest and nautilus_trader, on the real ESH4 hour. docs/fills.md has the differences.

Each order lives two minutes in a broker of its own: nothing but the order and the market decides.
"""

import random
from pathlib import Path
from typing import Any

import numpy.typing as npt
import pytest

from market.engine.book import BookTape
from tests.peers import bridge
from tests.peers.bridge import HOUR_OPENS, TICK, Wanted, as_dicts
from trading.engine.broker import Broker
from trading.engine.commands import OrderSpec, Submit
from trading.engine.feed import Span, Spans
from trading.engine.records import Fill
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import OrderType, Preset, Reason, Side

pytestmark = pytest.mark.real_data
SECOND = 10**9
ES = Instrument("ESH4", TICK, tick_value=12_500_000_000, protection=1_000)
"""Without protection in practice: neither peer has any."""
LIFE = 120 * SECOND
ORDERS = 40
Events = dict[str, npt.NDArray[Any]]


@pytest.fixture(scope="module")
def hour(real_data: Path) -> BookTape:
    bridge.python()
    return bridge.tape_of(bridge.esh4_rows(real_data))


@pytest.fixture(scope="module")
def events(hour: BookTape) -> Events:
    return bridge.events_of(hour, int(hour.ts.searchsorted(HOUR_OPENS)))


def random_orders(hour: BookTape, seed: int) -> list[Wanted]:
    """A third at the market, the rest from two ticks through the best price to two ticks behind it."""
    rng = random.Random(seed)
    orders = []
    for _ in range(ORDERS):
        at = rng.randrange(HOUR_OPENS + 60 * SECOND, int(hour.ts[-1]) - LIFE - SECOND)
        is_buy = rng.random() < 0.5
        best = (hour.at(at).bids if is_buy else hour.at(at).asks)[0].price
        limit = best - (1 if is_buy else -1) * rng.choice([-2, -1, 0, 0, 1, 2]) * TICK
        chosen = None if rng.random() < 0.35 else limit
        orders.append(Wanted(at, at + LIFE, is_buy, rng.choice([1, 2, 5, 10, 40]), chosen))
    return orders


def ours(hour: BookTape, order: Wanted, preset: Preset) -> list[Fill]:
    span = Span(hour, ((HOUR_OPENS, int(hour.ts[-1]) + 1),))
    broker = Broker(Spans({ES.name: (span,)}), (ES,), FillSettings(0, preset=preset), start_ns=HOUR_OPENS)
    kind = OrderType.MARKET if order.limit is None else OrderType.LIMIT
    side = Side.BUY if order.is_buy else Side.SELL
    broker.apply(Submit("x", OrderSpec(ES.name, side, order.quantity, kind, limit=order.limit)), order.at)
    broker.advance(order.until)
    return broker.fills


@pytest.mark.parametrize(
    ("queue", "preset"),
    [("risk_adverse", Preset.CONSERVATIVE), ("power", Preset.NEUTRAL)],
    ids=["risk_adverse", "power"],
)
def test_quantities_and_prices_are_those_of_hftbacktest(
    hour: BookTape, events: Events, tmp_path: Path, queue: str, preset: Preset
) -> None:
    orders = random_orders(hour, seed=5)
    wanted = {"tick": TICK, "queue": queue, "orders": as_dicts(orders)}
    theirs = bridge.ask("run_hftbacktest.py", events, wanted, tmp_path)
    mine = [ours(hour, order, preset) for order in orders]
    assert sum(bool(fills) for fills in mine) > ORDERS / 2
    for order, fills, their in zip(orders, mine, theirs, strict=True):
        if leaves_a_remainder(order, fills):
            # there the rest is filled at once at the limit, though nobody offers it
            assert (their["filled"], their["last"]) == (order.quantity, order.limit)
            continue
        assert sum(fill.quantity for fill in fills) == their["filled"]
        assert (fills[-1].price if fills else 0) == their["last"]
        if preset is Preset.CONSERVATIVE and fills:
            # some are told with the packet's event before. Floats and whole lots part company for a while under "power"
            assert 0 <= fills[-1].ns - their["changed"] < SECOND // 1_000


def leaves_a_remainder(order: Wanted, fills: list[Fill]) -> bool:
    """A limit that took all there was within it, and wanted more."""
    at_once = [fill for fill in fills if fill.why.reason is Reason.WALK and fill.ns == order.at]
    return bool(at_once) and sum(fill.quantity for fill in at_once) < order.quantity


def test_what_takes_at_once_is_what_nautilus_trader_takes(hour: BookTape, events: Events, tmp_path: Path) -> None:
    orders = random_orders(hour, seed=6)
    theirs = bridge.ask("run_nautilus.py", events, {"tick": TICK, "orders": as_dicts(orders)}, tmp_path)
    compared = 0
    for order, their in zip(orders, theirs, strict=True):
        mine = ours(hour, order, Preset.CONSERVATIVE)
        if mine and mine[0].why.reason is Reason.WALK and len(mine) == len(their):
            assert [(fill.quantity, fill.price) for fill in mine] == [(lots, price) for lots, price, _ in their]
            compared += 1
    assert compared > ORDERS / 4


def test_what_rests_is_filled_no_later_than_by_nautilus_trader(hour: BookTape, events: Events, tmp_path: Path) -> None:
    """It knows no queue: a resting order is filled when the other side comes to its price, level by level."""
    orders = [order for order in random_orders(hour, seed=7) if order.limit is not None]
    theirs = bridge.ask("run_nautilus.py", events, {"tick": TICK, "orders": as_dicts(orders)}, tmp_path)
    resting = 0
    for order, their in zip(orders, theirs, strict=True):
        mine = ours(hour, order, Preset.CONSERVATIVE)
        if not their or not mine or mine[0].why.reason is Reason.WALK:
            continue
        resting += 1
        assert {price for _, price, _ in their} == {order.limit} == {fill.price for fill in mine}
        assert sum(fill.quantity for fill in mine) >= sum(lots for lots, _, _ in their)
        assert mine[0].ns <= their[0][2]
    assert resting > 5
