"""The admin pages: each opens for an admin and for nobody else; what futsim alone writes can only be looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from django.contrib import admin as django_admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from accounts.models import User
from alerts.models import Alert, AlertFiring, AlertSettings, AlertState, Progress
from journal import services
from journal.models import Trade
from live.models import FeedEvent, FrontMonth
from market.models import (
    Asset,
    AssetCost,
    Contract,
    Coverage,
    DailyBar,
    DailySpan,
    DayCondition,
    ImportedFile,
    InstrumentId,
    Job,
    Purchase,
    Roll,
    SpendingLimits,
)
from market.sessions import parse_et
from ranks.models import KeptWarm, Summary, SummaryMonth
from replay.models import ReplaySession
from tests.alert_rows import alert_of, firing_of
from tests.conftest import People
from tests.journaling import take_of
from trading import limits
from trading.models import (
    Account,
    AccountLimits,
    DayLock,
    EventRecord,
    FillRecord,
    ForcedLimits,
    LoggedCommand,
    OrderRecord,
    Take,
    TradingSession,
)
from trading.services import open_session

DAY, LATER = date(2026, 3, 17), date(2026, 3, 18)


def nq() -> Asset:
    return Asset.objects.get(root="NQ")


def june() -> Contract:
    return Contract.objects.get_or_create(asset=nq(), year=2026, month=6, defaults={"raw_symbol": "NQM6"})[0]


def trader() -> User:
    return User.objects.get_or_create(username="trader")[0]


def practice() -> Account:
    return Account.objects.get_or_create(owner=trader(), name="Practice")[0]


def session_of_nq() -> TradingSession:
    return open_session(owner_id=trader().pk, asset=nq(), kind="replay", account=practice())


def take() -> Take:
    return Take.objects.create(
        session=session_of_nq(), number=1, start_ns=0, cash=1, settings={}, rules={}, instruments=[]
    )


def trade() -> Trade:
    somebody = User.objects.create_user("journalist")
    take_of(somebody, (1, 80_000, 1), (-1, 80_001, 2))
    services.read_new(somebody.pk)
    return Trade.objects.get()


ROWS: dict[type[Model], Callable[[], Model]] = {
    Alert: lambda: alert_of(None),
    AlertFiring: lambda: firing_of(alert_of(None)),
    AlertState: lambda: AlertState.objects.create(alert=alert_of(None), asset=nq(), revision=1, evaluated_ns=1),
    AlertSettings: lambda: AlertSettings.objects.create(user=User.objects.create(username="hears")),
    Progress: lambda: Progress.objects.create(asset=nq(), until_ns=1, epoch=1),
    Asset: nq,
    Contract: june,
    Coverage: lambda: Coverage.objects.create(
        contract=june(),
        schema="ohlcv-1s",
        trade_date=DAY,
        state="empty",
        rows=0,
        bytes=0,
        source="stand-in",
        until_ns=parse_et("2026-03-17 16:30"),
    ),
    DailyBar: lambda: DailyBar.objects.create(contract=june(), date=DAY, open=5, high=7, low=3, close=6, volume=1),
    DailySpan: lambda: DailySpan.objects.create(asset=nq(), first_date=DAY, end_date=LATER),
    DayCondition: lambda: DayCondition.objects.create(dataset="GLBX.MDP3", date=DAY, condition="degraded"),
    FeedEvent: lambda: FeedEvent.objects.create(kind="ended", text="silence for 15 s; killed"),
    FrontMonth: lambda: FrontMonth.objects.create(asset=nq(), trade_date=DAY, contract=june()),
    Group: lambda: Group.objects.create(name="traders"),
    ImportedFile: lambda: ImportedFile.objects.create(name="mine.dbn", bytes=5, report={"accepted": 1, "refused": 0}),
    Job: lambda: Job.objects.create(kind="replay data"),
    Purchase: lambda: Purchase.objects.create(
        day=DAY,
        source="Databento",
        dataset="GLBX.MDP3",
        schema="ohlcv-1s",
        symbols="NQM6",
        start_ns=0,
        end_ns=1,
        records=7,
        cost=2,
    ),
    Roll: lambda: Roll.objects.create(asset=nq(), trade_date=DAY, kind="seed", to_contract=june()),
    SpendingLimits: SpendingLimits.current,
    User: lambda: User.objects.create_user("somebody"),
    KeptWarm: lambda: KeptWarm.objects.create(asset=nq()),
    Summary: lambda: Summary.objects.create(contract=june(), trade_date=DAY, made_with="1:ab"),
    SummaryMonth: lambda: SummaryMonth.objects.create(contract=june(), month=DAY.replace(day=1), bytes=7),
    Account: practice,
    ForcedLimits: lambda: ForcedLimits.objects.create(user=trader(), max_order=3),
    DayLock: lambda: DayLock.objects.create(account=practice(), market_day=DAY, text="max loss"),
    TradingSession: session_of_nq,
    Take: take,
    LoggedCommand: lambda: LoggedCommand.objects.create(
        take=take(), seq=1, playhead_ns=parse_et("2026-03-17 09:30"), kind="submit", name="one", payload={}
    ),
    OrderRecord: lambda: OrderRecord.objects.create(
        take=take(), number=1, name="one", contract="NQM6", side=1, type="market", tif="day", quantity=1, filled=0,
        status="working", cause="user", is_exit=False, is_short=False, origin="ticket", placed_ns=1,
    ),
    EventRecord: lambda: EventRecord.objects.create(
        take=take(), number=1, ns=1, change="working", reason="user", quantity=1, filled=0
    ),
    FillRecord: lambda: FillRecord.objects.create(
        take=take(), number=1, order=1, name="one", contract="NQM6", side=1, quantity=1, price=1, ns=1, fee=0, of=1,
        why={}, text="1 at 5", is_retake=False,
    ),
    Trade: trade,
}  # fmt: skip
"""A row of each model that an admin looks after."""
RECORD = [DayLock, TradingSession, Take, LoggedCommand, OrderRecord, EventRecord, FillRecord]
"""What was traded, and the hard locks that followed: nobody changes or deletes it."""
KEPT = [AlertState, Progress, *RECORD]
LOOK_ONLY = [
    AlertFiring, AlertSettings, Coverage, DailyBar, DailySpan, DayCondition, FeedEvent, FrontMonth, ImportedFile, Job,
    Purchase, Roll, Summary, SummaryMonth, Trade, *KEPT,
]  # fmt: skip
"""What futsim alone makes and changes."""
REFUSED = {
    **{model: {"add"} for model in LOOK_ONLY},
    **{model: {"add", "delete"} for model in (ImportedFile, Purchase, *KEPT)},
    SpendingLimits: {"add", "delete"},
}
"""What an admin may not do either. The limits are one row; the ledger stays as it is."""


@pytest.fixture(autouse=True)
def nineteen_assets(assets: None) -> None:
    """Every test here has the assets."""


def page_of(model: type[Model], what: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=arguments)


def pages_of(model: type[Model]) -> list[str]:
    row = ROWS[model]()
    kinds = ("change", "delete", "history")
    return [page_of(model, "changelist"), page_of(model, "add"), *(page_of(model, kind, row.pk) for kind in kinds)]


def models() -> Any:
    return pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)


def test_every_model_of_the_admin_is_looked_at_here() -> None:
    ours = {model for model in django_admin.site._registry if model._meta.app_label != "axes"}
    assert ours == set(ROWS)


@models()
def test_an_admin_opens_every_page_of_a_model(admin: Client, model: type[Model]) -> None:
    for page in pages_of(model):
        expected = 403 if any(f"/{what}/" in page for what in REFUSED.get(model, ())) else 200
        assert (page, admin.get(page, follow=True).status_code) == (page, expected)


@models()
def test_others_are_sent_to_the_admins_login(owner: Client, model: type[Model]) -> None:
    for page in pages_of(model):
        for ask in (owner.get, owner.post):
            assert ask(page).url == f"/admin/login/?next={page}"


@models()
def test_an_admin_without_rights_is_refused(people: People, owner: Client, model: type[Model]) -> None:
    User.objects.filter(pk=people.owner.pk).update(is_staff=True)
    for page in pages_of(model):
        assert (page, owner.get(page).status_code) == (page, 403)


@pytest.mark.parametrize("model", [Asset, Contract, User], ids=lambda model: model.__name__)
@pytest.mark.parametrize("words", ["n", "NQ' OR 1=1 --", "%", "\\"])
def test_any_words_can_be_searched_for(admin: Client, model: type[Model], words: str) -> None:
    assert admin.get(page_of(model, "changelist"), {"q": words}).status_code == 200


@models()
def test_a_row_that_is_gone_is_said_so(admin: Client, model: type[Model]) -> None:
    assert admin.get(page_of(model, "change", 999_999)).url == "/admin/"
    assert admin.get(page_of(model, "change", "nonsense")).url == "/admin/"


@models()
def test_the_admin_refuses_forms_of_other_sites(people: People, model: type[Model]) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.admin)
    assert browser.post(page_of(model, "add"), {}).status_code == 403


# --- assets ----------------------------------------------------------------------------------------


def inline(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    """A form's rows of an inline table that had none before."""
    form: dict[str, Any] = {f"{name}-TOTAL_FORMS": len(rows), f"{name}-INITIAL_FORMS": 0}
    for number, row in enumerate(rows):
        form |= {f"{name}-{number}-{field}": value for field, value in row.items()}
    return form


