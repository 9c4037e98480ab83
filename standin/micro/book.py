"""The book of one instrument through its minutes.

A minute begins with the book of its boundary and ends with that of the next. In between the trades are given:
before each one the quotes come to its price (orders in the way are pulled, the level it hits is there and large
enough), and after it the level has lost its size. Between trades orders come and go in bursts; they draw
the quotes along a straight line from one trade's price to the next and the sizes back to their usual values.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.sessions import SECOND_NS
from standin.market.underlying import MINUTE_NS
from standin.micro.flow import make_event, make_trade, make_way, middle_of, pass_time
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
    Ladder,
    change,
    clear,
)
from standin.micro.prints import FIRST_NS, LONGEST_LATENCY_NS
from standin.micro.resting import MIDDLE, REACH, SPREAD, Source, drawn_spread, fill, settle, touch
from standin.micro.words import ASK, BID, EVENT, RECV
from standin.noise import Floats, Ints, Words

QUIET_NS = LONGEST_LATENCY_NS
"""At a minute's end nothing happens for so long, so that ts_event never goes back."""
AFTER_OPENING_NS = 100_000
"""The first order of a session comes so long after its opening."""
LEAST_CLOSING_NS, CLOSING_NS = 20_000_000, 2 * SECOND_NS
"""The book begins to turn into the next boundary's so long before that: the first, and up to the second more."""
BURST = 5.0
"""Book events in a burst, on average."""
REACTION_SHARE, LONGEST_REACTION = 0.5, 10.0
"""Book events that follow a trade at once, rather than at any time; and how many at most on average."""
GAP_NS, GAP_SPAN = 4_000.0, 5.0
"""Between the events of a burst: 4 µs to 0.6 ms, in ns and as a logarithm."""


class Minutes(NamedTuple):
    """Some consecutive minutes of one instrument.

    begin_ns: UTC. opening: 1 for a minute that begins with an empty book. begins, ends: conditions of the
    boundaries, shape (minutes, 5). events: expected beside trades. lowest, window: the ladder's first price in ticks,
    and its number of prices. trades: rows of words; those of minute m from trade_from[m] to trade_from[m + 1].
    """

    begin_ns: Ints
    opening: NDArray[np.bool_]
    begins: Floats
    ends: Floats
    events: Floats
    lowest: Ints
    window: Ints
    trades: Ints
    trade_from: Ints


