"""Which moments can be entered, and where to go from those that cannot."""

from typing import Any

import pytest
from django.test import Client

from market.sessions import parse_et
from tests import filegateway
from tests.filegateway import Records
from tests.web.opening import DOWN, load, the_refusal


def test_the_first_and_the_last_second_of_trading_can_be_entered(owner: Client, stored: Records) -> None:
    for day, at in (("2026-03-16", "18:00:00"), ("2026-03-17", "16:59:59")):
        assert "HX-Redirect" in load(owner, entry_date=day, entry_time=at).headers


CLOSED = [
    ("2026-03-17", "17:30", "Tue 2026-03-17 18:00"),  # the daily break
    ("2026-03-17", "17:00", "Tue 2026-03-17 18:00"),  # its first second
    ("2026-03-17", "17:59:59", "Tue 2026-03-17 18:00"),  # its last
    ("2026-03-14", "12:00", "Sun 2026-03-15 18:00"),  # Saturday
    ("2026-03-13", "17:00", "Sun 2026-03-15 18:00"),  # Friday's close
    ("2026-03-15", "12:00", "Sun 2026-03-15 18:00"),  # Sunday noon
    ("2025-12-25", "12:00", "Thu 2025-12-25 18:00"),  # Christmas
]


@pytest.mark.parametrize(("day", "at", "opening"), CLOSED)
def test_a_closed_market_is_said_so_with_its_next_opening(
    owner: Client, small_market: Records, day: str, at: str, opening: str
) -> None:
    where, why = the_refusal(owner, entry_date=day, entry_time=at)
    assert (where, why) == ("entry_date", f"NQ was closed then. The next opening is {opening} ET.")


SATURDAY = ("2026-03-14", "03:00")
FRIDAYS_CLOSE = "NQ was closed then. The market last closed Fri 2026-03-13 17:00 ET; choose a moment before it."


def test_while_the_next_opening_is_to_come_the_last_close_is_named(
    owner: Client, small_market: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("replay.services.time_ns", lambda: parse_et("2026-03-14 12:00"))
    assert the_refusal(owner, entry_date=SATURDAY[0], entry_time=SATURDAY[1]) == ("entry_date", FRIDAYS_CLOSE)


@pytest.mark.parametrize("end", ["2026-03-14 20:00", "2026-03-15 18:00"])
def test_where_the_data_ends_before_the_next_opening_the_last_close_is_named(
    owner: Client, small_market: Records, end: str
) -> None:
    small_market.end_ns = parse_et(end)
    assert the_refusal(owner, entry_date=SATURDAY[0], entry_time=SATURDAY[1]) == ("entry_date", FRIDAYS_CLOSE)


def test_the_last_close_may_be_that_of_the_holiday_session(owner: Client, small_market: Records) -> None:
    small_market.end_ns = parse_et("2026-01-19 14:00")  # Martin Luther King Day: trading halts at 13:00
    _, why = the_refusal(owner, entry_date="2026-01-19", entry_time="13:30")
    assert "The market last closed Mon 2026-01-19 13:00 ET" in why


def test_the_future_cannot_be_replayed(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="2035-03-13", entry_time="12:00")
    assert (where, why) == ("entry_date", "That moment is in the future. Choose one that has been.")


def test_a_date_past_the_calendar_is_told_in_words(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="9999-12-31", entry_time="23:59")
    assert (where, why) == ("entry_date", "That moment is in the future. Choose one that has been.")


def test_before_the_data_there_is_nothing(owner: Client, small_market: Records) -> None:
    small_market.start_ns = parse_et("2026-02-01 18:00")
    where, why = the_refusal(owner, entry_date="2026-01-06")
    assert (where, why) == ("entry_date", "There is no data before 2026-02-01 18:00 ET.")


def test_behind_the_data_there_is_nothing_yet(owner: Client, small_market: Records) -> None:
    small_market.end_ns = parse_et("2026-03-17 12:00")
    where, why = the_refusal(owner, entry_time="12:00")
    assert (where, why) == ("entry_date", "Data reaches up to 2026-03-17 12:00 ET. Choose an earlier moment.")
    assert "HX-Redirect" in load(owner, entry_time="11:59:59").headers


@pytest.mark.parametrize("day", ["0001-01-01", "1900-01-01", "1970-01-01", "2009-12-31", "2262-04-12", "9999-12-31"])
@pytest.mark.parametrize("at", ["00:00", "23:59:59"])
@pytest.mark.parametrize("down", [True, False])
def test_the_ends_of_time_are_refused(
    owner: Client, small_market: Records, settings: Any, day: str, at: str, down: bool
) -> None:
    if down:
        settings.DATABENTO_GATEWAY = DOWN
    where, why = the_refusal(owner, entry_date=day, entry_time=at)
    assert where in ("entry_date", "entry_time")
    assert why


def test_the_hour_that_the_clocks_skip_does_not_exist(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="2026-03-08", entry_time="02:30")
    assert where == "entry_time"
    assert why == "2026-03-08 02:30 ET does not exist: the clocks go forward over it."


def test_a_bad_moment_is_told_while_the_gateway_is_down(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = DOWN, filegateway.KEY
    where, why = the_refusal(owner, entry_time="17:30")
    assert (where, why.startswith("NQ was closed then.")) == ("entry_date", True)
