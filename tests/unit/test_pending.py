"""Pending foresees better than simpler ways, on bars that it has not seen: the stand-in's, and real gold's."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from market.facts import BY_ROOT
from market.sessions import calendar
from ranks.engine.percentile import rank
from ranks.engine.stack import knots_pooled, knots_used
from ranks.engine.summary import KNOTS, summarise
from tests.bench import grown, pending
from tests.bench.invented import ranked, seconds_of

TIMEFRAMES = ("5m", "15m", "1h")
LONG = ("1h", "4h", "1D")
PAST = 40

Grown = dict[str, grown.Grown]


@pytest.fixture(scope="module")
def made() -> list[Grown]:
    """Fifty sessions of the stand-in's crude oil."""
    facts = BY_ROOT["CL"]
    sessions = calendar(facts.calendar).before(date(2026, 3, 18), PAST + 10)
    return [grown.grown(each, seconds_of(ranked("CL", each.trade_date)[0], each), facts.tick_size) for each in sessions]


def guesses_of(made: list[Grown], timeframes: tuple[str, ...]) -> list[pending.Guesses]:
    found = []
    for timeframe in timeframes:
        history = pending.History.of([each[timeframe] for each in made])
        past, rest = history[history.session < PAST], history[history.session >= PAST]
        some = np.unique(rest.start)[:: max(1, len(np.unique(rest.start)) // 30)]
        found += pending.foresee("CL", timeframe, past, rest[np.isin(rest.start, some)])
    return found


@pytest.mark.parametrize("metric", ["volume", "range"])
def test_it_beats_the_baseline_and_a_straight_line_at_every_cut(made: list[Grown], metric: str) -> None:
    found = guesses_of(made, TIMEFRAMES)
    for cut in grown.CUTS:
        here = [each for each in found if (each.metric, each.cut) == (metric, cut)]
        ours, *others = (pending._mean_error(here, way) for way in pending.WAYS)
        assert ours < min(others), cut


@pytest.mark.parametrize("metric", ["volume", "range"])
def test_it_is_as_good_from_the_first_hundredth_of_long_bars_on(made: list[Grown], metric: str) -> None:
    found = guesses_of(made, LONG)
    for cut in (0.01, 0.02, 0.05):
        here = [each for each in found if (each.metric, each.cut) == (metric, cut)]
        assert {each.timeframe for each in here} == set(LONG)
        ours, *others = (pending._mean_error(here, way) for way in pending.WAYS)
        assert ours < min(others), cut


def test_a_bar_that_has_only_begun_as_usual_is_expected_to_end_as_usual(made: list[Grown]) -> None:
    """Before the first knot nothing but the usual beginning is seen: no rank may run off to the ends."""
    for timeframe in LONG:
        history = pending.History.of([each[timeframe] for each in made])
        sample = history.sample(timeframe)
        for bucket, row in sample.rows.items():
            n = int(sample.sizes[row])
            if n < PAST:
                continue
            here = (history.start == bucket.start) & (history.length == bucket.length)
            for column, cut in ((0, 0.01), (1, 0.02)):
                for finals, estimator, values in (
                    (sample.volume, sample.volume_pending, history.volume_cut),
                    (sample.range, sample.range_pending, history.range_cut),
                ):
                    usual = int(np.median(values[here, column]))
                    said = rank(finals[row, :n], estimator.expected(row, cut, usual))
                    assert 30 <= said <= 70, (timeframe, bucket, cut)


def test_at_the_start_the_expected_rank_is_the_middle_and_moves_as_the_evidence_does(made: list[Grown]) -> None:
    sample = pending.History.of([each["4h"] for each in made]).sample("4h")
    for row in np.flatnonzero(sample.sizes >= PAST):
        finals, estimator = sample.volume[row, : sample.sizes[row]], sample.volume_pending
        assert rank(finals, estimator.expected(int(row), 0.0, 0)) == pytest.approx(50, abs=2.5)
        # three times the usual volume of the first seconds says less, the fewer the seconds are
        usual = float(estimator.first[row])
        said = [estimator.expected(int(row), part / 60, round(3 * usual * part)) for part in (0.05, 0.2, 0.5, 1.0)]
        assert sorted(said) == said
        assert said[0] < 1.3 * float(np.median(finals))


def test_the_error_that_is_told_is_about_that_of_bars_not_seen(made: list[Grown]) -> None:
    for timeframe in TIMEFRAMES:
        history = pending.History.of([each[timeframe] for each in made])
        sample = history[history.session < PAST].sample(timeframe)
        told = {"volume": sample.volume_pending, "range": sample.range_pending}
        for each in guesses_of(made, (timeframe,)):
            assert told[each.metric].error(each.cut) == pytest.approx(each.error("Pending"), rel=0.35, abs=1.5)


def test_the_error_that_is_told_goes_from_that_of_a_blind_guess_to_nothing(made: list[Grown]) -> None:
    sample = pending.History.of([each["1h"] for each in made]).sample("1h")
    for estimator in (sample.volume_pending, sample.range_pending):
        assert estimator.error(0.0) == 25
        assert estimator.error(1.0) == 0
        assert estimator.error(0.1) > estimator.error(0.5) > estimator.error(0.9)


def test_the_weight_of_the_bar_itself_never_falls_as_it_grows(made: list[Grown]) -> None:
    for timeframe in ("1m", "15m", "1D"):
        sample = pending.History.of([each[timeframe] for each in made]).sample(timeframe)
        for estimator in (sample.volume_pending, sample.range_pending):
            assert len(estimator.weights) == len(knots_used(timeframe)) + 1
            assert (np.diff(estimator.weights) >= 0).all()
            assert all(0 <= weight <= 1 for weight in estimator.weights)
            assert (estimator.growth[:, -1] == 0).all()
            assert (estimator.left[:, -1] == 0).all()


def test_before_the_first_second_a_bar_is_expected_to_be_as_usual(made: list[Grown]) -> None:
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
        evenly = np.arange(4, KNOTS, 5)
        assert np.array_equal(knots[knots_pooled(timeframe)], evenly if count == 12 else [0, 1, 2, *evenly])


@pytest.mark.real_data
def test_it_beats_both_on_real_gold(real_data: Path) -> None:
    found = [each for each in pending.real(real_data) if (each.market, each.timeframe) == ("gold ticks", "1m")]
    assert len(found) == 2 * (len(grown.CUTS) - 1)  # no second is over at the first hundredth of a minute
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
