"""The workers' part of ranks.

Whoever stores market data does not know of ranks (market imports nothing of ours), and a message can be lost. So
nobody tells: once a minute `summarise_new` asks the database which stored pieces have no summary, and makes them. A
replay that opens queues it at once, which spares the minute. The answer is one query; with nothing to do it takes
milliseconds.
"""

import logging
import math
import time

from celery import shared_task
from django.db import InterfaceError, OperationalError

from market import jobs
from market.gateway import available_range, gateway
from market.gateway_errors import GatewayError
from market.locks import try_advisory_lock
from market.models import Job
from market.spending import purse_for
from market.tasks import TASKS
from market.work import carry_out
from ranks import refresh, summaries
from ranks.models import KeptWarm
from ranks.services import JOB_KIND, Busy, ask_for_refresh

log = logging.getLogger(__name__)

BUDGET_SECONDS = 40.0
"""After so long the rest is left to the next minute: users' jobs wait for the same workers."""


@shared_task
def summarise_new() -> None:
    """Make the summaries of pieces that came in since, one worker at a time."""
    with try_advisory_lock("ranks", "summarise new") as mine:
        if mine:
            _build(summaries.new_months(), time.monotonic() + BUDGET_SECONDS)


def _build(months: list[summaries.Month], until: float) -> None:
    for month in months:
        try:
            summaries.build(month)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            # one odd piece must not keep the others from their summaries
            log.exception("%s %s could not be summarised", month.contract, month.day)
        if time.monotonic() > until:
            return


@shared_task
def refresh_kept_warm() -> None:
    """The nightly refresh: what another calendar or tick has outdated, and a job for each asset that lacks sessions."""
    _build(summaries.outdated_months(), until=math.inf)
    for kept in KeptWarm.objects.select_related("asset"):
        try:
            available = available_range(kept.asset.dataset)
            if refresh.is_needed(kept.asset, kept.lookback_days, available.end_ns):
                ask_for_refresh(asset=kept.asset, lookback_days=kept.lookback_days)
        except (Busy, GatewayError) as problem:
            log.warning("the ranks of %s are not refreshed: %s", kept.asset, problem)


@shared_task
def refresh_ranks(job_id: int) -> None:
    """Do a job of `ranks.services`. Running it twice ends in the same summaries."""
    carry_out(job_id, _refresh_ranks)


def _refresh_ranks(job: Job, progress: jobs.Progress) -> str:
    available = available_range(refresh.asset_of(job).dataset)
    return refresh.run(job, gateway(purse=purse_for(job), wait=progress.wait), available.end_ns)


TASKS[JOB_KIND] = refresh_ranks
