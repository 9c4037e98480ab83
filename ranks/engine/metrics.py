"""The four metrics of a bar, forming or closed."""

from dataclasses import dataclass

from market.engine.tape import Piece
from market.sessions import SECOND_NS
from ranks.engine.buckets import Bucket, Int32s, Int64s, buckets_of
from ranks.engine.pending import Estimator
from ranks.engine.percentile import rank
from ranks.engine.sample import FinalRanks, Sample, final_ranks

ENOUGH = 20
"""Bars; a metric of fewer is shown as "n < 20", and alerts on it do not fire."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Percentile ranks, 0 to 100, None where the sample is empty. n: bars in the sample.

    vol_error, range_error: the points by which Pending usually misses at this share of the bar.
    """

    vol_rank: float | None
    vol_pending: float | None
    range_rank: float | None
    range_pending: float | None
    n: int
    vol_error: float | None = None
    range_error: float | None = None

    @property
    def is_thin(self) -> bool:
        """Whether there are too few bars to be believed."""
        return self.n < ENOUGH


NOTHING = Metrics(None, None, None, None, 0)


@dataclass(frozen=True, slots=True)
class Forming:
    """A bar as it is known at an instant.

    begin_ns: UTC ns. elapsed: fraction of the bar that is over, 1.0 once it is closed. volume: contracts. range_ticks:
    high minus low, 0 before the first trade.
    """

    begin_ns: int
    bucket: Bucket
    elapsed: float
    volume: int
    range_ticks: int


def forming(piece: Piece, timeframe: str, playhead_ns: int, tick: int) -> Forming | None:
    """The bar that forms at the playhead, from the seconds that are over; None before the session's first.

    While the market is closed it is the bar that was the last to form. tick: 1e-9 units. Raises KeyError for an
    unknown timeframe.
    """
    buckets = buckets_of(piece.session, timeframe)
    index = buckets.index_at(playhead_ns)
    if index is None:
        return None
    begin, bucket = int(buckets.begin[index]), buckets.bucket(index)
    length_ns = max(bucket.length * SECOND_NS, 1)
    ts = piece.stored.ts
    first = int(ts.searchsorted(begin))
    last = int(ts.searchsorted(playhead_ns - piece.bar_ns, side="right"))
    elapsed = min(1.0, (playhead_ns - begin) / length_ns)
    if last <= first:
        return Forming(begin, bucket, elapsed, 0, 0)
    # column by column: a table of the rows would take longer than all the rest, at every frame
    high, low, volume = (column[first:last] for column in (piece.stored.high, piece.stored.low, piece.stored.volume))
    return Forming(begin, bucket, elapsed, int(volume.sum()), int(high.max() - low.min()) // tick)


def measure(sample: Sample, bucket: Bucket, elapsed: float, volume: int, range_ticks: int) -> Metrics:
    """The metrics of a bar from what it has so far.

    elapsed: fraction of the bar, from its start to its end; at 1 Pending is Rank. volume: contracts.
    """
    row = sample.rows.get(bucket)
    if row is None:
        return NOTHING
    n = int(sample.sizes[row])
    volumes, ranges = sample.volume[row, :n], sample.range[row, :n]
    return Metrics(
        *_pair(volumes, sample.volume_pending, row, elapsed, volume),
        *_pair(ranges, sample.range_pending, row, elapsed, range_ticks),
        n,
        sample.volume_pending.error(elapsed),
        sample.range_pending.error(elapsed),
    )


def _pair(values: Int32s, estimator: Estimator, row: int, elapsed: float, value: int) -> tuple[float, float]:
    now = rank(values, value)
    expected = estimator.expected(row, elapsed, value)
    return now, now if expected == value else rank(values, expected)


def closed(sample: Sample, piece: Piece, timeframe: str, playhead_ns: int, tick: int) -> tuple[Int64s, FinalRanks]:
    """The starts (UTC ns) of a session's bars that are over at the playhead, and their final ranks.

    A bar without a trade does not exist. tick: 1e-9 units.
    """
    bars, ends = piece.bars(timeframe)
    bars = bars[: int(ends.searchsorted(playhead_ns, side="right"))]
    buckets = buckets_of(piece.session, timeframe)
    places = buckets.begin.searchsorted(bars.ts)
    start, length = buckets.start[places], buckets.length[places]
    return bars.ts, final_ranks(sample, start, length, bars.volume, (bars.high - bars.low) // tick)
