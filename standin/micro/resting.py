"""The book at a minute's boundary: a pure function of the instrument and the minute.

Orders rest at prices, not at distances: each price has its own lots, drawn anew every few minutes and at another
minute for each. So a book whose middle moves loses the prices it sweeps over and shows the ones that come into
view, and two books a minute apart differ by what happened between them, not in everything.
"""

import math
from typing import NamedTuple

import numpy as np

from standin.micro.jit import compiled, mixed, near_normal, place, unit
from standin.noise import Floats, Ints

SIZE_SPREAD, SPREAD_SPREAD = 0.45, 0.35
"""Deviations of the logs of a price's lots and of the spread."""
TOUCH = (0.6, 0.9)
"""The two prices at the touch have so much of the lots that rest further out."""
FEWEST_ORDERS, MORE_ORDERS = 0.35, 0.4
"""Orders for each lot, from the first to the sum of both by the price's own number; …"""
LARGE = 60.0
"""… fewer where prices carry more lots than this."""

MIDDLE, SPREAD, SIZE, DENSITY, REACH = range(5)
"""Columns of a boundary's conditions: see `liquidity.Liquidity`."""

_TOUCH_WORD = np.uint64(0xA5A5_5A5A_0F0F_F0F0)


class Source(NamedTuple):
    """What the orders of one instrument in one session are drawn from.

    stream: its noise. lowest: no order rests below, in ticks. period: minutes for which a price keeps its lots.
    """

    stream: np.uint64
    lowest: int
    period: int


@compiled
def touch(source: Source, minute: int, conditions: Floats) -> tuple[int, int]:
    """The prices at which the bids begin and the asks begin, in ticks; `minute` is counted from the epoch."""
    word = place(source.stream ^ _TOUCH_WORD, minute // source.period)
    wide = drawn_spread(mixed(word), conditions[SPREAD])
    bid = math.floor(conditions[MIDDLE] - (wide - 1) / 2)
    return bid, bid + wide


@compiled
def drawn_spread(word: np.uint64, mean: float) -> int:
    """Whole ticks, at least one."""
    return 1 + int((mean - 1) * math.exp(SPREAD_SPREAD * near_normal(word)) + unit(mixed(word)))


@compiled
def fill(lots: Ints, orders: Ints, source: Source, begin: int, minute: int, conditions: Floats) -> None:
    """What would rest at each price of a window from the tick `begin` on, whichever side it belongs to."""
    usual = conditions[SIZE] / conditions[DENSITY]
    fewer = math.sqrt(min(1.0, LARGE / usual))
    for at in range(lots.size):
        lots[at], orders[at] = 0, 0
        own = place(source.stream, begin + at)
        age = (minute + np.int64(own & np.uint64(63))) // source.period
        word = mixed(own + np.uint64(age))
        if begin + at < source.lowest or unit(word) >= conditions[DENSITY]:
            continue
        word = mixed(word)
        lots[at] = max(int(usual * math.exp(SIZE_SPREAD * near_normal(word)) * 0.9 + unit(mixed(word))), 1)
        orders[at] = orders_of(lots[at], (FEWEST_ORDERS + MORE_ORDERS * unit(own)) * fewer)


@compiled
def orders_of(lots: int, share: float) -> int:
    """Orders that make up so many lots: one at least, one for each lot at most."""
    return min(max(int(lots * share + 0.5), 1), lots)


@compiled
def near_touch(lots: int, distance: int) -> int:
    """Of the lots that would rest at a price, those that do so many ticks from the touch."""
    if lots == 0 or distance >= len(TOUCH):
        return lots
    return max(int(lots * TOUCH[distance] + 0.5), 1)


@compiled
def settle(lots: Ints, orders: Ints, begin: int, bid: int, ask: int, conditions: Floats) -> None:
    """Make of what would rest a book with this touch: nothing between, less at the touch, an end where it has one."""
    end = conditions[REACH] + (ask - bid) / 2
    for at in range(lots.size):
        price = begin + at
        distance = bid - price if price <= bid else price - ask
        if distance < 0 or abs(price - conditions[MIDDLE]) > end:
            lots[at], orders[at] = 0, 0
        elif lots[at] > 0 and distance < len(TOUCH):
            less = near_touch(lots[at], distance)
            orders[at] = max(orders[at] * less // lots[at], 1)
            lots[at] = less
