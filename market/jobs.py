"""Long work with visible progress: the Job row is the record, a Channels group carries each change."""

import logging
import time
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db.models.functions import Now
from redis.exceptions import RedisError

from market.locks import is_locked
from market.models import Job

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
"""Progress is written and sent at most this often."""


class JobCancelled(Exception):
    """Somebody cancelled the job."""


def topic(job_id: int) -> str:
    """The Channels group of a job."""
    return f"job.{job_id}"


def lock(job_id: int) -> tuple[str, int]:
    """The advisory lock that whoever works on a job holds."""
    return "job", job_id


def is_abandoned(job: Job) -> bool:
    """Whether the job, as this row has it, is not over and nobody works on it."""
    return job.state not in Job.FINAL and not is_locked(*lock(job.pk))


def describe(job: Job, eta_seconds: int | None = None) -> dict[str, Any]:
    """What a page shows of a job."""
    fields = ("id", "kind", "state", "done", "total", "message")
    return {name: getattr(job, name) for name in fields} | {"eta_seconds": eta_seconds}


def start(job_id: int) -> Job | None:
    """Take a queued job, or take over a running one whose worker was lost; None when it is finished or cancelled."""
    active = Job.objects.filter(pk=job_id, state__in=[Job.State.QUEUED, Job.State.RUNNING])
    if not active.update(state=Job.State.RUNNING, started_at=Now()):
        return None
    return Job.objects.get(pk=job_id)


def cancel(job: Job) -> bool:
    """Ask a job to stop; False when it is already over."""
    stopped = Job.objects.filter(pk=job.pk, state__in=[Job.State.QUEUED, Job.State.RUNNING]).update(
        state=Job.State.CANCELLED, message="Cancelled.", finished_at=Now()
    )
    if stopped:
        job.refresh_from_db()
        _publish(job, None)
    return bool(stopped)


class Progress:
    """The worker's handle on its job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        job.done = job.total = 0  # what a lost worker has stored is counted again, as fast as it is found
        self._began = time.monotonic()
        self._reported = 0.0

    def expect(self, units: int) -> None:
        """Say how many units are still to be done."""
        self._job.total = self._job.done + units

    def say(self, message: str, units: int = 0) -> None:
        """Tell what is being done and how many more units are done. Raises JobCancelled."""
        self._job.message = message
        self._job.done = min(self._job.done + units, self._job.total)
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self._report()

    def _report(self) -> None:
        self._reported = time.monotonic()
        job = self._job
        running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)
        if not running.update(done=job.done, total=job.total, message=job.message):
            raise JobCancelled
        job.state = Job.State.RUNNING
        _publish(job, self._eta())

    def _eta(self) -> int | None:
        """Seconds left at the rate so far; None before the first unit."""
        if not self._job.done:
            return None
        rate = self._job.done / (time.monotonic() - self._began)
        return round((self._job.total - self._job.done) / rate)

    def finish(self, state: Job.State, message: str) -> None:
        """End the job as done or failed; a cancelled one stays cancelled."""
        job = self._job
        done = job.total if state == Job.State.DONE else job.done
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(
            state=state, done=done, total=job.total, message=message, finished_at=Now()
        )
        job.refresh_from_db()
        _publish(job, None)


def _publish(job: Job, eta_seconds: int | None) -> None:
    group = topic(job.pk)
    message = {"type": "hub.message", "topic": group, "body": describe(job, eta_seconds)}
    try:
        async_to_sync(get_channel_layer().group_send)(group, message)
    except (RedisError, OSError) as problem:
        # The row is the record; pages look at it when no message comes.
        log.warning("job %s: progress not sent (%s)", job.pk, problem)
