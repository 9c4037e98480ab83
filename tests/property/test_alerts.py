"""The trace against the metrics of each instant, and the fold cut anywhere against the fold in one piece."""

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.engine.edges import BAR, CLOSE, FALSE, NEVER, NO_BAR, ONCE, TRUE, UNKNOWN, Watch, fold
from alerts.engine.trace import Trace, trace
from market import facts
from market.engine.bars import Bars
from market.engine.tape import Piece
from market.sessions import SECOND_NS, Session, calendar
from market.timeframes import TIMEFRAMES, bucket_bounds
from ranks.engine.buckets import buckets_of
from ranks.engine.metrics import ENOUGH, forming, measure
from ranks.engine.sample import Sample
from tests.markets import TICK, sparse_session
from tests.property.test_ranks import SAMPLES, TODAY

EARLY = calendar(facts.EQUITY).session(date(2026, 12, 24))
HOLIDAY = calendar(facts.EQUITY).session(date(2026, 1, 20))
SESSIONS = [session for session in (TODAY, EARLY, HOLIDAY) if session is not None]
SECONDS = [sparse_session(session, seed=5, base=80_000, share=0.01) for session in SESSIONS]
SHORT = Bars.concatenate([SECONDS[0][:300], SECONDS[0][600:]])
"""With an hour or so in which nobody traded."""


def slow(sample: Sample, session: Session, timeframe: str, seconds: Bars, ns: int) -> tuple[float, ...]:
    """The metrics at one instant, from the seconds that are over, and the size of the sample."""
    starts, ends = bucket_bounds(session, timeframe)
    piece = Piece(session, "NQM6", seconds[seconds.ts + SECOND_NS <= ns])
    if ns in ends:
        index = int(ends.searchsorted(ns))
        rows = piece.stored[int(piece.stored.ts.searchsorted(starts[index])) :]
        reach = int(rows.high.max() - rows.low.min()) // TICK if len(rows) else 0
        found = measure(sample, buckets_of(session, timeframe).bucket(index), 1.0, int(rows.volume.sum()), reach)
    else:
        bar = forming(piece, timeframe, ns, TICK)
        assert bar is not None
        found = measure(sample, bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)
    values = found.vol_rank, found.vol_pending, found.range_rank, found.range_pending
    return *(np.nan if value is None else value for value in values), found.n


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(TIMEFRAMES)), st.integers(0, len(SESSIONS)), st.floats(0, 1), st.floats(0, 0.1), st.data())
def test_a_trace_is_the_metrics_instant_by_instant(
    timeframe: str, number: int, begin: float, part: float, data: st.DataObject
) -> None:
    session, seconds = ([*zip(SESSIONS, SECONDS, strict=True), (SESSIONS[0], SHORT)])[number]
    length = session.close_ns - session.open_ns
    from_ns = session.open_ns + int(begin * length)
    to_ns = from_ns + int(part * length)
    found = trace(SAMPLES[timeframe], session, timeframe, seconds, TICK, from_ns, to_ns)
    ends = bucket_bounds(session, timeframe)[1]
    instants = {int(ns) for ns in (*(seconds.ts + SECOND_NS), *ends) if from_ns < ns <= to_ns}
    assert found.ns.tolist() == sorted(instants)
    assert found.ns[found.is_close].tolist() == sorted(instants & set(ends.tolist()))
    for at in data.draw(st.sets(st.integers(0, max(0, len(found) - 1)), max_size=25)) if len(found) else ():
        wanted = slow(SAMPLES[timeframe], session, timeframe, seconds, int(found.ns[at]))
        np.testing.assert_array_equal([*found.values[at], found.n[at]], wanted)


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
def test_a_trace_of_a_whole_session_is_that_of_each_of_its_seconds(timeframe: str) -> None:
    session, seconds, sample = TODAY, SECONDS[0], SAMPLES[timeframe]
    assert session is not None
    whole = trace(sample, session, timeframe, seconds, TICK, session.open_ns, session.close_ns)
    assert whole.is_close.sum() == len(bucket_bounds(session, timeframe)[0])
    for at in range(0, len(whole), 37):
        ns = int(whole.ns[at])
        alone = trace(sample, session, timeframe, seconds, TICK, ns - SECOND_NS, ns)
        assert alone.ns.tolist() == [ns]
        np.testing.assert_array_equal(alone.values[0], whole.values[at])


