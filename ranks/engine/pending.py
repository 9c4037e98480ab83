"""What a forming bar is expected to end with, learnt from how the bars of its bucket grew on earlier days.

Two guesses are blended. With v the value so far at elapsed fraction e, and means over the bars of the bucket:

    growth     a = (1 + v) · exp(mean ln((1 + final) / (1 + value at e)) + d(e))
    remainder  b = 1 + v + c(e) · (exp(mean ln(1 + final − value at e)) − 1)
    expected   = a^w(e) · b^(1 − w(e)) − 1, to a whole number, never below v

The first is the baseline, v ÷ profile(e), with a profile that one wild day cannot bend. The second trusts the bucket's
own history more than the bar. w, c and d belong to the timeframe as a whole: c and d move the means to the medians,
which a rank asks for, and w is the weight of least absolute error of ln(1 + expected). w never falls as e grows.

Before the first knot a bar is expected to come to the knot's usual value as a power of the time, u · (e / e₁)^p, with
the power that leads on to the second knot (a range grows about as √e, a volume about as e); the remainder falls from
the bucket's median as much as that grows; and w rises from 0 in a straight line: a bar that has only begun says little.
"""

from dataclasses import dataclass
from math import expm1, log, log1p

import numpy as np

from ranks.engine.buckets import Int32s, Int64s
from ranks.engine.percentile import NO_VALUE, Float32s, Floats
from ranks.engine.stack import Growth, Layer

WEIGHTS = np.linspace(0, 1, 11)
"""Those that are tried; a finer grid takes longer and ranks no better."""
CHECKED = 2_000
"""Bars at most, or a few more, by which the error of the rank is measured."""
KNOWING_NOTHING = 25.0
"""The mean distance of a percentile rank from 50."""
POWERS = (0.25, 1.0)
"""Of growth before the first knot: what goes faster than with the time began at once."""
SUREST = 0.95
"""Of the weight at the first knot, on the way there: a bar that has only begun is never all that counts."""


@dataclass(frozen=True, slots=True)
class Estimator:
    """The estimator of one metric for all buckets of a timeframe.

    growth, left: float32 [buckets, knots + 1], the logarithm of the growth and the remainder that are expected from
    the knot on; knot 0 is the start of the bar, the last one its end. first, power: float32 [buckets], the value that
    is usual at knot 1, and how it is come to. weights: [knots + 1], of the growth.
    """

    growth: Float32s
    left: Float32s
    first: Float32s
    power: Float32s
    weights: tuple[float, ...]
    errors: tuple[float, ...]

    @property
    def nbytes(self) -> int:
        return self.growth.nbytes + self.left.nbytes + self.first.nbytes + self.power.nbytes

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
        if knot:
            weight = weights[knot] + part * (weights[knot + 1] - weights[knot])
            along = log(at / knot) / log((knot + 1) / knot)
            grows = float(growth[knot]) + along * (float(growth[knot + 1]) - float(growth[knot]))
        else:
            weight = _early(weights[1], part)
            part **= float(self.power[row])
            usual = float(self.first[row])
            grows = float(growth[1]) + log1p(usual) - log1p(usual * part)
        rest = float(left[knot]) + part * (float(left[knot + 1]) - float(left[knot]))
        blend = weight * (log1p(value) + grows) + (1 - weight) * log1p(value + rest)
        return max(value, round(expm1(blend)))

    def expected_all(self, rows: Int64s, elapsed: Floats, values: Int64s) -> Int64s:
        """The same for many bars at once: of each the row, the fraction and the value."""
        at = np.clip(elapsed, 0.0, 1.0) * (len(self.weights) - 1)
        knot = np.minimum(at.astype(np.int64), len(self.weights) - 2)
        part = at - knot
        is_early = knot == 0
        weight, grows = self._late(rows, knot, at)
        if is_early.any():
            some = np.flatnonzero(is_early)
            weight[some], grows[some], part[some] = self._early_all(rows[some], part[some])
        near, far = (self.left[rows, each].astype(np.float64) for each in (knot, knot + 1))
        rest = near + part * (far - near)
        blend = weight * (np.log1p(values) + grows) + (1 - weight) * np.log1p(values + rest)
        found: Int64s = np.maximum(values, np.rint(np.expm1(blend)).astype(np.int64))
        return np.where(elapsed >= 1.0, values, found)

    def _late(self, rows: Int64s, knot: Int64s, at: Floats) -> tuple[Floats, Floats]:
        """Weight and growth from the first knot on."""
        weights = np.array(self.weights)
        weight = weights[knot] + (at - knot) * (weights[knot + 1] - weights[knot])
        from_knot = np.maximum(knot, 1)
        along = np.log(np.maximum(at, from_knot) / from_knot) / np.log((from_knot + 1) / from_knot)
        near, far = (self.growth[rows, each].astype(np.float64) for each in (knot, knot + 1))
        return weight, near + along * (far - near)

    def _early_all(self, rows: Int64s, part: Floats) -> tuple[Floats, Floats, Floats]:
        """Weight, growth and the part of the way, before the first knot."""
        surest = min(self.weights[1], SUREST)
        odds = part * surest / (1 - surest)
        along = part ** self.power[rows].astype(np.float64)
        usual = self.first[rows].astype(np.float64)
        grows = self.growth[rows, 1].astype(np.float64) + np.log1p(usual) - np.log1p(usual * along)
        return odds / (1 + odds), grows, along

    def error(self, elapsed: float) -> float:
        """The points by which the expected rank usually misses the final one; elapsed: fraction of the bar."""
        at = min(1.0, max(0.0, elapsed)) * (len(self.errors) - 1)
        knot = min(int(at), len(self.errors) - 2)
        return self.errors[knot] + (at - knot) * (self.errors[knot + 1] - self.errors[knot])


