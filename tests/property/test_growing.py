"""A session in progress reads like a stored one of the same seconds, however it came to them."""

from datetime import date
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from live.engine.growing import Growing
from market import facts
from market.engine.bars import Bars
from market.engine.tape import Piece
from market.sessions import SECOND_NS, calendar
from market.timeframes import TIMEFRAMES

SESSION = calendar(facts.EQUITY).between(date(2026, 3, 10), date(2026, 3, 10))[0]
OPEN = SESSION.open_ns
LAST = (SESSION.close_ns - OPEN) // SECOND_NS + 5
"""A few seconds past the close: bars come there too, and the close moves with them."""

AN_HOUR_IN = OPEN + 3_600 * SECOND_NS

seconds = st.lists(st.integers(0, LAST), min_size=1, max_size=6, unique=True)
prices = st.integers(1, 1_000)


def bar(second: int, price: int) -> tuple[int, ...]:
    return OPEN + second * SECOND_NS, price, price + 3, price - 1, price + 1, price


@st.composite
def steps(draw):
    """(index, closed bars, forming or None) as the feed tells them: appended, or from somewhere back on anew."""
    held: list[tuple[int, ...]] = []
    told = []
    for _ in range(draw(st.integers(1, 8))):
        index = draw(st.integers(max(0, len(held) - 3), len(held)))
        first = (held[index - 1][0] - OPEN) // SECOND_NS + 1 if index else 0
        new = sorted({first + step for step in draw(seconds)} & set(range(LAST)))
        held[index:] = [bar(second, draw(prices)) for second in new]
        newest = (held[-1][0] - OPEN) // SECOND_NS if held else -1
        forming = bar(newest + draw(st.integers(1, 400)), draw(prices)) if draw(st.booleans()) else None
        told.append((index, held[index:], forming, list(held)))
    return told


def unclosed_after(before: list[tuple[int, ...]], held: list[tuple[int, ...]], forming: Any) -> list[tuple[int, ...]]:
    """Seconds that were told and have neither closed nor been passed by one that did."""
    last = held[-1][0] if held else 0
    return [*(each for each in before if last < each[0] < forming[0]), forming] if forming else []


def columns(rows: list[tuple[int, ...]]) -> Bars:
    return Bars(*np.array(rows, np.int64).reshape(-1, 6).T)


def same(left: Bars, right: Bars) -> bool:
    return all(np.array_equal(getattr(left, name), getattr(right, name)) for name in Bars.COLUMNS)


@settings(max_examples=150, deadline=None)
@given(steps(), st.sets(st.sampled_from(sorted(TIMEFRAMES)), min_size=1))
def test_it_reads_like_a_stored_one(told, looked_at):
    growing = Growing(SESSION, "NQH6", Bars.empty())
    unclosed: list[tuple[int, ...]] = []
    seen: list[tuple[int, ...]] = []
    for index, closed, forming, held in told:
        handed_out = growing.stored[: growing.count]
        before = handed_out.close.copy()
        changed = growing.put(index, closed, forming)
        unclosed = unclosed_after(unclosed, held, forming)
        before_it, seen = seen, [*held, *unclosed]
        assert changed == min({each[0] for each in set(before_it) ^ set(seen)}, default=None)
        stored = Piece(SESSION, "NQH6", columns(seen))
        assert growing.count == len(held)
        assert same(growing.stored, stored.stored)
        assert np.array_equal(handed_out.close, before), "what was handed out stays as it was"
        for timeframe in looked_at:
            found, over = growing.bars(timeframe)
            wanted, ends = stored.bars(timeframe)
            assert same(found, wanted)
            assert np.array_equal(over, ends)
            assert same(
                growing.bars_between(timeframe, OPEN + 3_600 * SECOND_NS, 0),
                found[found.ts >= OPEN + 3_600 * SECOND_NS],
            )


def test_only_what_was_told_otherwise_counts_as_amended():
    growing = Growing(SESSION, "NQH6", columns([bar(0, 5), bar(1, 6), bar(2, 7)]))
    before = growing.stamp("1m", OPEN)
    assert growing.put(3, [bar(3, 8)], None) == OPEN + 3 * SECOND_NS
    assert growing.put(1, [bar(1, 6), bar(2, 7), bar(3, 8), bar(9, 9)], bar(10, 1)) == OPEN + 9 * SECOND_NS
    assert growing.stamp("1m", OPEN) == before
    assert growing.put(2, [bar(2, 70)], None) == OPEN + 2 * SECOND_NS
    assert growing.count == 3
    assert growing.stamp("1m", OPEN) != before
    assert growing.put(1, [bar(1, 6), bar(2, 70)], None) is None


def test_a_second_that_has_not_closed_stays_when_a_newer_one_forms():
    growing = Growing(SESSION, "NQH6", columns([bar(0, 5)]))
    assert growing.put(1, [], bar(59, 6)) == OPEN + 59 * SECOND_NS
    assert growing.put(1, [], bar(60, 7)) == OPEN + 60 * SECOND_NS
    assert growing.stored.ts.tolist() == [OPEN, OPEN + 59 * SECOND_NS, OPEN + 60 * SECOND_NS]
    assert growing.put(1, [bar(59, 6)], bar(60, 7)) is None
    assert growing.put(2, [], bar(61, 8)) == OPEN + 61 * SECOND_NS
    assert growing.put(2, [bar(60, 9)], bar(61, 8)) == OPEN + 60 * SECOND_NS
    assert growing.amendments == 0


def test_a_closed_bar_has_another_stamp_than_one_in_progress():
    growing = Growing(SESSION, "NQH6", columns([bar(0, 5)]))
    assert growing.stamp("1m", OPEN + 59 * SECOND_NS) != growing.stamp("1m", OPEN + 60 * SECOND_NS)
