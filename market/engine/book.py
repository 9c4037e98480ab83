"""The order book of a session: what each event changed, and the ten levels at any instant.

mbp-10 repeats all ten levels in every row, 368 bytes of which one level is new. Here each row keeps what it changed,
and every KEYFRAME_ROWS rows all levels are kept: a tenth of the memory, and a walk over the session touches only what
happened.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from market.engine.bars import Int64s
from market.engine.jit import compiled

LEVELS = 10
UNDEFINED_PRICE = 2**63 - 1
KEYFRAME_ROWS = 1_024
BID, ASK = 0, 1
SET, REMOVED, LEFT_VIEW = 0, 1, 2
"""What a change is: a level has this size now; it is gone; it is beyond the tenth level and no longer known."""

ROW_COLUMNS: Mapping[str, Any] = {
    "ts": np.int64,
    "ts_event": np.int64,
    "price": np.int64,
    "size": np.uint32,
    "sequence": np.uint32,
    "action": np.uint8,
    "side": np.uint8,
    "depth": np.uint8,
    "flags": np.uint8,
}
CHANGE_COLUMNS: Mapping[str, Any] = {
    "change_price": np.int64,
    "change_size": np.uint32,
    "change_count": np.uint32,
    "change_side": np.uint8,
    "change_kind": np.uint8,
}
COLUMNS: Mapping[str, Any] = {**ROW_COLUMNS, "change_end": np.int64, **CHANGE_COLUMNS, "keyframes": np.int64}
"""Every array of a `BookTape` and its dtype, as they are kept in files."""

BLOCK_ROWS = 4_096
"""Rows compared at a time: their levels stay in the processor's cache."""
_WIDEST = 4 * LEVELS
"""Changes of one row at most: all levels of both sides leave and others come."""
KEYFRAME_WIDTH = 2 * LEVELS * 3


@dataclass(frozen=True, slots=True)
class Level:
    """One price of the book. price: 1e-9 units. size: lots. count: orders."""

    price: int
    size: int
    count: int


