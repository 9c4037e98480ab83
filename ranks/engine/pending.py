"""What a forming bar is expected to end with, learnt from how the bars of its bucket grew on earlier days.

Two guesses are blended. With v the value so far at elapsed fraction e, and means over the bars of the bucket:

    growth     a = (1 + v) · exp(mean ln((1 + final) / (1 + value at e)) + d(e))
    remainder  b = 1 + v + c(e) · (exp(mean ln(1 + final − value at e)) − 1)
    expected   = a^w(e) · b^(1 − w(e)) − 1, to a whole number, never below v

The first is the baseline, v ÷ profile(e), with a profile that one wild day cannot bend. The second trusts the bucket's
own history more than the bar. w, c and d belong to the timeframe as a whole: c and d move the means to the medians,
which a rank asks for, and w is the weight of least absolute error of ln(1 + expected). w never falls as e grows.
"""

from dataclasses import dataclass
from math import expm1, log1p

import numpy as np
import numpy.typing as npt

from ranks.engine.buckets import Int32s, Int64s
from ranks.engine.percentile import Floats
from ranks.engine.stack import Growth, Layer

WEIGHTS = np.linspace(0, 1, 11)
"""Those that are tried; a finer grid takes longer and ranks no better."""
Float32s = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Estimator:
    """The estimator of one metric for all buckets of a timeframe.

    growth, left: float32 [buckets, knots + 1], the logarithm of the growth and the remainder that are expected from
    the knot on; knot 0 is the start of the bar, the last one its end. weights: [knots + 1], of the growth.
    """

    growth: Float32s
    left: Float32s
    weights: tuple[float, ...]

    @property
    def nbytes(self) -> int:
        return self.growth.nbytes + self.left.nbytes

    def expected(self, row: int, elapsed: float, value: int) -> int:
        """The final value that a bar of the bucket in that row is expected to have, at least `value`.

        elapsed: fraction of the bar, 0 to 1; from 1 on it is the value itself.
        """
        if elapsed >= 1.0:
            return value
        at = max(0.0, elapsed) * (len(self.weights) - 1)
        knot = int(at)
        part = at - knot
        growth, left, weights = self.growth[row], self.left[row], self.weights
        grows = float(growth[knot]) + part * (float(growth[knot + 1]) - float(growth[knot]))
        rest = float(left[knot]) + part * (float(left[knot + 1]) - float(left[knot]))
        weight = weights[knot] + part * (weights[knot + 1] - weights[knot])
        blend = weight * (log1p(value) + grows) + (1 - weight) * log1p(value + rest)
        return max(value, round(expm1(blend)))


def fit(growths: list[Growth], layers: list[Layer], rows: list[Int64s], counts: Int64s, places: Int64s) -> Estimator:
    """The estimator from all that is in the layers.

    growths: of each layer, the metric's. rows: of each layer, the row of each of its buckets. counts: bars of each
    row, at least one. places: `ranks.engine.stack.knots_pooled`.
    """
    so_far, left = _means(growths, rows, counts)
    final = so_far[:, -1:]
    grown, rest = final - so_far, np.expm1(left)
    curves = np.concatenate([growth.pooled for growth in growths]).T
    pooled = np.concatenate([_pooled_rows(layer, at) for layer, at in zip(layers, rows, strict=True)])
    fitted = [
        _fit_knot(curves[number], curves[-1], grown[pooled, knot], rest[pooled, knot])
        for number, knot in enumerate(places)
    ]
    spread, stretch, weights = (_between(np.array(values), places) for values in zip(*fitted, strict=True))
    # before the first second nothing is known but the usual final value
    return Estimator(
        np.hstack([final, np.maximum(grown + spread, 0)]).astype(np.float32),
        np.hstack([np.expm1(final), rest * stretch]).astype(np.float32),
        (0.0, *map(float, np.maximum.accumulate(weights))),
    )


def _means(growths: list[Growth], rows: list[Int64s], counts: Int64s) -> tuple[Floats, Floats]:
    so_far, left = (np.zeros((len(counts), growths[0].so_far.shape[1])) for _ in range(2))
    for growth, at in zip(growths, rows, strict=True):
        so_far[at] += growth.so_far
        left[at] += growth.left
    return so_far / counts[:, None], left / counts[:, None]


def _pooled_rows(layer: Layer, at: Int64s) -> Int64s:
    """The row of each pooled bar."""
    return at[layer.codes.searchsorted(layer.pooled)]


def _between(values: Floats, places: Int64s) -> Floats:
    """Values at the pooled knots, on a straight line at the others."""
    return np.interp(np.arange(places[-1] + 1), places, values)


def _fit_knot(now: Int32s, final: Int32s, grown: Floats, rest: Floats) -> tuple[float, float, float]:
    """d, c and w of one knot. now, final: values of the pooled bars. grown, rest: the means of their buckets."""
    if not len(now):
        return 0.0, 1.0, 0.5
    so_far, end = np.log1p(now), np.log1p(final)
    spread = float(np.median(end - so_far - grown))
    some = rest > 0
    stretch = float(np.median((final - now)[some] / rest[some])) if some.any() else 1.0
    growth = so_far + np.maximum(grown + spread, 0)
    remainder = np.log1p(now + stretch * rest)
    blends = remainder + WEIGHTS[:, None] * (growth - remainder)
    errors = np.abs(np.maximum(blends, so_far) - end).mean(axis=1)
    return spread, stretch, float(WEIGHTS[errors.argmin()])