def _early(weight: float, part: float) -> float:
    """The weight at a part of the way to the first knot: what is seen of a bar tells as much more as more is seen."""
    odds = part * min(weight, SUREST) / (1 - min(weight, SUREST))
    return odds / (1 + odds)


def fit(
    growths: list[Growth], layers: list[Layer], rows: list[Int64s], finals: Int32s, counts: Int64s, places: Int64s
) -> Estimator:
    """The estimator from all that is in the layers.

    growths: of each layer, the metric's. rows: of each layer, the row of each of its buckets. finals: the final values
    of each row, ascending; counts: how many there are, at least one. places: `ranks.engine.stack.knots_pooled`.
    """
    so_far, left = _means(growths, rows, counts)
    final = so_far[:, -1:]
    grown, rest = final - so_far, np.expm1(left)
    curves = np.concatenate([growth.pooled for growth in growths]).T
    pooled = np.concatenate([_pooled_rows(layer, at) for layer, at in zip(layers, rows, strict=True)])
    checked = _Checked(finals, counts, pooled, curves[-1])
    fitted = [
        _fit_knot(curves[number], curves[-1], grown[pooled, knot], rest[pooled, knot], checked)
        for number, knot in enumerate(places)
    ]
    spread, stretch, weights, errors = (_between(np.array(values), places) for values in zip(*fitted, strict=True))
    early = np.expm1(so_far[:, :2])
    return Estimator(
        np.hstack([final, np.maximum(grown + spread, 0)]).astype(np.float32),
        np.hstack([_medians(finals, counts)[:, None], rest * stretch]).astype(np.float32),
        early[:, 0].astype(np.float32),
        _powers(*early.T).astype(np.float32),
        (0.0, *map(float, np.maximum.accumulate(weights))),
        (KNOWING_NOTHING, *map(float, errors)),
    )


class _Checked:
    """Some of the pooled bars, by whose ranks the estimator is measured.

    finals, counts: as of `fit`. rows, ends: of each pooled bar.
    """

    def __init__(self, finals: Int32s, counts: Int64s, rows: Int64s, ends: Int32s) -> None:
        self._chosen = slice(None, None, max(1, len(rows) // CHECKED))
        self._rows = rows[self._chosen]
        self._width, self._counts = finals.shape[1], counts[self._rows]
        # all samples in one ascending line: a row is a span of it
        self._line = ((np.arange(len(finals)) << 32)[:, None] | finals).ravel()
        self._truth = self._ranks(ends[self._chosen])

    def error(self, expected: Floats) -> float:
        """The mean difference of the ranks, in points, from those that the bars ended with."""
        said = self._ranks(np.rint(expected[self._chosen]).clip(0, NO_VALUE - 1).astype(np.int64))
        return float(np.abs(said - self._truth).mean())

    def _ranks(self, values: Int32s | Int64s) -> Floats:
        below = self._line.searchsorted(self._rows << 32 | values) - self._rows * self._width
        percent: Floats = 100.0 * below / self._counts
        return percent


def _medians(finals: Int32s, counts: Int64s) -> Floats:
    """The middle of each row: all that is known before the first second."""
    rows = np.arange(len(counts))
    return (finals[rows, (counts - 1) // 2] + finals[rows, counts // 2].astype(np.int64)) / 2


def _powers(first: Floats, second: Floats) -> Floats:
    """p of (e / e₁)^p that leads from the first knot to the second, at twice the time."""
    powers = np.ones(len(first))
    np.log2(second, out=powers, where=first > 0)
    powers -= np.log2(first, out=np.zeros(len(first)), where=first > 0)
    return np.clip(powers, *POWERS)


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


def _fit_knot(
    now: Int32s, final: Int32s, grown: Floats, rest: Floats, checked: _Checked
) -> tuple[float, float, float, float]:
    """d, c and w of one knot, and the error of the rank in points.

    now, final: values of the pooled bars. grown, rest: the means of their buckets.
    """
    if not len(now):
        return 0.0, 1.0, 0.5, KNOWING_NOTHING
    so_far, end = np.log1p(now), np.log1p(final)
    spread = float(np.median(end - so_far - grown))
    some = rest > 0
    stretch = float(np.median((final - now)[some] / rest[some])) if some.any() else 1.0
    growth = so_far + np.maximum(grown + spread, 0)
    remainder = np.log1p(now + stretch * rest)
    blends = remainder + WEIGHTS[:, None] * (growth - remainder)
    blends = np.maximum(blends, so_far)
    best = int(np.abs(blends - end).mean(axis=1).argmin())
    return spread, stretch, float(WEIGHTS[best]), checked.error(np.expm1(blends[best]))
