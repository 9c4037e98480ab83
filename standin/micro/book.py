"""The book of one instrument through its minutes.

A minute begins with the book of its boundary and ends with that of the next. In between the trades are given;
before each one the quotes come to its price (orders in the way are pulled, the level it hits is there and large
enough), and after it the level has lost its size. Between trades orders come and go in bursts; they draw
the quotes along a straight line from one trade's price to the next and the sizes back to their usual values.
"""

import math

import numpy as np
from numpy.typing import NDArray

from market.sessions import SECOND_NS
from standin.market.underlying import MINUTE_NS
from standin.micro.jit import bits, compiled, exponential, place, uniform
from standin.micro.ladder import (
    BEST_ASK,
    BEST_BID,
    EVENT_LIMIT,
    HEADER,
    LAST_EVENT,
    LOWEST,
    NOW,
    ROWS,
    STATE_SIZE,
    TICK,
    at_index,
    change,
    clear,
    write_trade,
)
from standin.micro.prints import FIRST_NS, LONGEST_LATENCY_NS
from standin.micro.resting import (
    MIDDLE,
    REACH,
    SPREAD,
    drawn_spread,
    fill,
    near_touch,
    orders_of,
    settle,
    touch,
)
from standin.micro.words import ASK, BID, EVENT, NO_SIDE, PRICE, RECV, WHAT
from standin.noise import Floats, Ints, Words

QUIET_NS = LONGEST_LATENCY_NS
"""At a minute's end nothing happens for so long: see `prints.LONGEST_LATENCY_NS`."""
BURST = 5.0
"""Book events in a burst, on average."""
REACTION_SHARE, LONGEST_REACTION = 0.5, 10.0
"""Book events that follow a trade at once, rather than at any time; and how many at most on average."""
GAP_NS, GAP_SPAN = 4_000.0, 5.0
"""Between the events of a burst: 4 µs to 0.6 ms, in ns and as a logarithm."""
NEAREST_NS, NEAR_NS = 20_000, 250_000
"""The quotes come to a trade's price so long before it."""
EFFECT_NS = 8_000
"""From a trade's row to that of its effect."""
FOLLOW = 0.5
"""Share of book events that draw the quotes along, where they lag."""
AT_TOUCH, BEHIND = 0.72, 0.5
"""Share of orders that come and go at the best price; and of the others at each further price."""
MODIFIES, MODIFIED_AT_TOUCH = 0.38, 0.4
"""Share of book events that change an order in its place; and of these, those at each next price."""
WHOLE_ORDERS = 0.66
"""Share of trades that fill whole orders of the level (C), not a part of one (M)."""
LARGER_ORDERS = 25.0
"""Lots at a price for which an order has one lot more."""


@compiled
def simulate(
    rows: Ints,
    first: int,
    counting: bool,
    header: int,
    tick: int,
    stream: np.uint64,
    floor: int,
    period: int,
    minute_ns: Ints,
    opening: NDArray[np.bool_],
    begins: Floats,
    ends: Floats,
    events: Floats,
    lowest: Ints,
    window: Ints,
    trades: Ints,
    trade_from: Ints,
) -> tuple[int, int]:
    """Write the rows of the minutes from `first` on; (rows written, the minute that did not fit or their number).

    opening: minutes that begin with an empty book. begins, ends: the conditions of their boundaries. lowest, window:
    the first price of the ladder in ticks, and their number. trades: rows of words, those of minute m from trade_from[m] to trade_from[m + 1].
    counting: `rows` has no room and all minutes are counted.
    """
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    state[TICK], state[HEADER] = tick, header
    dice = np.empty(1, dtype=np.uint64)
    room = np.empty((4, window.max()), dtype=np.int64)
    for minute in range(first, minute_ns.size):
        lots, orders = room[0, : window[minute]], room[1, : window[minute]]
        goal, goal_orders = room[2, : window[minute]], room[3, : window[minute]]
        written = state[ROWS]
        number = minute_ns[minute] // MINUTE_NS
        dice[0] = place(stream, number)
        state[NOW], state[LOWEST] = minute_ns[minute], lowest[minute]
        part = trades[trade_from[minute] : trade_from[minute + 1]]
        state[LAST_EVENT] = minute_ns[minute] - LONGEST_LATENCY_NS
        state[EVENT_LIMIT] = part[0, EVENT] if len(part) else minute_ns[minute] + MINUTE_NS
        fill(lots, orders, stream, lowest[minute], floor, number, period, begins[minute])
        bid, ask = touch(stream, number, period, begins[minute])
        settle(lots, orders, lowest[minute], bid, ask, begins[minute])
        state[BEST_BID], state[BEST_ASK] = _best(lots, bid - lowest[minute], ask - lowest[minute])
        if opening[minute]:
            for at in range(lots.size):
                goal[at], goal_orders[at] = lots[at], orders[at]
            _build(rows, state, lots, orders, goal, goal_orders, dice)
        fill(goal, goal_orders, stream, lowest[minute], floor, number + 1, period, ends[minute])
        _live(
            rows, state, lots, orders, goal, begins[minute], ends[minute], events[minute], minute_ns[minute], part, dice
        )
        bid, ask = touch(stream, number + 1, period, ends[minute])
        settle(goal, goal_orders, lowest[minute], bid, ask, ends[minute])
        _arrive(rows, state, lots, orders, goal, goal_orders, bid, ask, minute_ns[minute] + MINUTE_NS - QUIET_NS, dice)
        if not counting and state[ROWS] > rows.shape[0]:
            return written, minute
    return state[ROWS], minute_ns.size


