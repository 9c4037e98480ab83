"""The four metrics at every instant at which alerts are looked at."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from market.engine.bars import Bars
from market.sessions import SECOND_NS, Session
from ranks.engine.buckets import Buckets, Int32s, Int64s, buckets_of
from ranks.engine.pending import Estimator
from ranks.engine.percentile import Floats
from ranks.engine.sample import Sample
from ranks.engine.stack import code

Bools = npt.NDArray[np.bool_]

VOL_RANK, VOL_PENDING, RANGE_RANK, RANGE_PENDING = range(4)
"""The columns of `Trace.values`."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Instants of one session and timeframe, ascending; arrays of equal length.

    ns: UTC ns, the end of a second or of a bar. is_close: whether the bar ends there. bar: where it begins, UTC ns.
    values: float64 [instants, 4], percentile ranks 0 to 100, NaN where the sample is empty. n: bars in the sample.
    """

    ns: Int64s
    is_close: Bools
    bar: Int64s
    values: Floats
    n: Int64s

    def __len__(self) -> int:
        return len(self.ns)


def trace(
    sample: Sample | None,
    session: Session,
    timeframe: str,
    seconds: Bars,
    tick: int,
    from_ns: int,
    to_ns: int,
    since_ns: int = 0,
) -> Trace:
    """The metrics at the instants in (from_ns, to_ns]: the end of each second that has a bar, and of each bar.

    At a bar's end Pending is Rank, also where nobody traded. seconds: the session's one-second bars, at least from the
    bar on that forms at from_ns. since_ns: they are whole from here on; bars that began before are left out. tick:
    1e-9 units. Seconds after the close that the session's calendar tells count for nothing.
    """
    buckets = buckets_of(session, timeframe)
    ends = seconds.ts + SECOND_NS
    first, last = (int(ends.searchsorted(ns, side="right")) for ns in (from_ns, to_ns))
    closes = buckets.end[slice(*(int(buckets.end.searchsorted(ns, side="right")) for ns in (from_ns, to_ns)))]
    return measured(sample, session, timeframe, seconds, tick, np.union1d(ends[first:last], closes), since_ns)


def measured(
    sample: Sample | None, session: Session, timeframe: str, seconds: Bars, tick: int, ns: Int64s, since_ns: int = 0
) -> Trace:
    """The metrics at those of these instants, ascending, at which a bar forms or ends; as `trace` has them."""
    buckets = buckets_of(session, timeframe)
    at = buckets.begin.searchsorted(ns) - 1
    # what trades between two segments or after the last belongs to no bar
    counts = (at >= 0) & (ns <= buckets.end[at]) & (buckets.begin[at] >= since_ns)
    ns, at = ns[counts], at[counts]
    is_close = ns == buckets.end[at]
    volume, reach = _so_far(seconds, buckets, ns, at)
    elapsed = (ns - buckets.begin[at]) / np.maximum(buckets.length[at].astype(np.int64) * SECOND_NS, 1)
    elapsed = np.where(is_close, 1.0, np.minimum(elapsed, 1.0))
    values, n = _ranked(sample, buckets, at, elapsed, volume, reach // tick)
    return Trace(ns, is_close, buckets.begin[at], values, n)


def _so_far(seconds: Bars, buckets: Buckets, ns: Int64s, at: Int64s) -> tuple[Int64s, Int64s]:
    """What the bar of each instant has by then: volume, and high minus low (1e-9 units)."""
    count = len(ns)
    if not count:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    begin = seconds.ts.searchsorted(buckets.begin[at])
    end = np.maximum(seconds.ts.searchsorted(ns), begin)
    is_first = np.diff(at, prepend=-1) != 0
    since = np.where(is_first, begin, np.concatenate([begin[:1], end[:-1]]))
    pieces = _Pieces(since, end)
    group = np.cumsum(is_first) - 1
    volumes = np.cumsum(pieces.reduce(np.add, seconds.volume, 0))
    firsts = np.flatnonzero(is_first)
    volume = volumes - np.concatenate([[0], volumes])[firsts][group]
    return volume, _reach(pieces, seconds, group)


def _reach(pieces: "_Pieces", seconds: Bars, group: Int64s) -> Int64s:
    """High minus low since the first piece of each group."""
    high, low = (column[pieces.span] for column in (seconds.high, seconds.low))
    if not len(high):
        return np.zeros(len(group), np.int64)
    least, most = int(low.min()), int(high.max())
    # a step that no price can take begins each group anew
    step = (most - least + 1) * group
    highs = np.maximum.accumulate(pieces.reduce(np.maximum, seconds.high, least) + step) - step
    lows = np.minimum.accumulate(pieces.reduce(np.minimum, seconds.low, most) - step) + step
    reach: Int64s = np.maximum(highs - lows, 0)
    return reach


class _Pieces:
    """Rows cut into pieces [since, end), some of them empty."""

    def __init__(self, since: Int64s, end: Int64s) -> None:
        self.span = slice(int(since[0]), int(end[-1]))
        self._is_empty = since == end
        self._edges = np.column_stack([since, end]).ravel() - self.span.start

    def reduce(self, ufunc: np.ufunc, column: Int64s, nothing: int) -> Int64s:
        """One number for each piece."""
        padded = np.append(column[self.span], nothing)
        found: Int64s = ufunc.reduceat(padded, self._edges)[::2]
        found[self._is_empty] = nothing
        return found


def _ranked(
    sample: Sample | None, buckets: Buckets, at: Int64s, elapsed: Floats, volume: Int64s, range_ticks: Int64s
) -> tuple[Floats, Int64s]:
    values, n = np.full((len(at), 4), np.nan), np.zeros(len(at), np.int64)
    if sample is None or not len(at):
        return values, n
    wanted = code(buckets.start[at], buckets.length[at])
    rows = np.minimum(sample.codes.searchsorted(wanted), len(sample.codes) - 1)
    known = np.flatnonzero(sample.codes[rows] == wanted)
    rows = rows[known]
    n[known] = sample.sizes[rows]
    for column, table, estimator, now in (
        (VOL_RANK, sample.volume, sample.volume_pending, volume),
        (RANGE_RANK, sample.range, sample.range_pending, range_ticks),
    ):
        values[known, column : column + 2] = _pairs(table, estimator, rows, n[known], elapsed[known], now[known])
    return values, n


def _pairs(table: Int32s, estimator: Estimator, rows: Int64s, n: Int64s, elapsed: Floats, now: Int64s) -> Floats:
    """Rank and Pending of each value in its row."""
    both = np.column_stack([now, estimator.expected_all(rows, elapsed, now)])
    found = np.empty(both.shape)
    edges = np.flatnonzero(np.diff(rows, prepend=-1, append=-1))
    for first, last in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        size = int(n[first])
        values = table[rows[first], :size]
        some = both[first:last]
        below, upto = values.searchsorted(some), values.searchsorted(some, side="right")
        found[first:last] = 50.0 * (below + upto) / size
    return found
