"""Which of a session's bars are new, and where they go.

A session's bars lie one after the other, so a page that holds the first n of them asks for those from n on. A bar that
is known already changes nothing: a replay after a restart may bring it again.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from live.engine.bars import KEPT_NS, SECOND_NS, Bar

TAIL = KEPT_NS // SECOND_NS + 60
"""Bars that can still change: at most one for each second that takes late prints, and the overlap of a replay."""


@dataclass(frozen=True, slots=True)
class Write:
    """From index on, the session's bars are these. amends: some of them were told otherwise before."""

    index: int
    bars: Sequence[Bar]
    amends: bool


class Ledger:
    """One session's bars: how many there are, and the newest of them."""

    def __init__(self, count: int = 0, tail: Sequence[Bar] = ()) -> None:
        self.count = count
        self._tail = list(tail)

    @property
    def last_ns(self) -> int:
        """The newest bar's start (UTC ns), 0 without bars."""
        return self._tail[-1][0] if self._tail else 0

    def put(self, bars: Iterable[Bar]) -> Write | None:
        """Take bars, in ascending order; what is to be written for them, None where all are known."""
        base = self.count - len(self._tail)
        before, first = self.count, None
        # of bars further back than the tail nothing is new: no late print is taken there
        oldest = self._tail[0][0] if base and self._tail else 0
        for bar in bars:
            if bar[0] < oldest:
                continue
            at = self._place(bar)
            if at is not None:
                first = at if first is None else min(first, at)
        if first is None:
            return None
        self.count = base + len(self._tail)
        write = Write(base + first, tuple(self._tail[first:]), base + first < before)
        del self._tail[:-TAIL]
        return write

    def _place(self, bar: Bar) -> int | None:
        """Where in the tail a bar went; None where it was known."""
        tail = self._tail
        if not tail or bar[0] > tail[-1][0]:
            tail.append(bar)
            return len(tail) - 1
        at = bisect_left(tail, bar[0], key=lambda each: each[0])
        if tail[at] == bar:
            return None
        if tail[at][0] == bar[0]:
            tail[at] = bar
        else:
            tail.insert(at, bar)
        return at
