"""How well Pending foresees: `make bench-ranks`, or `python -m tests.bench.pending [FOLDER]`.

Bars of sessions that the estimator has not seen are cut at 1, 2, 5, 10, 25, 50 and 75 %. The error is that of the final
percentile rank. Beside it stand the two ways that it has to beat: value ÷ profile(e), the mean of progress ÷ final in
the sample, and value ÷ e. FOLDER holds the real gold ticks and the real ESH4 hour (docs/ranks.md says how far they
go); without it only the stand-in's tables are printed.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from market.facts import BY_ROOT
from market.sessions import calendar
from market.timeframes import TIMEFRAMES
from ranks.engine.buckets import Bucket
from ranks.engine.percentile import rank
from ranks.engine.sample import Sample, build
from ranks.engine.stack import POOL_STRIDE, Rows, code, knots_used, layer
from tests.bench.grown import CUTS, Grown, grown
from tests.bench.invented import ranked, seconds_of

ROOTS = ("NQ", "CL", "GC", "ZN", "6E", "6N")
"""Busy and thin ones; the other thirteen are made by the same rules."""
FIRST, LAST = date(2025, 3, 18), date(2026, 3, 17)
HELD_OUT, BLOCK = 60, 5
"""Sessions at the end that are foreseen, each from the sessions before its block of five."""
BUCKETS = 40
"""Of each timeframe so many buckets at most are looked at, evenly spread over the session."""
WAYS = ("Pending", "value ÷ profile", "value ÷ e")
SAID = (95, 90, 80)

Ints = NDArray[Any]


@dataclass(frozen=True)
class History:
    """Bars of one timeframe over sessions. session: their running number.

    volume, range: [bars, KNOTS]. volume_cut, range_cut: the values at the cuts, then the final ones.
    """

    start: Ints
    length: Ints
    session: Ints
    volume: Ints
    range: Ints
    volume_cut: Ints
    range_cut: Ints

    @classmethod
    def of(cls, sessions: Sequence[Grown]) -> "History":
        numbers = [np.full(len(each.curves), number) for number, each in enumerate(sessions)]
        stored = ([getattr(each.curves, name) for each in sessions] for name in ("start", "length", "volume", "range"))
        start, length, volume, range_ = map(np.concatenate, stored)
        at_cuts = ([getattr(each, name) for each in sessions] for name in ("volume_cut", "range_cut"))
        return cls(start, length, np.concatenate(numbers), volume, range_, *map(np.concatenate, at_cuts))

    def __getitem__(self, rows: Ints) -> "History":
        return History(*(getattr(self, each.name)[rows] for each in fields(self)))

    def sample(self, timeframe: str) -> Sample:
        """The sample of all these bars, as the product makes it."""
        bars, knots = self[np.lexsort((self.session, code(self.start, self.length)))], knots_used(timeframe)
        rows = Rows(bars.start, bars.length, bars.volume[:, knots], bars.range[:, knots])
        built = build([layer(rows, timeframe)], timeframe)
        assert built is not None
        return built


@dataclass(frozen=True)
class Guesses:
    """Final ranks of the bars of a market, a timeframe and a metric at one cut: as they came, and as each way said."""

    market: str
    timeframe: str
    metric: str
    cut: float
    truth: Ints
    said: dict[str, Ints]

    def error(self, way: str) -> float:
        return float(np.abs(self.said[way] - self.truth).mean())


# --- guessing ---------------------------------------------------------------------------------------------


def foresee(market: str, timeframe: str, past: History, held_out: History) -> Iterator[Guesses]:
    """What each way says of held-out bars that have a bucket with a past."""
    sample = past.sample(timeframe)
    for metric, finals, estimator in (
        ("volume", sample.volume, sample.volume_pending),
        ("range", sample.range, sample.range_pending),
    ):
        for column, cut in enumerate(CUTS):
            if cut * TIMEFRAMES[timeframe] < 1:
                continue  # no second of the bar is over
            found = [
                _guess(values[: sample.sizes[row]], estimator, row, cut, before[:, [column, -1]], bar[[column, -1]])
                for row, values, before, bar in _pairs(sample, finals, past, held_out, metric)
            ]
            truth, *said = np.array(found).T
            yield Guesses(market, timeframe, metric, cut, truth, dict(zip(WAYS, said, strict=True)))


def _pairs(
    sample: Sample, finals: Ints, past: History, held_out: History, metric: str
) -> Iterator[tuple[int, Ints, Ints, Ints]]:
    """(row, its finals, values at the cuts of the past, and of the bar) of each held-out bar."""
    curves, later = getattr(past, f"{metric}_cut"), getattr(held_out, f"{metric}_cut")
    for bucket in dict.fromkeys(zip(held_out.start.tolist(), held_out.length.tolist(), strict=True)):
        row = sample.rows.get(Bucket(*bucket))
        if row is None:
            continue
        before = curves[(past.start == bucket[0]) & (past.length == bucket[1])]
        for bar in later[(held_out.start == bucket[0]) & (held_out.length == bucket[1])]:
            yield row, finals[row], before, bar


def _guess(finals: Ints, estimator: Any, row: int, cut: float, before: Ints, bar: Ints) -> tuple[float, ...]:
    """The final rank of a bar, and what each way says of it at the cut. before, bar: values there and in the end."""
    value, final = (int(each) for each in bar)
    some = before[:, 1] > 0
    profile = float((before[some, 0] / before[some, 1]).mean()) if some.any() else cut
    ways = (estimator.expected(row, cut, value), value / (profile or cut), value / cut)
    return rank(finals, final), *(rank(finals, way) for way in ways)


def standin() -> Iterator[Guesses]:
    """Guesses on the stand-in's sessions."""
    for root in ROOTS:
        sessions = calendar(BY_ROOT[root].calendar).between(FIRST, LAST)
        tick = BY_ROOT[root].tick_size
        made = [grown(each, seconds_of(ranked(root, each.trade_date)[0], each), tick) for each in sessions]
        for timeframe in TIMEFRAMES:
            history = History.of([each[timeframe] for each in made])
            yield from _rolling(root, timeframe, history, len(sessions))


