"""A book as lots and orders by price, and the rows that tell its changes."""

from typing import NamedTuple

from standin.micro.jit import compiled
from standin.micro.prints import latency, send_delta
from standin.micro.words import (
    ADD,
    BID,
    BOOK,
    CANCEL,
    DELTA,
    EVENT,
    HEAD,
    LAST_AND_SPECIFIC,
    LEVEL_WORDS,
    MODIFY,
    PRICE,
    RECV,
    UNDEF_PRICE,
    WHAT,
    delta_and_sequence,
    what,
)
from standin.noise import Ints, Words

BEST_BID, BEST_ASK, ROWS, NOW, LAST_EVENT, EVENT_LIMIT, LOWEST, TICK, HEADER = range(9)
"""Places of `Ladder.state`."""
STATE_SIZE = 9


class Ladder(NamedTuple):
    """What rests at the prices of a window, and the rows written so far.

    rows: of words, to be filled. lots, orders: by price, from the window's lowest on: bids up to the best bid, asks
    from the best ask on, nothing between. dice: see `jit`. state: BEST_BID and BEST_ASK, places in the window, −1
    and the window's size for an empty side; ROWS, written so far, counting on past the end of `rows`; NOW, UTC ns of
    the next row; LAST_EVENT, the last ts_event; EVENT_LIMIT, the next trade's, which no row before it may pass;
    LOWEST, ticks at the window's begin; TICK, 1e-9 price units; HEADER, a row's first word.
    """

    rows: Ints
    state: Ints
    lots: Ints
    orders: Ints
    dice: Words


@compiled
def best(ladder: Ladder, side: int) -> int:
    """The place of a side's best price; out of the window for an empty side."""
    at: int = ladder.state[BEST_BID] if side == BID else ladder.state[BEST_ASK]
    return at


@compiled
def better(ladder: Ladder, side: int, at: int, most: int) -> int:
    """How many prices with orders are better than this one, at most `most`: its index in the book."""
    lots, count = ladder.lots, 0
    step = -1 if side == BID else 1
    price = best(ladder, side)
    while count < most and (price - at) * step < 0 and 0 <= price < lots.size:
        count += lots[price] > 0
        price += step
    return count


@compiled
def at_index(ladder: Ladder, side: int, index: int) -> int:
    """The place of a side's index-th price, or of the last one before it; −1 for an empty side."""
    lots, found = ladder.lots, -1
    step = -1 if side == BID else 1
    price = best(ladder, side)
    while index >= 0 and 0 <= price < lots.size:
        if lots[price] > 0:
            found = price
            index -= 1
        price += step
    return found


@compiled
def clear(ladder: Ladder) -> None:
    """Nothing rests anywhere."""
    for at in range(ladder.lots.size):
        ladder.lots[at], ladder.orders[at] = 0, 0
    ladder.state[BEST_BID], ladder.state[BEST_ASK] = -1, ladder.lots.size


@compiled
def change(ladder: Ladder, side: int, at: int, lots: int, orders: int) -> None:
    """Let so many lots and orders rest at a price, and write the row that says so.

    More lots in more orders are an A row, fewer in fewer (or none) a C row, of the difference; all else is an M
    row, whose size is that of one order after the change, as CME's orders are modified.
    """
    lots_before, orders_before = ladder.lots[at], ladder.orders[at]
    index = better(ladder, side, at, levels_of(ladder.rows))
    action, size = MODIFY, 1 + (lots - orders) // 3
    if lots > lots_before and orders > orders_before:
        action, size = ADD, lots - lots_before
    elif lots < lots_before and orders < orders_before:
        action, size = CANCEL, lots_before - lots
    ladder.lots[at], ladder.orders[at] = lots, orders
    _move_best(ladder, side, at)
    _write(ladder, action, side, at, size, index)


@compiled
def _move_best(ladder: Ladder, side: int, at: int) -> None:
    state, lots = ladder.state, ladder.lots
    if side == BID:
        if lots[at] > 0:
            state[BEST_BID] = max(state[BEST_BID], at)
        while state[BEST_BID] >= 0 and lots[state[BEST_BID]] == 0:
            state[BEST_BID] -= 1
    else:
        if lots[at] > 0:
            state[BEST_ASK] = min(state[BEST_ASK], at)
        while state[BEST_ASK] < lots.size and lots[state[BEST_ASK]] == 0:
            state[BEST_ASK] += 1


@compiled
def levels_of(rows: Ints) -> int:
    """Book levels of the rows' record."""
    levels: int = (rows.shape[1] - BOOK) // LEVEL_WORDS
    return levels


@compiled
def _write(ladder: Ladder, action: int, side: int, at: int, size: int, index: int) -> None:
    """A row of an A, C or M at NOW; none where the change is out of sight."""
    rows, state = ladder.rows, ladder.state
    late, delta = latency(ladder.dice), send_delta(ladder.dice)  # drawn in any case: all schemas see one book
    state[LAST_EVENT] = max(state[LAST_EVENT], min(state[NOW] - late, state[EVENT_LIMIT]))
    if index >= levels_of(rows):
        return
    row = state[ROWS]
    state[ROWS] += 1
    if row >= rows.shape[0]:
        return
    rows[row, HEAD] = state[HEADER]
    rows[row, EVENT] = state[LAST_EVENT]
    rows[row, PRICE] = (state[LOWEST] + at) * state[TICK]
    rows[row, WHAT] = what(size, action, side, LAST_AND_SPECIFIC, index)
    rows[row, RECV] = state[NOW]
    rows[row, DELTA] = delta_and_sequence(delta, state[NOW])
    _write_levels(ladder, row)


@compiled
def write_trade(ladder: Ladder, trade: Ints) -> None:
    """A trade's row: its own words, and the book as it was before."""
    rows, state = ladder.rows, ladder.state
    state[NOW], state[LAST_EVENT] = trade[RECV], trade[EVENT]
    row = state[ROWS]
    state[ROWS] += 1
    if row >= rows.shape[0]:
        return
    for word in range(BOOK):  # a slice takes seconds to compile
        rows[row, word] = trade[word]
    rows[row, HEAD] = state[HEADER]
    _write_levels(ladder, row)


@compiled
def _write_levels(ladder: Ladder, row: int) -> None:
    """The best levels; what is absent has no price and no lots."""
    rows, state, lots, orders = ladder.rows, ladder.state, ladder.lots, ladder.orders
    bid, ask = state[BEST_BID], state[BEST_ASK]
    word = BOOK
    while word < rows.shape[1]:
        while bid >= 0 and lots[bid] == 0:
            bid -= 1
        while ask < lots.size and lots[ask] == 0:
            ask += 1
        bid_price, bid_lots, bid_orders = UNDEF_PRICE, 0, 0
        ask_price, ask_lots, ask_orders = UNDEF_PRICE, 0, 0
        if bid >= 0:
            bid_price, bid_lots, bid_orders = (state[LOWEST] + bid) * state[TICK], lots[bid], orders[bid]
        if ask < lots.size:
            ask_price, ask_lots, ask_orders = (state[LOWEST] + ask) * state[TICK], lots[ask], orders[ask]
        rows[row, word] = bid_price
        rows[row, word + 1] = ask_price
        rows[row, word + 2] = bid_lots | ask_lots << 32
        rows[row, word + 3] = bid_orders | ask_orders << 32
        word += LEVEL_WORDS
        bid -= 1
        ask += 1
