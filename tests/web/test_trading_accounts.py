"""The page Accounts: a user makes, changes and deletes his own, and sees what an admin forces."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from market.models import Asset
from tests.conftest import People
from trading.models import Account, AccountLimits, ForcedLimits, Take
from trading.services import open_session, save_account

FORM = {
    "name": "Small",
    "cash": "25000",
    "latency_ms": "50",
    "jitter_ms": "0",
    "preset": "neutral",
    "bar_share": "25",
    "slip": "1",
    "assumed_ahead": "20",
    "buying_power": "on",
    "max_position_of": "",
    "hours": "",
    "cooldown_losses": "0",
    "cooldown_minutes": "0",
}
HTMX = {"HX-Request": "true"}
METHODS = ["get", "post", "put", "delete", "head"]


def make(user: Any, name: str = "Mine", **limits: Any) -> Account:
    account = Account(owner=user, name=name)
    save_account(account, AccountLimits(**limits))
    return account


def traded(account: Account) -> Take:
    """Something was traded in it."""
    session = open_session(
        owner_id=account.owner_id, asset=Asset.objects.get(root="NQ"), kind="replay", account=account
    )
    return Take.objects.create(session=session, number=1, start_ns=0, cash=1, settings={}, rules={}, instruments=[])


def problems(answer: Any) -> dict[str, list[str]]:
    """By field, what stands beside it."""
    found = {}
    for part in answer.content.decode().split('<div class="setting" data-field="')[1:]:
        words = re.findall(r'<p class="errors" role="alert">(.*?)</p>', part)
        if words:
            found[part.partition('"')[0]] = [unescape(text) for text in words]
    return found


def save(browser: Client, account: Account, **changed: str) -> Any:
    return browser.post(f"/accounts/{account.pk}/", FORM | changed, headers=HTMX)


def test_the_menu_leads_to_the_accounts(owner: Client, assets: None) -> None:
    assert 'href="/accounts/"' in owner.get("/replay/").content.decode()


def test_without_an_account_the_page_says_what_comes(owner: Client) -> None:
    assert "You have none yet" in owner.get("/accounts/").content.decode()
    assert 'value="Practice"' in owner.get("/accounts/new").content.decode()


def test_the_list_has_one_s_own_with_their_limits(owner: Client, people: People) -> None:
    make(people.owner, max_day_loss=500, hours="09:30-11:30", max_position_of={"NQ": 2})
    make(people.colleague, "Theirs")
    page = owner.get("/accounts/").content.decode()
    assert "$500.00 a day · NQ 2 · 09:30-11:30 ET · buying power" in page
    assert "Theirs" not in page


@pytest.mark.parametrize("htmx", [True, False])
def test_an_account_is_made(owner: Client, people: People, assets: None, htmx: bool) -> None:
    more = {"max_day_loss": "500.50", "hours": "14:00-15:45,9:30-11:30", "max_position_of": "nq 2, CL 5"}
    answer = owner.post("/accounts/new", FORM | more, headers=HTMX if htmx else {})
    assert answer.headers.get("HX-Redirect" if htmx else "Location") == "/accounts/"
    account = Account.objects.get()
    assert (account.owner, account.name, account.cash, account.latency_ms) == (people.owner, "Small", 25_000, 50)
    assert account.limits.max_day_loss == Decimal("500.50")
    assert account.limits.hours == "09:30-11:30, 14:00-15:45"
    assert account.limits.max_position_of == {"NQ": 2, "CL": 5}
    assert account.limits.buying_power is True
    assert "Small is saved" in owner.get("/accounts/").content.decode()


def test_an_account_is_changed(owner: Client, people: People, assets: None) -> None:
    account = make(people.owner, max_day_loss=500, max_position_of={"NQ": 2})
    page = owner.get(f"/accounts/{account.pk}/").content.decode()
    assert 'name="max_position_of" value="NQ 2"' in page
    form = {name: value for name, value in FORM.items() if name != "buying_power"}
    assert owner.post(f"/accounts/{account.pk}/", form).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.limits.max_day_loss, account.limits.max_position_of) == ("Small", None, {})
    assert account.limits.buying_power is False


def test_saving_it_unchanged_changes_nothing(owner: Client, people: People, assets: None) -> None:
    account = make(people.owner, max_day_loss=500, max_position_of={"NQ": 2}, giveback_from=100, warn_percent=70)
    before = AccountLimits.objects.values().get()
    forms = owner.get(f"/accounts/{account.pk}/").context
    fields = [*forms["form"], *(field for _, fields in forms["groups"] for field, _ in fields)]
    values = {field.html_name: field.value() for field in fields}
    owner.post(
        f"/accounts/{account.pk}/", {name: value for name, value in values.items() if value not in (None, False)}
    )
    assert AccountLimits.objects.values().get() == before


BAD = [
    ("name", "", "This field is required."),
    ("name", "Other", "You have another account of this name."),
    ("name", "x" * 41, "at most 40 characters"),
    ("cash", "0", "greater than or equal to 0.01"),
    ("cash", "1e400", "no more than 14 digits"),
    ("cash", "a lot", "Enter a number."),
    ("latency_ms", "5001", "less than or equal to 5000"),
    ("latency_ms", "-1", "greater than or equal to 0"),
    ("preset", "lucky", "Select a valid choice."),
    ("bar_share", "0", "greater than or equal to 1"),
    ("bar_share", "101", "less than or equal to 100"),
    ("slip", "51", "less than or equal to 50"),
    ("assumed_ahead", "9" * 30, "less than or equal to"),
    ("max_day_loss", "-5", "greater than or equal to 0.01"),
    ("max_order", "0", "greater than or equal to 1"),
    ("max_order", "9" * 12, "less than or equal to"),
    ("leverage", "21", "less than or equal to 20"),
    ("warn_percent", "0", "greater than or equal to 1"),
    ("hours", "16:00-09:30", "Write hours over midnight as two"),
    ("hours", "always", "'always' is no span of time."),
    ("max_position_of", "NQ", "Write NQ 2, ES 5."),
    ("max_position_of", "QQQ 2", "There is no asset QQQ."),
    ("max_position_of", "<b> 2", "'<B> 2' is no asset with a position."),
]


@pytest.mark.parametrize(("field", "value", "words"), BAD)
def test_an_error_stands_beside_its_field_and_nothing_is_saved(
    owner: Client, people: People, assets: None, field: str, value: str, words: str
) -> None:
    make(people.owner, "Other")
    account = make(people.owner)
    answer = save(owner, account, **{field: value})
    assert answer.status_code == 422
    found = problems(answer)
    assert list(found) == [field]
    assert words in found[field][0]
    assert Account.objects.get(pk=account.pk).name == "Mine"


@pytest.mark.parametrize(
    ("typed", "beside", "words"),
    [
        ({"cooldown_losses": "101", "cooldown_minutes": "5"}, "cooldown_losses", "less than or equal to 100"),
        ({"cooldown_losses": "2"}, "cooldown_minutes", "For how many minutes?"),
        ({"cooldown_minutes": "5"}, "cooldown_losses", "After how many losses?"),
        ({"giveback_percent": "40"}, "giveback_from", "From which profit on?"),
    ],
)
def test_half_a_limit_is_asked_about(
    owner: Client, people: People, assets: None, typed: dict[str, str], beside: str, words: str
) -> None:
    found = problems(save(owner, make(people.owner), **typed))
    assert list(found) == [beside]
    assert words in found[beside][0]


def test_two_that_take_a_name_at_once_are_told_apart(owner: Client, people: People, assets: None) -> None:
    make(people.owner, "Small")
    taken = Account(owner=people.owner, name="Small")
    with pytest.raises(ValueError, match="another account of this name"):
        save_account(taken, AccountLimits())
    assert Account.objects.count() == AccountLimits.objects.count() == 1


def test_what_an_admin_forces_is_shown_beside_the_field(owner: Client, people: People, assets: None) -> None:
    account = make(people.owner)
    ForcedLimits.objects.create(user=people.owner, max_day_loss=Decimal("300"), max_order=3, is_hard=True)
    ForcedLimits.objects.create(user=people.colleague, max_trades=7)
    page = owner.get(f"/accounts/{account.pk}/").content.decode()
    beside = dict(re.findall(r'data-field="(\w+)">(?:(?!data-field).)*?An admin forces ([^;]*);', page, re.DOTALL))
    assert beside == {"max_day_loss": "$300.00", "max_order": "3", "is_hard": "hard"}
    assert "$300.00 a day · orders of 3 · hard locks" in owner.get("/accounts/").content.decode()


# --- deleting ---


@pytest.mark.parametrize("headers", [HTMX, {}])
def test_an_account_without_trades_is_deleted(owner: Client, people: People, headers: dict[str, str]) -> None:
    account = make(people.owner)
    answer = owner.post(f"/accounts/{account.pk}/delete", headers=headers)
    assert answer.headers.get("HX-Redirect" if headers else "Location") == "/accounts/"
    assert "Mine is deleted." in owner.get("/accounts/").content.decode()
    assert not Account.objects.exists()


def test_an_account_with_trades_is_kept_with_words(owner: Client, people: People, assets: None) -> None:
    account = make(people.owner)
    traded(account)
    owner.post(f"/accounts/{account.pk}/delete")
    assert "Orders were sent in Mine." in owner.get("/accounts/").content.decode()
    assert Account.objects.exists()


def test_replays_without_trades_go_on_in_another_account(owner: Client, people: People, assets: None) -> None:
    account = make(people.owner)
    session = open_session(owner_id=people.owner.pk, asset=Asset.objects.get(root="NQ"), kind="replay", account=account)
    owner.post(f"/accounts/{account.pk}/delete")
    assert "your only account" in owner.get("/accounts/").content.decode()
    other = make(people.owner, "Other")
    owner.post(f"/accounts/{account.pk}/delete")
    session.refresh_from_db()
    assert session.account == other


# --- strangers ---


def views_of_an_account() -> list[str]:
    found = []
    for namespace, (_, resolver) in get_resolver().namespace_dict.items():
        for name, entries in resolver.reverse_dict.lists():
            if isinstance(name, str) and any("account_id" in params for entry in entries for _, params in entry[0]):
                found.append(f"{namespace}:{name}")
    return sorted(set(found))


VIEWS = views_of_an_account()


def test_all_views_of_an_account_are_looked_at() -> None:
    assert VIEWS == ["trading:account", "trading:delete"]


def shown(answer: Any) -> tuple[int, bytes]:
    """An answer but for what is new each time."""
    return answer.status_code, re.sub(rb'(nonce|csrfmiddlewaretoken" value)="[^"]+"', b"", answer.content)


@pytest.mark.parametrize("who", ["colleague", "admin"])
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("view", VIEWS)
def test_nobody_else_can_tell_it_from_none_or_change_it(
    request: pytest.FixtureRequest, people: People, assets: None, view: str, method: str, who: str
) -> None:
    browser: Client = request.getfixturevalue(who)
    account = make(people.owner, max_day_loss=500)
    before = [Account.objects.values().get(), AccountLimits.objects.values().get()]
    theirs, none = (
        getattr(browser, method)(reverse(view, args=[number]), FORM if method == "post" else {})
        for number in (account.pk, account.pk + 999)
    )
    assert shown(theirs) == shown(none)
    assert theirs.status_code in (404, 405)
    assert b"Mine" not in theirs.content
    assert [Account.objects.values().get(), AccountLimits.objects.values().get()] == before


@pytest.mark.parametrize("address", ["/accounts/", "/accounts/new", "/accounts/1/", "/accounts/1/delete"])
@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_is_asked_to_log_in(db: None, address: str, method: str) -> None:
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, answer.url) == (302, f"/account/login/?next={address}")


def test_whose_account_it_is_cannot_be_posted(owner: Client, people: People, assets: None) -> None:
    owner.post("/accounts/new", FORM | {"owner": str(people.colleague.pk), "id": "7"})
    assert Account.objects.get().owner == people.owner
