"""Whatever asset, contract and day: all the stand-in's bars agree with each other and could have been traded."""

from datetime import date, timedelta

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from market.facts import BY_ROOT
from market.sessions import calendar
from standin.market import contracts
from standin.market.bars import INTERVALS_NS, aggregated, day_bars, day_ns, session_minutes
from standin.market.contracts import Instrument
from standin.market.minutes import minutes
from standin.market.seconds import seconds
from standin.market.table import Bars
from standin.market.volume import plan

FOREVER = 2**62
MINUTE_NS = INTERVALS_NS["ohlcv-1m"]

# few calendars: each takes a moment to build
roots = st.sampled_from(["NQ", "NKD", "CL", "GC", "6J", "MBT", "ZN"])
dates = st.dates(date(2010, 6, 7), date(2030, 12, 31))
seeds = st.integers(0, 2**63)
quick = settings(max_examples=25, deadline=None)


def pick(seed: int, root: str, day: date, rank: int) -> Instrument | None:
    """An instrument of a day by volume; the last ranks are spreads."""
    trade_date = calendar(BY_ROOT[root].calendar).trade_date_of(day)
    pool = (*plan(seed, root, trade_date).ranked(), *contracts.spreads(root, trade_date, trade_date))
    return pool[rank % len(pool)] if pool else None


def equal(left: Bars, right: Bars) -> None:
    for a, b in zip(left.columns, right.columns, strict=True):
        np.testing.assert_array_equal(a, b)


def prints_needed(bars: Bars) -> np.ndarray:
    """Fewest lots that make a bar: one price needs one; open and close, and each price beyond them, one each."""
    flat = (bars.open == bars.close) & (bars.high == bars.low)
    above = bars.high > np.maximum(bars.open, bars.close)
    below = bars.low < np.minimum(bars.open, bars.close)
    return np.where(flat, 1, 2 + above + below)


@quick
@given(seeds, roots, dates, st.integers(0, 40))
@example(1, "NQ", date(2026, 3, 12), 0)
@example(1, "NQ", date(2026, 3, 12), 7)
@example(1, "MBT", date(2026, 6, 13), 0)
@example(1, "GC", date(2025, 9, 1), 1)
def test_seconds_add_up_to_minutes_and_days_across_utc_midnight(seed, root, day, rank):
    instrument = pick(seed, root, day, rank)
    if instrument is None:
        return
    ones = day_bars(seed, (instrument,), "ohlcv-1s", day, 0, FOREVER)
    for schema, interval in INTERVALS_NS.items():
        equal(aggregated(ones, interval), day_bars(seed, (instrument,), schema, day, 0, FOREVER))
    assert ((ones.start_ns >= day_ns(day)) & (ones.start_ns < day_ns(day + timedelta(days=1)))).all()


@quick
@given(seeds, roots, dates, st.integers(0, 40))
@example(1, "NQ", date(2026, 3, 11), 0)
def test_every_bar_can_be_made_by_whole_lots_on_the_tick_grid(seed, root, day, rank):
    instrument = pick(seed, root, day, rank)
    if instrument is None:
        return
    for schema in ("ohlcv-1s", "ohlcv-1m"):
        bars = day_bars(seed, (instrument,), schema, day, 0, FOREVER)
        assert (bars.volume >= prints_needed(bars)).all()
        assert (bars.high >= np.maximum(bars.open, bars.close)).all()
        assert (bars.low <= np.minimum(bars.open, bars.close)).all()
        assert all((column % BY_ROOT[root].tick_size == 0).all() for column in (bars.open, bars.high, bars.low))
        assert (np.diff(bars.start_ns) > 0).all()


@quick
@given(seeds, roots, dates)
@example(1, "CL", date(2025, 9, 1))
@example(1, "MBT", date(2026, 6, 13))
def test_no_bar_lies_outside_the_session_segments(seed, root, day):
    instrument = pick(seed, root, day, 0)
    if instrument is None:
        return
    bars = session_minutes(seed, root, (instrument,), day)
    sessions = calendar(BY_ROOT[root].calendar).between(day - timedelta(days=1), day + timedelta(days=7))
    segments = [segment for session in sessions for segment in session.segments]
    inside = np.zeros(len(bars), dtype=bool)
    for opening, close in segments:
        inside |= (bars.start_ns >= opening) & (bars.start_ns + MINUTE_NS <= close)
    assert inside.all()


volumes = st.one_of(st.integers(1, 12), st.integers(1, 20_000))
wicks = st.integers(0, 60)


@st.composite
def minute_tables(draw: st.DrawFn) -> Bars:
    """Minute bars at the edges of what the minute level may make."""
    rows = []
    for number in range(draw(st.integers(1, 30))):
        lots, opening = draw(volumes), draw(st.integers(-50, 50))
        close = opening if lots == 1 else draw(st.integers(-50, 50))
        above, below = (draw(wicks), draw(wicks)) if lots >= 4 else (0, 0)
        top, bottom = max(opening, close) + above, min(opening, close) - below
        rows.append((0, (29_000_000 + number) * MINUTE_NS, opening, top, bottom, close, lots))
    return Bars(*np.array(rows, dtype=np.int64).T)


@settings(max_examples=120, deadline=None)
@given(seeds, minute_tables())
def test_any_realisable_minute_is_refined_exactly_into_realisable_seconds(seed, table):
    made = seconds(seed, contracts.contract("NQ", 2026, 6), table)
    equal(aggregated(made, MINUTE_NS), table)
    assert (made.volume >= prints_needed(made)).all()
    assert (made.volume >= 1).all()


def test_a_minute_of_few_lots_shows_no_more_prices_than_lots():
    day = date(2026, 3, 10)
    everything = tuple(contracts.everything("CL", day, day))
    bars = minutes(5, "CL", everything, day)
    assert (bars.volume < 4).sum() > 100
    assert (bars.volume >= prints_needed(bars)).all()
