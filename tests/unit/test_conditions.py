"""Days of which the vendor says that their data are less than good."""

from datetime import date

import pytest

from market import conditions, tapes
from market.models import Asset, Coverage, DayCondition
from market.sessions import parse_et
from tests.filegateway import Records
from tests.unit.test_ingest import ALL, count, prepare, window

DATASET = "GLBX.MDP3"


def said() -> dict[str, str]:
    return {str(day): word for day, word in DayCondition.objects.values_list("date", "condition")}


def test_what_is_said_of_the_days_of_the_history_is_kept_with_one_request(small_market: Records) -> None:
    small_market.conditions = {"2026-03-05": "degraded", "2026-03-06": "missing", "2026-03-09": "pending"}
    prepare(window())
    assert said() == {"2026-03-05": "degraded", "2026-03-06": "missing", "2026-03-09": "pending"}
    assert count(small_market, "get_dataset_condition") == 1
    prepare(window())
    assert count(small_market, "get_dataset_condition") == 1


def test_a_word_that_is_not_known_is_left_out(db: None) -> None:
    conditions.save(DATASET, date(2026, 3, 1), date(2026, 3, 9), {date(2026, 3, 5): "haunted"})
    assert said() == {}


def test_what_is_said_later_replaces_what_was_said_of_the_same_days(db: None) -> None:
    first, end = date(2026, 3, 1), date(2026, 3, 9)
    conditions.save(DATASET, first, end, {date(2026, 3, 5): "degraded", date(2026, 3, 6): "missing"})
    conditions.save(DATASET, date(2026, 3, 9), date(2026, 3, 12), {date(2026, 3, 10): "degraded"})
    conditions.save(DATASET, first, end, {date(2026, 3, 6): "degraded"})
    assert said() == {"2026-03-06": "degraded", "2026-03-10": "degraded"}


@pytest.mark.parametrize(
    ("root", "trade_date", "dates"),
    [
        ("NQ", date(2026, 3, 18), ["2026-03-17", "2026-03-18"]),
        ("NQ", date(2026, 3, 16), ["2026-03-15", "2026-03-16"]),
        ("NQ", date(2026, 1, 20), ["2026-01-18", "2026-01-19", "2026-01-20"]),
    ],
)
def test_a_session_trades_in_these_utc_dates(assets: None, root: str, trade_date: date, dates: list[str]) -> None:
    session = Asset.objects.get(root=root).sessions.session(trade_date)
    assert session is not None
    assert [str(day) for day in conditions.utc_dates(session)] == dates


def test_a_day_flaws_each_session_that_trades_in_it_from_its_opening_on(small_market: Records) -> None:
    small_market.conditions = {"2026-03-12": "degraded", "2026-03-13": "pending"}
    prepare(window())
    tape = tapes.load(window())
    opens = [parse_et("2026-03-11 18:00"), parse_et("2026-03-12 18:00")]
    assert [flaw.at_ns for flaw in tape.flaws(0, ALL)] == opens
    assert {flaw.days for flaw in tape.flaws(0, ALL)} == {((date(2026, 3, 12), "degraded"),)}
    assert [flaw.at_ns for flaw in tape.flaws(0, opens[1] - 1)] == opens[:1]
    assert [flaw.at_ns for flaw in tape.flaws(opens[0], opens[1])] == opens[1:]


def test_what_the_gateway_says_beside_the_data_is_kept_with_the_piece(small_market: Records) -> None:
    small_market.warning = "Warning: reduced quality: 2026-03-12 (degraded)"
    prepare(window())
    assert set(Coverage.objects.values_list("warnings", flat=True)) == {"reduced quality: 2026-03-12 (degraded)"}
