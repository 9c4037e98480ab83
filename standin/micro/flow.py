"""What happens in a book: orders come, go and change, quotes are drawn along, trades take from it."""

import math

import numpy as np

from standin.micro.jit import bits, compiled, exponential, uniform
from standin.micro.ladder import BEST_ASK, BEST_BID, LOWEST, NOW, TICK, Ladder, at_index, best, change, write_trade
from standin.micro.resting import near_touch, orders_of
from standin.micro.words import ASK, BID, NO_SIDE, PRICE, RECV, WHAT
from standin.noise import Ints, Words

NEAREST_NS, NEAR_NS = 20_000, 250_000
"""The quotes come to a trade's price so long before it."""
EFFECT_NS = 8_000
"""From a trade's row to that of its effect."""
STEP_NS, STEP_MASK = 2_000, np.uint64(8_191)
"""Between two rows of which one forces the other."""
FOLLOW = 0.5
"""Share of events that draw the quotes along, where they lag."""
AT_TOUCH, BEHIND = 0.72, 0.5
"""Share of orders that come and go at the best price; and of the others at each further price."""
MODIFIES, MODIFIED_AT_TOUCH = 0.38, 0.4
"""Share of events that change an order in its place; and of these, those at each next price."""
WHOLE_ORDERS = 0.66
"""Share of trades that fill whole orders of the level (C), not a part of one (M)."""
LARGER_ORDERS = 25.0
"""Lots at a price for which an order has one lot more."""
LAST_LEVEL = 9


@compiled
def pass_time(ladder: Ladder, limit: int) -> None:
    """Some microseconds, not past the limit."""
    state = ladder.state
    later = state[NOW] + STEP_NS + np.int64(bits(ladder.dice) & STEP_MASK)
    state[NOW] = max(state[NOW], min(later, limit))


@compiled
def aggressor(trade: Ints) -> int:
    """A trade's side; the opening auction counts as a buyer."""
    side = trade[WHAT] >> 40 & 0xFF
    return BID if side == NO_SIDE else side


@compiled
def middle_of(trade: Ints, tick: int, wide: int) -> float:
    """The middle of a market of this spread that has the trade's price at its touch, in ticks."""
    price: int = trade[PRICE] // tick
    return price - wide / 2 if aggressor(trade) == BID else price + wide / 2


@compiled
def make_trade(ladder: Ladder, goal: Ints, trade: Ints, next_ns: int) -> None:
    """Bring the quotes to a trade, let it happen, and take its size from the level it hit."""
    state, lots, orders, dice = ladder.state, ladder.lots, ladder.orders, ladder.dice
    at = trade[PRICE] // state[TICK] - state[LOWEST]
    size = trade[WHAT] & 0xFFFF_FFFF
    hit = ASK if aggressor(trade) == BID else BID
    state[NOW] = max(state[NOW], trade[RECV] - NEAREST_NS - int(NEAR_NS * uniform(dice)))
    make_way(ladder, at if hit == BID else at - 1, at if hit == ASK else at + 1, trade[RECV])
    if lots[at] < size:
        pass_time(ladder, trade[RECV])
        more = int(uniform(dice) * near_touch(goal[at], 0)) if lots[at] == 0 else 0
        change(ladder, hit, at, size + more, orders[at] + 1)
    write_trade(ladder, trade)
    if (trade[WHAT] >> 40 & 0xFF) == NO_SIDE:  # the auction's orders were never in the book
        return
    state[NOW] = min(state[NOW] + EFFECT_NS, next_ns)
    left = lots[at] - size
    rest = min(orders[at], left)
    if rest == orders[at] and rest > 1 and uniform(dice) < WHOLE_ORDERS:
        rest -= 1
    change(ladder, hit, at, left, rest)


@compiled
def make_way(ladder: Ladder, bid: int, ask: int, limit: int) -> None:
    """Pull the bids above one price and the asks below another."""
    for side in (BID, ASK):
        while _in_the_way(ladder, side, bid, ask):
            _pull(ladder, side, limit)


@compiled
def _in_the_way(ladder: Ladder, side: int, bid: int, ask: int) -> bool:
    at = best(ladder, side)
    return at > bid if side == BID else at < ask


