"""What may be typed into the Load form, and what is said when it may not."""

import pytest
from django.test import Client

from market.models import Asset
from market.sessions import parse_et
from replay.models import ReplaySession
from replay.services import take_desk
from tests.conftest import People
from tests.filegateway import Records
from tests.web.opening import FORM, error_messages, load, nothing_was_opened, the_refusal
from trading.models import Account

LONG = "9" * 6_000
DATE = "Write the date as 2026-03-18."
TIME = "Write the time as 09:30 or 09:30:15."
TIMEFRAME = "Timeframes are 1m, 5m, 15m, 30m, 1h, 90m, 3h, 4h, 1D."
LOOKBACK = "A lookback has 1 to 3,650 days."
BAD_FIELDS = [
    ("root", "ZZ", "There is no asset 'ZZ' here. Choose one from the list."),
    ("root", "<b>", "There is no asset '<b>' here."),
    ("root", "TOOLONG", "There is no asset 'TOOLONG' here."),
    ("root", LONG, f"There is no asset '{LONG[:12]}' here."),
    ("root", "", "Choose an asset."),
    ("root", "N\0", "Null characters are not allowed."),
    ("entry_date", "2026-02-30", "There is no day 2026-02-30."),
    ("entry_date", "2026-13-01", "There is no day 2026-13-01."),
    ("entry_date", "next Tuesday", DATE),
    ("entry_date", "17.03.2026", DATE),
    ("entry_date", "2026-03-17\0", DATE),
    ("entry_date", LONG, DATE),
    ("entry_date", "", DATE),
    ("entry_time", "25:00", TIME),
    ("entry_time", "09:60", TIME),
    ("entry_time", "half past nine", TIME),
    ("entry_time", "-1:00", TIME),
    ("entry_time", "", TIME),
    ("entry_time", "9", TIME),
    ("entry_time", "9.30", TIME),
    ("entry_time", "9:3", TIME),
    ("entry_time", "93015", TIME),
    ("entry_time", "09:30:60", TIME),
    ("entry_time", "٠٩:٣٠", TIME),
    ("entry_time", LONG, TIME),
    ("timeframe", "7m", TIMEFRAME),
    ("timeframe", "5M", TIMEFRAME),
    ("timeframe", "", TIMEFRAME),
    ("lookback_days", "0", LOOKBACK),
    ("lookback_days", "-365", LOOKBACK),
    ("lookback_days", "99999", LOOKBACK),
    ("lookback_days", "3651", LOOKBACK),
    ("lookback_days", "a year", LOOKBACK),
    ("lookback_days", "30.5", LOOKBACK),
    ("lookback_days", "1e2", LOOKBACK),
    ("lookback_days", LONG, LOOKBACK),
    ("lookback_days", "", LOOKBACK),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD_FIELDS)
def test_a_bad_field_is_named_with_what_to_write(
    owner: Client, small_market: Records, field: str, value: str, message: str
) -> None:
    where, why = the_refusal(owner, **{field: value})
    assert where == field
    assert message in why


MISSING = {
    "root": "Choose an asset.", "entry_date": DATE, "entry_time": TIME, "timeframe": TIMEFRAME,
    "lookback_days": LOOKBACK,
}  # fmt: skip


@pytest.mark.parametrize("field", FORM)
def test_a_field_that_is_not_sent_is_named(owner: Client, small_market: Records, field: str) -> None:
    where, why = the_refusal(owner, without=field)
    assert (where, why) == (field, MISSING[field])


def test_several_bad_fields_are_all_named(owner: Client, small_market: Records) -> None:
    answer = load(owner, root="ZZ", entry_date="x", entry_time="x", timeframe="x", lookback_days="x")
    assert [field for field, _ in error_messages(answer)] == list(FORM)
    assert nothing_was_opened()


@pytest.mark.parametrize("root", ["nq", " NQ ", "Nq"])
def test_a_root_may_be_typed_in_any_case(owner: Client, stored: Records, root: str) -> None:
    load(owner, root=root)
    assert ReplaySession.objects.get().asset.root == "NQ"


