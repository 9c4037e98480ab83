"""Where bars begin and end."""

from datetime import date

import pytest

from market import facts
from market.sessions import calendar, to_et
from market.timeframes import TIMEFRAMES, bucket_bounds


def starts(name: str, day: date, timeframe: str) -> list[str]:
    session = calendar(name).session(day)
    assert session is not None
    return [f"{to_et(int(ns)):%H:%M}" for ns in bucket_bounds(session, timeframe)[0]]


@pytest.mark.parametrize(
    ("timeframe", "expected"),
    [
        ("1h", ["18:00", "19:00", "20:00", "21:00"]),
        ("90m", ["18:00", "19:30", "21:00", "22:30"]),
        ("3h", ["18:00", "21:00", "00:00", "03:00"]),
        # 16:00 to 20:00 is cut by the daily break: one bar before it, one from the opening on
        ("4h", ["18:00", "20:00", "00:00", "04:00"]),
        ("1D", ["18:00"]),
    ],
)
def test_bars_start_at_multiples_from_et_midnight_or_at_the_opening(timeframe: str, expected: list[str]) -> None:
    assert starts(facts.EQUITY, date(2026, 3, 18), timeframe)[:4] == expected


def test_the_last_four_hour_bar_ends_with_the_session() -> None:
    session = calendar(facts.EQUITY).session(date(2026, 3, 18))
    assert session is not None
    begin, end = bucket_bounds(session, "4h")
    assert (to_et(int(begin[-1])).hour, to_et(int(end[-1])).hour) == (16, 17)


def test_a_halt_cuts_a_bar_in_two() -> None:
    # Martin Luther King Day: closed 13:00 to 18:00
    assert starts(facts.EQUITY, date(2026, 1, 20), "4h")[:7] == [
        "18:00", "20:00", "00:00", "04:00", "08:00", "12:00", "18:00",
    ]  # fmt: skip


@pytest.mark.parametrize("timeframe", list(TIMEFRAMES))
@pytest.mark.parametrize("day", [date(2026, 3, 9), date(2026, 11, 2), date(2026, 1, 20), date(2025, 11, 28)])
def test_bars_tile_the_trading_time_of_a_session_exactly(timeframe: str, day: date) -> None:
    session = calendar(facts.EQUITY).session(day)
    assert session is not None
    begin, end = bucket_bounds(session, timeframe)
    assert (begin < end).all()
    assert (begin[1:] >= end[:-1]).all()
    if timeframe != "1D":
        assert int((end - begin).sum()) == sum(stop - start for start, stop in session.segments)


def test_four_hour_bars_keep_to_the_wall_clock_when_the_clocks_change_on_a_trading_night() -> None:
    # Micro Bitcoin trades through the autumn Sunday: midnight to 04:00 has five hours
    session = calendar(facts.CRYPTO).session(date(2026, 11, 2))
    assert session is not None
    begin, end = bucket_bounds(session, "4h")
    lengths = {
        f"{to_et(int(a)):%a %H:%M}": (int(b) - int(a)) // (3_600 * 10**9) for a, b in zip(begin, end, strict=True)
    }
    assert lengths["Sun 00:00"] == 5
    assert lengths["Sun 04:00"] == 4


def test_hourly_bars_of_the_repeated_hour_are_two() -> None:
    session = calendar(facts.CRYPTO).session(date(2026, 11, 2))
    assert session is not None
    names = [f"{to_et(int(ns)):%a %H:%M}" for ns in bucket_bounds(session, "1h")[0]]
    assert names.count("Sun 01:00") == 2
