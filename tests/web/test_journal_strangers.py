"""Nobody but its owner sees a trade, on any address of the journal."""

from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from journal import services, tasks
from journal.models import Trade
from tests.conftest import People
from tests.journaling import take_of
from tests.web.test_strangers import METHODS, shown

_, RESOLVER = get_resolver().namespace_dict["journal"]
NAMES = sorted(name for name in RESOLVER.reverse_dict if isinstance(name, str))
OF_A_TRADE = [name for name in NAMES if "trade_id" in RESOLVER.reverse_dict[name][0][0][1]]
LISTS = sorted({*NAMES} - {*OF_A_TRADE})
NONE = 2**62


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.bring_up_to_date, "delay", lambda user_id: None)


@pytest.fixture
def trade(people: People, assets: None) -> Trade:
    """A trade of the owner, with a note."""
    take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2))
    services.read_new(people.owner.pk)
    made = Trade.objects.get()
    services.write_note(trade=made, note="secret", tags=["hidden"])
    return made


def ask(browser: Client, name: str, trade_id: int, method: str = "get", **headers: str) -> Any:
    return getattr(browser, method)(reverse(f"journal:{name}", args=[trade_id]), **headers)


def test_every_address_is_looked_at() -> None:
    assert (OF_A_TRADE, LISTS) == (["edit", "fills", "note"], ["csv", "home", "progress"])


@pytest.mark.parametrize("name", OF_A_TRADE)
def test_the_owner_sees_his_trade(owner: Client, trade: Trade, name: str) -> None:
    assert ask(owner, name, trade.pk).status_code == 200


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", OF_A_TRADE)
def test_a_colleague_cannot_tell_somebody_elses_trade_from_none(
    colleague: Client, trade: Trade, name: str, method: str
) -> None:
    theirs, none = (ask(colleague, name, each, method) for each in (trade.pk, NONE))
    assert shown(theirs) == shown(none)
    assert theirs.status_code in (404, 405)


@pytest.mark.parametrize("name", OF_A_TRADE)
def test_he_and_an_admin_are_told_that_there_is_none(colleague: Client, admin: Client, trade: Trade, name: str) -> None:
    for browser in (colleague, admin):
        assert ask(browser, name, trade.pk).status_code == 404
        assert ask(browser, name, trade.pk, HTTP_HX_REQUEST="true").status_code == 404
        assert ask(browser, name, trade.pk, "post").status_code in (404, 405)


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_of_ones_own_trades(owner: Client, colleague: Client, admin: Client, trade: Trade, name: str) -> None:
    for browser in (colleague, admin):
        for query in ("", "?takes=all", "?tag=hidden", "?asset=NQ"):
            page = browser.get(reverse(f"journal:{name}") + query).content.decode()
            assert not any(word in page for word in ("NQM6", "secret", "hidden</option>", "20,000.00", "20000"))


def test_the_owner_s_lists_have_it(owner: Client, trade: Trade) -> None:
    assert "secret" in owner.get("/journal/").content.decode()
    assert "secret" in owner.get("/journal/trades.csv").content.decode()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_is_asked_to_log_in(trade: Trade, name: str, method: str) -> None:
    address = reverse(f"journal:{name}", args=[trade.pk] if name in OF_A_TRADE else [])
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, answer.url) == (302, f"/account/login/?next={address}")


@pytest.mark.parametrize("name", OF_A_TRADE)
def test_asking_for_somebodys_trade_changes_nothing(colleague: Client, admin: Client, trade: Trade, name: str) -> None:
    before = Trade.objects.values().get(pk=trade.pk)
    for browser in (colleague, admin, Client()):
        for method in METHODS:
            ask(browser, name, trade.pk, method)
        browser.post(reverse("journal:note", args=[trade.pk]), {"note": "mine now", "tags": "x"})
    assert Trade.objects.values().get(pk=trade.pk) == before


def test_an_id_beyond_all_numbers_is_a_trade_that_is_none(owner: Client, trade: Trade) -> None:
    assert owner.get(f"/journal/{10**30}/fills").status_code == 404
