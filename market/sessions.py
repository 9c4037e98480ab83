"""Sessions and Eastern Time: the only place where market time and UTC meet.

People see Eastern Time (ET), machines keep int64 UTC nanoseconds. CME's session of trade date D normally
runs from 18:00 ET of the day before to 17:00 ET of D, that of US stocks from 04:00 to 20:00 ET of D. The
skeleton is `pandas_market_calendars`; the dated file `session_overrides.csv` corrects it; docs/sessions.md
explains the rules.
"""

import bisect
import csv
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from market import facts

ET = ZoneInfo("America/New_York")
SECOND_NS = 1_000_000_000
FIRST_DAY = date(2010, 6, 6)
"""The first day of Databento's GLBX.MDP3 history."""
LAST_DAY = date(2035, 12, 31)

REGULAR_CLOSE = time(17)
"""A US holiday's session that ends before this has no trade date of its own."""
ROUND_THE_CLOCK_FROM = date(2026, 5, 29)
"""Micro Bitcoin trades around the clock from the close of this trade date on (announced by CME)."""
# The length (2 h or more) is announced, the hour is our assumption: the tape is the judge.
MAINTENANCE_WEEKDAY, MAINTENANCE_ET, MAINTENANCE_HOURS = 5, time(17), 2

OVERRIDES_FILE = Path(__file__).with_name("session_overrides.csv")
ENERGY_METALS = tuple(f"CMEGlobex_{root}" for root in ("NG", "CL", "HO", "GC", "SI", "HG", "PL"))
"""Seven names of one calendar."""
GROUPS: dict[str, str] = {
    **dict.fromkeys(ENERGY_METALS, "energy-metals"),
    facts.EQUITY: "equity",
    facts.RATES: "rates",
    facts.FX: "fx-crypto",
    facts.CRYPTO: "fx-crypto",
}
CALENDARS = (*GROUPS, facts.US_STOCKS)
"""The calendar names that an asset may have."""

_ET_TEXT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")


class BadTime(ValueError):
    """A text or a local time that names no instant; the message is fit for the user."""


def to_ns(moment: datetime) -> int:
    """UTC nanoseconds of an aware datetime (whole microseconds, exact)."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * SECOND_NS + delta.microseconds * 1_000


def to_et(ns: int) -> datetime:
    """The ET wall clock at a UTC instant, cut to microseconds."""
    return datetime.fromtimestamp(ns // SECOND_NS, ET).replace(microsecond=ns % SECOND_NS // 1_000)


def utc_date(ns: int) -> date:
    """The UTC date of an instant: whose daily bar holds it, which is seldom its trade date."""
    return datetime.fromtimestamp(ns // SECOND_NS, UTC).date()


def et_ns(day: date, at: time) -> int:
    """UTC nanoseconds of an ET wall-clock time; the first of the two where the clock repeats an hour.

    Raises BadTime where the clock skips it (02:00 to 03:00 on the spring Sunday).
    """
    return local_ns(day, at, ET, "ET")


def local_ns(day: date, at: time, zone: ZoneInfo, name: str) -> int:
    """`et_ns` of another time zone; name: what to call it in the message."""
    local = datetime.combine(day, at, zone)
    if local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise BadTime(f"{local:%Y-%m-%d %H:%M} {name} does not exist: the clocks go forward over it.")
    return to_ns(local)


def parse_et(text: str) -> int:
    """UTC nanoseconds of "2026-03-18 09:30" or "2026-03-18 09:30:15", read as ET. Raises BadTime."""
    match = _ET_TEXT.fullmatch(text.strip())
    try:
        if match is None:
            raise ValueError
        day, at = date.fromisoformat(match[1]), time(int(match[2]), int(match[3]), int(match[4] or 0))
    except ValueError:
        raise BadTime(f"{text[:40]!r} is not a date and time. Write it as 2026-03-18 09:30.") from None
    return et_ns(day, at)


@dataclass(frozen=True, slots=True)
class Session:
    """One trade date's trading time.

    segments: UTC ns [open, close), ascending; a halt inside the session separates them. regular: the regular hours of
    a stock within them, None for a future.
    """

    trade_date: date
    segments: tuple[tuple[int, int], ...]
    regular: tuple[int, int] | None = None

    @property
    def open_ns(self) -> int:
        return self.segments[0][0]

    @property
    def close_ns(self) -> int:
        return self.segments[-1][1]

    def is_open(self, ns: int) -> bool:
        """Whether the market trades at this instant."""
        return any(start <= ns < end for start, end in self.segments)

    def next_open(self, ns: int) -> int | None:
        """`ns` itself while trading, else the next opening within the session; None after the close."""
        for start, end in self.segments:
            if ns < end:
                return max(ns, start)
        return None


class SessionCalendar:
    """All sessions of one calendar between FIRST_DAY and LAST_DAY, ascending."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._sessions = list(sessions)
        self._dates = [session.trade_date for session in self._sessions]
        self._closes = [session.close_ns for session in self._sessions]

    def session(self, trade_date: date) -> Session | None:
        """The session of a trade date; None on a day without one."""
        at = bisect.bisect_left(self._dates, trade_date)
        return self._sessions[at] if at < len(self._dates) and self._dates[at] == trade_date else None

    def between(self, first: date, last: date) -> list[Session]:
        """Sessions of the trade dates from first to last, both included."""
        return self._sessions[bisect.bisect_left(self._dates, first) : bisect.bisect_right(self._dates, last)]

    def first_closing_after(self, ns: int) -> Session:
        """The session in progress at an instant, else the next one. Raises IndexError past LAST_DAY."""
        return self._sessions[bisect.bisect_right(self._closes, ns)]

    def at(self, ns: int) -> Session | None:
        """The session whose span [open, close) holds the instant (a halt inside counts); None between sessions."""
        index = bisect.bisect_right(self._closes, ns)
        if index == len(self._sessions) or ns < self._sessions[index].open_ns:
            return None
        return self._sessions[index]

    def before(self, trade_date: date, count: int) -> list[Session]:
        """The last `count` sessions before a trade date, ascending; fewer at the start of history."""
        at = bisect.bisect_left(self._dates, trade_date)
        return self._sessions[max(0, at - count) : at]

    def after(self, trade_date: date, count: int) -> list[Session]:
        """The next `count` sessions after a trade date."""
        at = bisect.bisect_right(self._dates, trade_date)
        return self._sessions[at : at + count]

    def trade_date_of(self, day: date) -> date:
        """The trade date that a calendar day's trading belongs to: the first one on or after it."""
        return self._dates[bisect.bisect_left(self._dates, day)]


