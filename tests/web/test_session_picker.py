"""The calendar of the Entry field, as the server draws it."""

import re

import pytest
from django.test import Client

from tests.filegateway import Records


def month(browser: Client, **query: str) -> str:
    answer = browser.get("/replay/sessions/", {"root": "NQ", "month": "2026-03"} | query)
    assert answer.status_code == 200
    return answer.content.decode()


def day_in(page: str, day: str) -> str:
    (found,) = re.findall(rf'<button [^>]*data-day="{day}"[^>]*>', page)
    return str(found)


def test_a_month_is_listed_day_by_day(owner: Client, assets: None) -> None:
    page = month(owner)
    assert len(re.findall("data-day=", page)) == 31
    assert ">March 2026<" in page
    assert 'data-month="2026-02"' in page
    assert 'data-month="2026-04"' in page
    assert "aria-disabled" not in day_in(page, "2026-03-18")
    assert 'aria-disabled="true"' in day_in(page, "2026-03-21")
    assert 'title="Sat 2026-03-21, closed"' in day_in(page, "2026-03-21")


def test_the_day_in_the_field_is_marked(owner: Client, assets: None) -> None:
    page = month(owner, chosen="2026-03-18")
    assert 'aria-current="date"' in day_in(page, "2026-03-18")
    assert page.count("aria-current") == 1


def test_stored_days_are_marked(owner: Client, stored: Records) -> None:
    page = month(owner)
    assert 'data-stored="bars"' in day_in(page, "2026-03-17")
    assert "data-stored" not in day_in(page, "2026-03-02")


def test_the_calendar_ends_where_the_sessions_end(owner: Client, assets: None) -> None:
    assert 'aria-label="The month before" disabled' in month(owner, month="2010-06")
    assert 'aria-label="The month after" disabled' in month(owner, month="2035-12")


@pytest.mark.parametrize(
    ("asked", "shown", "end"),
    [("2009-01", "June 2010", "before"), ("2010-05", "June 2010", "before"), ("2036-01", "December 2035", "after")],
)
def test_a_month_out_of_range_is_the_nearest_with_its_arrow_disabled(
    owner: Client, assets: None, asked: str, shown: str, end: str
) -> None:
    page = month(owner, month=asked)
    assert f">{shown}<" in page
    assert f'aria-label="The month {end}" disabled' in page


@pytest.mark.parametrize(
    "query",
    [
        {"root": "XX"},
        {"root": ""},
        {"month": ""},
        {"month": "2026-13"},
        {"month": "2026"},
        {"month": "9999-99"},
        {"month": "2026-03-18"},
        {"month": "\x00"},
    ],
)
def test_what_is_no_month_of_an_asset_is_a_404(owner: Client, assets: None, query: dict[str, str]) -> None:
    assert owner.get("/replay/sessions/", {"root": "NQ", "month": "2026-03"} | query).status_code == 404


def test_who_is_not_logged_in_is_led_to_the_login(assets: None) -> None:
    answer = Client().get("/replay/sessions/", {"root": "NQ", "month": "2026-03"}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"].startswith("/account/login/")


def test_the_field_takes_a_typed_day(owner: Client, assets: None) -> None:
    page = owner.get("/replay/").content.decode()
    assert re.search(r'<input type="text" name="entry_date" value="\d{4}-\d{2}-\d{2}"', page)
