"""The days of a month as an asset trades them: for choosing where to enter."""

from calendar import SATURDAY, SUNDAY, Calendar
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, time

from market import conditions, plans, rolls
from market.engine.tape import FlawMark
from market.events import grade_of
from market.models import Asset, Coverage
from market.sessions import REGULAR_CLOSE, Session, et_ns, to_et

DAY_ENDS = time(18)
"""On a trade date's evening the next session begins."""


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day in ET.

    close: when the market closes before 18:00; None on a day without trading until then. is_missing: no file brought
    bars of it, of an asset that has files only. is_holiday: a weekday with a short session or none. grade: what is
    stored of its session's front month: "" (nothing), "bars", "trades", "book".
    """

    day: date
    close: time | None
    is_to_come: bool
    is_missing: bool
    is_holiday: bool
    grade: str
    flaw: FlawMark | None

    @property
    def notes(self) -> list[str]:
        """What is special about it, in words."""
        notes = [self._hours()]
        if self.grade:
            notes.append(f"stored: {self.grade}")
        if self.flaw is not None:
            notes += [f"data of {day} {condition}" for day, condition in self.flaw.days]
        return [note for note in notes if note]

    def _hours(self) -> str:
        if self.is_to_come:
            return "to come"
        if self.is_missing:
            return "no file"
        holiday = "holiday, " if self.is_holiday else ""
        if self.close is None:
            return f"{holiday}closed"
        return f"{holiday}closes {self.close:%H:%M} ET" if self.is_early or self.is_holiday else ""

    @property
    def is_open(self) -> bool:
        return self.close is not None and not self.is_to_come and not self.is_missing

    @property
    def is_early(self) -> bool:
        """It closes before the regular hour."""
        return self.close is not None and self.close < REGULAR_CLOSE


def weeks_of(asset: Asset, first: date, now_ns: int) -> list[list[Day | None]]:
    """The weeks, from Monday on, of the month that begins at a date; None for days of other months."""
    weeks = Calendar().monthdatescalendar(first.year, first.month)
    dates = [day for week in weeks for day in week if day.month == first.month]
    sessions = {day: session for day in dates if (session := _session(asset, day)) is not None}
    grades = _grades(asset, sorted({session.trade_date for session in sessions.values()}))
    flaws = conditions.flaws(asset.dataset, list(sessions.values()))
    imported = {session.trade_date for session in plans.imported_sessions(asset)} if asset.from_files else None

    def describe(day: date) -> Day | None:
        if day.month != first.month:
            return None
        session = sessions.get(day)
        trade_date = session.trade_date if session else day
        is_weekday = day.weekday() not in (SATURDAY, SUNDAY)
        return Day(
            day=day,
            close=_close(session, day) if session else None,
            is_to_come=(session.open_ns if session else et_ns(day, time(0))) >= now_ns,
            is_missing=session is not None and imported is not None and trade_date not in imported,
            is_holiday=is_weekday and asset.sessions.session(day) is None,
            grade=grades.get(trade_date, "") if session else "",
            flaw=flaws.get(trade_date) if session else None,
        )

    return [[describe(day) for day in week] for week in weeks]


def _session(asset: Asset, day: date) -> Session | None:
    """The session that trades on a day before its evening; None when the market is closed until then."""
    midnight = et_ns(day, time(0))
    try:
        session = asset.sessions.first_closing_after(midnight)
    except IndexError:
        return None
    opening = session.next_open(midnight)
    return session if opening is not None and opening < et_ns(day, DAY_ENDS) else None


def _close(session: Session, day: date) -> time:
    """When it closes for the first time on that day, 18:00 where it trades on."""
    midnight, evening = et_ns(day, time(0)), et_ns(day, DAY_ENDS)
    ends = [end for start, end in session.segments if start < evening and midnight < end]
    return min(to_et(ends[-1]).time(), DAY_ENDS) if ends[-1] <= evening else DAY_ENDS


def _grades(asset: Asset, trade_dates: list[date]) -> dict[date, str]:
    """What is stored of each session's front month, of an asset from files of any contract."""
    if not trade_dates:
        return {}
    rows = Coverage.objects.filter(
        contract__asset=asset, rows__gt=0, trade_date__gte=trade_dates[0], trade_date__lte=trade_dates[-1]
    ).values_list("trade_date", "contract_id", "schema")
    fronts = rolls.front_months(rolls.schedule_at(asset, trade_dates[-1]) or [], trade_dates)
    contracts = {day: front.to_contract_id for day, front in zip(trade_dates, fronts, strict=True) if front}
    stored: dict[date, set[str]] = defaultdict(set)
    for trade_date, contract_id, schema in rows:
        if asset.from_files or contracts.get(trade_date) == contract_id:
            stored[trade_date].add(schema)
    return {trade_date: grade_of(schemas) for trade_date, schemas in stored.items()}
