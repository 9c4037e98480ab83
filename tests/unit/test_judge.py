"""The tape judges the calendar: prints and status records against what the calendar says of a session."""

from datetime import date

import numpy as np
import pytest

from market import facts
from market.engine.judge import Finding, Known, Silence, judge_prints, judge_status, look, silence, usual
from market.sessions import SECOND_NS, Session, calendar, parse_et

MINUTE = 60 * SECOND_NS
NOBODY = Silence(0, 0, 0)


def session(day: str = "2026-03-18", name: str = facts.EQUITY) -> Session:
    found = calendar(name).session(date.fromisoformat(day))
    assert found is not None
    return found


def known(of: Session, name: str = facts.EQUITY, *, until: str = "", expires: str = "") -> Known:
    following = calendar(name).after(of.trade_date, 1)[0].open_ns
    return Known(following, parse_et(until) if until else following, parse_et(expires) if expires else None)


def every(start: str, end: str, seconds: int = 20) -> np.ndarray:
    """Prints from start to end (included), ET."""
    return np.arange(parse_et(start), parse_et(end) + 1, seconds * SECOND_NS)


def regular(of: Session, seconds: int = 20) -> list[np.ndarray]:
    return [np.arange(start, end, seconds * SECOND_NS) for start, end in of.segments]


def judged(of: Session, *prints: np.ndarray, usually: Silence = NOBODY, what: Known | None = None) -> list[Finding]:
    ts = np.sort(np.concatenate([*prints, np.empty(0, np.int64)]))
    what = what or known(of)
    return list(judge_prints(of, look(of, ts, what), what, usually))


def kinds(findings: list[Finding]) -> list[str]:
    return [finding.kind for finding in findings]


# --- prints -------------------------------------------------------------------------------------------------


def test_a_tape_that_keeps_the_calendars_hours_says_nothing() -> None:
    for of in (session(), session("2026-01-20"), session("2026-11-27")):
        assert judged(of, *regular(of)) == []


def test_a_close_before_the_calendars_is_found_with_the_last_print() -> None:
    found = judged(session(), every("2026-03-17 18:00", "2026-03-18 12:59:40"))
    close = parse_et("2026-03-18 17:00")
    assert found == [Finding("closes earlier", (close,), (parse_et("2026-03-18 12:59:40"),), close)]


def test_a_close_after_the_calendars_is_found_with_the_last_print() -> None:
    found = judged(session(), *regular(session()), every("2026-03-18 17:00", "2026-03-18 17:14:40"))
    close = parse_et("2026-03-18 17:00")
    assert found == [Finding("closes later", (close,), (parse_et("2026-03-18 17:14:40"),), close)]


def test_an_opening_before_the_next_sessions_is_found_in_the_piece_it_lies_in() -> None:
    found = judged(session(), *regular(session()), every("2026-03-18 17:45", "2026-03-18 17:59:40"))
    assert found == [Finding("opens earlier", (parse_et("2026-03-18 18:00"),), (parse_et("2026-03-18 17:45"),))]


def test_an_opening_after_the_calendars_is_found_with_the_first_print() -> None:
    found = judged(session(), every("2026-03-17 19:00", "2026-03-18 16:59:40"))
    assert found == [Finding("opens later", (parse_et("2026-03-17 18:00"),), (parse_et("2026-03-17 19:00"),))]


def test_trading_that_does_not_stop_at_a_break_is_one_finding() -> None:
    found = judged(session(), *regular(session()), every("2026-03-18 17:00", "2026-03-18 17:59:40"))
    assert kinds(found) == ["trades through a break"]


def test_a_print_within_a_minute_of_the_close_or_the_opening_is_let_pass() -> None:
    edges = [parse_et("2026-03-18 17:00:59"), parse_et("2026-03-18 17:59:01")]
    assert judged(session(), *regular(session()), np.array(edges)) == []


def test_prints_in_a_halt_are_found() -> None:
    # Martin Luther King Day: the calendar halts from 13:00 to 18:00
    of = session("2026-01-20")
    longer = judged(of, *regular(of), every("2026-01-19 13:00", "2026-01-19 13:44:40"))
    noon = parse_et("2026-01-19 13:00")
    assert longer == [Finding("closes later", (noon,), (parse_et("2026-01-19 13:44:40"),), noon)]
    assert kinds(judged(of, *regular(of), every("2026-01-19 15:00", "2026-01-19 15:30"))) == [
        "trades without a session"
    ]
    none = judged(of, *regular(of), every("2026-01-19 13:00", "2026-01-19 17:59:40"))
    assert kinds(none) == ["trades through a break"]


def test_a_session_that_the_calendar_does_not_have_is_found() -> None:
    # a Sunday evening and Monday morning between two weekdays' sessions
    friday = session("2026-03-13")
    after = Known(parse_et("2026-03-16 18:00"), parse_et("2026-03-17 18:00"))
    stretch = every("2026-03-15 18:00", "2026-03-16 12:59:40")
    found = judged(friday, *regular(friday), stretch, what=after)
    assert found == [Finding("trades without a session", (), (int(stretch[0]), int(stretch[-1])))]


def test_prints_before_the_first_opening_are_found() -> None:
    early = every("2026-03-17 17:40", "2026-03-17 17:59")
    assert kinds(judged(session(), early, *regular(session()))) == ["opens earlier"]