def calendar(name: str) -> SessionCalendar:
    """The calendar of that name (see CALENDARS), built once per process. Raises KeyError for another name."""
    return _build(ENERGY_METALS[0] if name in ENERGY_METALS else name)


@cache
def _build(name: str) -> SessionCalendar:
    if name == facts.US_STOCKS:
        return SessionCalendar(_stocks())
    group = GROUPS[name]
    closes = {day: close for overridden, day, close in _overrides() if overridden == group}
    sessions = _merge_holidays(_regular(name, closes))
    if name == facts.CRYPTO:
        sessions = _round_the_clock(sessions)
    return SessionCalendar(sessions)


def _stocks() -> Iterator[Session]:
    """US stocks: from the early session's opening to the late session's close, on one calendar day."""
    import pandas_market_calendars

    schedule = pandas_market_calendars.get_calendar("NASDAQ").schedule(FIRST_DAY, LAST_DAY, start="pre", end="post")
    columns = ("pre", "market_open", "market_close", "post")
    times = (schedule[column].dt.as_unit("ns").astype("int64") for column in columns)
    for stamp, *instants in zip(schedule.index, *times, strict=True):
        early, start, end, late = map(int, instants)
        yield Session(stamp.date(), ((early, late),), (start, end))


def _overrides() -> Iterator[tuple[str, date, time]]:
    lines = (line for line in OVERRIDES_FILE.read_text().splitlines() if not line.startswith("#"))
    for group, day, close, _source in csv.reader(lines):
        yield group, date.fromisoformat(day), time.fromisoformat(close)


def _regular(name: str, closes: dict[date, time]) -> Iterator[Session]:
    """The library's sessions with overridden closes, one segment each."""
    import pandas_market_calendars  # takes most of a second: only for who needs sessions

    schedule = pandas_market_calendars.get_calendar(name).schedule(FIRST_DAY, LAST_DAY)
    opens, ends = (schedule[column].dt.as_unit("ns").astype("int64") for column in ("market_open", "market_close"))
    for stamp, start, end in zip(schedule.index, opens, ends, strict=True):
        day = stamp.date()
        close = et_ns(day, closes[day]) if day in closes else int(end)
        yield Session(day, ((int(start), close),))


def _merge_holidays(sessions: Iterable[Session]) -> Iterator[Session]:
    """Give a US holiday's short session to the next trade date, as CME books it."""
    held: tuple[tuple[int, int], ...] = ()
    holidays = _us_holidays()
    for session in sessions:
        if session.trade_date in holidays and to_et(session.close_ns).time() < REGULAR_CLOSE:
            held += session.segments
            continue
        yield Session(session.trade_date, held + session.segments)
        held = ()


@cache
def _us_holidays() -> set[date]:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    rules = USFederalHolidayCalendar()
    return {stamp.date() for stamp in rules.holidays(FIRST_DAY.isoformat(), LAST_DAY.isoformat())}


def _round_the_clock(sessions: Iterable[Session]) -> Iterator[Session]:
    """From ROUND_THE_CLOCK_FROM on: each session follows the last one's close without a break.

    Weekends and holidays carry the next trade date; the weekend pause separates the segments.
    """
    last_close = None
    for session in sessions:
        if session.trade_date < ROUND_THE_CLOCK_FROM:
            yield session
            continue
        close = et_ns(session.trade_date, REGULAR_CLOSE)
        start = session.open_ns if last_close is None else last_close
        yield Session(session.trade_date, tuple(_without_maintenance(start, close)))
        last_close = close


def _without_maintenance(start: int, close: int) -> Iterator[tuple[int, int]]:
    day, last = to_et(start).date(), to_et(close).date()
    while day <= last:
        pause = et_ns(day, MAINTENANCE_ET)
        if day.weekday() == MAINTENANCE_WEEKDAY and start < pause < close:
            yield start, pause
            start = pause + MAINTENANCE_HOURS * 3_600 * SECOND_NS
        day += timedelta(days=1)
    yield start, close
