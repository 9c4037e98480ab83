"""What the vendor says of its days: UTC dates whose data are not simply there."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from market.engine.tape import FlawMark
from market.models import DayCondition
from market.sessions import SECOND_NS, Session

FLAWS = (DayCondition.Condition.DEGRADED, DayCondition.Condition.MISSING)
"""Pending says of a day only that it is young."""


def save(dataset: str, first: date, end: date, said: Mapping[date, str]) -> None:
    """Keep what is said of the UTC dates [first, end) now; words that futsim does not know are left out."""
    DayCondition.objects.filter(dataset=dataset, date__gte=first, date__lt=end).exclude(date__in=said).delete()
    for day, condition in said.items():
        if condition in DayCondition.Condition.values:
            DayCondition.objects.update_or_create(dataset=dataset, date=day, defaults={"condition": condition})


def flaws(dataset: str, sessions: Sequence[Session]) -> dict[date, FlawMark]:
    """The sessions with data that are degraded or missing, by trade date."""
    dates = {session.trade_date: utc_dates(session) for session in sessions}
    every = {day for days in dates.values() for day in days}
    rows = DayCondition.objects.filter(dataset=dataset, condition__in=FLAWS, date__in=every)
    bad: dict[date, str] = dict(rows.values_list("date", "condition"))
    return {
        session.trade_date: FlawMark(session.open_ns, tuple((day, bad[day]) for day in days if day in bad))
        for session in sessions
        if not bad.keys().isdisjoint(days := dates[session.trade_date])
    }


def utc_dates(session: Session) -> list[date]:
    """The UTC dates in which a session trades, ascending."""
    return sorted({day for start, end in session.segments for day in _dates(start, end)})


def _dates(start_ns: int, end_ns: int) -> Iterator[date]:
    """Those of [start, end)."""
    day, last = (datetime.fromtimestamp(ns // SECOND_NS, UTC).date() for ns in (start_ns, end_ns - 1))
    while day <= last:
        yield day
        day += timedelta(days=1)