COST = {
    "effective_from": "2026-01-01", "fee_exchange": "1.28", "fee_broker": "0.85", "margin": "20000",
    "margin_kind": "usd",
}  # fmt: skip
ES = {
    "root": "ES", "kind": "future", "name": "E-mini S&P 500", "exchange": "CME", "dataset": "GLBX.MDP3",
    "point_value": "50", "tick_size": "250000000", "decimals": "2", "price_display": "decimal", "active_months": "HMUZ",
    "listed_months": "HMUZ", "calendar": "CME Globex Equity", "is_active": "on",
}  # fmt: skip


def add_asset(admin: Client, costs: list[dict[str, Any]] | None = None, **changed: Any) -> Any:
    form = ES | inline("costs", [COST] if costs is None else costs) | changed
    return admin.post(page_of(Asset, "add"), form)


def offered(browser: Client, root: str) -> bool:
    return f'<option value="{root}"' in browser.get("/replay/").content.decode()


def test_an_asset_that_an_admin_adds_is_offered_to_users(admin: Client, owner: Client) -> None:
    assert not offered(owner, "ES")
    assert add_asset(admin).status_code == 302
    assert offered(owner, "ES")
    es = Asset.objects.get(root="ES")
    assert (es.tick_value, es.costs.get().margin) == (12.5, 20_000)
    assert es.sessions.session(DAY) is not None


