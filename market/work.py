"""How a worker does a job: under the job's lock, and whatever comes of it stands in the job's row."""

import logging
from collections.abc import Callable

from django.db import InterfaceError, OperationalError

from market import jobs
from market.gateway import believe
from market.gateway_errors import GatewayError, NotYetAvailable
from market.locks import try_advisory_lock
from market.models import Job
from market.plans import NoMarket
from market.spending import LimitReached, NeedsApproval

log = logging.getLogger(__name__)

Work = Callable[[Job, jobs.Progress], str]
"""Does a job; what to tell of it when it is done."""


def carry_out(job_id: int, work: Work) -> None:
    """Do a job, unless it is over or somebody else works on it. Doing it twice must be harmless."""
    try:
        with try_advisory_lock(*jobs.lock(job_id)) as mine:
            job = jobs.start(job_id) if mine else None
            if job is not None:
                _do(job, work)
    except NeedsApproval as question:
        # Asked only once the lock is free: a quick yes must find it so.
        jobs.ask(job_id, question.cost)
    except (OperationalError, InterfaceError) as problem:
        log.warning("job %s: left to be queued again, Postgres went away (%s)", job_id, problem)


def _do(job: Job, work: Work) -> None:
    progress = jobs.Progress(job)
    try:
        said = _up_to_the_end(job, progress, work)
    except jobs.JobCancelled:
        log.info("%s cancelled", job)
    except (GatewayError, LimitReached, NoMarket, jobs.Failed) as problem:
        log.warning("%s: %s", job, problem)
        progress.finish(Job.State.FAILED, str(problem))
    except (OperationalError, InterfaceError, NeedsApproval):
        raise
    except Exception:
        log.exception("%s failed", job)
        progress.finish(Job.State.FAILED, "Something went wrong in futsim; the log has the details. Try again.")
        raise
    else:
        progress.finish(Job.State.DONE, said)


def _up_to_the_end(job: Job, progress: jobs.Progress, work: Work) -> str:
    """Do the work, once more where the gateway told that its data, or the licence, end earlier than was known."""
    try:
        return work(job, progress)
    except NotYetAvailable as refusal:
        believe(refusal)
        return work(job, progress)