def invented_trace(numbers: np.random.Generator, count: int) -> Trace:
    """Values near each other, so that conditions turn often; every seventh instant or so ends a bar."""
    is_close = numbers.random(count) < 0.15
    bar = np.concatenate([[0], np.cumsum(is_close)[:-1]]) * 1_000
    # a bar has one sample
    n = numbers.choice([0, ENOUGH - 1, ENOUGH, 200], p=[0.1, 0.1, 0.4, 0.4], size=bar[-1] // 1_000 + 1)[bar // 1_000]
    values = np.where(n[:, None] > 0, numbers.integers(0, 11, (count, 4)) * 10.0, np.nan)
    return Trace(np.arange(1, count + 1), is_close, bar, values, n)


def invented_watch(numbers: np.random.Generator, count: int) -> Watch:
    return Watch(
        metric=numbers.integers(0, 4, count),
        is_gte=numbers.random(count) < 0.5,
        threshold=numbers.integers(0, 11, count) * 10.0,
        repeat=numbers.integers(0, 4, count).astype(np.int8),
        since_ns=numbers.choice([0, 5, 40], count),
        until_ns=numbers.choice([30, 60, NEVER], count),
        state=np.full(count, UNKNOWN, np.int8),
        fired_bar=np.full(count, NO_BAR),
    )


def part_of(whole: Trace, first: int, last: int) -> Trace:
    return Trace(*(getattr(whole, name)[first:last] for name in ("ns", "is_close", "bar", "values", "n")))


def by_hand(watch: Watch, place: int, line: Trace) -> list[int]:
    """The instants at which one alert fires, told one after the other."""
    fired, state, bar_fired = [], UNKNOWN, NO_BAR
    threshold, is_gte, repeat = watch.threshold[place], watch.is_gte[place], watch.repeat[place]

    def condition(value: float) -> bool:
        return bool(value >= threshold if is_gte else value <= threshold)

    for at in range(len(line)):
        if not watch.since_ns[place] < line.ns[at] <= watch.until_ns[place]:
            continue
        bar, holds = int(line.bar[at]), condition(line.values[at, watch.metric[place]])
        is_thin = line.n[at] < ENOUGH
        fires = bool(line.is_close[at]) and state != UNKNOWN if repeat == CLOSE else state == FALSE
        if repeat == BAR:
            fires = fires and bar != bar_fired
        if repeat == ONCE:
            fires = fires and bar_fired == NO_BAR
        if fires and holds and not is_thin:
            fired.append(int(line.ns[at]))
            bar_fired = bar
        state = UNKNOWN if is_thin else TRUE if holds else FALSE
        if line.is_close[at]:
            state = TRUE if condition(0.0) else FALSE
    return fired


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.integers(0, 80)))
def test_the_fold_cut_anywhere_fires_the_same_as_one_instant_after_the_other(seed: int, cuts: set[int]) -> None:
    line = invented_trace(np.random.default_rng(seed), 80)
    watches = [invented_watch(np.random.default_rng(seed + 1), 30) for _ in range(2)]
    edges = sorted({0, 80, *cuts})
    fired = []
    for first, last in itertools.pairwise(edges):
        part = part_of(line, first, last)
        found = fold(watches[0], part)
        fired += [(int(part.ns[at]), int(who)) for who, at in zip(found.alert, found.instant, strict=True)]
    whole = fold(watches[1], line)
    assert fired == [(int(line.ns[at]), int(who)) for who, at in zip(whole.alert, whole.instant, strict=True)]
    for place in range(30):
        assert [ns for ns, who in fired if who == place] == by_hand(watches[0], place, line)
    np.testing.assert_array_equal(watches[0].fired_bar, watches[1].fired_bar)
