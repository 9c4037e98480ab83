"""Sessions: when the market trades, and what belongs to which trade date."""

from datetime import date, time

import pytest

from market import facts
from market.sessions import BadTime, Session, calendar, et_ns, parse_et, to_et


def spans(name: str, day: date) -> list[str]:
    session = calendar(name).session(day)
    assert session is not None
    return [f"{to_et(start):%a %m-%d %H:%M} – {to_et(end):%a %m-%d %H:%M}" for start, end in session.segments]


def test_a_session_runs_from_18_00_of_the_day_before_to_17_00_et() -> None:
    assert spans(facts.EQUITY, date(2026, 3, 18)) == ["Tue 03-17 18:00 – Wed 03-18 17:00"]


def test_mondays_session_opens_on_sunday() -> None:
    assert spans("CMEGlobex_CL", date(2026, 3, 16)) == ["Sun 03-15 18:00 – Mon 03-16 17:00"]


def test_a_holiday_mondays_short_session_belongs_to_tuesday() -> None:
    assert calendar(facts.EQUITY).session(date(2026, 1, 19)) is None
    assert spans(facts.EQUITY, date(2026, 1, 20)) == [
        "Sun 01-18 18:00 – Mon 01-19 13:00",
        "Mon 01-19 18:00 – Tue 01-20 17:00",
    ]


def test_thanksgiving_belongs_to_friday_with_its_corrected_close() -> None:
    assert spans("CMEGlobex_GC", date(2025, 11, 28)) == [
        "Wed 11-26 18:00 – Thu 11-27 14:30",
        "Thu 11-27 18:00 – Fri 11-28 14:45",
    ]


@pytest.mark.parametrize(
    ("name", "day", "close"),
    [
        ("CMEGlobex_NG", date(2024, 9, 3), "Mon 09-02 14:30"),
        ("CMEGlobex_SI", date(2025, 9, 2), "Mon 09-01 14:30"),
        ("CMEGlobex_CL", date(2025, 7, 7), "Fri 07-04 13:00"),
        ("CMEGlobex_HG", date(2024, 12, 24), "Tue 12-24 13:45"),
        ("CMEGlobex_PL", date(2025, 12, 24), "Wed 12-24 13:45"),
        (facts.FX, date(2025, 7, 7), "Fri 07-04 13:00"),
        (facts.FX, date(2026, 6, 22), "Fri 06-19 13:00"),
        (facts.FX, date(2026, 7, 6), "Fri 07-03 13:00"),
        (facts.EQUITY, date(2025, 1, 9), "Thu 01-09 09:30"),
        (facts.RATES, date(2025, 1, 9), "Thu 01-09 13:15"),
    ],
)
def test_the_override_file_corrects_the_library(name: str, day: date, close: str) -> None:
    assert spans(name, day)[0].endswith(close)


def test_christmas_has_no_session() -> None:
    assert calendar(facts.EQUITY).session(date(2025, 12, 25)) is None


def test_micro_bitcoin_trades_around_the_clock_from_the_end_of_may_2026() -> None:
    assert spans(facts.CRYPTO, date(2026, 5, 29)) == ["Thu 05-28 18:00 – Fri 05-29 17:00"]
    assert spans(facts.CRYPTO, date(2026, 6, 1)) == [
        "Fri 05-29 17:00 – Sat 05-30 17:00",
        "Sat 05-30 19:00 – Mon 06-01 17:00",
    ]
    assert spans(facts.CRYPTO, date(2026, 6, 2)) == ["Mon 06-01 17:00 – Tue 06-02 17:00"]


@pytest.mark.parametrize("name", [facts.EQUITY, facts.RATES, facts.FX, facts.CRYPTO, "CMEGlobex_NG"])
def test_sessions_follow_each_other_without_overlap(name: str) -> None:
    sessions = calendar(name).between(date(2010, 6, 7), date(2030, 1, 1))
    edges = [edge for session in sessions for segment in session.segments for edge in segment]
    assert edges == sorted(edges)
    assert len(sessions) > 4_900