@compiled
def _best(lots: Ints, bid: int, ask: int) -> tuple[int, int]:
    while bid >= 0 and lots[bid] == 0:
        bid -= 1
    while ask < lots.size and lots[ask] == 0:
        ask += 1
    return bid, ask


@compiled
def _build(rows: Ints, state: Ints, lots: Ints, orders: Ints, goal: Ints, goal_orders: Ints, dice: Words) -> None:
    """From nothing to the goal, outward from the touch, both sides in turn; unseen prices at once."""
    bid, ask = state[BEST_BID], state[BEST_ASK]
    clear(state, lots, orders)
    limit = state[NOW] + FIRST_NS
    for distance in range(lots.size):
        for side in (BID, ASK):
            at = bid - distance if side == BID else ask + distance
            if 0 <= at < lots.size and goal[at] > 0:
                _pass_time(state, limit, dice)
                change(rows, state, lots, orders, side, at, goal[at], goal_orders[at], dice)


@compiled
def _pass_time(state: Ints, limit: int, dice: Words) -> None:
    """Some microseconds, not past the limit."""
    state[NOW] = max(state[NOW], min(state[NOW] + 2_000 + np.int64(bits(dice) & np.uint64(8_191)), limit))


@compiled
def _live(
    rows: Ints,
    state: Ints,
    lots: Ints,
    orders: Ints,
    goal: Ints,
    begin: Floats,
    end: Floats,
    events: float,
    minute_ns: int,
    trades: Ints,
    dice: Words,
) -> None:
    """The minute between its boundaries."""
    reaction = 0.0
    if len(trades):
        reaction = min(REACTION_SHARE * events / len(trades), LONGEST_REACTION)
    every = MINUTE_NS * BURST / max(events - reaction * len(trades), 0.01)
    closing = minute_ns + MINUTE_NS - QUIET_NS - int(20_000_000 + 2 * SECOND_NS * uniform(dice))
    wide = drawn_spread(bits(dice), begin[SPREAD])
    from_ns, from_middle = minute_ns, begin[MIDDLE]
    burst_ns, left = minute_ns + int(every * exponential(dice)), 0
    trade = 0
    while True:
        if trade < len(trades):
            trade_ns, to_ns, to_middle = (
                trades[trade, RECV],
                trades[trade, RECV],
                _middle_of(trades[trade], state, wide),
            )
            state[EVENT_LIMIT] = trades[trade, EVENT]
        else:
            trade_ns, to_ns, to_middle = minute_ns + MINUTE_NS, minute_ns + MINUTE_NS, end[MIDDLE]
            state[EVENT_LIMIT] = minute_ns + MINUTE_NS
        if burst_ns < min(trade_ns, closing):
            state[NOW] = max(state[NOW], burst_ns)
            middle = from_middle + (to_middle - from_middle) * (state[NOW] - from_ns) / max(to_ns - from_ns, 1)
            _happen(rows, state, lots, orders, goal, middle - state[LOWEST], wide, begin[REACH], dice)
            if left > 0:
                left -= 1
                burst_ns = state[NOW] + int(GAP_NS * math.exp(GAP_SPAN * uniform(dice)))
            else:
                left = int((BURST - 1) * exponential(dice) + 0.5)
                burst_ns = state[NOW] + int(every * exponential(dice))
                wide = drawn_spread(bits(dice), begin[SPREAD])
        elif trade < len(trades):
            next_ns = trades[trade + 1, RECV] if trade + 1 < len(trades) else minute_ns + MINUTE_NS
            _trade(rows, state, lots, orders, goal, trades[trade], next_ns, dice)
            from_ns, from_middle = to_ns, to_middle
            trade += 1
            more = int(reaction * exponential(dice) + uniform(dice))
            if more > 0:
                left += more - 1
                burst_ns = state[NOW] + int(GAP_NS * math.exp(GAP_SPAN * uniform(dice)))
        else:
            break
    state[NOW] = max(state[NOW], closing)


