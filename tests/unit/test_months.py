"""The days of a month as an asset trades them."""

from datetime import date, time

import pytest

from market import facts
from market.models import Asset, Contract, Coverage, DayCondition
from market.months import Day, weeks_of
from market.services import add_asset
from market.sessions import parse_et
from tests.filegateway import Records
from tests.unit.test_ingest import prepare, window

LATER = parse_et("2026-11-20 12:00")


def days_of(month: str, root: str = "NQ", now_ns: int = LATER) -> dict[int, Day]:
    weeks = weeks_of(Asset.objects.get(root=root), date.fromisoformat(f"{month}-01"), now_ns)
    assert all(len(week) == 7 for week in weeks)
    return {day.day.day: day for week in weeks for day in week if day is not None}


def test_a_month_has_its_days_in_weeks_from_monday_on(assets: None) -> None:
    weeks = weeks_of(Asset.objects.get(root="NQ"), date(2026, 3, 1), LATER)
    assert [day and day.day.day for day in weeks[0]] == [None] * 6 + [1]
    assert [day and day.day.day for day in weeks[-1]] == [30, 31, *[None] * 5]


def test_weekdays_are_open_and_a_weekend_is_closed_until_sunday_evening(assets: None) -> None:
    days = days_of("2026-03")
    assert [number for number, day in days.items() if day.is_open] == [
        number for number, day in days.items() if day.day.weekday() < 5
    ]
    assert (days[18].close, days[18].notes) == (time(17), [])
    assert (days[21].close, days[21].notes) == (None, ["closed"])


@pytest.mark.parametrize(
    ("month", "number", "close", "notes"),
    [
        ("2025-11", 27, time(13), ["holiday, closes 13:00 ET"]),
        ("2025-11", 28, time(13, 15), ["closes 13:15 ET"]),
        ("2026-01", 19, time(13), ["holiday, closes 13:00 ET"]),
        ("2025-12", 25, None, ["holiday, closed"]),
    ],
)
def test_holidays_and_early_closes_are_named(
    assets: None, month: str, number: int, close: time | None, notes: list[str]
) -> None:
    day = days_of(month)[number]
    assert (day.close, day.notes, day.is_open) == (close, notes, close is not None)


def test_a_market_around_the_clock_is_open_at_weekends(assets: None) -> None:
    saturday = days_of("2026-06", "MBT")[6]
    assert (saturday.is_open, saturday.close) == (True, time(17))


def test_days_to_come_cannot_be_entered(assets: None) -> None:
    days = days_of("2026-03", now_ns=parse_et("2026-03-18 12:00"))
    assert days[18].is_open
    assert (days[19].is_open, days[19].notes) == (False, ["to come"])
    assert (days[21].is_open, days[21].notes) == (False, ["to come"])


def test_what_is_stored_of_the_front_month_is_told_with_its_grade(small_market: Records) -> None:
    prepare(window())
    days = days_of("2026-03")
    stored = [number for number, day in days.items() if day.grade]
    assert stored == [session.trade_date.day for session in window().sessions]
    assert days[17].notes == ["stored: bars"]
    Coverage.objects.filter(trade_date=date(2026, 3, 17)).update(schema="trades")
    assert days_of("2026-03")[17].grade == "trades"


def test_another_contract_of_the_roll_is_not_what_is_stored(small_market: Records) -> None:
    prepare(window())
    assert Coverage.objects.filter(contract__raw_symbol="NQH6", trade_date=date(2026, 3, 12)).exists()
    Coverage.objects.filter(contract__raw_symbol="NQM6", trade_date=date(2026, 3, 12)).delete()
    assert days_of("2026-03")[12].grade == ""


def test_degraded_days_are_told(assets: None) -> None:
    DayCondition.objects.create(dataset="GLBX.MDP3", date=date(2026, 3, 18), condition="degraded")
    days = days_of("2026-03")
    assert days[18].notes == ["data of 2026-03-18 degraded"]
    assert days[19].flaw is not None
    assert days[17].flaw is None


def test_of_own_files_only_the_days_with_bars_can_be_entered(assets: None) -> None:
    es = add_asset(facts.KNOWN_IN_FILES["ES"], from_files=True)
    contract = Contract.objects.create(asset=es, year=2026, month=6, raw_symbol="ESM6")
    for day, schema in ((date(2026, 3, 18), "ohlcv-1m"), (date(2026, 3, 19), "trades")):
        Coverage.objects.create(
            contract=contract, schema=schema, trade_date=day, state="complete", rows=1, bytes=1, checksum="x",
            source=Coverage.FROM_FILE, until_ns=0,
        )  # fmt: skip
    days = days_of("2026-03", "ES")
    assert [number for number, day in days.items() if day.is_open] == [18]
    assert days[17].notes == ["no file"]
    assert days[19].notes == ["no file", "stored: trades"]
    assert days[21].notes == ["closed"]


@pytest.mark.parametrize("month", ["2010-06", "2035-12"])
def test_the_first_and_the_last_month_of_the_calendar_have_days(assets: None, month: str) -> None:
    assert len(days_of(month)) in (30, 31)
