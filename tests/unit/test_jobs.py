"""Jobs: started once, reported, cancelled, taken up again after a killed worker."""

from itertools import pairwise
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection

from market import jobs, tapes, tasks, work
from market.databento_historical import DatasetRange
from market.gateway import available_range, gateway
from market.gateway_errors import GatewayError, NotYetAvailable
from market.locks import _number, advisory_lock, is_locked, try_advisory_lock
from market.models import Job
from tests.filegateway import Records
from tests.unit.test_ingest import ALL, window

HELD = """SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
          WHERE locktype = 'advisory' AND datname = current_database()"""
"""Other tests hold locks in databases of their own at the same time."""


@pytest.fixture
def other_session(db: None) -> Any:
    """A second session at the same database, as another process would have."""
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)
    with psycopg.connect(**settings, autocommit=True) as session:
        yield session


def test_a_finished_or_cancelled_job_is_not_started_again(db: None) -> None:
    for state in Job.FINAL:
        assert jobs.start(Job.objects.create(kind="x", state=state).pk) is None


def test_a_job_whose_worker_was_lost_can_be_started_again(db: None) -> None:
    job = Job.objects.create(kind="x", state="running")
    assert jobs.start(job.pk) == job


def test_progress_is_written_and_the_rest_estimated(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = jobs.start(Job.objects.create(kind="x").pk)
    assert job is not None
    progress = jobs.Progress(job)
    progress.expect(4)
    progress.say("one of four", 1)
    stored = Job.objects.get(pk=job.pk)
    assert (stored.done, stored.total, stored.message, stored.state) == (1, 4, "one of four", "running")
    assert stored.rate
    assert jobs.describe(stored)["eta_seconds"] == round(3 / stored.rate)
    progress.finish(Job.State.DONE, "all four")
    stored.refresh_from_db()
    assert (stored.done, stored.state, stored.finished_at is not None) == (4, "done", True)


def test_what_was_there_before_does_not_count_into_the_rate(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = jobs.start(Job.objects.create(kind="x").pk)
    assert job is not None
    progress = jobs.Progress(job)
    progress.expect(10)
    progress.say("nine are here", 9, here=True)
    assert (job.done, job.percent, job.rate, job.eta_seconds) == (9, 90, None, None)


def test_a_job_that_is_taken_up_again_counts_anew(db: None) -> None:
    lost = Job.objects.create(kind="x", state="running", done=3, total=4, rate=2.0, reserved=1)
    job = jobs.start(lost.pk)
    assert job is not None
    assert (job.done, job.total, job.rate, job.reserved) == (0, 0, None, 0)
    progress = jobs.Progress(job)
    progress.expect(4)
    progress.say("one of four", 1)
    assert (job.done, job.total) == (1, 4)


@pytest.mark.parametrize("state", ["queued", "asking", "running"])
def test_a_job_that_is_not_over_can_be_cancelled(db: None, state: str) -> None:
    job = Job.objects.create(kind="x", state=state, reserved=1)
    assert jobs.cancel(job)
    assert (job.state, job.message, job.finished_at is not None, job.reserved) == ("cancelled", "Cancelled.", True, 0)


def test_a_job_that_asks_is_nobodys_to_start(db: None) -> None:
    assert jobs.start(Job.objects.create(kind="x", state="asking").pk) is None


def test_a_worker_hears_of_a_cancel_at_its_next_step(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = jobs.start(Job.objects.create(kind="x").pk)
    assert job is not None
    progress = jobs.Progress(job)
    progress.say("on it")
    jobs.cancel(Job.objects.get(pk=job.pk))
    with pytest.raises(jobs.JobCancelled):
        progress.say("still on it")
    progress.finish(Job.State.DONE, "all of it")
    assert Job.objects.get().state == "cancelled"


def test_the_bar_of_a_first_load_moves_with_every_request(
    small_market: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = jobs.start(Job.objects.create(kind="x").pk)
    assert job is not None
    shares: list[float] = []
    monkeypatch.setattr(jobs, "publish", lambda job: shares.append(job.done / job.total))
    wanted = window()
    tapes.prepare(wanted, gateway(patient=False), ALL, jobs.Progress(job))
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert max(after - before for before, after in pairwise(shares)) < 0.2
    assert min(after - before for before, after in pairwise(shares)) > -0.1


def test_a_job_that_is_over_cannot_be_cancelled(db: None) -> None:
    assert not jobs.cancel(Job.objects.create(kind="x", state="done"))


def test_a_lock_is_held_by_one_session_at_a_time(other_session: Any) -> None:
    with try_advisory_lock("job", 7) as mine:
        assert mine
        with other_session.cursor() as cursor:
            held = cursor.execute(HELD).fetchone()
            assert held == (1,)
    with advisory_lock("job", 7):
        pass
    with other_session.cursor() as cursor:
        assert cursor.execute(HELD).fetchone() == (0,)


def test_a_job_that_runs_elsewhere_is_left_alone(other_session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    monkeypatch.setattr(jobs, "start", lambda job_id: started.append(job_id))
    with other_session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_number(("job", 7))])
        tasks.prepare_window(7)
        assert started == []
        cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(("job", 7))])
    tasks.prepare_window(7)
    assert started == [7]


def test_a_job_is_abandoned_when_it_is_not_over_and_nobody_holds_its_lock(other_session: Any) -> None:
    queued, running, done = (Job.objects.create(kind="x", state=state) for state in ("queued", "running", "done"))
    assert jobs.is_abandoned(queued)
    assert jobs.is_abandoned(running)
    assert not jobs.is_abandoned(done)
    with other_session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_number(jobs.lock(running.pk))])
    assert not jobs.is_abandoned(running)
    assert jobs.is_abandoned(queued)