def _rolling(root: str, timeframe: str, history: History, count: int) -> Iterator[Guesses]:
    buckets = np.unique(code(history.start, history.length))
    chosen = buckets[np.unique(np.linspace(0, len(buckets) - 1, BUCKETS).astype(int))]
    of_chosen = np.isin(code(history.start, history.length), chosen)
    for begin in range(count - HELD_OUT, count, BLOCK):
        block = of_chosen & (history.session >= begin) & (history.session < begin + BLOCK)
        if block.any():
            yield from foresee(root, timeframe, history[history.session < begin], history[block])


# --- the real markets -------------------------------------------------------------------------------------


def real(folder: Path) -> Iterator[Guesses]:
    """Guesses on two days of gold and an hour of ESH4.

    No bucket has twenty earlier days there. Bars of an hour stand in for the days of a bucket: gold's minutes of an
    hour of Monday for those of Tuesday, its five minutes over three hours likewise, and ESH4's first half hour for its
    second.
    """
    from tests.bench import realbars

    monday, tuesday = realbars.gold(folder)
    for timeframe, hours in (("1m", 1), ("5m", 3)):
        past, later = (_by_hours(day[timeframe], timeframe, hours) for day in (monday, tuesday))
        yield from foresee("gold ticks", timeframe, past, later)
    hour = _by_hours(realbars.esh4(folder)["1m"], "1m", 1)
    yield from foresee("ESH4 hour", "1m", hour[np.arange(30)], hour[np.arange(30, 60)])


def _by_hours(bars: Grown, timeframe: str, hours: int) -> History:
    """Bars whose bucket is a stretch of so many hours, named so that weights are fitted on every one."""
    history, stride = History.of([bars]), POOL_STRIDE[timeframe]
    stretch = history.start // (hours * 3_600)
    return replace(history, start=(stretch * stride + stride // 2) * TIMEFRAMES[timeframe])


# --- the tables -------------------------------------------------------------------------------------------


def errors(guesses: Sequence[Guesses], of: str) -> list[str]:
    """Mean absolute errors, a line for each metric and cut; markets and timeframes count alike."""
    lines = [f"| {of} | | {' | '.join(WAYS)} | bars |", "| - | - |" + " - |" * (len(WAYS) + 1)]
    for metric in ("volume", "range"):
        for cut in CUTS:
            here = [each for each in guesses if (each.metric, each.cut) == (metric, cut)]
            if not here:
                continue
            bars = sum(len(each.truth) for each in here)
            means = [_mean_error(here, way) for way in WAYS]
            cells = [f"**{mean:.2f}**" if mean == min(means) else f"{mean:.2f}" for mean in means]
            lines.append(f"| {metric} | {cut:.0%} | {' | '.join(cells)} | {bars:,} |")
    return lines


def _mean_error(guesses: Sequence[Guesses], way: str) -> float:
    groups: dict[tuple[str, str], list[Guesses]] = {}
    for each in guesses:
        groups.setdefault((each.market, each.timeframe), []).append(each)
    means = [
        sum(each.error(way) * len(each.truth) for each in group) / sum(len(each.truth) for each in group)
        for group in groups.values()
    ]
    return float(np.mean(means))


def calibration(guesses: Sequence[Guesses], of: str) -> list[str]:
    """When it said at least so much, how often the bar ended at most five below that."""
    lines = [f"| {of} | said at | " + " | ".join(f"≥ {said} → ended ≥ {said - 5}" for said in SAID) + " |"]
    lines.append("| - | - |" + " - |" * len(SAID))
    for metric in ("volume", "range"):
        for cut in CUTS:
            here = [each for each in guesses if (each.metric, each.cut) == (metric, cut)]
            if not here:
                continue
            said = np.concatenate([each.said["Pending"] for each in here])
            truth = np.concatenate([each.truth for each in here])
            cells = [_share(truth[said >= level] >= level - 5) for level in SAID]
            lines.append(f"| {metric} | {cut:.0%} | {' | '.join(cells)} |")
    return lines


def _share(held: Ints) -> str:
    return f"{held.mean():.0%} of {len(held):,}" if len(held) else "never said"


def _print(lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n\n")
    sys.stdout.flush()


def main() -> None:
    guesses = list(standin())
    _print(["Mean absolute error of the final percentile rank", "", *errors(guesses, "stand-in")])
    for timeframe in TIMEFRAMES:
        _print(errors([each for each in guesses if each.timeframe == timeframe], timeframe))
    _print(["When Pending said so much, how did the bar end?", "", *calibration(guesses, "stand-in")])
    if len(sys.argv) > 1 and Path(sys.argv[1]).is_dir():
        found = list(real(Path(sys.argv[1])))
        for market in dict.fromkeys((each.market, each.timeframe) for each in found):
            here = [each for each in found if (each.market, each.timeframe) == market]
            _print(errors(here, " ".join(market)))
            _print(calibration(here, " ".join(market)))


if __name__ == "__main__":
    main()
