"""Opening a replay: at once when the data is stored, behind a job when not, with a reason when it cannot be."""

import json
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from aiohttp import web
from django.core.cache import cache
from django.test import Client

from market import jobs, tapes
from market.gateway import gateway
from market.models import Asset, Coverage, Job
from market.sessions import parse_et
from market.tasks import prepare_window, window_from
from replay import services
from replay.models import ReplaySession
from standin.background import running
from standin.gateway import Gateway
from tests import filegateway
from tests.conftest import People
from tests.filegateway import Records
from tests.web.conftest import SOME_ID, error_messages

FORM = {
    "root": "NQ",
    "entry_date": "2026-03-17",
    "entry_time": "09:30",
    "timeframe": "5m",
    "lookback_days": "30",
}
ENTRY_NS = parse_et("2026-03-17 09:30")
DOWN = "http://127.0.0.1:9"


def load(browser: Client, *, htmx: bool = True, without: str = "", **changed: str) -> Any:
    """What pressing Load with this form answers."""
    form = {name: value for name, value in (FORM | changed).items() if name != without}
    return browser.post("/replay/open", form, headers={"HX-Request": "true"} if htmx else {})


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs handed to Celery; no worker runs here."""
    handed: list[int] = []
    monkeypatch.setattr(prepare_window, "delay", handed.append)
    return handed


@pytest.fixture
def stored(small_market: Records, people: People) -> Records:
    """The data of FORM's replay is in the store."""
    replay = ReplaySession(
        owner=people.owner, asset=Asset.objects.get(root="NQ"), entry_ns=ENTRY_NS, lookback_days=30, timeframe="5m"
    )
    now = time.time_ns()
    window = services.window_around(replay, ENTRY_NS, ENTRY_NS, services.Available(0, now))
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    tapes.prepare(window, gateway(patient=False), now, jobs.Progress(job))
    job.delete()
    return small_market


def nothing_was_opened() -> bool:
    return not ReplaySession.objects.exists() and not Job.objects.exists()


def the_refusal(browser: Client, **form: Any) -> tuple[str, str]:
    """(field, message) of a form that must be refused with one reason and leave no trace."""
    answer = load(browser, **form)
    assert answer.status_code == 200
    assert "HX-Redirect" not in answer.headers
    assert [template.name for template in answer.templates] == ["replay/_open_errors.html"]
    assert nothing_was_opened()
    (refusal,) = error_messages(answer)
    return refusal


# --- the data is stored ----------------------------------------------------------------------------


def test_a_replay_of_stored_data_is_ready_at_once(owner: Client, people: People, stored: Records) -> None:
    answer = load(owner)
    replay = ReplaySession.objects.get()
    assert (answer.status_code, answer["HX-Redirect"]) == (200, f"/replay/{replay.pk}/")
    assert (replay.state, replay.job, Job.objects.count()) == ("ready", None, 0)
    assert (replay.owner, replay.asset.root, replay.timeframe) == (people.owner, "NQ", "5m")
    assert (replay.entry_ns, replay.playhead_ns, replay.playing) == (ENTRY_NS, ENTRY_NS, False)
    assert replay.lookback_days == 30


def test_a_browser_without_scripts_is_redirected(owner: Client, stored: Records) -> None:
    answer = load(owner, htmx=False)
    assert (answer.status_code, answer.url) == (302, f"/replay/{ReplaySession.objects.get().pk}/")


def test_the_page_of_the_new_replay_shows_what_was_typed(owner: Client, stored: Records) -> None:
    page = owner.get(load(owner, timeframe="1h", entry_time="9:45")["HX-Redirect"]).content.decode()
    assert f'data-session-id="{ReplaySession.objects.get().pk}"' in page
    assert 'value="2026-03-17"' in page
    assert 'value="09:45"' in page
    assert "<option selected>1h</option>" in page
    assert '<option value="NQ" title="E-mini Nasdaq-100" selected>' in page


