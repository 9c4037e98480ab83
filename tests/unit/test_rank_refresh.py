"""Ranks made ready by workers: fetched within the purse, summarised, every night and on demand."""

import io
import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from celery.schedules import crontab
from django.conf import settings as django_settings
from django.core.cache import cache
from django.core.management import CommandError, call_command

from market import jobs, queue
from market.models import Asset, Coverage, Job, SpendingLimits
from market.sessions import to_ns
from market.tasks import TASKS
from ranks import access, refresh, services, summaries, tasks
from ranks.engine.buckets import Bucket
from ranks.models import KeptWarm, Summary
from tests import ranking
from tests.conftest import People
from tests.filegateway import Records

WHOLE_DAY = Bucket(18 * 3_600, 23 * 3_600)
EVENING = datetime(2026, 3, 17, 21, 30, tzinfo=UTC)
"""17:30 ET on a Tuesday."""
DAYS = 21
# Tuesday 24 February to Tuesday 17 March
SESSIONS = 16


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs handed to Celery; no worker runs here."""
    handed: list[int] = []
    monkeypatch.setattr(tasks.refresh_ranks, "delay", handed.append)
    return handed


@pytest.fixture
def nq(small_market: Records) -> Asset:
    """NQ, of which nothing is stored; the gateway has data until a Tuesday evening."""
    cache.clear()
    small_market.end_ns = to_ns(EVENING)
    return Asset.objects.get(root="NQ")


def run(asset: Asset, days: int = DAYS, **asked: Any) -> Job:
    job = services.ask_for_refresh(asset=asset, lookback_days=days, **asked)
    tasks.refresh_ranks(job.pk)
    job.refresh_from_db()
    return job


def test_a_refresh_fetches_the_lookback_and_summarises_it(nq: Asset) -> None:
    job = run(nq)
    assert (job.state, job.message) == ("done", f"NQ: {SESSIONS} of {SESSIONS} sessions are summarised.")
    assert job.done == job.total > 2 * SESSIONS
    # the next session has just not opened: its sample is complete
    assert access.table(nq, "1D", date(2026, 3, 18), DAYS + 1).size(WHOLE_DAY) == SESSIONS
    rolls = {str(roll.to_contract): roll.trade_date for roll in nq.rolls.filter(kind="volume")}
    assert rolls == {"NQM6": date(2026, 3, 12)}


def test_what_is_stored_counts_before_the_rest_is_here(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "SUMMARISE_SECONDS", 0)
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(jobs, "publish", lambda _: seen.append((Coverage.objects.count(), Summary.objects.count())))
    run(nq)
    assert any(0 < made <= stored < SESSIONS for stored, made in seen)


def test_a_second_refresh_downloads_nothing_and_changes_nothing(nq: Asset, small_market: Records) -> None:
    run(nq)
    before = list(Summary.objects.values())
    small_market.calls.clear()
    assert run(nq).state == "done"
    assert [call for call in small_market.calls if "timeseries" in call] == []
    assert list(Summary.objects.values()) == before
    assert run(nq, days=7).message == "NQ: 6 of 6 sessions are summarised."
    assert list(Summary.objects.values()) == before


def test_a_longer_lookback_adds_and_makes_nothing_again(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    run(nq, days=7)
    made: list[date] = []
    summarise = summaries.summarise

    def counted(session: Any, *rest: Any) -> Any:
        made.append(session.trade_date)
        return summarise(session, *rest)

    monkeypatch.setattr(summaries, "summarise", counted)
    run(nq, days=DAYS)
    assert len(made) == SESSIONS - 6


def test_the_bar_moves_on_from_the_fetching_to_the_summaries(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(jobs, "publish", lambda job: seen.append((job.done, job.total)))
    run(nq)
    shares = [done / total for done, total in seen if total]
    assert max(shares[:-1]) < 1.001
    # while sessions are fetched there is still something to be done
    fetched = [share for share, (done, _) in zip(shares, seen, strict=False) if done <= SESSIONS]
    assert max(fetched) < 0.8


def test_what_costs_more_than_may_be_spent_waits_for_a_yes(nq: Asset, small_market: Records, people: People) -> None:
    limits = SpendingLimits.current()
    limits.counts_synthetic = True
    limits.save()
    small_market.dollars_a_record = 0.001
    job = run(nq, asked_by_id=people.admin.pk)
    assert job.state == "asking"
    assert not Coverage.objects.exists()
    while job.state == "asking":
        queue.approve(job, cost=jobs.describe(job)["cost"])
        tasks.refresh_ranks(job.pk)
        job.refresh_from_db()
    assert (job.state, job.message) == ("done", f"NQ: {SESSIONS} of {SESSIONS} sessions are summarised.")
    assert job.spent > 1


def test_a_gateway_that_is_down_fails_the_job_in_its_words(nq: Asset, settings: Any) -> None:
    cache.clear()
    settings.DATABENTO_GATEWAY = "http://127.0.0.1:1"
    job = run(nq)
    assert job.state == "failed"
    assert "gateway" in job.message


def test_a_cancelled_job_stops_and_what_is_done_stays(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0)
    made: list[date] = []
    summarise = summaries.summarise

    def cancelling(session: Any, *rest: Any) -> Any:
        made.append(session.trade_date)
        if session.trade_date == date(2026, 3, 13):
            jobs.cancel(Job.objects.get(kind=services.JOB_KIND))
        return summarise(session, *rest)

    monkeypatch.setattr(summaries, "summarise", cancelling)
    assert run(nq).state == "cancelled"
    assert made[-1] == date(2026, 3, 13)
    # the month before was over by then
    assert {row.trade_date.month for row in Summary.objects.all()} >= {2}
    monkeypatch.setattr(summaries, "summarise", summarise)
    assert run(nq).state == "done"
    assert Summary.objects.count() >= SESSIONS


def test_an_asset_has_one_refresh_at_a_time_and_a_failed_one_can_be_retried(nq: Asset) -> None:
    job = services.ask_for_refresh(asset=nq, lookback_days=DAYS)
    with pytest.raises(services.Busy, match="NQ are being refreshed already"):
        services.ask_for_refresh(asset=nq, lookback_days=5)
    services.ask_for_refresh(asset=Asset.objects.get(root="CL"), lookback_days=5)
    assert jobs.cancel(job)
    again = queue.retry(job)
    assert (again.kind, again.params) == (services.JOB_KIND, job.params)
    assert again.what == "NQ, 21 days"


def test_the_workers_take_up_a_refresh_that_was_abandoned(nq: Asset, queued: list[int]) -> None:
    from market.tasks import take_up_abandoned_jobs

    assert TASKS[services.JOB_KIND] is tasks.refresh_ranks
    job = services.ask_for_refresh(asset=nq, lookback_days=DAYS)
    queued.clear()
    take_up_abandoned_jobs()
    assert queued == [job.pk]


def test_every_night_what_is_kept_warm_and_lacks_something_is_refreshed(
    nq: Asset, django_capture_on_commit_callbacks: Any, queued: list[int]
) -> None:
    KeptWarm.objects.create(asset=nq, lookback_days=DAYS)
    with django_capture_on_commit_callbacks(execute=True):
        tasks.refresh_kept_warm()
    job = Job.objects.get(kind=services.JOB_KIND)
    assert queued == [job.pk]
    tasks.refresh_kept_warm()
    assert Job.objects.count() == 1
    tasks.refresh_ranks(job.pk)
    tasks.refresh_kept_warm()
    assert Job.objects.count() == 1
    assert not refresh.is_needed(nq, DAYS, to_ns(EVENING))
    # a day later there is one more session
    assert refresh.is_needed(nq, DAYS, to_ns(datetime(2026, 3, 18, 21, 30, tzinfo=UTC)))


def test_a_session_in_progress_is_not_bought_by_halves(nq: Asset, small_market: Records) -> None:
    small_market.end_ns = to_ns(datetime(2026, 3, 17, 15, 0, tzinfo=UTC))
    assert run(nq).message == f"NQ: {SESSIONS - 1} of {SESSIONS - 1} sessions are summarised."
    assert not Coverage.objects.filter(trade_date=date(2026, 3, 17)).exists()


def test_beat_asks_for_summaries_every_minute_and_refreshes_after_the_close() -> None:
    plan = django_settings.CELERY_BEAT_SCHEDULE
    assert (plan["new summaries"]["task"], plan["new summaries"]["schedule"]) == ("ranks.tasks.summarise_new", 60.0)
    nightly = plan["ranks"]
    assert nightly["task"] == "ranks.tasks.refresh_kept_warm"
    assert isinstance(nightly["schedule"], crontab)
    assert nightly["schedule"].hour == {17, 20}
    assert tasks.summarise_new.name in {"ranks.tasks.summarise_new"}


def test_new_pieces_are_summarised_by_the_minute_whoever_stored_them(nq: Asset) -> None:
    contract = ranking.contract(nq, 2026, 6, "NQM6")
    for session in nq.sessions.between(date(2026, 3, 16), date(2026, 4, 2)):
        ranking.store_session(contract, session)
    tasks.summarise_new()
    assert Summary.objects.count() == Coverage.objects.count() == 14


def test_an_odd_piece_does_not_keep_others_from_their_summaries(
    nq: Asset, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    contract = ranking.contract(nq, 2026, 6, "NQM6")
    for session in nq.sessions.between(date(2026, 3, 30), date(2026, 4, 2)):
        ranking.store_session(contract, session)
    summarise = summaries.summarise

    def odd(session: Any, *rest: Any) -> Any:
        if session.trade_date.month == 3:
            raise ValueError("odd")
        return summarise(session, *rest)

    monkeypatch.setattr(summaries, "summarise", odd)
    tasks.summarise_new()
    assert {row.trade_date.month for row in Summary.objects.all()} == {4}
    assert "NQM6 2026-03-01 could not be summarised" in caplog.text


def test_a_rebuild_makes_all_summaries_again(nq: Asset) -> None:
    run(nq)
    job = services.rebuild(asset=nq, lookback_days=DAYS)
    state = access.state(nq, date(2026, 3, 18), DAYS + 1)
    assert (len(state.stale), len(state.summarised)) == (SESSIONS, 0)
    tasks.refresh_ranks(job.pk)
    state = access.state(nq, date(2026, 3, 18), DAYS + 1)
    assert (len(state.stale), len(state.summarised), len(state.missing)) == (0, SESSIONS, 0)


# --- the command ------------------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rank_refresh", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_asks_for_jobs_and_shows_them_to_the_end(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ranks.management.commands.rank_refresh.time.sleep", lambda _: tasks.refresh_ranks(
        Job.objects.get().pk
    ))  # fmt: skip
    said = command("--root", "nq", "--days", str(DAYS)).splitlines()
    assert said[0].startswith("NQ: job ")
    assert "waits for a worker" in said[1]
    assert said[-1] == f"NQ   [{'#' * 30}] 100 % NQ: {SESSIONS} of {SESSIONS} sessions are summarised."


def test_the_command_takes_what_is_kept_warm(nq: Asset) -> None:
    with pytest.raises(CommandError, match="No asset is kept warm"):
        command("--no-wait")
    KeptWarm.objects.create(asset=nq, lookback_days=90)
    assert "90 days" in command("--no-wait")
    assert Job.objects.get().params["lookback_days"] == 90
    # another one at it is named, and followed
    assert command("--no-wait") == f"NQ: job {Job.objects.get().pk}, 90 days, is at it already\n"


@pytest.mark.parametrize(
    ("days", "why"),
    [
        ("0", "A lookback has 1 to 3,650 days, not 0."),
        ("-5", "A lookback has 1 to 3,650 days, not -5."),
        ("5000", "A lookback has 1 to 3,650 days, not 5,000."),
        ("a year", "A lookback is a whole number of days, not 'a year'."),
    ],
)
def test_the_command_refuses_a_lookback_that_cannot_be(nq: Asset, days: str, why: str) -> None:
    with pytest.raises(CommandError, match=re.escape(why)):
        command("--root", "NQ", "--days", days)
    assert not Job.objects.exists()


def test_the_command_follows_a_job_that_is_at_it_and_asks_for_what_that_did_not_do(
    nq: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(_: float) -> None:
        tasks.refresh_ranks(Job.objects.exclude(state__in=Job.FINAL).get().pk)

    monkeypatch.setattr("ranks.management.commands.rank_refresh.time.sleep", work)
    services.ask_for_refresh(asset=nq, lookback_days=7)
    said = command("--root", "NQ", "--days", str(DAYS))
    assert "7 days, is at it already" in said
    assert "NQ: 6 of 6 sessions are summarised." in said
    assert said.endswith(f"NQ: {SESSIONS} of {SESSIONS} sessions are summarised.\n")


def test_the_command_refuses_an_unknown_asset_and_tells_of_a_failure(
    nq: Asset, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=r"There is no asset XX\."):
        command("--root", "NQ", "xx")
    monkeypatch.setattr("ranks.management.commands.rank_refresh.time.sleep", lambda _: jobs.cancel(Job.objects.get()))
    with pytest.raises(CommandError, match="Not everything is ready"):
        command("--root", "NQ")