def test_an_asset_that_an_admin_switches_off_is_offered_no_more(admin: Client, owner: Client) -> None:
    add_asset(admin)
    es = Asset.objects.get(root="ES")
    form = {name: value for name, value in ES.items() if name != "is_active"} | inline("costs", [])
    assert admin.post(page_of(Asset, "change", es.pk), form).status_code == 302
    assert not offered(owner, "ES")


def test_an_assets_costs_change_from_a_date_on(admin: Client) -> None:
    cost = nq().costs.get()
    asset = {name: getattr(nq(), name) for name in ES}
    rows = [COST | {"id": cost.pk, "asset": nq().pk, "effective_from": "2010-01-01"}, COST | {"asset": nq().pk}]
    form = asset | inline("costs", rows) | {"costs-INITIAL_FORMS": 1}
    answer = admin.post(page_of(Asset, "change", nq().pk), form)
    assert answer.status_code == 302
    assert [str(row.effective_from) for row in nq().costs.all()] == ["2026-01-01", "2010-01-01"]


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("root", "es", "Capital letters, digits and dots only."),
        ("root", "E-S", "Capital letters, digits and dots only."),
        ("root", "MUCHTOOLONG", "at most 10 characters"),
        ("root", "NQ", "already exists"),
        ("root", "", "This field is required."),
        ("tick_size", "-1", "greater than or equal to 1"),
        ("tick_size", "0", "greater than or equal to 1"),
        ("tick_size", "0.25", "Enter a whole number."),
        ("tick_size", "9" * 30, "less than or equal to"),
        ("point_value", "0", "greater than or equal to 0.0001"),
        ("point_value", "-5", "greater than or equal to 0.0001"),
        ("point_value", "NaN", "Enter a number."),
        ("decimals", "-1", "greater than or equal to 0"),
        ("active_months", "ZUMH", "not a list of month letters in order"),
        ("active_months", "HH", "not a list of month letters in order"),
        ("active_months", "hmuz", "not a list of month letters in order"),
        ("active_months", "ABC", "not a list of month letters in order"),
        ("decimals", "99", "less than or equal to 9"),
        ("listed_months", "H,M", "not a list of month letters in order"),
        ("listed_months", "", "A future has delivery months."),
        ("active_months", "", "A future has delivery months."),
        ("kind", "stock", "A stock has no delivery months."),
        ("calendar", "NYSE", "not one of the available choices"),
        ("price_display", "64ths", "not one of the available choices"),
    ],
)
def test_a_bad_asset_is_answered_with_the_reason(admin: Client, field: str, value: str, message: str) -> None:
    answer = add_asset(admin, **{field: value})
    assert answer.status_code == 200
    assert message in str(answer.context["adminform"].form.errors[field])
    assert Asset.objects.count() == 19


