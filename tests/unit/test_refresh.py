"""The nightly refresh: what is new is fetched, rolls follow, one asset's trouble is not another's."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest
from celery.schedules import crontab
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection

from market import jobs, queue, refresh, rolls, tasks
from market.engine.bars import Bars
from market.gateway_errors import GatewayError
from market.locks import _number
from market.models import Asset, DailyBar, DailySpan, Job, Roll, SpendingLimits
from market.sessions import to_ns
from tests.filegateway import Records
from tests.markets import sparse_contract

Queued = list[int]


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> Queued:
    """The refreshes handed to Celery; no worker runs here."""
    handed: Queued = []
    monkeypatch.setattr(tasks.refresh_history, "delay", handed.append)
    return handed


@pytest.fixture
def market(small_market: Records) -> Records:
    """NQ as in `small_market` up to a Tuesday evening in UTC, and the history of a replay until the 6th."""
    set_clock(small_market, datetime(2026, 3, 10, 23, 30, tzinfo=UTC))
    history("NQ", date(2026, 2, 2), date(2026, 3, 6))
    return small_market


def set_clock(records: Records, now: datetime) -> None:
    cache.clear()
    records.end_ns = to_ns(now)


def history(root: str, first: date, end: date) -> None:
    """A span of daily bars as a replay leaves it; the bars themselves are not needed here."""
    DailySpan.objects.create(asset=Asset.objects.get(root=root), first_date=first, end_date=end, source="stand-in")


def run(roots: list[str] | None = None) -> Job:
    job = tasks.ask_for_refresh(roots=roots)
    tasks.refresh_history(job.pk)
    job.refresh_from_db()
    return job


def ends() -> dict[str, date]:
    return {span.asset.root: span.end_date for span in DailySpan.objects.all()}


def test_the_daily_bars_that_are_new_are_fetched_and_the_rolls_follow(market: Records) -> None:
    job = run()
    assert (job.state, job.message) == ("done", "1 of 1 assets with daily volumes are up to date.")
    assert ends() == {"NQ": date(2026, 3, 10)}
    assert set(DailyBar.objects.values_list("date", flat=True)) == {date(2026, 3, day) for day in (6, 8, 9)}
    set_clock(market, datetime(2026, 3, 12, 0, 15, tzinfo=UTC))
    run()
    assert ends() == {"NQ": date(2026, 3, 12)}
    roll = Roll.objects.get(kind="volume")
    assert (roll.trade_date, str(roll.to_contract)) == (date(2026, 3, 12), "NQM6")


def test_a_second_refresh_asks_for_nothing_and_changes_nothing(market: Records) -> None:
    run()
    rows = list(Roll.objects.values()), list(DailyBar.objects.values())
    market.calls.clear()
    assert run().state == "done"
    assert [call for call in market.calls if "dataset_range" not in call] == []
    assert (list(Roll.objects.values()), list(DailyBar.objects.values())) == rows


@pytest.mark.parametrize("change", [{"is_active": False}, {"from_files": True}])
def test_an_asset_that_nobody_uses_or_that_comes_from_files_is_left_alone(
    market: Records, change: dict[str, bool]
) -> None:
    Asset.objects.filter(root="NQ").update(**change)
    assert run().message == "0 of 0 assets with daily volumes are up to date."
    assert ends() == {"NQ": date(2026, 3, 6)}


def test_an_asset_without_daily_bars_gets_none(market: Records) -> None:
    run()
    assert not DailySpan.objects.exclude(asset__root="NQ").exists()


def test_a_history_that_ended_long_ago_is_not_carried_on(market: Records) -> None:
    history("CL", date(2013, 10, 1), date(2013, 11, 1))
    run()
    assert ends()["CL"] == date(2013, 11, 1)


def test_one_assets_trouble_is_told_and_the_others_have_their_turn(
    market: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    history("CL", date(2026, 2, 2), date(2026, 3, 6))
    history("ZN", date(2026, 2, 2), date(2026, 3, 6))
    fetch: Callable[..., None] = refresh.ensure_history

    def troubled(asset: Asset, *arguments: Any) -> None:
        if asset.root == "CL":
            raise GatewayError(402, "", "No funds.", {})
        if asset.root == "ZN":
            raise RuntimeError("a fault of ours")
        fetch(asset, *arguments)

    monkeypatch.setattr(refresh, "ensure_history", troubled)
    job = run()
    assert job.state == "failed"
    assert job.message.splitlines() == [
        "1 of 3 assets with daily volumes are up to date.",
        "CL: The data gateway says: 402: No funds. The Databento account lacks funds. Add funds or a plan in "
        "Databento's portal.",
        "ZN: something went wrong in futsim; the log has the details.",
    ]
    assert ends() == {"CL": date(2026, 3, 6), "NQ": date(2026, 3, 10), "ZN": date(2026, 3, 6)}


def test_a_gateway_that_is_down_is_told_for_each_asset(market: Records, settings: Any, monkeypatch: Any) -> None:
    settings.DATABENTO_GATEWAY = "http://127.0.0.1:9"
    monkeypatch.setattr("market.databento_historical.TRIES", 1)
    job = run()
    assert (job.state, job.finished_at is not None) == ("failed", True)
    assert "NQ: The data gateway says: stand-in does not answer." in job.message.replace("Databento", "stand-in")


def test_there_are_never_two_at_a_time(market: Records, queued: Queued) -> None:
    first = tasks.ask_for_refresh()
    with pytest.raises(refresh.Busy, match="already"):
        tasks.ask_for_refresh(roots=["NQ"])
    tasks.refresh_every_history()
    assert list(Job.objects.filter(kind="history")) == [first]
    tasks.refresh_history(first.pk)
    tasks.ask_for_refresh()


def test_one_that_runs_elsewhere_is_left_alone(market: Records) -> None:
    job = tasks.ask_for_refresh()
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)
    with psycopg.connect(**settings, autocommit=True) as elsewhere:
        elsewhere.execute("SELECT pg_advisory_lock(%s)", [_number(jobs.lock(job.pk))])
        tasks.refresh_history(job.pk)
    assert ends() == {"NQ": date(2026, 3, 6)}


def test_one_that_lost_its_worker_is_queued_again_as_a_refresh(market: Records, queued: Queued) -> None:
    job = Job.objects.create(kind="history", params={"roots": None}, state="running")
    tasks.take_up_abandoned_jobs()
    assert queued == [job.pk]


def test_it_can_be_cancelled(market: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = tasks.ask_for_refresh()
    monkeypatch.setattr(rolls, "rebuild", lambda asset: jobs.cancel(Job.objects.get(pk=job.pk)))
    tasks.refresh_history(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_asked_for_by_name_all_rolls_are_computed_again(market: Records) -> None:
    run()
    Roll.objects.all().delete()
    run()
    assert not Roll.objects.exists()
    run(["NQ"])
    assert Roll.objects.filter(kind="seed").exists()


def test_the_bar_reaches_its_end(market: Records) -> None:
    history("CL", date(2026, 2, 2), date(2026, 3, 6))
    market.add("CLK6", few_days())
    job = run()
    assert job.done == job.total > 2


def few_days() -> Bars:
    calendar = Asset.objects.get(root="CL").sessions
    return sparse_contract(calendar, date(2026, 3, 5), date(2026, 3, 10), seed=4, base=400)


def test_it_runs_each_evening_after_the_utc_day_has_ended_in_summer_too() -> None:
    entry = django_settings.CELERY_BEAT_SCHEDULE["new daily volumes"]
    assert entry["task"] == tasks.refresh_every_history.name
    assert entry["schedule"] == crontab(hour=20, minute=15)
    assert django_settings.CELERY_TIMEZONE == "America/New_York"


# --- among other jobs ---------------------------------------------------------------------------------------


def test_one_that_failed_can_be_tried_again_but_not_beside_another(market: Records) -> None:
    failed = Job.objects.create(kind="history", params={"roots": ["NQ"]}, state="failed")
    again = queue.retry(failed)
    assert (again.kind, again.params) == ("history", {"roots": ["NQ"]})
    with pytest.raises(queue.Stale, match="The same is being done already."):
        queue.retry(failed)


def test_a_job_of_a_command_is_not_tried_again_by_a_worker(db: None) -> None:
    with pytest.raises(queue.Stale, match="A command did this job; run it again."):
        queue.retry(Job.objects.create(kind="download day", state="failed"))


def test_it_pays_like_any_other_and_asks_where_it_is_dear(market: Records) -> None:
    market.dollars_a_record = 0.5
    SpendingLimits.objects.create(pk=1, counts_synthetic=True, confirm_above=1)
    before = ends()
    job = run()
    assert (job.state, ends()) == ("asking", before)
    with pytest.raises(refresh.Busy):
        tasks.ask_for_refresh()
    queue.approve(job, cost=jobs.describe(job)["cost"])
    tasks.refresh_history(job.pk)
    job.refresh_from_db()
    assert job.state == "done"
    assert job.purchases.exists()


def test_a_limit_that_is_reached_is_told_for_the_asset(market: Records) -> None:
    market.dollars_a_record = 0.5
    SpendingLimits.objects.create(pk=1, counts_synthetic=True, installation_daily=0)
    job = run()
    assert job.state == "failed"
    assert "NQ: The limit of all users together is $0.00 a day" in job.message
