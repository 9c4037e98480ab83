"""Percentile ranks: 100 · (#{less} + ½ · #{equal}) / n, the "mean" kind of `scipy.stats.percentileofscore`."""

import numpy as np
import numpy.typing as npt

from ranks.engine.buckets import Int32s, Int64s

NO_VALUE = np.iinfo(np.int32).max
"""Fills up the rows of samples that are smaller than the largest; no volume or range comes near it."""

Floats = npt.NDArray[np.float64]
Float32s = npt.NDArray[np.float32]


def rank(values: Int32s, value: int) -> float:
    """The percentile rank (0 to 100) of a value in an ascending sample, which must not be empty."""
    below = int(values.searchsorted(value))
    size = len(values)
    # most values are in no sample, or in it once: looking at the next one spares a second search
    if below == size or values[below] != value:
        return 100.0 * below / size
    return 50.0 * (below + int(values.searchsorted(value, side="right"))) / size


def ranks(samples: Int32s, sizes: Int64s, values: Int64s) -> Floats:
    """The percentile rank of each value in its own sample, NaN where that is empty.

    samples: [values, largest sample], a row for each value, in any order, filled up with NO_VALUE. sizes: how many of
    each row are real.
    """
    less = (samples < values[:, None]).sum(axis=1)
    equal = (samples == values[:, None]).sum(axis=1)
    halves = np.full(len(values), np.nan)
    np.divide(50.0 * (2 * less + equal), sizes, out=halves, where=sizes > 0)
    return halves
