"""Prints as columns: what is known at an instant, and the volume at each price."""

import numpy as np

from market.engine.trades import Trades
from tests.datafiles import some_trades

TICK = 250_000_000


def prints(prices: list[int], sizes: list[int]) -> Trades:
    """Prints a nanosecond apart; prices in 1e-9."""
    ts = np.arange(1, len(prices) + 1)
    side = np.full(len(prices), ord("B"), np.uint8)
    return Trades(ts, ts, np.array(prices, np.int64), np.array(sizes, np.uint32), side, ts.astype(np.uint32))


def volumes(trades: Trades, first: int = 0, end: int | None = None) -> dict[int, int]:
    ticks, lots = trades.volumes(first, len(trades) if end is None else end, TICK)
    assert (ticks.dtype, lots.dtype) == (np.int64, np.int64)
    return dict(zip(ticks.tolist(), lots.tolist(), strict=True))


def test_lots_add_up_at_each_price() -> None:
    trades = prints([4 * TICK, 5 * TICK, 4 * TICK, 9 * TICK], [1, 2, 30, 4])
    assert volumes(trades) == {4: 31, 5: 2, 9: 4}
    assert volumes(trades, 1, 3) == {4: 30, 5: 2}


def test_without_prints_there_are_no_volumes() -> None:
    assert volumes(prints([4 * TICK], [1]), 1, 1) == {}
    assert volumes(Trades.empty()) == {}


def test_prices_below_zero_and_off_the_grid_have_the_tick_below() -> None:
    assert volumes(prints([-TICK, -TICK + 1, 2 * TICK + 100], [1, 2, 3])) == {-1: 3, 2: 3}


def test_a_price_that_is_none_takes_no_memory() -> None:
    assert volumes(prints([4 * TICK, 2**63 - 1], [1, 2])) == {4: 1, (2**63 - 1) // TICK: 2}


def test_parts_add_up_to_the_whole() -> None:
    trades = some_trades(10**18, 3_000, price=80_000 * TICK, tick=TICK)
    whole, first, second = volumes(trades), volumes(trades, 0, 1_234), volumes(trades, 1_234)
    assert whole == {price: first.get(price, 0) + second.get(price, 0) for price in first.keys() | second.keys()}
    assert sum(whole.values()) == int(trades.size.sum())


def test_the_last_prints_are_those_that_are_known() -> None:
    trades = prints([TICK, 2 * TICK, 3 * TICK], [1, 1, 1])
    assert trades.last(2, 5).price.tolist() == [TICK, 2 * TICK]
    assert trades.last(2, 1).price.tolist() == [2 * TICK]
    assert len(trades.last(0, 5)) == 0
