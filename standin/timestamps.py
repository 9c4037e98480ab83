"""Databento's notation of time: dates, datetimes with up to nanoseconds, integers; UTC unless said otherwise."""

import re
from datetime import UTC, date, datetime, timedelta

from market.sessions import SECOND_NS, to_ns
from standin.market.bars import DAY_NS, day_ns, day_of

_TEXT = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d{2}))?(?:-(?P<day>\d{2}))?"
    r"(?:[T ](?P<hour>\d{2})(?::(?P<minute>\d{2}))?(?::(?P<second>\d{2}))?(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)


def parse(text: str) -> tuple[int, int]:
    """UTC ns of a time, and of the end of the unit it names: "2026-03-02" ends a day later, an integer a ns later.

    Raises ValueError for a text that names no time.
    """
    if text.isdecimal() and len(text) > len("20260302"):
        return int(text), int(text) + 1
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"invalid date or time {text[:40]!r}")
    parts = match.groupdict()
    start = _start(parts)
    nanoseconds = int((parts["fraction"] or "").ljust(9, "0"))
    return to_ns(start) + nanoseconds, _unit_end(parts, start, nanoseconds)


def parse_day(text: str) -> date:
    """The UTC day of a date or time. Raises ValueError."""
    return day_of(parse(text)[0])


def iso(ns: int) -> str:
    """2026-03-02T14:30:00.000000000Z"""
    moment = datetime.fromtimestamp(ns // SECOND_NS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ns % SECOND_NS:09d}Z"


def spoken(ns: int) -> str:
    """2026-03-02 14:30:00+00:00, with a fraction where there is one; the form in error messages."""
    moment = datetime.fromtimestamp(ns // SECOND_NS, UTC)
    fraction = f".{ns % SECOND_NS:09d}" if ns % SECOND_NS else ""
    return f"{moment:%Y-%m-%d %H:%M:%S}{fraction}+00:00"


def days_between(start_ns: int, end_ns: int) -> list[date]:
    """The UTC days that [start_ns, end_ns) touches."""
    first, past = day_of(start_ns), day_of(end_ns + DAY_NS - 1)
    return [first + timedelta(days=number) for number in range((past - first).days)]


def _start(parts: dict[str, str | None]) -> datetime:
    zone = (parts["zone"] or "Z").replace("Z", "+00:00")
    year, month, day, hour, minute, second = (
        int(parts[name] or least)
        for name, least in (("year", 1), ("month", 1), ("day", 1), ("hour", 0), ("minute", 0), ("second", 0))
    )
    offset = datetime.strptime(zone.replace(":", ""), "%z").tzinfo
    return datetime(year, month, day, hour, minute, second, tzinfo=offset)


def _unit_end(parts: dict[str, str | None], start: datetime, nanoseconds: int) -> int:
    if parts["fraction"]:
        return to_ns(start) + nanoseconds + 1
    for name, unit in (("second", 1), ("minute", 60), ("hour", 3_600), ("day", 86_400)):
        if parts[name]:
            return to_ns(start) + unit * SECOND_NS
    months = start.year * 12 + start.month - 1 + (1 if parts["month"] else 12)
    return day_ns(date(months // 12, months % 12 + 1, 1))