def test_an_asset_that_is_not_offered_is_none(owner: Client, small_market: Records) -> None:
    Asset.objects.filter(root="NQ").update(is_active=False)
    assert the_refusal(owner) == ("root", "There is no asset 'NQ' here. Choose one from the list.")


def test_a_refusal_shows_what_was_typed_as_text(owner: Client, small_market: Records) -> None:
    evil = '"><i>'
    answer = load(owner, root=evil, htmx=False)
    assert answer.status_code == 422
    assert evil not in answer.content.decode()
    assert evil not in load(owner, root=evil).content.decode()


def test_without_scripts_the_page_comes_back_with_the_reasons_and_what_was_typed(
    owner: Client, small_market: Records
) -> None:
    answer = load(owner, htmx=False, lookback_days="0", entry_date="2026-03-18", entry_time="10:15", timeframe="1h")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert [field for field, _ in error_messages(answer)] == ["lookback_days"]
    assert all(f'value="{typed}"' in page for typed in ("0", "2026-03-18", "10:15"))
    assert "<option selected>1h</option>" in page
    assert nothing_was_opened()


@pytest.mark.parametrize(
    ("day", "at", "et"),
    [
        ("2026-03-17", "9:30", "2026-03-17 09:30"),
        ("2026-03-17", "0930", "2026-03-17 09:30"),
        ("2026-03-17", "930", "2026-03-17 09:30"),
        ("2026-03-17", "130", "2026-03-17 01:30"),
        ("2026-03-17", "1230", "2026-03-17 12:30"),
        ("2026-03-17", " 09:30 ", "2026-03-17 09:30"),
        ("2026-03-17", "9:30:15", "2026-03-17 09:30:15"),
        ("2026-3-17", "00:00", "2026-03-17 00:00"),
    ],
)
def test_an_entry_may_be_typed_in_several_ways(owner: Client, stored: Records, day: str, at: str, et: str) -> None:
    load(owner, entry_date=day, entry_time=at)
    assert ReplaySession.objects.get().entry_ns == parse_et(et)


def test_the_browser_refuses_no_text_that_the_server_takes(owner: Client, assets: None) -> None:
    page = owner.get("/replay/").content.decode()
    assert "pattern=" not in page
    assert 'min="1" max="3650"' in page


# --- which account trades in it ---


def test_the_replay_trades_in_the_account_that_was_chosen(stored: Records, owner: Client, people: People) -> None:
    accounts = [Account.objects.create(owner=people.owner, name=name) for name in ("First", "Second")]
    load(owner, account=str(accounts[1].pk))
    trading = ReplaySession.objects.get().trading
    assert trading is not None
    assert trading.account == accounts[1]
    page = owner.get(f"/replay/{ReplaySession.objects.get().pk}/").content.decode()
    assert f'<option value="{accounts[1].pk}" selected>Second</option>' in page


def test_without_a_choice_it_is_the_first_account_s_when_it_is_traded(
    stored: Records, owner: Client, people: People
) -> None:
    Account.objects.create(owner=people.owner, name="First")
    Account.objects.create(owner=people.owner, name="Second")
    load(owner)
    replay = ReplaySession.objects.get()
    take_desk(replay)
    assert replay.trading is not None
    assert replay.trading.account.name == "First"


@pytest.mark.parametrize("of", ["colleague", "nobody", "text"])
def test_an_account_that_is_not_one_s_own_is_refused(
    small_market: Records, owner: Client, people: People, of: str
) -> None:
    theirs = Account.objects.create(owner=people.colleague, name="Theirs").pk
    number = {"colleague": str(theirs), "nobody": "999999", "text": "first"}[of]
    assert the_refusal(owner, account=number) == ("account", "Choose one of your accounts.")


def test_the_choice_is_shown_to_those_who_have_one(assets: None, owner: Client, people: People) -> None:
    Account.objects.create(owner=people.owner, name="First")
    Account.objects.create(owner=people.colleague, name="Theirs")
    assert 'name="account"' not in owner.get("/replay/").content.decode()
    Account.objects.create(owner=people.owner, name="Second")
    page = owner.get("/replay/").content.decode()
    assert 'name="account"' in page
    assert "Theirs" not in page