def test_each_load_opens_a_replay_of_its_own(owner: Client, stored: Records) -> None:
    assert load(owner)["HX-Redirect"] != load(owner)["HX-Redirect"]
    assert ReplaySession.objects.count() == 2


def test_stored_data_is_replayed_while_the_gateway_is_down(owner: Client, stored: Records, settings: Any) -> None:
    settings.DATABENTO_GATEWAY = DOWN
    load(owner)
    assert (ReplaySession.objects.get().state, Job.objects.count()) == ("ready", 0)


def test_stored_data_is_replayed_with_a_refused_key(owner: Client, stored: Records, settings: Any) -> None:
    with running(Gateway(seed=1, key="db-another-key")) as settings.DATABENTO_GATEWAY:
        load(owner)
    assert ReplaySession.objects.get().state == "ready"


@pytest.mark.parametrize("root", ["nq", " NQ ", "Nq"])
def test_a_root_may_be_typed_in_any_case(owner: Client, stored: Records, root: str) -> None:
    load(owner, root=root)
    assert ReplaySession.objects.get().asset.root == "NQ"


def test_the_first_and_the_last_second_of_trading_can_be_entered(owner: Client, stored: Records) -> None:
    for day, at in (("2026-03-16", "18:00:00"), ("2026-03-17", "16:59:59")):
        assert "HX-Redirect" in load(owner, entry_date=day, entry_time=at).headers


# --- the data has to be fetched --------------------------------------------------------------------


