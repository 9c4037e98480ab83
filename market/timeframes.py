"""The nine timeframes and where their bars begin.

A sub-daily bar starts at a multiple of its timeframe counted from ET wall-clock midnight; a bar that
the market's opening cuts starts at the opening instead, so no bar reaches over a closed period and a
bar belongs to exactly one session. A 1D bar is the whole session.
"""

from datetime import datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from market.sessions import ET, SECOND_NS, Session, to_et, to_ns

TIMEFRAMES: dict[str, int] = {
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1_800,
    "1h": 3_600,
    "90m": 5_400,
    "3h": 10_800,
    "4h": 14_400,
    "1D": 86_400,
}
"""Name → nominal seconds."""

HOUR = 3_600
Int64s = npt.NDArray[np.int64]


def bucket_bounds(session: Session, timeframe: str) -> tuple[Int64s, Int64s]:
    """Starts and ends (UTC ns, [start, end)) of every bar that the session can have, ascending.

    Raises KeyError for an unknown timeframe.
    """
    seconds = TIMEFRAMES[timeframe]
    if timeframe == "1D":
        return np.array([session.open_ns]), np.array([session.close_ns])
    parts = [_segment_bounds(start, end, seconds) for start, end in session.segments]
    return np.concatenate([starts for starts, _ in parts]), np.concatenate([ends for _, ends in parts])


def _segment_bounds(start: int, end: int, seconds: int) -> tuple[Int64s, Int64s]:
    grid = _hour_grid(start, end, seconds) if seconds <= HOUR else _wall_clock_grid(start, end, seconds)
    inside = grid[(grid > start) & (grid < end)]
    return np.concatenate([[start], inside]), np.concatenate([inside, [end]])


def _hour_grid(start: int, end: int, seconds: int) -> Int64s:
    """ET is whole hours from UTC, so up to an hour the wall-clock grid is the UTC grid, also when clocks change."""
    step = seconds * SECOND_NS
    return np.arange(start // step * step, end + step, step, dtype=np.int64)


def _wall_clock_grid(start: int, end: int, seconds: int) -> Int64s:
    """Multiples of the timeframe on the wall clock, from the midnight before `start` on."""
    first, last = to_et(start).date(), to_et(end).date()
    marks = []
    for days in range((last - first).days + 1):
        midnight = datetime.combine(first + timedelta(days=days), time(), ET)
        # Adding to an aware datetime moves the wall clock; to_ns then finds the instant.
        marks += [to_ns(midnight + timedelta(seconds=offset)) for offset in range(0, 86_400, seconds)]
    return np.unique(np.array(marks, dtype=np.int64))
