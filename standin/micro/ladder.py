"""A book as lots and orders by price, and the rows that tell its changes.

`lots` and `orders` are arrays over a window of prices; what lies at or below the best bid is bids, what lies
at or above the best ask is asks, and between them nothing rests. `state` holds the rest:

BEST_BID, BEST_ASK: places in the window; −1 and the window's width for an empty side. ROWS: written so far (it
counts on past the end of `rows`). NOW: UTC ns of the next row. EVENT: the last ts_event; EVENT_LIMIT: that of
the next trade, which no row before it may pass. LOWEST: ticks at place 0. TICK: 1e-9 price units. HEADER: a
row's first word.
"""

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
STATE_SIZE = 9


@compiled
def better(lots: Ints, state: Ints, side: int, at: int, most: int) -> int:
    """How many prices with orders are better than this one, at most `most`: its index in the book."""
    count = 0
    step = -1 if side == BID else 1
    price = state[BEST_BID] if side == BID else state[BEST_ASK]
    while count < most and (price - at) * step < 0 and 0 <= price < lots.size:
        count += lots[price] > 0
        price += step
    return count


@compiled
def at_index(lots: Ints, state: Ints, side: int, index: int) -> int:
    """The place of the index-th price of a side, or of the last one before it; −1 for an empty side."""
    step = -1 if side == BID else 1
    price = state[BEST_BID] if side == BID else state[BEST_ASK]
    found = -1
    while index >= 0 and 0 <= price < lots.size:
        if lots[price] > 0:
            found = price
            index -= 1
        price += step
    return found


@compiled
def change(
    rows: Ints,
    state: Ints,
    lots: Ints,
    orders: Ints,
    side: int,
    at: int,
    lots_after: int,
    orders_after: int,
    dice: Words,
) -> None:
    """Let other lots and orders rest at a price, and write the row that says so.

    More lots in more orders are an A row, fewer in fewer (or none) a C row of just the difference; all else is
    an M row, whose size is that of one order after the change, as CME's orders are modified.
    """
    before, orders_before = lots[at], orders[at]
    index = better(lots, state, side, at, levels_of(rows))
    if lots_after > before and orders_after > orders_before:
        action, size = ADD, lots_after - before
    elif lots_after < before and orders_after < orders_before:
        action, size = CANCEL, before - lots_after
    else:
        action, size = MODIFY, 1 + (lots_after - orders_after) // 3
    lots[at], orders[at] = lots_after, orders_after
    _move_best(state, lots, side, at)
    write(rows, state, lots, orders, action, side, at, size, index, dice)


@compiled
def _move_best(state: Ints, lots: Ints, side: int, at: int) -> None:
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
    return (rows.shape[1] - BOOK) // LEVEL_WORDS


@compiled
def write(
    rows: Ints,
    state: Ints,
    lots: Ints,
    orders: Ints,
    action: int,
    side: int,
    at: int,
    size: int,
    index: int,
    dice: Words,
) -> None:
    """A row of an A, C or M at NOW; none where the change is out of sight."""
    late, delta = latency(dice), send_delta(dice)
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
    write_levels(rows, row, state, lots, orders)


@compiled
def write_trade(rows: Ints, state: Ints, lots: Ints, orders: Ints, trade: Ints) -> None:
    """A trade's row: its own words, and the book as it was before."""
    state[LAST_EVENT] = trade[EVENT]
    row = state[ROWS]
    state[ROWS] += 1
    if row >= rows.shape[0]:
        return
    for word in range(BOOK):  # a slice takes seconds to compile
        rows[row, word] = trade[word]
    rows[row, HEAD] = state[HEADER]
    write_levels(rows, row, state, lots, orders)


@compiled
def write_levels(rows: Ints, row: int, state: Ints, lots: Ints, orders: Ints) -> None:
    """The best levels; what is absent has no price and no lots."""
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


@compiled
def clear(state: Ints, lots: Ints, orders: Ints) -> None:
    """Nothing rests anywhere."""
    for at in range(lots.size):
        lots[at], orders[at] = 0, 0
    state[BEST_BID], state[BEST_ASK] = -1, lots.size
