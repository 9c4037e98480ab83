"""Summaries of many sessions, stacked bucket by bucket: what a sample is made of."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from market.engine.jit import compiled
from market.timeframes import TIMEFRAMES
from ranks.engine.buckets import Int32s, Int64s
from ranks.engine.percentile import Float32s, Floats
from ranks.engine.summary import KNOTS

FEW_KNOTS = 12
"""Of the knots of short bars so many are used: all sixty of a year of 1m bars are 42 million values, half a second."""
FIRST_KNOTS = (0, 1, 2)
"""Weights change most while little of the bar is over."""
SHORT = frozenset({"1m", "5m"})
POOL_STRIDE = {"1m": 61, "5m": 13, "15m": 5, "30m": 3}
"""Weights are fitted on one bucket in so many, some five thousand bars of a year, which spares time. The strides have
no factor in common with an hour, or little: full and half hours, when news come out, are neither all in nor all out."""
LOGS = np.log1p(np.arange(1 << 14))
"""ln(1 + v) of small values; a year has millions of them."""


def knots_used(timeframe: str) -> Int64s:
    """Which knots of the curves (from 0) samples take, evenly spaced, the last one the final value."""
    count = FEW_KNOTS if timeframe in SHORT else KNOTS
    return np.arange(KNOTS // count - 1, KNOTS, KNOTS // count)


def knots_pooled(timeframe: str) -> Int64s:
    """The places among those (from 0) at which weights are fitted: FEW_KNOTS of them, and more at the start."""
    count = len(knots_used(timeframe))
    evenly = np.arange(count // FEW_KNOTS - 1, count, count // FEW_KNOTS)
    return np.union1d(FIRST_KNOTS, evenly) if count > FEW_KNOTS else evenly


@dataclass(frozen=True, slots=True)
class Rows:
    """Curves of bars of one timeframe from several sessions, ordered by (start, length); int32.

    start, length: the bucket of each. volume, range: [bars, knots used], the last column the final values.
    """

    start: Int32s
    length: Int32s
    volume: Int32s
    range: Int32s


@dataclass(frozen=True, slots=True)
class Growth:
    """Of one metric, what the estimator needs to know of its curves, as sums over bars.

    final: [bars], in the order of the buckets. so_far, left: float32 [buckets, knots], sums of ln(1 + value so far) and
    ln(1 + what was still to come). pooled: [pooled bars, knots pooled], the curves themselves of some buckets.
    """

    final: Int32s
    so_far: Float32s
    left: Float32s
    pooled: Int32s

    @property
    def nbytes(self) -> int:
        return self.final.nbytes + self.so_far.nbytes + self.left.nbytes + self.pooled.nbytes


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Layer:
    """The bars of some sessions, bucket by bucket.

    codes: ascending, one for each bucket (`code`). counts: bars of each. pooled: the code of each pooled bar.
    """

    codes: Int64s
    counts: Int64s
    pooled: Int64s
    volume: Growth
    range: Growth

    @property
    def nbytes(self) -> int:
        return self.codes.nbytes + self.counts.nbytes + self.pooled.nbytes + self.volume.nbytes + self.range.nbytes


def code(start: Int32s, length: Int32s) -> Int64s:
    """A bucket as one number, which orders as (start, length) does."""
    return start.astype(np.int64) << 32 | length.astype(np.int64)


def layer(rows: Rows, timeframe: str) -> Layer:
    """The layer of these bars."""
    codes = code(rows.start, rows.length)
    is_first = np.diff(codes, prepend=-1) != 0
    group = np.cumsum(is_first) - 1
    first = np.flatnonzero(is_first)
    stride = POOL_STRIDE.get(timeframe, 1)
    is_pooled = rows.start // TIMEFRAMES[timeframe] % stride == stride // 2
    places = knots_pooled(timeframe)
    return Layer(
        codes[first],
        np.diff(first, append=len(codes)),
        codes[is_pooled],
        _growth(rows.volume, group, len(first), is_pooled, places),
        _growth(rows.range, group, len(first), is_pooled, places),
    )


def _growth(curves: Int32s, group: Int64s, buckets: int, is_pooled: npt.NDArray[np.bool_], places: Int64s) -> Growth:
    so_far, left = (np.zeros((buckets, curves.shape[1])) for _ in range(2))
    _add_logs(curves, group, LOGS, so_far, left)
    # single precision: layers of nineteen assets are kept in memory
    sums = so_far.astype(np.float32), left.astype(np.float32)
    return Growth(np.array(curves[:, -1]), *sums, curves[is_pooled][:, places])


@compiled
def _add_logs(curves: Int32s, group: Int64s, logs: Floats, so_far: Floats, left: Floats) -> None:
    """Add up, for each bucket and knot, the logarithms of what had come and of what was to come."""
    bars, knots = curves.shape
    for bar in range(bars):
        row, final = group[bar], curves[bar, knots - 1]
        for knot in range(knots):
            now = curves[bar, knot]
            later = final - now
            so_far[row, knot] += logs[now] if now < len(logs) else math.log1p(now)
            left[row, knot] += logs[later] if later < len(logs) else math.log1p(later)
