"""A session in progress, read like a stored one."""

from collections.abc import Sequence

import numpy as np

from live.engine.bars import Bar
from market.engine.bars import Bars, Int64s, aggregate
from market.engine.tape import Piece, as_traded
from market.sessions import Session
from market.timeframes import bucket_bounds

SPARE = 4_096
"""Room for so many more seconds is made at a time."""


class Growing(Piece):
    """One contract's bars of one session as live tells them, the second that has not closed last.

    All that it holds has happened, so a reader gets all of it, whatever its playhead. A print changes the last bar of
    each timeframe only. count: closed seconds. amendments: how often closed ones have become others.
    """

    def __init__(self, session: Session, contract: str, closed: Bars) -> None:
        super().__init__(session, contract, closed)
        self._calendar = session
        self._rows = np.empty((len(Bars.COLUMNS), len(closed) + SPARE), np.int64)
        for row, name in zip(self._rows, Bars.COLUMNS, strict=True):
            row[: len(closed)] = getattr(closed, name)
        self.count = len(closed)
        self._bounds: dict[str, tuple[Int64s, Int64s]] = {}
        self._stale: dict[str, int] = {}
        self.amendments = self._changes = 0

    def put(self, index: int, closed: Bars | Sequence[Bar], forming: Bar | None) -> int | None:
        """From `index` (at most `count`) on the closed seconds are these, and this one has not closed.

        The start (UTC ns) of the first second that is another one than before, or was not there; None where all are
        the same. The feed tells the newest second that has not closed; those before it stay until they close.
        """
        rows = _columns(closed)
        told = self._rows[:, index : len(self.stored)].copy()
        same = min(self.count - index, rows.shape[1])
        differs = bool((told[:, :same] != rows[:, :same]).any()) or self.count - index > same
        unclosed = self._unclosed(int(rows[0, -1]) if rows.shape[1] else self._last_ns(index), forming)
        self._changes += 1
        self.amendments += differs
        self._write(index, rows, unclosed, copies=differs)
        changed = _first_change(told, np.concatenate([rows, unclosed], axis=1))
        if changed is not None:
            self._changed(changed)
        return changed

    def _last_ns(self, index: int) -> int:
        return int(self._rows[0, index - 1]) if index else 0

    def _unclosed(self, closed_ns: int, forming: Bar | None) -> Int64s:
        """The seconds after the last closed one, up to the one that forms."""
        if forming is None:
            return _columns(())
        before = self._rows[:, self.count : len(self.stored)]
        kept = before[:, (before[0] > closed_ns) & (before[0] < forming[0])]
        return np.concatenate([kept, _columns([forming])], axis=1)

    def _write(self, index: int, rows: Int64s, unclosed: Int64s, *, copies: bool) -> None:
        self.count = index + rows.shape[1]
        end = self.count + unclosed.shape[1]
        # what was handed out before must not change under its reader, but for the seconds that have not closed
        if copies or end > self._rows.shape[1]:
            grown = np.empty((len(self._rows), end + SPARE), np.int64)
            grown[:, :index] = self._rows[:, :index]
            self._rows = grown
        self._rows[:, index : self.count] = rows
        self._rows[:, self.count : end] = unclosed
        self.stored = Bars(*(row[:end] for row in self._rows))

    def _changed(self, since_ns: int) -> None:
        for timeframe in self._closed:
            self._stale[timeframe] = min(since_ns, self._stale.get(timeframe, since_ns))
        session = as_traded(self._calendar, self.stored.ts, self.bar_ns)
        if session != self.session:
            self.session = session
            for kept in (self._closed, self._bounds, self._stale):
                kept.clear()

    def bars(self, timeframe: str) -> tuple[Bars, Int64s]:
        """As for any piece; the bar in progress is among them."""
        if timeframe not in self._closed:
            self._bounds[timeframe] = bucket_bounds(self.session, timeframe)
            return super().bars(timeframe)
        since_ns = self._stale.pop(timeframe, None)
        if since_ns is not None:
            self._closed[timeframe] = self._rebuilt(timeframe, since_ns)
        return self._closed[timeframe]

    def _rebuilt(self, timeframe: str, since_ns: int) -> tuple[Bars, Int64s]:
        """The bars with those anew that begin with the one of an instant."""
        starts, ends = self._bounds[timeframe]
        first = max(0, int(starts.searchsorted(since_ns, side="right")) - 1)
        bars, over = self._closed[timeframe]
        kept = int(bars.ts.searchsorted(starts[first]))
        seconds = self.stored[int(self.stored.ts.searchsorted(starts[first])) :]
        tail = aggregate(seconds, starts[first:])
        ends = np.concatenate([over[:kept], ends[starts.searchsorted(tail.ts)]])
        return Bars.concatenate([bars[:kept], tail]), ends

    def bars_between(self, timeframe: str, since_ns: int, playhead_ns: int) -> Bars:
        """All bars that start at or after `since_ns`."""
        bars, _ = self.bars(timeframe)
        return bars[int(bars.ts.searchsorted(since_ns)) :]

    def known(self, timeframe: str, playhead_ns: int) -> tuple[int, int]:
        """Another second number after every change."""
        _, ends = self.bars(timeframe)
        return int(ends.searchsorted(playhead_ns, side="right")), self._changes

    def stamp(self, timeframe: str, playhead_ns: int) -> int:
        """Counts the bars that are over, and the times that older ones have become others."""
        _, over = self.bars(timeframe)
        return (self.amendments << 32) + int(over.searchsorted(playhead_ns, side="right"))

    def frozen(self) -> Piece:
        """Its bars so far, as those of a session that ended here."""
        return Piece(self.session, self.contract, self.stored)


def _columns(bars: Bars | Sequence[Bar]) -> Int64s:
    """int64 (columns, bars)."""
    if isinstance(bars, Bars):
        return np.array([getattr(bars, name) for name in Bars.COLUMNS], np.int64)
    return np.array(bars, np.int64).reshape(-1, len(Bars.COLUMNS)).T


def _first_change(told: Int64s, now: Int64s) -> int | None:
    """The start (UTC ns) of the first second in which two sequences of them part."""
    same = min(told.shape[1], now.shape[1])
    parts = np.flatnonzero((told[:, :same] != now[:, :same]).any(axis=0))
    at = int(parts[0]) if len(parts) else same
    return min((int(each[0, at]) for each in (told, now) if each.shape[1] > at), default=None)