@dataclass(frozen=True, slots=True)
class Book:
    """At most ten levels a side, the best first."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


NO_BOOK = Book((), ())


@dataclass(frozen=True, slots=True)
class BookTape:
    """A session's book events; the arrays may be memory-mapped files.

    Arrays of N rows: ts (int64 UTC ns of capture, ascending), ts_event, price, size, sequence, action, side, depth and
    flags as in DBN. change_end: int64 (N,), the changes of row i are change_end[i − 1] to change_end[i].
    change_*: arrays of M changes: side BID or ASK, kind SET, REMOVED or LEFT_VIEW, and the level's new size and count.
    keyframes: int64 (⌈N / KEYFRAME_ROWS⌉, 60), the book after rows 0, KEYFRAME_ROWS, …: price, size and count of each
    level, bids before asks, size 0 where there is none.
    """

    ts: npt.NDArray[np.int64]
    ts_event: npt.NDArray[np.int64]
    price: npt.NDArray[np.int64]
    size: npt.NDArray[np.uint32]
    sequence: npt.NDArray[np.uint32]
    action: npt.NDArray[np.uint8]
    side: npt.NDArray[np.uint8]
    depth: npt.NDArray[np.uint8]
    flags: npt.NDArray[np.uint8]
    change_end: npt.NDArray[np.int64]
    change_price: npt.NDArray[np.int64]
    change_size: npt.NDArray[np.uint32]
    change_count: npt.NDArray[np.uint32]
    change_side: npt.NDArray[np.uint8]
    change_kind: npt.NDArray[np.uint8]
    keyframes: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ts)

    @property
    def nbytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(getattr(self, name).nbytes for name in COLUMNS)

    def at(self, ns: int) -> Book:
        """The book as known at an instant (UTC ns); empty before the first event."""
        return self.after(int(self.ts.searchsorted(ns, side="right")) - 1)

    def after(self, row: int) -> Book:
        """The book after a row; empty for −1."""
        if row < 0:
            return NO_BOOK
        frame = row // KEYFRAME_ROWS
        sides = _levels_of(self.keyframes[frame])
        start, end = int(self.change_end[frame * KEYFRAME_ROWS]), int(self.change_end[row])
        columns = (self.change_side, self.change_price, self.change_size, self.change_count)
        for side, price, size, count in zip(*(column[start:end].tolist() for column in columns), strict=True):
            if size:
                sides[side][price] = Level(price, size, count)
            else:
                sides[side].pop(price, None)
        return _book(sides)


Sides = tuple[dict[int, Level], dict[int, Level]]


def _levels_of(keyframe: npt.NDArray[np.int64]) -> Sides:
    sides: Sides = ({}, {})
    for number, (price, size, count) in enumerate(keyframe.reshape(-1, 3).tolist()):
        if size:
            sides[number // LEVELS][price] = Level(price, size, count)
    return sides


def _book(sides: Sides) -> Book:
    bids = tuple(sides[BID][price] for price in sorted(sides[BID], reverse=True))
    asks = tuple(sides[ASK][price] for price in sorted(sides[ASK]))
    return Book(bids, asks)


class BookBuilder:
    """Turns mbp-10 rows, some at a time, into the arrays of a `BookTape`."""

    def __init__(self) -> None:
        self._levels = _no_levels()
        self._rows = 0
        self._changes = 0
        self._room = tuple(np.empty(BLOCK_ROWS * _WIDEST, dtype) for dtype in CHANGE_COLUMNS.values())

    def add(self, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, npt.NDArray[Any]]:
        """The next part of each array of COLUMNS, for stored columns of mbp-10 that follow those before."""
        count = len(columns["ts_recv"])
        blocks = [self._block(columns, start) for start in range(0, count, BLOCK_ROWS)]
        part: dict[str, npt.NDArray[Any]] = {
            name: np.asarray(columns["ts_recv" if name == "ts" else name], dtype) for name, dtype in ROW_COLUMNS.items()
        }
        return part | {
            name: _joined([block[name] for block in blocks], name) for name in (*COLUMNS,) if name not in part
        }

    def _block(self, columns: Mapping[str, npt.NDArray[Any]], start: int) -> dict[str, npt.NDArray[Any]]:
        levels = _stacked(columns, slice(start, start + BLOCK_ROWS))
        ends, self._levels = _compare(self._levels, levels, *self._room)
        total = int(ends[-1])
        first = -self._rows % KEYFRAME_ROWS
        made = {name: values[:total].copy() for name, values in zip(CHANGE_COLUMNS, self._room, strict=True)}
        made["change_end"] = ends + self._changes
        made["keyframes"] = levels[first::KEYFRAME_ROWS].reshape(-1, KEYFRAME_WIDTH)
        self._rows += len(levels)
        self._changes += total
        return made


def build(parts: Iterator[Mapping[str, npt.NDArray[Any]]]) -> BookTape:
    """The tape of mbp-10 rows in memory."""
    builder = BookBuilder()
    made = [builder.add(part) for part in parts]
    return BookTape(**{name: _joined([part[name] for part in made], name) for name in COLUMNS})


def _joined(parts: list[npt.NDArray[Any]], name: str) -> npt.NDArray[Any]:
    if parts:
        return np.concatenate(parts)
    return np.empty((0, KEYFRAME_WIDTH) if name == "keyframes" else 0, COLUMNS[name])


def _no_levels() -> npt.NDArray[np.int64]:
    levels = np.zeros((2, LEVELS, 3), np.int64)
    levels[:, :, 0] = UNDEFINED_PRICE
    return levels


def _stacked(columns: Mapping[str, npt.NDArray[Any]], rows: slice) -> npt.NDArray[np.int64]:
    """int64 (N, side, level, price/size/count)."""
    levels = np.empty((len(columns["ts_recv"][rows]), 2, LEVELS, 3), np.int64)
    for side, letter in ((BID, "bid"), (ASK, "ask")):
        for level in range(LEVELS):
            for field, name in enumerate(("px", "sz", "ct")):
                levels[:, side, level, field] = columns[f"{letter}_{name}_{level:02}"][rows]
    return levels


@compiled
def _compare(
    before: Int64s,
    levels: Int64s,
    price: Int64s,
    size: npt.NDArray[np.uint32],
    count: npt.NDArray[np.uint32],
    side: npt.NDArray[np.uint8],
    kind: npt.NDArray[np.uint8],
) -> tuple[Int64s, Int64s]:
    """What each row changed against the row before it; fills the five arrays, returns their ends by row."""
    rows = levels.shape[0]
    ends = np.empty(rows, np.int64)
    at = 0
    for row in range(rows):
        after = levels[row]
        for s in range(2):
            i = j = 0
            while i < LEVELS or j < LEVELS:
                gone = i < LEVELS and before[s, i, 1] > 0
                new = j < LEVELS and after[s, j, 1] > 0
                if not gone and not new:
                    break
                old_price, new_price = before[s, min(i, LEVELS - 1), 0], after[s, min(j, LEVELS - 1), 0]
                if gone and new and old_price == new_price:
                    if before[s, i, 1] != after[s, j, 1] or before[s, i, 2] != after[s, j, 2]:
                        price[at], size[at], count[at] = new_price, after[s, j, 1], after[s, j, 2]
                        side[at], kind[at] = s, SET
                        at += 1
                    i += 1
                    j += 1
                    continue
                old_first = gone and (not new or (old_price > new_price if s == BID else old_price < new_price))
                if old_first:
                    price[at], size[at], count[at] = old_price, 0, 0
                    # after a full side, what is worse than its last level is out of sight, not gone
                    full = j == LEVELS
                    side[at], kind[at] = s, LEFT_VIEW if full else REMOVED
                    at += 1
                    i += 1
                else:
                    price[at], size[at], count[at] = new_price, after[s, j, 1], after[s, j, 2]
                    side[at], kind[at] = s, SET
                    at += 1
                    j += 1
        ends[row] = at
        before = after
    return ends, before.copy()