def test_locks_of_any_number_are_seen_while_they_are_held(other_session: Any) -> None:
    for key in (("job", number) for number in range(20)):
        assert not is_locked(*key)
        with try_advisory_lock(*key):
            assert is_locked(*key)


def test_a_job_that_loses_postgres_is_left_to_be_queued_again(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(*_: object) -> None:
        raise OperationalError("the connection is lost")

    job = Job.objects.create(kind="x")
    monkeypatch.setattr(tasks, "window_from", lose)
    tasks.prepare_window(job.pk)
    job.refresh_from_db()
    assert job.state == "running"
    assert jobs.is_abandoned(job)


def test_a_worker_that_starts_takes_up_what_a_killed_one_left(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    queued: list[int] = []
    monkeypatch.setattr(tasks.prepare_window, "delay", queued.append)
    left = [Job.objects.create(kind="replay data", state=state).pk for state in ("queued", "running")]
    for state in ("asking", "done", "failed", "cancelled"):
        Job.objects.create(kind="replay data", state=state)
    Job.objects.create(kind="download day", state="running")  # a command's, not a worker's
    tasks.take_up_abandoned_jobs()
    assert sorted(queued) == left


def test_a_pause_is_told_and_can_be_cancelled(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    job = jobs.start(Job.objects.create(kind="replay data").pk)
    assert job is not None
    progress = jobs.Progress(job)
    progress.expect(3)
    told: list[str] = []

    def sleep(seconds: float) -> None:
        told.append(Job.objects.get().message)
        jobs.cancel(Job.objects.get())

    monkeypatch.setattr("market.jobs.time.sleep", sleep)
    with pytest.raises(jobs.JobCancelled):
        progress.wait(60, "Too many requests.")
    assert told == ["Too many requests. Trying again in 60 s."]


def test_an_end_that_the_gateway_tells_is_believed_and_the_work_done_once_more(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATABENTO_API_KEY = "db-any"
    bounds, earlier = DatasetRange(0, 10**18), 10**17
    monkeypatch.setattr("market.databento_historical.HistoricalGateway.dataset_range", lambda *_: bounds)
    job = Job.objects.create(kind="replay data")
    ends = []

    def do(_: Job, __: jobs.Progress) -> str:
        ends.append(available_range("TEST.BOUNDS").end_ns)
        if len(ends) == 1:
            refusal = GatewayError(422, "dataset_unavailable_range", "No licence.", {})
            raise NotYetAvailable(refusal, "TEST.BOUNDS", earlier)
        return "Done."

    work.carry_out(job.pk, do)
    job.refresh_from_db()
    assert (ends, job.state, job.message) == ([10**18, earlier], "done", "Done.")