def test_a_session_that_holds_nothing_is_found() -> None:
    of = session()
    assert judged(of) == [Finding("nothing traded", (of.open_ns, of.close_ns), ())]
    halves = session("2026-01-20")
    assert judged(halves, regular(halves)[1]) == [
        Finding("nothing traded", halves.segments[0], (), halves.segments[0][1])
    ]


def test_what_is_not_known_yet_is_not_judged() -> None:
    so_far = known(session(), until="2026-03-18 10:00")
    assert judged(session(), every("2026-03-17 18:00", "2026-03-18 09:59:40"), what=so_far) == []
    assert judged(session(), what=so_far) == []


def test_a_contract_that_expires_ends_by_itself() -> None:
    of = session("2026-06-18")
    trading = every("2026-06-17 18:00", "2026-06-18 09:29:40")
    assert judged(of, trading, what=known(of, expires="2026-06-18 09:30")) == []
    assert kinds(judged(of, trading)) == ["closes earlier"]


def test_a_thin_asset_is_not_suspected() -> None:
    rng = np.random.default_rng(7)
    of = session()
    for _ in range(200):
        # a print each five minutes or so
        ts = np.sort(rng.choice(np.arange(of.open_ns, of.close_ns, SECOND_NS), 276, replace=False))
        assert judged(of, ts) == []


def test_what_is_usual_for_an_asset_is_no_finding() -> None:
    late = every("2026-03-17 18:20", "2026-03-18 16:59:40")
    assert kinds(judged(session(), late)) == ["opens later"]
    assert judged(session(), late, usually=Silence(6 * MINUTE, 0, 0)) == []


def test_the_usual_silences_are_the_medians() -> None:
    several = [Silence(1, 10, 100), Silence(2, 20, 200), Silence(90, 900, 9_000)]
    assert usual(several) == Silence(2, 20, 200)
    assert usual([]) == NOBODY


def test_silences_of_a_segment() -> None:
    assert silence((100, 200), np.array([90, 110, 150, 190, 210])) == Silence(10, 10, 40)
    assert silence((100, 200), np.array([150])) == Silence(50, 50, 0)
    assert silence((100, 200), np.array([90, 210])) is None


# --- status -------------------------------------------------------------------------------------------------


def told(of: Session, *changes: tuple[str, str], what: Known | None = None) -> list[Finding]:
    """Judged by changes such as ("2026-03-17 18:00", "Y")."""
    ts = np.array([parse_et(at) for at, _ in changes], np.int64)
    letters = np.array([ord(letter) for _, letter in changes], np.uint8)
    return list(judge_status(of, ts, letters, what or known(of)))


OPEN, SHUT = ("2026-03-17 18:00", "Y"), ("2026-03-18 17:00", "N")


def test_a_status_that_keeps_the_calendars_hours_says_nothing() -> None:
    assert told(session(), ("2026-03-17 17:45", "N"), OPEN, OPEN, ("2026-03-18 01:00", "~"), SHUT, SHUT) == []
    halves = [
        ("2026-01-18 18:00", "Y"),
        ("2026-01-19 13:00", "N"),
        ("2026-01-19 18:00", "Y"),
        ("2026-01-20 17:00", "N"),
    ]
    assert told(session("2026-01-20"), *halves) == []


@pytest.mark.parametrize(
    ("changes", "kind", "calendar_says", "status_says"),
    [
        ([OPEN, ("2026-03-18 16:45", "N")], "closes earlier", "2026-03-18 17:00", "2026-03-18 16:45"),
        ([OPEN, ("2026-03-18 17:15", "N")], "closes later", "2026-03-18 17:00", "2026-03-18 17:15"),
        ([("2026-03-17 18:05", "Y"), SHUT], "opens later", "2026-03-17 18:00", "2026-03-17 18:05"),
        ([("2026-03-17 17:30", "Y"), SHUT], "opens earlier", "2026-03-17 18:00", "2026-03-17 17:30"),
    ],
)
def test_a_status_tells_openings_and_closes_to_the_minute(
    changes: list[tuple[str, str]], kind: str, calendar_says: str, status_says: str
) -> None:
    (found,) = told(session(), *changes)
    assert (found.kind, found.calendar, found.tape) == (kind, (parse_et(calendar_says),), (parse_et(status_says),))


def test_a_status_tells_a_halt_that_the_calendar_does_not_have() -> None:
    # the pause that the equity index had until 2021
    (found,) = told(session(), OPEN, ("2026-03-18 16:15", "N"), ("2026-03-18 16:30", "Y"), SHUT)
    assert found == Finding("halts", (), (parse_et("2026-03-18 16:15"), parse_et("2026-03-18 16:30")))


def test_a_status_without_trading_is_a_session_without_trading() -> None:
    assert kinds(told(session(), ("2026-03-17 18:00", "N"))) == ["nothing traded"]
    assert told(session()) == []


def test_a_status_that_ends_while_it_trades_says_nothing_of_the_close() -> None:
    assert told(session(), OPEN) == []
    assert told(session(), OPEN, ("2026-03-18 09:30", "N"), what=known(session(), expires="2026-03-18 09:30")) == []
