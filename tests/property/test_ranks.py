"""Summaries, percentile ranks and Pending against slow and obvious ways to the same."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import percentileofscore

from market import facts
from market.engine.bars import Bars
from market.engine.tape import Piece, as_traded
from market.sessions import SECOND_NS, Session, calendar, to_et
from market.timeframes import TIMEFRAMES, bucket_bounds
from ranks.engine.buckets import Bucket, buckets_of
from ranks.engine.metrics import forming, measure
from ranks.engine.percentile import NO_VALUE, rank, ranks
from ranks.engine.sample import Sample, build, final_ranks
from ranks.engine.stack import Layer, Rows, knots_used, layer
from ranks.engine.summary import KNOTS, Curves, summarise
from tests.markets import TICK, sparse_session

EQUITY, CRYPTO = calendar(facts.EQUITY), calendar(facts.CRYPTO)
# a regular day, a holiday that is merged, an early close, and both changes of the clocks while Bitcoin trades
DAYS = [
    (EQUITY, date(2026, 3, 18)),
    (EQUITY, date(2026, 1, 20)),
    (EQUITY, date(2026, 12, 24)),
    (CRYPTO, date(2026, 11, 2)),
    (CRYPTO, date(2027, 3, 15)),
]
PAST = EQUITY.between(date(2026, 1, 26), date(2026, 3, 17))
TODAY = EQUITY.session(date(2026, 3, 18))
assert TODAY is not None

small = st.integers(0, 30)


def some_session(number: int) -> Session:
    days, trade_date = DAYS[number]
    session = days.session(trade_date)
    assert session is not None
    return session


def slow_curves(
    session: Session, seconds: Bars, timeframe: str, tick: int
) -> list[tuple[int, int, list[int], list[int]]]:
    """(start, length, volumes, ranges) of each bar: at every knot, all seconds that are over are looked at."""
    session = as_traded(session, seconds.ts, SECOND_NS)
    begins, ends = (list(map(int, each)) for each in bucket_bounds(session, timeframe))
    found = []
    for begin, end, following in zip(begins, ends, [*begins[1:], 2**63], strict=True):
        length = round((end - begin) / (60 * SECOND_NS)) * 60
        if not length:
            continue
        inside = [row for row in range(len(seconds)) if begin <= seconds.ts[row] < following]
        volumes, reaches = [], []
        for knot in range(1, KNOTS + 1):
            until = begin + length * knot * SECOND_NS // KNOTS
            over = [row for row in inside if seconds.ts[row] + SECOND_NS <= until or knot == KNOTS]
            volumes.append(sum(int(seconds.volume[row]) for row in over))
            reach = max(seconds.high[over]) - min(seconds.low[over]) if over else 0
            reaches.append(int(reach) // tick)
        clock = to_et(begin)
        found.append((clock.hour * 3_600 + clock.minute * 60 + clock.second, length, volumes, reaches))
    return found


@settings(max_examples=8, deadline=None)
@given(st.integers(0, len(DAYS) - 1), st.integers(0, 2**20), st.sampled_from([0.0, 0.0005, 0.004]), st.booleans())
def test_summaries_equal_the_slow_and_obvious_way(number: int, seed: int, share: float, is_late: bool) -> None:
    session = some_session(number)
    seconds = sparse_session(session, seed=seed, base=80_000, share=share)
    if is_late:
        # a print three seconds after the close still belongs to the session
        late = seconds[:1]
        late = Bars(
            late.ts * 0 + session.close_ns + 3 * SECOND_NS, late.open, late.high, late.low, late.close, late.volume
        )
        seconds = Bars.concatenate([seconds, late])
    made = summarise(session, seconds, TICK)
    assert list(made) == list(TIMEFRAMES)
    for timeframe, curves in made.items():
        rows = zip(curves.start, curves.length, curves.volume, curves.range, strict=True)
        ours = [(int(start), int(length), list(volume), list(reach)) for start, length, volume, reach in rows]
        assert ours == slow_curves(session, seconds, timeframe, TICK), timeframe


@given(st.lists(small, min_size=1, max_size=60), small)
def test_a_percentile_rank_is_scipys_mean_kind(values: list[int], value: int) -> None:
    expected = percentileofscore(values, value, kind="mean")
    assert rank(np.sort(np.array(values, np.int32)), value) == pytest.approx(expected, abs=1e-9)
    table = np.full((1, 70), NO_VALUE, np.int32)
    table[0, : len(values)] = values
    many = ranks(table, np.array([len(values)]), np.array([value]))
    assert many[0] == pytest.approx(expected, abs=1e-9)


def rows_of(summaries: list[Curves], timeframe: str) -> Rows:
    """As they are read from a file: one after the other, ordered by bucket."""
    start, length = (np.concatenate([getattr(each, name) for each in summaries]) for name in ("start", "length"))
    volume, reach = (np.concatenate([getattr(each, name) for each in summaries]) for name in ("volume", "range"))
    order, knots = np.lexsort((length, start)), knots_used(timeframe)
    curves = (each[order][:, knots] for each in (volume, reach))
    return Rows(start[order], length[order], *curves)


def layer_of(sessions: list[Session], timeframe: str) -> Layer:
    made = [summarise(each, sparse_session(each, seed=1, base=80_000, share=0.02), TICK) for each in sessions]
    return layer(rows_of([each[timeframe] for each in made], timeframe), timeframe)


def sample_of(timeframe: str) -> Sample:
    built = build([layer_of(PAST[:15], timeframe), layer_of(PAST[15:], timeframe)], timeframe)
    assert built is not None
    return built


SAMPLES = {timeframe: sample_of(timeframe) for timeframe in TIMEFRAMES}


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_one_layer_or_several_make_the_same_sample(timeframe: str) -> None:
    whole, parts = build([layer_of(PAST, timeframe)], timeframe), SAMPLES[timeframe]
    assert whole is not None
    assert whole.rows == parts.rows
    for name in ("sizes", "volume", "range"):
        np.testing.assert_array_equal(getattr(whole, name), getattr(parts, name))
    for name in ("volume_pending", "range_pending"):
        ours, theirs = getattr(whole, name), getattr(parts, name)
        np.testing.assert_allclose(ours.growth, theirs.growth, atol=1e-5)
        np.testing.assert_allclose(ours.left, theirs.left, rtol=1e-5, atol=1e-5)
        assert ours.weights == pytest.approx(theirs.weights)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(TIMEFRAMES)),
    st.floats(0, 1),
    st.integers(0, 100_000),
    st.integers(0, 4_000),
    st.integers(0, 10_000),
)
def test_pending_is_never_below_the_rank_so_far_and_equals_it_at_the_end(
    timeframe: str, elapsed: float, volume: int, reach: int, pick: int
) -> None:
    sample = SAMPLES[timeframe]
    bucket = list(sample.rows)[pick % len(sample.rows)]
    now = measure(sample, bucket, elapsed, volume, reach)
    assert None not in (now.vol_rank, now.vol_pending, now.range_rank, now.range_pending)
    assert 0 <= now.vol_rank <= now.vol_pending <= 100  # type: ignore[operator]
    assert 0 <= now.range_rank <= now.range_pending <= 100  # type: ignore[operator]
    over = measure(sample, bucket, 1.0, volume, reach)
    assert (over.vol_pending, over.range_pending) == (over.vol_rank, over.range_rank)
    more = measure(sample, bucket, elapsed, volume + 7, reach + 7)
    assert more.vol_pending >= now.vol_pending  # type: ignore[operator]
    assert more.range_pending >= now.range_pending  # type: ignore[operator]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(TIMEFRAMES)), st.integers(TODAY.open_ns, TODAY.close_ns + 3_600 * SECOND_NS))
def test_a_forming_bar_has_only_the_seconds_that_are_over(timeframe: str, playhead: int) -> None:
    seconds = sparse_session(TODAY, seed=5, base=80_000, share=0.02)
    piece = Piece(TODAY, "NQM6", seconds)
    found = forming(piece, timeframe, playhead, TICK)
    cut = forming(Piece(TODAY, "NQM6", seconds[seconds.ts + SECOND_NS <= playhead]), timeframe, playhead, TICK)
    assert found == cut
    assert found is not None
    starts, ends = bucket_bounds(TODAY, timeframe)
    index = int(starts.searchsorted(playhead, side="right")) - 1
    over = seconds[(seconds.ts >= starts[index]) & (seconds.ts + SECOND_NS <= playhead)]
    assert found.volume == over.volume.sum()
    assert found.elapsed == pytest.approx(min(1, (playhead - starts[index]) / (ends[index] - starts[index])))


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_the_ranks_of_all_closed_bars_are_those_of_each_alone(timeframe: str) -> None:
    sample, seconds = SAMPLES[timeframe], sparse_session(TODAY, seed=5, base=80_000, share=0.02)
    curves = summarise(TODAY, seconds, TICK)[timeframe]
    finals = curves.volume[:, -1].astype(np.int64), curves.range[:, -1].astype(np.int64)
    all_at_once = final_ranks(sample, curves.start, curves.length, *finals)
    assert len(all_at_once.n) == len(buckets_of(TODAY, timeframe))
    for row in range(len(curves)):
        bucket = Bucket(int(curves.start[row]), int(curves.length[row]))
        alone = measure(sample, bucket, 1.0, int(finals[0][row]), int(finals[1][row]))
        assert (all_at_once.volume[row], all_at_once.range[row], all_at_once.n[row]) == (
            alone.vol_rank,
            alone.range_rank,
            alone.n,
        )