def test_a_replay_of_missing_data_waits_for_a_job_that_is_queued_on_commit(
    owner: Client,
    people: People,
    small_market: Records,
    queued: list[int],
    django_capture_on_commit_callbacks: Any,
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        answer = load(owner)
        assert queued == []
    replay, job = ReplaySession.objects.get(), Job.objects.get()
    assert answer["HX-Redirect"] == f"/replay/{replay.pk}/"
    assert (replay.state, replay.job) == ("loading", job)
    assert (job.kind, job.state, job.asked_by) == ("replay data", "queued", people.owner)
    assert (queued, len(callbacks)) == ([job.pk], 1)


def test_the_job_fetches_what_the_replay_takes(owner: Client, small_market: Records) -> None:
    load(owner)
    job = Job.objects.get()
    window = window_from(job.params)
    assert len(window.sessions) == 16
    assert not services.is_stored(window, time.time_ns())
    prepare_window(job.pk)
    job.refresh_from_db()
    assert (job.state, job.message) == ("done", "NQ: 16 sessions are ready.")
    assert services.is_stored(window, time.time_ns())
    load(owner)
    assert ReplaySession.objects.latest("created_at").state == "ready"


def test_the_page_opens_while_the_data_is_on_its_way(owner: Client, small_market: Records) -> None:
    assert owner.get(load(owner)["HX-Redirect"]).status_code == 200


def test_a_market_that_had_not_traded_is_for_the_job_to_say(owner: Client, small_market: Records) -> None:
    load(owner, root="CL")
    job = Job.objects.get()
    prepare_window(job.pk)
    job.refresh_from_db()
    assert job.state == "failed"
    assert "No contract of CL has traded" in job.message


# --- what is typed wrong ---------------------------------------------------------------------------

LONG = "9" * 6_000
BAD_FIELDS = [
    ("root", "ZZ", "There is no asset 'ZZ' here. Choose one from the list."),
    ("root", "<b>", "There is no asset '<b>' here."),
    ("root", "TOOLONG", "at most 6 characters"),
    ("root", "", "This field is required."),
    ("root", "N\0", "Null characters are not allowed."),
    ("entry_date", "2026-02-30", "Write the date as 2026-03-18."),
    ("entry_date", "2026-13-01", "Write the date as 2026-03-18."),
    ("entry_date", "next Tuesday", "Write the date as 2026-03-18."),
    ("entry_date", "17.03.2026", "Write the date as 2026-03-18."),
    ("entry_date", "2026-03-17\0", "Write the date as 2026-03-18."),
    ("entry_date", LONG, "Write the date as 2026-03-18."),
    ("entry_date", "", "This field is required."),
    ("entry_time", "25:00", "Write the time as 09:30."),
    ("entry_time", "09:60", "Write the time as 09:30."),
    ("entry_time", "half past nine", "Write the time as 09:30."),
    ("entry_time", "-1:00", "Write the time as 09:30."),
    ("entry_time", "", "This field is required."),
    ("timeframe", "7m", "Timeframes are 1m, 5m, 15m, 30m, 1h, 90m, 3h, 4h, 1D."),
    ("timeframe", "5M", "Timeframes are 1m, 5m"),
    ("timeframe", "", "This field is required."),
    ("lookback_days", "5", "greater than or equal to 30"),
    ("lookback_days", "29", "greater than or equal to 30"),
    ("lookback_days", "-365", "greater than or equal to 30"),
    ("lookback_days", "99999", "less than or equal to 3650"),
    ("lookback_days", "3651", "less than or equal to 3650"),
    ("lookback_days", "a year", "Lookback is a number of days."),
    ("lookback_days", "30.5", "Lookback is a number of days."),
    ("lookback_days", "1e2", "Lookback is a number of days."),
    ("lookback_days", LONG, "Lookback is a number of days."),
    ("lookback_days", "", "This field is required."),
]


@pytest.mark.parametrize(("field", "value", "message"), BAD_FIELDS)
def test_a_bad_field_is_named_with_what_to_write(
    owner: Client, small_market: Records, field: str, value: str, message: str
) -> None:
    where, why = the_refusal(owner, **{field: value})
    assert where == field
    assert message in why


@pytest.mark.parametrize("field", FORM)
def test_a_field_that_is_not_sent_is_named(owner: Client, small_market: Records, field: str) -> None:
    assert the_refusal(owner, without=field) == (field, "This field is required.")


def test_several_bad_fields_are_all_named(owner: Client, small_market: Records) -> None:
    answer = load(owner, root="ZZ", entry_date="x", entry_time="x", timeframe="x", lookback_days="x")
    assert [field for field, _ in error_messages(answer)] == list(FORM)
    assert nothing_was_opened()


def test_an_asset_that_is_not_offered_is_none(owner: Client, small_market: Records) -> None:
    Asset.objects.filter(root="NQ").update(is_active=False)
    assert the_refusal(owner) == ("root", "There is no asset 'NQ' here. Choose one from the list.")


def test_the_hour_that_the_clocks_skip_does_not_exist(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="2026-03-08", entry_time="02:30")
    assert where == "entry_time"
    assert why == "2026-03-08 02:30 ET does not exist: the clocks go forward over it."


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


def test_the_future_cannot_be_replayed(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="2035-03-13", entry_time="12:00")
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
@pytest.mark.parametrize("at", ["00:00", "23:59:59.999999"])
@pytest.mark.parametrize("down", [True, False])
def test_the_ends_of_time_are_refused(
    owner: Client, small_market: Records, settings: Any, day: str, at: str, down: bool
) -> None:
    if down:
        settings.DATABENTO_GATEWAY = DOWN
    where, why = the_refusal(owner, entry_date=day, entry_time=at)
    assert where in ("entry_date", "entry_time")
    assert why


def test_a_refusal_shows_what_was_typed_as_text(owner: Client, small_market: Records) -> None:
    evil = '"><i>'
    answer = load(owner, root=evil, htmx=False)
    assert answer.status_code == 422
    assert evil not in answer.content.decode()
    assert evil not in load(owner, root=evil).content.decode()


def test_without_scripts_the_page_comes_back_with_the_reasons_and_what_was_typed(
    owner: Client, small_market: Records
) -> None:
    answer = load(owner, htmx=False, lookback_days="5", entry_date="2026-03-18", entry_time="10:15", timeframe="1h")
    page = answer.content.decode()
    assert answer.status_code == 422
    assert [field for field, _ in error_messages(answer)] == ["lookback_days"]
    assert all(f'value="{typed}"' in page for typed in ("5", "2026-03-18", "10:15"))
    assert "<option selected>1h</option>" in page
    assert nothing_was_opened()


# --- the gateway -----------------------------------------------------------------------------------


@pytest.fixture
def answer_of(settings: Any) -> Iterator[list[web.Response]]:
    """A gateway that gives one answer to everything: the list's last."""
    cache.clear()
    given: list[dict[str, Any]] = []

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(**given[-1])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    with filegateway.serve(app) as settings.DATABENTO_GATEWAY:
        settings.DATABENTO_API_KEY = filegateway.KEY
        yield given


def as_json(**detail: Any) -> str:
    return json.dumps({"detail": detail})


FAULTS = [
    (401, as_json(case="auth_authentication_failed", message="Authentication failed."), "DATABENTO_API_KEY"),
    (402, as_json(case="account_insufficient_funds", message="Out of funds."), "Out of funds. The Databento account"),
    (403, as_json(case="license_not_found", message="No licence."), "No licence. The Databento account"),
    (422, as_json(case="dataset_not_found", message="No such dataset."), "No such dataset."),
    (429, as_json(case="rate_limit_exceeded", message="Slow down."), "Slow down. Too many requests."),
    (500, as_json(case="internal_error", message="Oops."), "Oops. The fault is on the gateway's side."),
    (503, "<html>down</html>", "503: "),
    (200, "<html>a proxy's page</html>", "broke off its answer"),
    (200, "", "broke off its answer"),
]


@pytest.mark.parametrize(("status", "text", "message"), FAULTS)
def test_a_fault_of_the_gateway_is_told_and_opens_nothing(
    owner: Client, assets: None, answer_of: list[Any], status: int, text: str, message: str
) -> None:
    answer_of.append({"status": status, "text": text})
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert why.startswith("The data gateway says: ")
    assert message in why
    assert filegateway.KEY not in why
    assert "<html>" not in why


def test_a_gateway_that_is_down_is_told_with_what_to_do(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = DOWN, filegateway.KEY
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert "does not answer. Check the network, then press Load again." in why


def test_an_installation_without_a_key_says_so(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY = settings.DATABENTO_API_KEY = ""
    where, why = the_refusal(owner)
    assert where == "__all__"
    assert "There is no API key. The key was refused. Check DATABENTO_API_KEY" in why


def test_a_page_asks_a_failing_gateway_once_and_does_not_wait(
    owner: Client, assets: None, answer_of: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.databento_historical.time.sleep", pytest.fail)
    answer_of.append({"status": 503, "text": as_json(message="Busy.")})
    the_refusal(owner)


def test_a_bad_moment_is_told_while_the_gateway_is_down(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = DOWN, filegateway.KEY
    where, why = the_refusal(owner, entry_time="17:30")
    assert (where, why.startswith("NQ was closed then.")) == ("entry_date", True)


# --- the door of the view --------------------------------------------------------------------------


def test_opening_is_no_link(owner: Client, assets: None) -> None:
    answer = owner.get("/replay/open", FORM)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert nothing_was_opened()


def test_a_form_of_another_site_opens_nothing(people: People, stored: Records) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    for htmx in (True, False):
        assert load(browser, htmx=htmx).status_code == 403
    assert nothing_was_opened()


def test_the_pages_own_form_is_accepted(people: People, stored: Records) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    browser.get("/replay/")
    token = browser.cookies["csrftoken"].value
    assert "HX-Redirect" in load(browser, csrfmiddlewaretoken=token).headers


def test_a_stranger_opens_nothing(stored: Records) -> None:
    assert load(Client()).url == "/account/login/?next=/replay/open"
    assert nothing_was_opened()


def test_nobody_opens_a_replay_for_somebody_else(people: People, owner: Client, stored: Records) -> None:
    other = str(people.colleague.pk)
    load(owner, owner=other, owner_id=other, user=other, id=str(SOME_ID), state="ready", playhead_ns="1")
    replay = ReplaySession.objects.get()
    assert (replay.owner, replay.playhead_ns) == (people.owner, ENTRY_NS)
    assert replay.pk != SOME_ID


# --- the page before -------------------------------------------------------------------------------


def test_the_first_page_offers_every_active_asset_and_a_regular_open(owner: Client, assets: None) -> None:
    Asset.objects.filter(root="YM").update(is_active=False)
    page = owner.get("/replay/").content.decode()
    offered = [root for root in Asset.objects.values_list("root", flat=True) if f'<option value="{root}"' in page]
    assert len(offered) == 18
    assert "YM" not in offered
    assert '<option value="NQ" title="E-mini Nasdaq-100" selected>' in page
    assert 'name="entry_time" value="09:30"' in page


def test_the_first_page_opens_without_any_asset(owner: Client) -> None:
    answer = owner.get("/replay/")
    assert answer.status_code == 200
    assert '<option value="' not in answer.content.decode()


def test_the_first_pages_choice_can_be_loaded_at_once(owner: Client, small_market: Records) -> None:
    first = owner.get("/replay/").context["initial"]
    assert "HX-Redirect" in load(owner, **{name: str(value) for name, value in first.items()}).headers


@pytest.mark.parametrize(
    ("status", "text"),
    [(200, "[]"), (200, "{}"), (200, "null"), (200, '{"start": null, "end": null}'), (500, "[]"), (400, "null")],
)
def test_a_malformed_answer_of_the_gateway_is_told_and_opens_nothing(
    owner: Client, assets: None, answer_of: list[Any], status: int, text: str
) -> None:
    answer_of.append({"status": status, "text": text, "content_type": "application/json"})
    where, why = the_refusal(owner)
    assert (where, why.startswith("The data gateway says: ")) == ("__all__", True)


def test_a_lookback_that_reaches_before_the_data_is_cut_there(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_API_KEY = "db-k"
    cache.clear()
    with running(Gateway(seed=1, key="db-k")) as settings.DATABENTO_GATEWAY:
        load(owner, entry_date="2010-09-15", lookback_days="365")
        job = Job.objects.get()
        prepare_window(job.pk)
        job.refresh_from_db()
        assert (job.state, job.message) == ("done", "NQ: 16 sessions are ready.")
        load(owner, entry_date="2010-09-15", lookback_days="365")
        assert ReplaySession.objects.latest("created_at").state == "ready"


def test_where_a_licence_begins_the_replay_begins(owner: Client, small_market: Records) -> None:
    small_market.start_ns = parse_et("2026-03-13 11:17")
    load(owner)
    prepare_window(Job.objects.get().pk)
    assert Job.objects.get().state == "done"
    assert Coverage.objects.order_by("trade_date")[0].trade_date == date(2026, 3, 16)


def test_what_was_stored_of_yesterday_is_replayed_while_the_gateway_is_down(
    owner: Client, small_market: Records, settings: Any
) -> None:
    small_market.end_ns = parse_et("2026-03-17 16:00")
    load(owner)
    prepare_window(Job.objects.get().pk)
    settings.DATABENTO_GATEWAY = DOWN
    load(owner)
    assert ReplaySession.objects.latest("created_at").state == "ready"


def test_a_date_past_the_calendar_is_told_in_words(owner: Client, small_market: Records) -> None:
    where, why = the_refusal(owner, entry_date="9999-12-31", entry_time="23:59")
    assert (where, why) == ("entry_date", "That moment is in the future. Choose one that has been.")


def test_the_first_page_chooses_an_asset_that_is_offered(owner: Client, assets: None) -> None:
    Asset.objects.filter(root="NQ").update(is_active=False)
    shown = owner.get("/replay/").context
    assert shown["initial"]["root"] in [asset["root"] for asset in shown["assets"]]


def test_htmx_is_led_to_the_login_page_when_the_login_is_over(db: None) -> None:
    assert load(Client()).headers.get("HX-Redirect", "").startswith("/account/login/")
