"""The tape never shows more than the seconds that are over at the playhead."""

from datetime import date, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market import facts
from market.engine.bars import Bars, aggregate
from market.engine.tape import Part, Piece, Tape
from market.sessions import SECOND_NS, Session, calendar
from market.timeframes import TIMEFRAMES, bucket_bounds

SESSIONS = calendar(facts.EQUITY).between(date(2026, 1, 16), date(2026, 1, 22))
SHIFTS = [7, 0, -3, 4]


def seconds_of(session: Session, seed: int) -> Bars:
    """A sparse random second-by-second market within the session's trading time."""
    rng = np.random.default_rng(seed)
    every = np.concatenate([np.arange(start, end, SECOND_NS) for start, end in session.segments])
    ts = every[rng.random(len(every)) < 0.02]
    open_, close = rng.integers(90, 110, (2, len(ts)))
    high, low = np.maximum(open_, close) + rng.integers(0, 5, len(ts)), np.minimum(open_, close) - 1
    return Bars(ts, open_, high, low, close, rng.integers(1, 50, len(ts)))


PARTS = tuple(
    Part(Piece(session, f"C{number}", seconds_of(session, number)), SHIFTS[number])
    for number, session in enumerate(SESSIONS)
)
TAPE = Tape(PARTS, "C1")
instants = st.integers(TAPE.start_ns - 10 * SECOND_NS, TAPE.end_ns + 10 * SECOND_NS)


def truth(timeframe: str, playhead: int) -> Bars:
    """Slow and obvious: throw away every second that is not over, then aggregate what is left."""
    made = []
    for part in PARTS:
        known = part.piece.stored[part.piece.stored.ts + SECOND_NS <= playhead]
        made.append(aggregate(known, bucket_bounds(part.piece.session, timeframe)[0]).shifted(part.shift))
    return Bars.concatenate(made)


def assert_same(left: Bars, right: Bars) -> None:
    for name in ("ts", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(list(TIMEFRAMES)), instants)
def test_bars_at_the_playhead_are_made_of_the_seconds_that_are_over(timeframe: str, playhead: int) -> None:
    assert_same(TAPE.bars(timeframe, 0, playhead), truth(timeframe, playhead))


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(list(TIMEFRAMES)), st.lists(instants, min_size=2, max_size=8))
def test_a_snapshot_and_the_changes_after_it_are_a_fresh_snapshot(timeframe: str, stops: list[int]) -> None:
    """The browser keeps what it has and replaces from the first changed bar on."""
    shown = TAPE.bars(timeframe, 0, min(stops))
    for playhead in sorted(stops)[1:]:
        since = int(shown.ts[-1]) if len(shown) else 0
        changed = TAPE.bars(timeframe, since, playhead)
        shown = Bars.concatenate([shown[shown.ts < since], changed])
    assert_same(shown, TAPE.bars(timeframe, 0, max(stops)))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(TIMEFRAMES)), instants)
def test_stepping_by_bars_there_and_back_ends_where_it_began(timeframe: str, start: int) -> None:
    first = TAPE.step(timeframe, start, 1)
    if first is None:
        return
    assert first > start
    second = TAPE.step(timeframe, first, 1)
    if second is not None:
        assert TAPE.step(timeframe, second, -1) == first


def test_the_tape_skips_closed_periods() -> None:
    holiday = SESSIONS[1]
    halt_begins, halt_ends = holiday.segments[0][1], holiday.segments[1][0]
    assert TAPE.next_open(halt_begins - 1) == halt_begins - 1
    assert TAPE.next_open(halt_begins) == halt_ends
    assert TAPE.next_open(SESSIONS[0].close_ns) == SESSIONS[1].open_ns
    assert TAPE.next_open(TAPE.end_ns) is None
    assert TAPE.next_open(TAPE.start_ns - timedelta(days=1) // timedelta(microseconds=1) * 1_000) == TAPE.start_ns