def test_a_session_knows_its_halts() -> None:
    session = Session(date(2026, 1, 20), ((10, 20), (30, 40)))
    assert [session.is_open(ns) for ns in (9, 10, 19, 20, 30, 39, 40)] == [False, True, True, False, True, True, False]
    assert [session.next_open(ns) for ns in (5, 15, 20, 35, 40)] == [10, 15, 30, 35, None]


def test_the_calendar_finds_the_session_of_an_instant() -> None:
    days = calendar(facts.EQUITY)
    wednesday = days.session(date(2026, 3, 18))
    assert wednesday is not None
    assert days.at(wednesday.open_ns) == wednesday
    assert days.at(wednesday.close_ns) is None
    assert days.first_closing_after(wednesday.close_ns).trade_date == date(2026, 3, 19)
    assert days.trade_date_of(date(2026, 3, 21)) == date(2026, 3, 23)
    assert [s.trade_date.day for s in days.before(date(2026, 3, 18), 2)] == [16, 17]
    assert [s.trade_date.day for s in days.after(date(2026, 3, 18), 2)] == [19, 20]


@pytest.mark.parametrize(
    ("day", "span", "regular"),
    [
        (date(2025, 6, 2), "Mon 06-02 04:00 – Mon 06-02 20:00", "09:30 – 16:00"),
        (date(2025, 1, 2), "Thu 01-02 04:00 – Thu 01-02 20:00", "09:30 – 16:00"),
        # the day before a holiday ends early, the late session too
        (date(2025, 7, 3), "Thu 07-03 04:00 – Thu 07-03 17:00", "09:30 – 13:00"),
        (date(2025, 11, 28), "Fri 11-28 04:00 – Fri 11-28 17:00", "09:30 – 13:00"),
    ],
)
def test_stocks_trade_from_the_early_session_to_the_late_one(day: date, span: str, regular: str) -> None:
    session = calendar(facts.US_STOCKS).session(day)
    assert session is not None
    assert session.regular is not None
    assert spans(facts.US_STOCKS, day) == [span]
    assert " – ".join(f"{to_et(ns):%H:%M}" for ns in session.regular) == regular


@pytest.mark.parametrize("day", [date(2025, 7, 4), date(2025, 1, 9), date(2026, 1, 19), date(2025, 6, 1)])
def test_stocks_do_not_trade_on_holidays_and_no_session_is_merged(day: date) -> None:
    assert calendar(facts.US_STOCKS).session(day) is None
    after = calendar(facts.US_STOCKS).after(day, 1)[0]
    assert len(after.segments) == 1


def test_a_future_has_no_regular_hours() -> None:
    session = calendar(facts.EQUITY).session(date(2025, 6, 2))
    assert session is not None
    assert session.regular is None


def test_the_session_is_23_hours_long_in_summer_and_in_winter() -> None:
    for day in (date(2026, 3, 6), date(2026, 3, 9), date(2026, 10, 30), date(2026, 11, 2)):
        session = calendar(facts.EQUITY).session(day)
        assert session is not None
        assert session.close_ns - session.open_ns == 23 * 3_600 * 10**9


def test_et_text_becomes_utc() -> None:
    assert parse_et("2026-03-18 09:30") == et_ns(date(2026, 3, 18), time(9, 30)) == 1_773_840_600 * 10**9
    assert parse_et("2026-01-15T9:30:05") == 1_768_487_405 * 10**9


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01 09:30", "2026-03-18 25:00", "2026-03-18", "2026-02-30 10:00"]
)
def test_odd_et_text_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(BadTime, match="2026-03-18 09:30"):
        parse_et(text)


def test_an_hour_that_the_clocks_skip_is_refused() -> None:
    with pytest.raises(BadTime, match="does not exist"):
        parse_et("2026-03-08 02:30")


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    assert parse_et("2026-11-01 01:30") == parse_et("2026-11-01 00:30") + 3_600 * 10**9
