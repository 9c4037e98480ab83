"""The sample of a bar: what bars of its bucket came to on earlier days."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ranks.engine import pending
from ranks.engine.buckets import Bucket, Int32s, Int64s
from ranks.engine.pending import Estimator
from ranks.engine.percentile import NO_VALUE, Floats, ranks
from ranks.engine.stack import Growth, Layer, code, knots_pooled


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class Sample:
    """The samples of all buckets of a timeframe, a row for each.

    rows: the row of each bucket. sizes: int64 [rows], bars in the sample. volume, range: int32 [rows, largest sample],
    final values (contracts; ticks) ascending along each row, filled up with NO_VALUE. codes: int64 [rows], ascending.
    volume_pending, range_pending: how bars of the buckets end.
    """

    rows: Mapping[Bucket, int]
    codes: Int64s
    sizes: Int64s
    volume: Int32s
    range: Int32s
    volume_pending: Estimator
    range_pending: Estimator

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        arrays = self.codes, self.sizes, self.volume, self.range, self.volume_pending, self.range_pending
        return sum(each.nbytes for each in arrays)

    def size(self, bucket: Bucket) -> int:
        """How many bars of the bucket there are; 0 for an unknown one."""
        row = self.rows.get(bucket)
        return 0 if row is None else int(self.sizes[row])


def build(layers: list[Layer], timeframe: str) -> Sample | None:
    """The sample of the bars in these layers; None without any."""
    layers = [layer for layer in layers if len(layer.codes)]
    if not layers:
        return None
    codes = np.unique(np.concatenate([layer.codes for layer in layers]))
    rows = [codes.searchsorted(layer.codes) for layer in layers]
    sizes = np.zeros(len(codes), np.int64)
    for layer, at in zip(layers, rows, strict=True):
        sizes[at] += layer.counts

    def learn(growths: list[Growth]) -> tuple[Int32s, Estimator]:
        finals = _sorted([growth.final for growth in growths], layers, rows, sizes)
        return finals, pending.fit(growths, layers, rows, finals, sizes, knots_pooled(timeframe))

    metrics = [layer.volume for layer in layers], [layer.range for layer in layers]
    with ThreadPoolExecutor(len(metrics)) as pool:  # numpy leaves Python free: the second takes next to no time
        (volume, volume_pending), (range_, range_pending) = pool.map(learn, metrics)
    buckets = {Bucket(int(each) >> 32, int(each) & 0xFFFF_FFFF): row for row, each in enumerate(codes)}
    return Sample(buckets, codes, sizes, volume, range_, volume_pending, range_pending)


def _sorted(finals: list[Int32s], layers: list[Layer], rows: list[Int64s], sizes: Int64s) -> Int32s:
    """The final values, a row for each bucket, ascending."""
    table = np.full((len(sizes), int(sizes.max())), NO_VALUE, np.int32)
    filled = np.zeros(len(sizes), np.int64)
    for final, layer, at in zip(finals, layers, rows, strict=True):
        begin = np.cumsum(layer.counts) - layer.counts
        place = np.arange(len(final)) + np.repeat(filled[at] - begin, layer.counts)
        table[np.repeat(at, layer.counts), place] = final
        filled[at] += layer.counts
    table.sort(axis=1)
    return table


@dataclass(frozen=True, slots=True)
class FinalRanks:
    """Ranks of closed bars: float64 percentile ranks, NaN where the sample is empty, and int64 sample sizes."""

    volume: Floats
    range: Floats
    n: Int64s


def final_ranks(sample: Sample, start: Int32s, length: Int32s, volume: Int64s, range_ticks: Int64s) -> FinalRanks:
    """The ranks of closed bars, all at once. start, length: their buckets; volume: contracts."""
    wanted = code(start, length)
    rows = np.minimum(sample.codes.searchsorted(wanted), len(sample.codes) - 1)
    sizes = np.where(sample.codes[rows] == wanted, sample.sizes[rows], 0)
    return FinalRanks(ranks(sample.volume[rows], sizes, volume), ranks(sample.range[rows], sizes, range_ticks), sizes)
