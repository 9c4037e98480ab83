"""The book at a minute's boundary: a pure function of the instrument and the minute.

Orders rest at prices, not at distances: each price has its own lots, drawn anew every few minutes and at another
minute for each. So a book whose middle moves loses the prices it sweeps over and shows the ones that come into
view, and two books a minute apart differ by what happened between them, not in everything.
"""

import math

import numpy as np

from standin.micro.jit import compiled, mixed, near_normal, place, unit
from standin.noise import Floats, Ints

SIZE_SPREAD, SPREAD_SPREAD = 0.45, 0.35
"""Deviations of the logs of a price's lots and of the spread."""
TOUCH = (0.6, 0.9)
"""The two prices at the touch have so much of the lots that rest further out."""
LEAST_ORDERS, MORE_ORDERS = 0.35, 0.4
"""Orders for each lot, from the first to the sum of both by the price's own number; …"""
LARGE = 60.0
"""… fewer where prices carry more lots than this."""

MIDDLE, SPREAD, SIZE, DENSITY, REACH = range(5)
"""Columns of a boundary's conditions: see `liquidity.Liquidity`."""

_TOUCH_WORD = np.uint64(0xA5A5_5A5A_0F0F_F0F0)


@compiled
def touch(stream: np.uint64, minute: int, period: int, conditions: Floats) -> tuple[int, int]:
    """The prices at which the bids begin and the asks begin, in ticks."""
    wide = drawn_spread(mixed(place(stream ^ _TOUCH_WORD, minute // period)), conditions[SPREAD])
    bid = math.floor(conditions[MIDDLE] - (wide - 1) / 2)
    return bid, bid + wide


@compiled
def drawn_spread(word: np.uint64, mean: float) -> int:
    """Whole ticks, at least one."""
    return 1 + int((mean - 1) * math.exp(SPREAD_SPREAD * near_normal(word)) + unit(mixed(word)))


@compiled
def fill(
    lots: Ints, orders: Ints, stream: np.uint64, lowest: int, floor: int, minute: int, period: int, conditions: Floats
) -> None:
    """What would rest at each price of a window that begins at `lowest`, whichever side it belongs to.

    Below `floor` nothing rests.
    """
    usual = conditions[SIZE] / conditions[DENSITY]
    fewer = math.sqrt(min(1.0, LARGE / usual))
    for at in range(lots.size):
        lots[at], orders[at] = 0, 0
        own = place(stream, lowest + at)
        word = mixed(own + np.uint64((minute + np.int64(own & np.uint64(63))) // period))
        if lowest + at < floor or unit(word) >= conditions[DENSITY]:
            continue
        word = mixed(word)
        size = int(usual * math.exp(SIZE_SPREAD * near_normal(word)) * 0.9 + unit(mixed(word)))
        lots[at] = max(size, 1)
        orders[at] = orders_of(lots[at], (LEAST_ORDERS + MORE_ORDERS * unit(own)) * fewer)


@compiled
def orders_of(lots: int, share: float) -> int:
    """Orders that make up so many lots: one at least, one for each lot at most."""
    return min(max(int(lots * share + 0.5), 1), lots)


@compiled
def near_touch(lots: int, distance: int) -> int:
    """Lots of a price so many ticks from the touch; one at least where there are any."""
    if lots == 0 or distance >= len(TOUCH):
        return lots
    return max(int(lots * TOUCH[distance] + 0.5), 1)


@compiled
def settle(lots: Ints, orders: Ints, lowest: int, bid: int, ask: int, conditions: Floats) -> None:
    """Make of what would rest a book with this touch: nothing between, less at the touch, an end where it has one."""
    end = conditions[REACH] + (ask - bid) / 2
    for at in range(lots.size):
        price = lowest + at
        distance = bid - price if price <= bid else price - ask
        if distance < 0 or abs(price - conditions[MIDDLE]) > end:
            lots[at], orders[at] = 0, 0
        elif lots[at] > 0 and distance < len(TOUCH):
            less = near_touch(lots[at], distance)
            orders[at] = max(orders[at] * less // lots[at], 1)
            lots[at] = less