@compiled
def _pull(ladder: Ladder, side: int, limit: int) -> None:
    """Take the best price of a side away, in two steps where many orders rest there."""
    lots, orders = ladder.lots, ladder.orders
    at = best(ladder, side)
    if orders[at] > 3:
        pass_time(ladder, limit)
        stay = 1 + int(uniform(ladder.dice) * (orders[at] - 2))
        change(ladder, side, at, max(lots[at] * stay // orders[at], stay), stay)
    pass_time(ladder, limit)
    change(ladder, side, at, 0, 0)


@compiled
def make_event(ladder: Ladder, goal: Ints, middle: float, wide: int, reach: float) -> None:
    """One event of the book; `middle` is a place in the window, `wide` the usual spread now."""
    dice = ladder.dice
    if uniform(dice) < FOLLOW and _follow(ladder, goal, middle, wide, reach):
        return
    side = BID if bits(dice) & np.uint64(1) else ASK
    modify = uniform(dice) < MODIFIES
    index = 0
    if modify:
        while index < LAST_LEVEL and uniform(dice) >= MODIFIED_AT_TOUCH:
            index += 1
    elif uniform(dice) >= AT_TOUCH:
        index = 1
        while index < LAST_LEVEL and uniform(dice) >= BEHIND:
            index += 1
    at = at_index(ladder, side, index)
    if at < 0:
        return
    usual = near_touch(goal[at], index)
    if modify:
        _modify(ladder, side, at, usual)
    else:
        _come_or_go(ladder, side, at, usual, wide)


@compiled
def _follow(ladder: Ladder, goal: Ints, middle: float, wide: int, reach: float) -> bool:
    """Draw a quote that lags to where it belongs; False where none does."""
    bid = math.floor(middle - (wide - 1) / 2)
    ask = bid + wide
    for side in (BID, ASK):
        if _in_the_way(ladder, side, bid, ask):
            _pull(ladder, side, ladder.state[NOW])
            return True
    bids_first = bits(ladder.dice) & np.uint64(1)
    for side in (BID, ASK) if bids_first else (ASK, BID):
        at = _missing(ladder, goal, side, bid if side == BID else ask, middle, reach)
        if at >= 0:
            size = max(1, int(near_touch(goal[at], 0) * (0.3 + 0.7 * uniform(ladder.dice))))
            change(ladder, side, at, size, orders_of(size, 0.5))
            return True
    return False


@compiled
def _missing(ladder: Ladder, goal: Ints, side: int, to: int, middle: float, reach: float) -> int:
    """The price next to the best one, towards the touch, at which orders should rest; −1 for none."""
    step = 1 if side == BID else -1
    at = best(ladder, side) + step
    if not 0 < at < goal.size - 1:  # an empty side begins at its end
        at = max(int(middle - reach), 0) if side == BID else min(int(middle + reach), goal.size - 1)
    while (to - at) * step >= 0:
        if goal[at] > 0:
            return at
        at += step
    return -1


@compiled
def _order(usual: int, dice: Words) -> int:
    """Lots of an order."""
    size = 1 + int(usual / LARGER_ORDERS * exponential(dice))
    if uniform(dice) < 0.3:
        size += int(2.5 * exponential(dice))
    return size


@compiled
def _come_or_go(ladder: Ladder, side: int, at: int, usual: int, wide: int) -> None:
    """An order joins a price or leaves it: the fewer rest there, the likelier it joins."""
    state, lots, orders = ladder.state, ladder.lots[at], ladder.orders[at]
    size = _order(usual, ladder.dice)
    if uniform(ladder.dice) < usual / (usual + lots):
        change(ladder, side, at, lots + size, orders + 1)
    elif orders > 1:
        change(ladder, side, at, lots - min(size, lots - orders + 1), orders - 1)
    elif at != best(ladder, side) or state[BEST_ASK] - state[BEST_BID] <= wide:
        change(ladder, side, at, 0, 0)


@compiled
def _modify(ladder: Ladder, side: int, at: int, usual: int) -> None:
    """An order changes its size."""
    lots, orders = ladder.lots[at], ladder.orders[at]
    size = _order(usual, ladder.dice)
    if uniform(ladder.dice) < usual / (usual + lots):
        change(ladder, side, at, lots + size, orders)
    elif lots > orders:
        change(ladder, side, at, max(lots - size, orders), orders)