@compiled
def _side_of(trade: Ints) -> int:
    """The aggressor; the opening auction counts as a buyer."""
    side = trade[WHAT] >> 40 & 0xFF
    return BID if side == NO_SIDE else side


@compiled
def _middle_of(trade: Ints, state: Ints, wide: int) -> float:
    """The middle of a market of this spread that has the trade's price at its touch."""
    half = wide / 2
    return trade[PRICE] // state[TICK] + (-half if _side_of(trade) == BID else half)


@compiled
def _trade(
    rows: Ints, state: Ints, lots: Ints, orders: Ints, goal: Ints, trade: Ints, next_ns: int, dice: Words
) -> None:
    """Bring the quotes to a trade, let it happen, and take its size from the level it hit."""
    at = trade[PRICE] // state[TICK] - state[LOWEST]
    size = trade[WHAT] & 0xFFFF_FFFF
    hit = ASK if _side_of(trade) == BID else BID
    recv = trade[RECV]
    state[NOW] = max(state[NOW], recv - NEAREST_NS - int(NEAR_NS * uniform(dice)))
    _make_way(rows, state, lots, orders, at if hit == BID else at - 1, at if hit == ASK else at + 1, recv, dice)
    if lots[at] < size:
        _pass_time(state, recv, dice)
        more = size - lots[at] + (int(uniform(dice) * near_touch(goal[at], 0)) if lots[at] == 0 else 0)
        change(rows, state, lots, orders, hit, at, lots[at] + more, orders[at] + 1, dice)
    state[NOW] = recv
    write_trade(rows, state, lots, orders, trade)
    if (trade[WHAT] >> 40 & 0xFF) == NO_SIDE:
        return
    state[NOW] = min(recv + EFFECT_NS, next_ns)
    _take(rows, state, lots, orders, hit, at, size, dice)


@compiled
def _take(rows: Ints, state: Ints, lots: Ints, orders: Ints, hit: int, at: int, size: int, dice: Words) -> None:
    left = lots[at] - size
    rest = min(orders[at], left)
    if rest == orders[at] and orders[at] > 1 and uniform(dice) < WHOLE_ORDERS:
        rest -= 1
    change(rows, state, lots, orders, hit, at, left, rest, dice)


@compiled
def _make_way(rows: Ints, state: Ints, lots: Ints, orders: Ints, bid: int, ask: int, limit: int, dice: Words) -> None:
    """Pull the bids above one price and the asks below another."""
    for side in (BID, ASK):
        while (state[BEST_BID] > bid) if side == BID else (state[BEST_ASK] < ask):
            _pull(rows, state, lots, orders, side, limit, dice)