@pytest.mark.parametrize(
    "costs",
    [
        [COST | {"fee_exchange": "-1"}],
        [COST | {"fee_broker": "-0.01"}],
        [COST | {"margin": "-1"}],
        [COST | {"margin": "much"}],
        [COST | {"margin_kind": "eur"}],
        [COST | {"effective_from": "2026-02-30"}],
        [COST, COST],
    ],
)
def test_bad_costs_are_answered_with_the_reason(admin: Client, costs: list[dict[str, Any]]) -> None:
    answer = add_asset(admin, costs)
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert (Asset.objects.count(), AssetCost.objects.count()) == (19, 19)


def test_an_asset_with_replays_is_kept(admin: Client, people: People) -> None:
    at = parse_et("2026-03-17 09:30")
    ReplaySession.objects.create(
        owner=people.owner, asset=nq(), entry_ns=at, anchor_ns=at, playhead_ns=at, timeframe="5m", lookback_days=30
    )
    answer = admin.post(page_of(Asset, "delete", nq().pk), {"post": "yes"})
    assert answer.status_code == 200
    assert "protected" in answer.content.decode()
    assert Asset.objects.filter(root="NQ").exists()


def test_an_asset_nobody_used_can_be_deleted(admin: Client) -> None:
    assert admin.post(page_of(Asset, "delete", nq().pk), {"post": "yes"}).status_code == 302
    assert not Asset.objects.filter(root="NQ").exists()


# --- contracts --------------------------------------------------------------------------------------


def contract_form(**changed: Any) -> dict[str, Any]:
    form = {"asset": nq().pk, "year": 2026, "month": 9, "raw_symbol": "NQU6", "match_algorithm": "F"}
    return form | inline("instrument_ids", []) | changed


def test_a_contract_can_be_added_by_hand(admin: Client) -> None:
    assert admin.post(page_of(Contract, "add"), contract_form()).status_code == 302
    assert Contract.objects.get().raw_symbol == "NQU6"


@pytest.mark.parametrize(
    "changed",
    [
        {"month": 13},
        {"month": 0},
        {"month": 6},
        {"year": 99_999},
        {"first_trade_date": "2026-03-18", "last_trade_date": "2026-03-17"},
        {"raw_symbol": "NQU6-AND-MORE"},
    ],
)
def test_a_bad_contract_is_answered_with_the_reason(admin: Client, changed: dict[str, Any]) -> None:
    june()  # the contract of month 6 is taken
    answer = admin.post(page_of(Contract, "add"), contract_form(**changed))
    assert answer.status_code == 200
    assert answer.context["errors"]
    assert Contract.objects.count() == 1


