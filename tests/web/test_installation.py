"""What every page says of the installation: that its market is invented, and in the admin whose time it shows."""

import re
from typing import Any

import pytest
from django.test import Client

from tests.conftest import People
from tests.web.conftest import log_in, logged_in

CHIP = re.compile(r"<span [^>]*data-synthetic[^>]*>synthetic market</span>")
OPEN = ["/account/login/", "/admin/login/"]
INSIDE = ["/replay/", "/account/password/", "/account/password/done/"]
ADMIN = ["/admin/", "/admin/market/", "/admin/market/asset/", "/admin/market/asset/add/"]
ERRORS = ["/broken", "/forbidden", "/unreadable", "/nowhere"]


def says_synthetic(answer: Any) -> bool:
    """Whether the page's chip is in sight; it is there once in any case."""
    (chip,) = CHIP.findall(answer.content.decode())
    return " hidden" not in chip


@pytest.fixture(params=[True, False], ids=["synthetic", "recorded"])
def synthetic(request: pytest.FixtureRequest, settings: Any) -> bool:
    settings.SYNTHETIC_MARKET = request.param
    return bool(request.param)


@pytest.mark.parametrize("address", OPEN)
def test_the_pages_for_everybody_say_so(db: None, synthetic: bool, address: str) -> None:
    assert says_synthetic(Client().get(address)) == synthetic


@pytest.mark.parametrize("address", INSIDE)
def test_the_pages_of_a_trader_say_so(owner: Client, synthetic: bool, address: str) -> None:
    assert says_synthetic(owner.get(address)) == synthetic


@pytest.mark.parametrize("address", ADMIN)
def test_the_admin_says_so(admin: Client, synthetic: bool, address: str) -> None:
    assert says_synthetic(admin.get(address)) == synthetic


@pytest.mark.parametrize("address", ERRORS)
def test_the_error_pages_say_so(settings: Any, synthetic: bool, address: str) -> None:
    settings.ROOT_URLCONF = "tests.web.test_errors"
    browser = Client(raise_request_exception=False)
    assert says_synthetic(browser.get(address)) == synthetic


def test_a_form_that_expired_says_so(db: None, synthetic: bool) -> None:
    assert says_synthetic(Client(enforce_csrf_checks=True).post("/account/login/")) == synthetic


def test_the_page_of_a_closed_door_says_so(people: People, synthetic: bool) -> None:
    answers = [log_in("owner", "wrong-horse") for _ in range(5)]
    assert [says_synthetic(answer) for answer in answers] == [synthetic] * 5
    assert answers[-1].status_code == 429


@pytest.mark.parametrize("address", ADMIN)
def test_the_admin_tells_whose_time_it_shows(people: People, address: str) -> None:
    assert "All times are Eastern Time." in logged_in(people.admin).get(address).content.decode()
