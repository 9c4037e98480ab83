"""The full order book of an instrument, order by order (Databento's `mbo`), and the mbp-10 rows and trades in it.

A (add), M (modify), C (cancel) and R (clear) change the book. T is a trade and F the fill of a resting order: both
only tell, the book changes by the C or M that follows. Records between two with the flag LAST are one event of the
exchange. A trade becomes a row with the book before it; an event becomes one row with the book after it if it
touched the ten best levels. A snapshot sets the book up and gives no row.
"""

from collections.abc import Mapping
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from market.engine.book import LEVELS, UNDEFINED_PRICE

LAST, SNAPSHOT = 128, 32
ADD, CANCEL, MODIFY, CLEAR, TRADE = (ord(letter) for letter in "ACMRT")
ASK_SIDE, BID_SIDE = ord("A"), ord("B")
BID, ASK = 0, 1
PRICE, SIZE, COUNT = 0, 1, 2
BLOCK_RECORDS = 8_192
"""Records at a time: their rows stay in the processor's cache."""

Columns = Mapping[str, npt.NDArray[Any]]


class OrderBook:
    """Takes the records of one instrument in order, some at a time.

    unknown: how many modified or cancelled orders were placed before the first record, so that the book lacks them.
    """

    def __init__(self) -> None:
        self.unknown = 0
        order = numba.types.UniTuple(numba.int64, 3)  # type: ignore[no-untyped-call]
        self._orders = numba.typed.Dict.empty(numba.int64, order)
        self._levels = np.zeros((2, BLOCK_RECORDS, 3), np.int64)
        self._used = np.zeros(2, np.int64)
        self._shown = _no_levels()

    def add(self, records: Columns) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """The mbp-10 rows of the next records: (source, depth, levels).

        records: action, side, flags (uint8), order_id, price, size (int64), equally long. source: int64 (N,), which
        record made the row. depth: uint8 (N,), the first level that changed. levels: int64 (N, 2, LEVELS, 3), bids and
        asks, the best first, each with price, size and count.
        """
        total = len(records["action"])
        parts = [self._block(records, start) for start in range(0, total, BLOCK_RECORDS)]
        if not parts:
            return np.empty(0, np.int64), np.empty(0, np.uint8), np.empty((0, 2, LEVELS, 3), np.int64)
        source, depth, levels = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        return source, depth, levels

    def _block(self, records: Columns, start: int) -> tuple[npt.NDArray[Any], ...]:
        end = start + BLOCK_RECORDS
        action, side, flags, order_id, price, size = (
            records[name][start:end] for name in ("action", "side", "flags", "order_id", "price", "size")
        )
        count = len(action)
        self._make_room(count)
        made = np.empty((count, 2, LEVELS, 3), np.int64)
        source, depth = np.empty(count, np.int64), np.empty(count, np.uint8)
        book = self._orders, self._levels, self._used, self._shown
        rows, unknown = _run(book, action, side, flags, order_id, price, size, made, source, depth)
        self.unknown += unknown
        return source[:rows] + start, depth[:rows], made[:rows]

    def _make_room(self, count: int) -> None:
        """Each record adds one level at most."""
        needed = int(self._used.max()) + count
        if needed > self._levels.shape[1]:
            grown = np.zeros((2, 2 * needed, 3), np.int64)
            grown[:, : self._levels.shape[1]] = self._levels
            self._levels = grown


def _no_levels() -> npt.NDArray[np.int64]:
    levels = np.zeros((2, LEVELS, 3), np.int64)
    levels[:, :, PRICE] = UNDEFINED_PRICE
    return levels


# The levels of a side lie in order with the best one last, where most of the changes are.


@numba.njit(cache=True, nogil=True)
def _find(levels, used, side, price):  # type: ignore[no-untyped-def]
    """Where a price is, or would be."""
    low, high = 0, used[side]
    while low < high:
        middle = (low + high) // 2
        held = levels[side, middle, 0]
        if held < price if side == BID else held > price:
            low = middle + 1
        else:
            high = middle
    return low


@numba.njit(cache=True, nogil=True)
def _change(levels, used, side, price, size, count):  # type: ignore[no-untyped-def]
    """Add to a level's size and count; it comes and goes with its orders. The level's distance from the best."""
    at = _find(levels, used, side, price)
    end = used[side]
    if at == end or levels[side, at, PRICE] != price:
        for index in range(end, at, -1):
            levels[side, index] = levels[side, index - 1]
        levels[side, at, PRICE] = price
        levels[side, at, SIZE] = 0
        levels[side, at, COUNT] = 0
        used[side] = end = end + 1
    levels[side, at, SIZE] += size
    levels[side, at, COUNT] += count
    if levels[side, at, COUNT] <= 0:
        for index in range(at, end - 1):
            levels[side, index] = levels[side, index + 1]
        used[side] = end - 1
    return end - 1 - at


@numba.njit(cache=True, nogil=True)
def _show(levels, used, row):  # type: ignore[no-untyped-def]
    """Write the ten best levels of both sides into a row."""
    for side in range(2):
        for level in range(LEVELS):
            at = used[side] - 1 - level
            if at >= 0:
                row[side, level] = levels[side, at]
            else:
                row[side, level, PRICE] = UNDEFINED_PRICE
                row[side, level, SIZE] = 0
                row[side, level, COUNT] = 0


@numba.njit(cache=True, nogil=True)
def _first_difference(before, after):  # type: ignore[no-untyped-def]
    """The best level, of either side, that is not the same; LEVELS where all are."""
    for level in range(LEVELS):
        for side in range(2):
            for field in range(3):
                if before[side, level, field] != after[side, level, field]:
                    return level
    return LEVELS


@numba.njit(cache=True, nogil=True)
def _run(book, action, side, flags, order_id, price, size, made, source, depth):  # type: ignore[no-untyped-def]
    """Apply records to the book; the number of rows made, and of orders not known."""
    orders, levels, used, shown = book
    rows = unknown = 0
    for record in range(len(action)):
        kind = action[record]
        touched = LEVELS
        if kind == TRADE:
            _show(levels, used, made[rows])
            source[rows], depth[rows] = record, 0
            rows += 1
        elif kind == CLEAR:
            orders.clear()
            used[:] = 0
        elif kind in (ADD, MODIFY, CANCEL):
            key = order_id[record]
            held = orders.get(key)
            if held is not None:
                old_side, old_price, old_size = held
                gone = old_size
                if kind == CANCEL and size[record] < old_size:
                    gone = size[record]
                touched = _change(levels, used, old_side, old_price, -gone, 0 if gone < old_size else -1)
                if gone < old_size:
                    orders[key] = (old_side, old_price, old_size - gone)
                else:
                    del orders[key]
            elif kind != ADD:
                unknown += 1
            if kind != CANCEL:
                new_side = BID if side[record] == BID_SIDE else ASK
                new_size = np.int64(size[record])
                orders[key] = (np.int64(new_side), price[record], new_size)
                touched = min(touched, _change(levels, used, new_side, price[record], new_size, 1))
        if flags[record] & SNAPSHOT:
            _show(levels, used, shown)
        elif flags[record] & LAST:
            row = made[rows]
            _show(levels, used, row)
            first = _first_difference(shown, row)
            if first < LEVELS or touched < LEVELS:
                source[rows], depth[rows] = record, min(first, touched)
                rows += 1
                shown[:] = row
    return rows, unknown
