"""Two recordings of the same session become one: rows in order of time, what both have taken once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from market.importing.spool import ROW
from market.schemas import BOOK, STATUS, TRADES, Schema

Columns = Mapping[str, npt.NDArray[Any]]
Mask = npt.NDArray[np.bool_]

_SAME = {
    TRADES.name: ("ts_event", "sequence", "price", "size", "side"),
    # older recordings have no side here
    BOOK.name: ("ts_event", "sequence", "action", "price", "size"),
    STATUS.name: ("ts_event", "action", "reason", "trading_event"),
}
"""Rows that agree in these are the same row; of bars there is one for each time."""
NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Merged:
    """Some rows of both, in order of time.

    columns: those to store. added, known, other: the file's numbers of the rows that are new, that were here already,
    and of bars that contradict one that is here. shared: how many rows of each lie where both have some, the smaller
    of the two, and how many of these are the same.
    """

    columns: Columns
    added: npt.NDArray[np.int64]
    known: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    shared: tuple[int, int]


def merge(schema: Schema, held: Iterator[Columns], new: Iterator[Columns]) -> Iterator[Merged]:
    """Merge stored rows with those of a file (which have a column ROW); both in order of time."""
    left, right = _Side(schema, held), _Side(schema, new)
    while left.has_rows or right.has_rows:
        bound = min(left.certain_ns, right.certain_ns)
        a, b = left.take(bound), right.take(bound)
        if len(a[schema.time]) or len(b[schema.time]):
            yield _combine(schema, a, b)
        else:
            (left if left.certain_ns == bound else right).fetch()


class _Side:
    """One of the two, held in memory a block at a time."""

    def __init__(self, schema: Schema, blocks: Iterator[Columns]) -> None:
        self._time = schema.time
        self._blocks = blocks
        self._columns: Columns = {name: np.empty(0, dtype) for name, dtype in schema.columns.items()}
        self._columns = {**self._columns, ROW: np.empty(0, np.int64)}
        self._is_over = False
        self.fetch()

    @property
    def has_rows(self) -> bool:
        return len(self._columns[self._time]) > 0 or not self._is_over

    @property
    def certain_ns(self) -> int:
        """All rows before this time are in memory."""
        if self._is_over:
            return NEVER
        times = self._columns[self._time]
        return int(times[-1]) if len(times) else 0

    def fetch(self) -> None:
        """Have one more block in memory."""
        block = next(self._blocks, None)
        if block is None:
            self._is_over = True
            return
        rows: Columns = {ROW: np.zeros(len(block[self._time]), np.int64), **block}
        if len(self._columns[self._time]):
            rows = {name: np.concatenate([held, rows[name]]) for name, held in self._columns.items()}
        self._columns = rows

    def take(self, bound: int) -> Columns:
        """Remove the rows before a time."""
        count = int(self._columns[self._time].searchsorted(bound)) if bound < NEVER else len(self._columns[self._time])
        taken = {name: values[:count] for name, values in self._columns.items()}
        self._columns = {name: values[count:] for name, values in self._columns.items()}
        return taken


def _combine(schema: Schema, held: Columns, new: Columns) -> Merged:
    known, other = _bars_known(schema, held, new) if schema.bar_seconds else _events_known(schema, held, new)
    added = ~known & ~other
    rows = new[ROW]
    shared = _shared(schema, held, new, known)
    return Merged(_together(schema, held, new, added), rows[added], rows[known], rows[other], shared)


def _together(schema: Schema, held: Columns, new: Columns, added: Mask) -> Columns:
    """The held rows and the added ones in order of time; those of one instant stay in the order of their file."""
    if added.all() and not len(held[schema.time]):
        return {name: new[name] for name in schema.columns}
    both = {name: np.concatenate([held[name], new[name][added]]) for name in schema.columns}
    order = np.argsort(both[schema.time], kind="stable")
    return both if (order[1:] > order[:-1]).all() else {name: values[order] for name, values in both.items()}


def _bars_known(schema: Schema, held: Columns, new: Columns) -> tuple[Mask, Mask]:
    """The new bars that are here already, and those that contradict the one that is."""
    times = np.concatenate([held[schema.time], new[schema.time]])
    _, first, inverse = np.unique(times, return_index=True, return_inverse=True)
    count = len(held[schema.time])
    leading = first[inverse[count:]]
    repeated = leading != np.arange(count, len(times))
    same = repeated.copy()
    for name in schema.columns:
        values = np.concatenate([held[name], new[name]])
        same &= values[leading] == values[count:]
    return same, repeated & ~same


def _events_known(schema: Schema, held: Columns, new: Columns) -> tuple[Mask, Mask]:
    """The new rows that are here already. Equal rows of one recording are different events: each is matched once."""
    count, more = len(held[schema.time]), len(new[schema.time])
    none = np.zeros(more, bool)
    if not count or not more:
        return none, none
    groups = _groups([np.concatenate([held[name], new[name]]) for name in _SAME[schema.name]])
    held_count = np.bincount(groups[:count], minlength=count + more)
    return _rank(groups[count:]) < held_count[groups[count:]], none


def _groups(columns: list[npt.NDArray[Any]]) -> npt.NDArray[np.int64]:
    """A number for each row, the same for equal rows."""
    order = np.lexsort(columns)
    is_other = np.zeros(len(order), bool)
    for column in columns:
        ordered = column[order]
        is_other[1:] |= ordered[1:] != ordered[:-1]
    groups = np.empty(len(order), np.int64)
    groups[order] = np.cumsum(is_other)
    return groups


def _rank(groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many rows of the same group came before each."""
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], groups[order])
    rank = np.empty(len(groups), np.int64)
    rank[order] = np.arange(len(groups)) - starts
    return rank


def _shared(schema: Schema, held: Columns, new: Columns, known: Mask) -> tuple[int, int]:
    mine, theirs = held[schema.time], new[schema.time]
    if not len(mine) or not len(theirs):
        return 0, 0
    first, last = max(mine[0], theirs[0]), min(mine[-1], theirs[-1])
    within = [int(((times >= first) & (times <= last)).sum()) for times in (mine, theirs)]
    return min(within), int(known.sum())