@compiled
def _pull(rows: Ints, state: Ints, lots: Ints, orders: Ints, side: int, limit: int, dice: Words) -> None:
    """Take the best price of a side away, in two steps where many orders rest there."""
    at = state[BEST_BID] if side == BID else state[BEST_ASK]
    if orders[at] > 3:
        _pass_time(state, limit, dice)
        stay = 1 + int(uniform(dice) * (orders[at] - 2))
        change(rows, state, lots, orders, side, at, max(lots[at] * stay // orders[at], stay), stay, dice)
    _pass_time(state, limit, dice)
    change(rows, state, lots, orders, side, at, 0, 0, dice)


@compiled
def _happen(
    rows: Ints, state: Ints, lots: Ints, orders: Ints, goal: Ints, middle: float, wide: int, reach: float, dice: Words
) -> None:
    """One event of the book."""
    if uniform(dice) < FOLLOW and _follow(rows, state, lots, orders, goal, middle, wide, reach, dice):
        return
    side = BID if bits(dice) & np.uint64(1) else ASK
    modify = uniform(dice) < MODIFIES
    index = 0
    if modify:
        while index < 9 and uniform(dice) >= MODIFIED_AT_TOUCH:
            index += 1
    elif uniform(dice) >= AT_TOUCH:
        index = 1
        while index < 9 and uniform(dice) >= BEHIND:
            index += 1
    at = at_index(lots, state, side, index)
    if at < 0:
        return
    usual = near_touch(goal[at], index)
    if modify:
        _modify(rows, state, lots, orders, side, at, usual, dice)
    else:
        _come_or_go(rows, state, lots, orders, side, at, usual, wide, dice)


@compiled
def _follow(
    rows: Ints, state: Ints, lots: Ints, orders: Ints, goal: Ints, middle: float, wide: int, reach: float, dice: Words
) -> bool:
    """Draw a quote that lags to where it belongs; False where none does."""
    bid = math.floor(middle - (wide - 1) / 2)
    ask = bid + wide
    for side in (BID, ASK):
        if (state[BEST_BID] > bid) if side == BID else (state[BEST_ASK] < ask):
            _pull(rows, state, lots, orders, side, state[NOW], dice)
            return True
    rising = bits(dice) & np.uint64(1)
    for side in (BID, ASK) if rising else (ASK, BID):
        at = _missing(state, goal, side, bid if side == BID else ask, middle, reach)
        if at >= 0:
            size = near_touch(goal[at], 0)
            size = max(1, int(size * (0.3 + 0.7 * uniform(dice))))
            change(rows, state, lots, orders, side, at, size, orders_of(size, 0.5), dice)
            return True
    return False


@compiled
def _missing(state: Ints, goal: Ints, side: int, to: int, middle: float, reach: float) -> int:
    """The price next to the best one, in the direction of the touch, at which orders should rest; −1 for none."""
    step = 1 if side == BID else -1
    at = state[BEST_BID] + 1 if side == BID else state[BEST_ASK] - 1
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
def _come_or_go(
    rows: Ints, state: Ints, lots: Ints, orders: Ints, side: int, at: int, usual: int, wide: int, dice: Words
) -> None:
    """An order joins a price or leaves it: the fewer rest there, the likelier it joins."""
    size = _order(usual, dice)
    if uniform(dice) < usual / (usual + lots[at]):
        change(rows, state, lots, orders, side, at, lots[at] + size, orders[at] + 1, dice)
    elif orders[at] > 1:
        size = min(size, lots[at] - orders[at] + 1)
        change(rows, state, lots, orders, side, at, lots[at] - size, orders[at] - 1, dice)
    elif at not in (state[BEST_BID], state[BEST_ASK]) or state[BEST_ASK] - state[BEST_BID] <= wide:
        change(rows, state, lots, orders, side, at, 0, 0, dice)


@compiled
def _modify(rows: Ints, state: Ints, lots: Ints, orders: Ints, side: int, at: int, usual: int, dice: Words) -> None:
    """An order changes its size, or comes here from a price out of sight."""
    size = _order(usual, dice)
    if uniform(dice) < usual / (usual + lots[at]):
        change(rows, state, lots, orders, side, at, lots[at] + size, orders[at], dice)
    elif lots[at] > orders[at]:
        change(rows, state, lots, orders, side, at, max(lots[at] - size, orders[at]), orders[at], dice)


@compiled
def _arrive(
    rows: Ints,
    state: Ints,
    lots: Ints,
    orders: Ints,
    goal: Ints,
    goal_orders: Ints,
    bid: int,
    ask: int,
    limit: int,
    dice: Words,
) -> None:
    """Turn the book into that of the next boundary: first what is in the way, then price by price."""
    bid, ask = bid - state[LOWEST], ask - state[LOWEST]
    _make_way(rows, state, lots, orders, bid, ask, limit, dice)
    for distance in range(lots.size):
        for side in (BID, ASK):
            at = bid - distance if side == BID else ask + distance
            if 0 <= at < lots.size and (lots[at] != goal[at] or orders[at] != goal_orders[at]):
                state[NOW] += int((limit - state[NOW]) * 0.1 * uniform(dice))
                change(rows, state, lots, orders, side, at, goal[at], goal_orders[at], dice)