def test_a_contracts_instrument_ids_are_shown_and_stay_as_they_are(admin: Client) -> None:
    row = InstrumentId.objects.create(
        contract=june(), instrument_id=4_711, raw_symbol="NQM6", first_date=DAY, end_date=LATER
    )
    page = page_of(Contract, "change", june().pk)
    assert "4711" in admin.get(page).content.decode()
    typed = {"id": row.pk, "contract": june().pk, "instrument_id": 7, "first_date": DAY, "end_date": LATER}
    more = typed | {"id": "", "instrument_id": 8}
    form = contract_form(**inline("instrument_ids", [typed, more])) | {"instrument_ids-INITIAL_FORMS": 1}
    admin.post(page, form)
    assert list(InstrumentId.objects.values_list("instrument_id", flat=True)) == [4_711]


# --- what can only be looked at ---------------------------------------------------------------------


@pytest.mark.parametrize("model", LOOK_ONLY, ids=lambda model: model.__name__)
def test_what_futsim_alone_writes_can_be_looked_at_but_not_made_or_changed(admin: Client, model: Any) -> None:
    row = ROWS[model]()
    before = model.objects.values().get()
    page = page_of(model, "change", row.pk)
    assert admin.get(page).status_code == 200
    assert 'name="_save"' not in admin.get(page).content.decode()
    assert admin.post(page, {"state": "done"}).status_code == 403
    assert admin.post(page_of(model, "add"), {}).status_code == 403
    assert model.objects.values().get() == before


def test_up_to_when_data_were_available_is_told_in_et(admin: Client) -> None:
    page = page_of(Coverage, "change", ROWS[Coverage]().pk)
    assert "2026-03-17 16:30:00 ET" in admin.get(page).content.decode()


# --- spending ---------------------------------------------------------------------------------------


def test_the_list_of_limits_is_their_form(admin: Client) -> None:
    assert admin.get("/admin/market/spendinglimits/").url == "/admin/market/spendinglimits/1/change/"
    assert SpendingLimits.objects.count() == 1


def test_an_admin_changes_the_limits(admin: Client) -> None:
    SpendingLimits.current()
    form = {"confirm_above": "0.50", "user_daily": "5", "installation_daily": "7.25"}
    assert admin.post("/admin/market/spendinglimits/1/change/", form).status_code == 302
    assert str(SpendingLimits.current()) == "ask above $0.50, $5.00 a user and $7.25 in all a day"


@pytest.mark.parametrize("value", ["-1", "much", ""])
def test_a_limit_that_is_none_is_refused(admin: Client, value: str) -> None:
    SpendingLimits.current()
    form = {"confirm_above": value, "user_daily": "5", "installation_daily": "7.25"}
    answer = admin.post("/admin/market/spendinglimits/1/change/", form)
    assert (answer.status_code, bool(answer.context["errors"])) == (200, True)


# --- accounts and limits ----------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any) -> Any:
    """Whose desks are told to look again while it is entered."""
    users: list[int] = []
    monkeypatch.setattr(limits, "_publish", users.append)

    @contextmanager
    def listen() -> Iterator[list[int]]:
        with django_capture_on_commit_callbacks(execute=True):
            yield users

    return listen


FORCED = {"max_day_loss": "300", "max_position_of": "NQ 2", "hours": "9:30-16:00", "is_hard": "on"}


def test_an_admin_forces_limits_on_a_user(admin: Client, told: Any) -> None:
    with told() as users:
        answer = admin.post(page_of(ForcedLimits, "add"), FORCED | {"user": trader().pk})
    assert answer.status_code == 302
    forced = ForcedLimits.objects.get()
    assert (forced.user, forced.max_day_loss, forced.max_position_of, forced.hours, forced.is_hard) == (
        trader(), 300, {"NQ": 2}, "09:30-16:00", True
    )  # fmt: skip
    assert users == [trader().pk]
    page = admin.get(page_of(ForcedLimits, "changelist")).content.decode()
    assert "$300.00 a day · NQ 2 · 09:30-16:00 ET · hard locks" in page


