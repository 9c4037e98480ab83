"""Handing jobs to the workers: new ones, those that got a yes, those that are tried once more."""

import contextlib
from typing import Any

import kombu.exceptions
from django.db import IntegrityError, transaction
from django.db.models import F

from market import jobs
from market.models import Job
from market.tasks import TASKS


class Stale(Exception):
    """The job is not as its user saw it; the message is fit for the user."""


def retried() -> frozenset[str]:
    """The kinds of jobs that can be tried once more; the files of an import are gone when it is over."""
    return frozenset(TASKS) - {Job.IMPORT}


def submit(*, kind: str, params: dict[str, Any], asked_by_id: int | None) -> Job:
    """Have a worker do something, once this transaction is committed."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind, asked_by_id=asked_by_id, params=params)
        _queue_on_commit(job)
    return job


def queue_again(job: Job) -> None:
    """Queue a job that no worker has taken; a worker that gets it twice runs it once."""
    with contextlib.suppress(kombu.exceptions.OperationalError):
        TASKS[job.kind].delay(job.pk)


def approve(job: Job, *, cost: str) -> None:
    """Say yes to what a job asks. cost: as it was shown, for a yes holds for that figure only. Raises Stale."""
    if jobs.describe(job)["cost"] != cost:
        raise Stale("The cost has changed since it was shown. Look at it again.")
    with transaction.atomic():
        asking = Job.objects.filter(pk=job.pk, state=Job.State.ASKING, cost=job.cost)
        if not asking.update(state=Job.State.QUEUED, approved=F("cost") + job.spent, message=""):
            raise Stale("This job is not waiting for an answer any more.")
        job.refresh_from_db()
        _queue_on_commit(job)


def answer(owner_id: int, job_id: int, cost: str | None) -> None:
    """Say yes to the cost of the owner's job, as it was shown, or cancel it (None).

    Raises Stale where it asks that no more, and Job.DoesNotExist where the job is another's.
    """
    job = Job.objects.get(pk=job_id, asked_by_id=owner_id)
    if cost is not None:
        approve(job, cost=cost)
    elif not jobs.cancel(job):
        raise Stale("This was over already.")


def retry(job: Job) -> Job:
    """Try a failed or cancelled job once more: a new job with the same parameters. Raises Stale."""
    if job.state not in (Job.State.FAILED, Job.State.CANCELLED):
        raise Stale("This job did not fail.")
    if job.kind == Job.IMPORT:
        raise Stale("The files are not kept. Drop them on the page Data once more.")
    if job.kind not in retried():
        raise Stale("A command did this job; run it again.")
    try:
        with transaction.atomic():
            return submit(kind=job.kind, params=job.params, asked_by_id=job.asked_by_id)
    except IntegrityError:
        raise Stale("The same is being done already.") from None


def _queue_on_commit(job: Job) -> None:
    def tell() -> None:
        TASKS[job.kind].delay(job.pk)

    # robust: without Valkey the job stays queued in its row, and whoever waits for it queues it again
    transaction.on_commit(tell, robust=True)
    transaction.on_commit(lambda: jobs.publish(job), robust=True)
