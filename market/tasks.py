"""The workers' part: long work behind a Job."""

import logging
from datetime import date
from typing import Any

from celery import shared_task
from celery.signals import worker_ready
from django.db import InterfaceError, OperationalError

from market import jobs, plans, tapes
from market.gateway import available_range, gateway
from market.gateway_errors import GatewayError
from market.importing import batches
from market.locks import try_advisory_lock
from market.models import Asset, Job

log = logging.getLogger(__name__)


# Postgres comes back within seconds; what was stored until then stays stored.
@shared_task(autoretry_for=(OperationalError, InterfaceError), retry_backoff=1, retry_backoff_max=30, max_retries=8)
def prepare_window(job_id: int) -> None:
    """Fetch what a window's tape takes. Running it twice, or again after a crash, ends in the same store."""
    with try_advisory_lock("job", job_id) as mine:
        job = jobs.start(job_id) if mine else None
        if job is not None:
            _prepare_window(job)


@shared_task(autoretry_for=(OperationalError, InterfaceError), retry_backoff=1, retry_backoff_max=30, max_retries=8)
def import_files(job_id: int) -> None:
    """Import the files of a job. Rows that were stored before a crash are found to be there."""
    with try_advisory_lock("job", job_id) as mine:
        if mine:
            batches.run(job_id)


@worker_ready.connect
def take_up_lost_jobs(**_: object) -> None:
    """Queue again what a killed worker left; a job that still runs elsewhere holds its lock and is left alone."""
    for job_id, kind in Job.objects.exclude(state__in=Job.FINAL).values_list("pk", "kind"):
        (import_files if kind == Job.IMPORT else prepare_window).delay(job_id)


def _prepare_window(job: Job) -> None:
    progress = jobs.Progress(job)
    try:
        window = window_from(job.params)
        available = available_range(window.asset.dataset)
        tapes.prepare(window, gateway(), available.end_ns, progress)
    except jobs.JobCancelled:
        log.info("%s cancelled", job)
    except (GatewayError, plans.NoMarket) as problem:
        progress.finish(Job.State.FAILED, str(problem))
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("%s failed", job)
        progress.finish(Job.State.FAILED, "Something went wrong in futsim; the log has the details. Press Load again.")
        raise
    else:
        progress.finish(Job.State.DONE, f"{window.asset.root}: {len(window.sessions)} sessions are ready.")


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
