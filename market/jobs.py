"""Long work with visible progress: the Job row is the record, Channels groups carry each change."""

import logging
import math
import time
from decimal import Decimal
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db.models.functions import Now
from redis.exceptions import RedisError

from market.locks import is_locked
from market.models import Job
from market.money import estimate

log = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
"""Progress is written and sent at most this often."""
ALL_TOPIC = "jobs.all"
"""The Channels group of everybody's jobs."""


class JobCancelled(Exception):
    """Somebody cancelled the job."""


class Failed(Exception):
    """A job cannot be done; the message says why and what to do."""


def topic(job_id: int) -> str:
    """The Channels group of a job."""
    return f"job.{job_id}"


def user_topic(user_id: int) -> str:
    """The Channels group of one user's jobs."""
    return f"jobs.{user_id}"


def lock(job_id: int) -> tuple[str, int]:
    """The advisory lock that whoever works on a job holds."""
    return "job", job_id


def is_abandoned(job: Job) -> bool:
    """Whether the job, as this row has it, is a worker's and nobody works on it."""
    return job.state in Job.ACTIVE and not is_locked(*lock(job.pk))


def describe(job: Job) -> dict[str, Any]:
    """What a page shows of a job. cost: dollars as "$2.43", None while it is not known."""
    fields = ("id", "kind", "state", "done", "total", "message", "rate", "eta_seconds")
    cost = None if job.cost is None else estimate(job.cost)
    return {name: getattr(job, name) for name in fields} | {"cost": cost}


def start(job_id: int) -> Job | None:
    """Take a queued job, or take over a running one whose worker was lost; None when it is not for a worker.

    It counts anew: what is stored already is done at once.
    """
    active = Job.objects.filter(pk=job_id, state__in=Job.ACTIVE)
    if not active.update(state=Job.State.RUNNING, started_at=Now(), done=0, total=0, rate=None, reserved=0):
        return None
    return Job.objects.get(pk=job_id)


def ask(job_id: int, cost: Decimal) -> None:
    """Have a running job wait for a yes to what its next download costs; a cancelled one stays cancelled."""
    text = f"This download costs about {estimate(cost)}."
    running = Job.objects.filter(pk=job_id, state=Job.State.RUNNING)
    if running.update(state=Job.State.ASKING, cost=cost, message=text, reserved=0):
        publish(Job.objects.get(pk=job_id))


def cancel(job: Job) -> bool:
    """Ask a job to stop; False when it is already over. A worker hears it at its next step."""
    going = Job.objects.filter(pk=job.pk).exclude(state__in=Job.FINAL)
    stopped = going.update(state=Job.State.CANCELLED, message="Cancelled.", finished_at=Now(), reserved=0)
    job.refresh_from_db()
    if stopped:
        publish(job)
    return bool(stopped)


class Progress:
    """The worker's handle on its job."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._began = time.monotonic()
        self._worked = 0
        self._reported = 0.0

    def expect(self, units: int) -> None:
        """Say how many units are still to be done."""
        self._job.total = self._job.done + units

    def say(self, message: str, units: int = 0, *, here: bool = False) -> None:
        """Tell what is being done and how many more units are done. Raises JobCancelled.

        here: they were there before; the rate counts only what took work.
        """
        self._job.message = message
        self._job.done = min(self._job.done + units, self._job.total)
        self._worked += 0 if here else units
        if time.monotonic() - self._reported >= REPORT_SECONDS:
            self._report()

    def wait(self, seconds: float, why: str) -> None:
        """Spend a pause, telling why and how long it still is. Raises JobCancelled."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.say(f"{why} Trying again in {math.ceil(left)} s.")
            time.sleep(min(left, 1.0))

    def _report(self) -> None:
        self._reported = time.monotonic()
        job = self._job
        job.rate = self._worked / (self._reported - self._began) if self._worked else None
        running = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING)
        if not running.update(done=job.done, total=job.total, rate=job.rate, message=job.message):
            raise JobCancelled
        job.state = Job.State.RUNNING
        publish(job)

    def finish(self, state: Job.State, message: str) -> None:
        """End the job as done or failed; a cancelled one stays cancelled."""
        job = self._job
        done = job.total if state == Job.State.DONE else job.done
        Job.objects.filter(pk=job.pk, state=Job.State.RUNNING).update(
            state=state, done=done, total=job.total, message=message, finished_at=Now(), reserved=0
        )
        job.refresh_from_db()
        publish(job)


def publish(job: Job) -> None:
    """Tell the pages that show the job how it stands."""
    body = describe(job)
    whose = {ALL_TOPIC} if job.asked_by_id is None else {ALL_TOPIC, user_topic(job.asked_by_id)}
    messages = {topic(job.pk): body} | dict.fromkeys(whose, body | {"user": job.asked_by_id})
    try:
        async_to_sync(_send)(messages)
    except (RedisError, OSError) as problem:
        # The row is the record; pages look at it when no message comes.
        log.warning("job %s: progress not sent (%s)", job.pk, problem)


async def _send(messages: dict[str, dict[str, Any]]) -> None:
    layer = get_channel_layer()
    for group, body in messages.items():
        await layer.group_send(group, {"type": "hub.message", "topic": group, "body": body})
