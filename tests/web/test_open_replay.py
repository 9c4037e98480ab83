"""Opening a replay: at once when the data is stored, behind a job when not."""

import time
from datetime import date
from typing import Any

from django.core.cache import cache
from django.test import Client

from market.models import Coverage, Job
from market.sessions import parse_et
from market.tasks import prepare_window, window_from
from replay import services
from replay.models import ReplaySession
from standin.background import running
from standin.gateway import Gateway
from tests.conftest import People
from tests.filegateway import Records
from tests.web.conftest import SOME_ID
from tests.web.opening import DOWN, ENTRY_NS, FORM, load, nothing_was_opened

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
    assert '<option value="NQ" selected>' in page


def test_the_page_of_a_replay_entered_between_two_minutes_shows_the_seconds(owner: Client, stored: Records) -> None:
    assert 'value="09:45:30"' in owner.get(load(owner, entry_time="09:45:30")["HX-Redirect"]).content.decode()


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


def test_what_was_stored_of_yesterday_is_replayed_while_the_gateway_is_down(
    owner: Client, small_market: Records, settings: Any
) -> None:
    small_market.end_ns = parse_et("2026-03-17 16:00")
    load(owner)
    prepare_window(Job.objects.get().pk)
    settings.DATABENTO_GATEWAY = DOWN
    load(owner)
    assert ReplaySession.objects.latest("created_at").state == "ready"


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
    assert queued == [job.pk]
    assert callbacks


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


def test_a_lookback_that_reaches_before_the_data_is_cut_there(owner: Client, assets: None, settings: Any) -> None:
    settings.DATABENTO_API_KEY, settings.SYNTHETIC_MARKET = "db-k", True
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


def test_htmx_is_led_to_the_login_page_when_the_login_is_over(db: None) -> None:
    assert load(Client()).headers.get("HX-Redirect", "").startswith("/account/login/")


def test_nobody_opens_a_replay_for_somebody_else(people: People, owner: Client, stored: Records) -> None:
    other = str(people.colleague.pk)
    load(owner, owner=other, owner_id=other, user=other, id=str(SOME_ID), state="ready", playhead_ns="1")
    replay = ReplaySession.objects.get()
    assert (replay.owner, replay.playhead_ns) == (people.owner, ENTRY_NS)
    assert replay.pk != SOME_ID