@compiled
def simulate(
    rows: Ints, first: int, counting: bool, header: int, tick: int, source: Source, minutes: Minutes
) -> tuple[int, int]:
    """Write the rows of the minutes from the first on, as far as there is room.

    Returns how many rows those are, and the first minute that did not fit. counting: all minutes, written or not.
    """
    state = np.zeros(STATE_SIZE, dtype=np.int64)
    state[TICK], state[HEADER] = tick, header
    dice = np.empty(1, dtype=np.uint64)
    room = np.empty((4, minutes.window.max()), dtype=np.int64)
    for minute in range(first, minutes.begin_ns.size):
        written, size = state[ROWS], minutes.window[minute]
        dice[0] = place(source.stream, minutes.begin_ns[minute] // MINUTE_NS)
        ladder = Ladder(rows, state, room[0, :size], room[1, :size], dice)
        _pass_minute(ladder, room[2, :size], room[3, :size], source, minutes, minute)
        if not counting and state[ROWS] > rows.shape[0]:
            return written, minute
    return state[ROWS], minutes.begin_ns.size


@compiled
def _pass_minute(ladder: Ladder, goal: Ints, goal_orders: Ints, source: Source, minutes: Minutes, minute: int) -> None:
    state, lots, orders = ladder.state, ladder.lots, ladder.orders
    begin_ns, lowest = minutes.begin_ns[minute], minutes.lowest[minute]
    number = begin_ns // MINUTE_NS
    trades = minutes.trades[minutes.trade_from[minute] : minutes.trade_from[minute + 1]]
    state[NOW], state[LOWEST] = begin_ns, lowest
    state[LAST_EVENT] = begin_ns if minutes.opening[minute] else begin_ns - LONGEST_LATENCY_NS
    state[EVENT_LIMIT] = trades[0, EVENT] if len(trades) else begin_ns + MINUTE_NS

    fill(lots, orders, source, lowest, number, minutes.begins[minute])
    bid, ask = touch(source, number, minutes.begins[minute])
    settle(lots, orders, lowest, bid, ask, minutes.begins[minute])
    _find_best(ladder, bid - lowest, ask - lowest)
    if minutes.opening[minute]:
        _build(ladder, goal, goal_orders)

    fill(goal, goal_orders, source, lowest, number + 1, minutes.ends[minute])
    _live(ladder, goal, minutes.begins[minute], minutes.ends[minute], minutes.events[minute], begin_ns, trades)

    bid, ask = touch(source, number + 1, minutes.ends[minute])
    settle(goal, goal_orders, lowest, bid, ask, minutes.ends[minute])
    _arrive(ladder, goal, goal_orders, bid - lowest, ask - lowest, begin_ns + MINUTE_NS - QUIET_NS)


@compiled
def _find_best(ladder: Ladder, bid: int, ask: int) -> None:
    """From the places at which bids and asks may begin."""
    while bid >= 0 and ladder.lots[bid] == 0:
        bid -= 1
    while ask < ladder.lots.size and ladder.lots[ask] == 0:
        ask += 1
    ladder.state[BEST_BID], ladder.state[BEST_ASK] = bid, ask


@compiled
def _build(ladder: Ladder, goal: Ints, goal_orders: Ints) -> None:
    """Start from an empty book: the orders come outward from the touch, on both sides in turn."""
    bid, ask = ladder.state[BEST_BID], ladder.state[BEST_ASK]
    limit = ladder.state[NOW] + FIRST_NS
    ladder.state[NOW] += AFTER_OPENING_NS
    for at in range(goal.size):
        goal[at], goal_orders[at] = ladder.lots[at], ladder.orders[at]
    clear(ladder)
    for distance in range(goal.size):
        for side in (BID, ASK):
            at = bid - distance if side == BID else ask + distance
            if 0 <= at < goal.size and goal[at] > 0:
                pass_time(ladder, limit)
                change(ladder, side, at, goal[at], goal_orders[at])


@compiled
def _live(ladder: Ladder, goal: Ints, begin: Floats, end: Floats, events: float, begin_ns: int, trades: Ints) -> None:
    """The minute between its boundaries: its trades in their order, and bursts of other events at random times."""
    state, dice = ladder.state, ladder.dice
    end_ns = begin_ns + MINUTE_NS
    reaction = min(REACTION_SHARE * events / len(trades), LONGEST_REACTION) if len(trades) else 0.0
    every = MINUTE_NS * BURST / max(events - reaction * len(trades), 0.01)
    closing = end_ns - QUIET_NS - LEAST_CLOSING_NS - int(CLOSING_NS * uniform(dice))
    wide = drawn_spread(bits(dice), begin[SPREAD])
    from_ns, from_middle = begin_ns, begin[MIDDLE]
    burst_ns, left = begin_ns + int(every * exponential(dice)), 0
    done = 0
    while True:
        trade_ns, to_middle, state[EVENT_LIMIT] = end_ns, end[MIDDLE], end_ns
        if done < len(trades):
            trade_ns, state[EVENT_LIMIT] = trades[done, RECV], trades[done, EVENT]
            to_middle = middle_of(trades[done], state[TICK], wide)
        if burst_ns < min(trade_ns, closing):
            state[NOW] = max(state[NOW], burst_ns)
            passed = (state[NOW] - from_ns) / max(trade_ns - from_ns, 1)
            middle = from_middle + (to_middle - from_middle) * passed
            make_event(ladder, goal, middle - state[LOWEST], wide, begin[REACH])
            if left > 0:
                left -= 1
                burst_ns = state[NOW] + _gap(dice)
            else:
                left = int((BURST - 1) * exponential(dice) + 0.5)
                burst_ns = state[NOW] + int(every * exponential(dice))
                wide = drawn_spread(bits(dice), begin[SPREAD])
        elif done < len(trades):
            make_trade(ladder, goal, trades[done], trades[done + 1, RECV] if done + 1 < len(trades) else end_ns)
            from_ns, from_middle = trade_ns, to_middle
            done += 1
            more = int(reaction * exponential(dice) + uniform(dice))
            if more > 0:
                left += more - 1
                burst_ns = state[NOW] + _gap(dice)
        else:
            break
    state[NOW] = max(state[NOW], closing)


@compiled
def _gap(dice: Words) -> int:
    """ns between two events of a burst."""
    return int(GAP_NS * math.exp(GAP_SPAN * uniform(dice)))


@compiled
def _arrive(ladder: Ladder, goal: Ints, goal_orders: Ints, bid: int, ask: int, limit: int) -> None:
    """Turn the book into that of the next boundary: first what is in the way, then price by price."""
    state, lots, orders = ladder.state, ladder.lots, ladder.orders
    make_way(ladder, bid, ask, limit)
    for distance in range(lots.size):
        for side in (BID, ASK):
            at = bid - distance if side == BID else ask + distance
            if 0 <= at < lots.size and (lots[at] != goal[at] or orders[at] != goal_orders[at]):
                state[NOW] += int((limit - state[NOW]) * 0.1 * uniform(ladder.dice))
                change(ladder, side, at, goal[at], goal_orders[at])
