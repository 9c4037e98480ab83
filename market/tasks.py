"""The workers' part: long work behind a Job.

The row is the record of a job, the lock says whether somebody works on it, and a task's message only calls a worker.
A message, a worker or a connection may be lost at any time: a job that is not over and whose lock is free is queued
again by whoever waits for it, by the next worker that starts, or within a minute. Running a job twice is harmless.
"""

import logging
from datetime import date
from typing import Any

from celery import Task, shared_task
from celery.signals import worker_ready
from django.db import transaction

from market import event_jobs, jobs, plans, refresh, tapes
from market.gateway import available_range, gateway
from market.importing import batches, spool
from market.models import Asset, Contract, Job
from market.spending import purse_for
from market.work import carry_out

log = logging.getLogger(__name__)

REPLAY_DATA = "replay data"


@shared_task
def prepare_window(job_id: int) -> None:
    """Fetch what a window's tape takes. Running it twice, or again after a crash, ends in the same store."""
    carry_out(job_id, _prepare_window)


def _prepare_window(job: Job, progress: jobs.Progress) -> str:
    window = window_from(job.params)
    available = available_range(window.asset.dataset)
    tapes.prepare(window, gateway(purse=purse_for(job), wait=progress.wait), available.end_ns, progress)
    return f"{window.asset.root}: {len(window.sessions)} sessions are ready."


@shared_task
def take_up_abandoned_jobs() -> None:
    """Queue again what a killed worker left; a job that still runs elsewhere holds its lock and is left alone."""
    for job in Job.objects.filter(state__in=Job.ACTIVE, kind__in=TASKS):
        if jobs.is_abandoned(job):
            TASKS[job.kind].delay(job.pk)


@worker_ready.connect
def take_up_at_start(**_: object) -> None:
    """A worker that starts often follows one that was killed."""
    spool.remove_left_overs()
    take_up_abandoned_jobs()


@shared_task
def get_events(job_id: int) -> None:
    """Fetch the trades or the order book of a session. What is stored already is not fetched again."""
    carry_out(job_id, _get_events)


def _get_events(job: Job, progress: jobs.Progress) -> str:
    contract = Contract.objects.select_related("asset").filter(pk=job.params["contract"]).first()
    if contract is None:
        raise jobs.Failed("This contract is not known any more. Load the replay again.")
    available = available_range(contract.asset.dataset)
    return event_jobs.run(job, contract, gateway(purse=purse_for(job), wait=progress.wait), available.end_ns, progress)


# --- the history ------------------------------------------------------------------------------------------


@shared_task
def refresh_every_history() -> None:
    """The nightly refresh. One that is not over is left to finish."""
    try:
        ask_for_refresh()
    except refresh.Busy as problem:
        log.warning("the nightly refresh did not start: %s", problem)


def ask_for_refresh(asked_by_id: int | None = None, roots: list[str] | None = None) -> Job:
    """Have a worker refresh the history of these assets, or of all. Raises refresh.Busy."""
    with transaction.atomic():
        job = refresh.create_job(asked_by_id, roots)
        transaction.on_commit(lambda: refresh_history.delay(job.pk), robust=True)
    return job


@shared_task
def refresh_history(job_id: int) -> None:
    """Fetch new daily bars and compute the rolls. Running it twice ends in the same rows."""
    carry_out(job_id, _refresh_history)


def _refresh_history(job: Job, progress: jobs.Progress) -> str:
    return refresh.run(job, gateway(purse=purse_for(job), wait=progress.wait), progress)


# --- users' own files -------------------------------------------------------------------------------------


@shared_task
def import_files(job_id: int) -> None:
    """Import the files of a job. Rows that were stored before a crash are found to be there."""
    carry_out(job_id, batches.run)
    batches.forget_cancelled(job_id)


TASKS: dict[str, Task[Any, Any]] = {
    REPLAY_DATA: prepare_window,
    refresh.JOB_KIND: refresh_history,
    Job.IMPORT: import_files,
    **dict.fromkeys(event_jobs.KINDS.values(), get_events),
}
"""Which task does the jobs of a kind. Those of other kinds are done by whoever made them."""


# --- windows as parameters --------------------------------------------------------------------------------


def window_params(window: plans.Window) -> dict[str, Any]:
    """A window as a job's parameters; `window_from` reads them."""
    return {
        "root": window.asset.root,
        "first": window.sessions[0].trade_date.isoformat(),
        "last": window.sessions[-1].trade_date.isoformat(),
        "entry": window.entry.isoformat(),
        "history_from": window.history_from.isoformat(),
    }


def window_from(params: dict[str, Any]) -> plans.Window:
    """The window that `window_params` described."""
    asset = Asset.objects.get(root=params["root"])
    first, last, entry, history_from = (
        date.fromisoformat(params[name]) for name in ("first", "last", "entry", "history_from")
    )
    return plans.Window(asset, asset.sessions.between(first, last), entry, history_from)