def test_changed_and_lifted_limits_are_told_too(admin: Client, told: Any) -> None:
    first, second = (
        ForcedLimits.objects.create(user=User.objects.create_user(name), max_order=1) for name in ("a", "b")
    )
    with told() as users:
        admin.post(page_of(ForcedLimits, "change", first.pk), {"max_order": "2"})
        admin.post(page_of(ForcedLimits, "delete", first.pk), {"post": "yes"})
        chosen = {"action": "delete_selected", "_selected_action": [second.pk], "post": "yes"}
        admin.post(page_of(ForcedLimits, "changelist"), chosen)
    assert users == [first.user_id, first.user_id, second.user_id]
    assert not ForcedLimits.objects.exists()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("user", "", "This field is required."),
        ("hours", "soon", "is no span of time"),
        ("max_position_of", "ZZ 1", "There is no asset ZZ."),
        ("max_order", "0", "greater than or equal to 1"),
    ],
)
def test_bad_limits_are_not_forced(admin: Client, field: str, value: str, words: str) -> None:
    answer = admin.post(page_of(ForcedLimits, "add"), FORCED | {"user": trader().pk, field: value})
    assert words in str(answer.context["adminform"].form.errors[field])
    assert not ForcedLimits.objects.exists()


def test_limits_of_one_user_can_be_forced_on_all_others(admin: Client, people: People, told: Any) -> None:
    ForcedLimits.objects.create(user=people.colleague, max_order=9)
    first = ForcedLimits.objects.create(user=people.owner, max_order=2, max_position_of={"NQ": 1})
    chosen = {"action": "force_on_others", "_selected_action": [first.pk]}
    with told() as users:
        answer = admin.post(page_of(ForcedLimits, "changelist"), chosen, follow=True)
    assert "The limits of owner are forced on 1 more." in answer.content.decode()
    found = {row.user.username: (row.max_order, row.max_position_of) for row in ForcedLimits.objects.all()}
    assert found == {"owner": (2, {"NQ": 1}), "colleague": (9, {}), "admin": (2, {"NQ": 1})}
    assert users == [people.admin.pk]


def test_an_admin_changes_somebodys_account_and_its_limits(admin: Client, told: Any) -> None:
    account = practice()
    own = AccountLimits.objects.create(account=account)
    Account.objects.create(owner=trader(), name="Other")
    limits_row = {"id": own.pk, "account": account.pk, "max_order": "2"}
    form = inline("limits", [limits_row]) | {
        "name": "Other", "cash": "5000", "latency_ms": "0", "jitter_ms": "0", "preset": "neutral", "bar_share": "25",
        "slip": "1", "assumed_ahead": "20", "limits-INITIAL_FORMS": 1,
    }  # fmt: skip
    answer = admin.post(page_of(Account, "change", account.pk), form)
    assert "another account of this name" in str(answer.context["adminform"].form.errors["name"])
    with told() as users:
        assert admin.post(page_of(Account, "change", account.pk), form | {"name": "Small"}).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.cash, account.limits.max_order, account.owner) == ("Small", 5_000, 2, trader())
    assert users == [trader().pk]


def test_an_account_with_a_record_is_not_deleted_by_an_admin_either(admin: Client) -> None:
    take()
    admin.post(page_of(Account, "delete", practice().pk), {"post": "yes"})
    assert Account.objects.filter(name="Practice").exists()


def test_only_stocks_are_hard_to_borrow(admin: Client) -> None:
    answer = add_asset(admin, locate_fee="0.01")
    assert "Only stocks are borrowed." in str(answer.context["adminform"].form.errors["locate_fee"])
    stock = {"root": "NVDA", "kind": "stock", "active_months": "", "listed_months": "", "calendar": "US Stocks"}
    assert add_asset(admin, **stock, locate_fee="0.01", protection="50").status_code == 302
    nvda = Asset.objects.get(root="NVDA")
    assert (str(nvda.locate_fee), nvda.protection) == ("0.0100", 50)
