"""Pending foresees better than simpler ways, on bars that it has not seen: the stand-in's, and real gold's."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from market.facts import BY_ROOT
from market.sessions import calendar
from ranks.engine.stack import knots_pooled, knots_used
from ranks.engine.summary import KNOTS, Summary, summarise
from tests.bench import pending
from tests.bench.invented import ranked, seconds_of

TIMEFRAMES = ("5m", "15m", "1h")
PAST = 40


@pytest.fixture(scope="module")
def made() -> list[Summary]:
    """Fifty sessions of the stand-in's crude oil."""
    facts = BY_ROOT["CL"]
    sessions = calendar(facts.calendar).before(date(2026, 3, 18), PAST + 10)
    return [summarise(each, seconds_of(ranked("CL", each.trade_date)[0], each), facts.tick_size) for each in sessions]


def guesses_of(made: list[Summary]) -> list[pending.Guesses]:
    found = []
    for timeframe in TIMEFRAMES:
        history = pending.History.of([each[timeframe] for each in made])
        past, rest = history[history.session < PAST], history[history.session >= PAST]
        some = np.unique(rest.start)[:: max(1, len(np.unique(rest.start)) // 30)]
        found += pending.foresee("CL", timeframe, past, rest[np.isin(rest.start, some)])
    return found


@pytest.mark.parametrize("metric", ["volume", "range"])
def test_it_beats_the_baseline_and_a_straight_line_at_every_cut(made: list[Summary], metric: str) -> None:
    found = guesses_of(made)
    for cut in pending.CUTS:
        here = [each for each in found if (each.metric, each.cut) == (metric, cut)]
        ours, *others = (pending._mean_error(here, way) for way in pending.WAYS)
        assert ours < min(others), cut


def test_the_weight_of_the_bar_itself_never_falls_as_it_grows(made: list[Summary]) -> None:
    for timeframe in ("1m", "15m", "1D"):
        sample = pending.History.of([each[timeframe] for each in made]).sample(timeframe)
        for estimator in (sample.volume_pending, sample.range_pending):
            assert len(estimator.weights) == len(knots_used(timeframe)) + 1
            assert (np.diff(estimator.weights) >= 0).all()
            assert all(0 <= weight <= 1 for weight in estimator.weights)
            assert (estimator.growth[:, -1] == 0).all()
            assert (estimator.left[:, -1] == 0).all()


def test_before_the_first_second_a_bar_is_expected_to_be_as_usual(made: list[Summary]) -> None:
    sample = pending.History.of([each["1h"] for each in made]).sample("1h")
    for row in range(len(sample.sizes)):
        n = int(sample.sizes[row])
        low, high = np.quantile(sample.volume[row, :n], [0.05, 0.95])
        assert low <= sample.volume_pending.expected(row, 0.0, 0) <= high


def test_knots_are_evenly_spaced_and_end_with_the_bar() -> None:
    for timeframe, count in (("1m", 12), ("5m", 12), ("15m", KNOTS), ("1D", KNOTS)):
        knots = knots_used(timeframe)
        assert (len(knots), knots[-1]) == (count, KNOTS - 1)
        assert set(np.diff(knots)) == {KNOTS // count}
        assert np.array_equal(knots[knots_pooled(timeframe)], np.arange(4, KNOTS, 5))


@pytest.mark.real_data
def test_it_beats_both_on_real_gold(real_data: Path) -> None:
    found = [each for each in pending.real(real_data) if (each.market, each.timeframe) == ("gold ticks", "1m")]
    assert len(found) == 2 * len(pending.CUTS)
    for each in found:
        assert len(each.truth) > 1_000
        ours, *others = (each.error(way) for way in pending.WAYS)
        assert ours < min(others), (each.metric, each.cut)


@pytest.mark.real_data
def test_the_summary_of_real_gold_has_every_contract_that_was_traded(real_data: Path) -> None:
    from tests.bench import realbars

    seconds = realbars._gold_seconds(real_data, realbars.GOLD_DAYS[1])
    day = calendar(BY_ROOT["GC"].calendar).session(realbars.GOLD_DAYS[1])
    assert day is not None
    # from midnight UTC on the file has Tuesday's session, which went on until 17:15
    evening = seconds.ts < day.close_ns + timedelta(minutes=20) // timedelta(microseconds=1) * 1_000
    inside = seconds[evening & (seconds.ts >= day.open_ns)]
    made = summarise(day, inside, BY_ROOT["GC"].tick_size)
    for curves in made.values():
        assert int(curves.volume[:, -1].sum()) == int(inside.volume.sum())
    assert int(made["1D"].range[0, -1]) == int(inside.high.max() - inside.low.min()) // BY_ROOT["GC"].tick_size
    assert made["1D"].length.tolist() == [(23 * 60 + 15) * 60]
