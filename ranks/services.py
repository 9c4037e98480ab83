"""Asking for ranks to be made ready."""

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from market import queue
from market.models import Asset, Job
from ranks.models import Summary

JOB_KIND = "ranks"


class Busy(Exception):
    """The same is being done already, by `job`; the message is fit for the user."""

    def __init__(self, asset: Asset, job: Job) -> None:
        super().__init__(
            f"The ranks of {asset.root} are being refreshed already, by job {job.pk}. Try again when that is over."
        )
        self.job = job


def going() -> dict[str, Job]:
    """The jobs that are at ranks, by root; of several at one asset the one that is furthest."""
    jobs = Job.objects.exclude(state__in=Job.FINAL).filter(kind=JOB_KIND)
    return {job.params["root"]: job for job in sorted(jobs, key=lambda job: (job.state == Job.State.RUNNING, job.done))}


def ask_for_refresh(*, asset: Asset, lookback_days: int, asked_by_id: int | None = None) -> Job:
    """Have a worker fetch what is missing of a lookback, as far as its cost may be spent, and summarise it.

    Raises Busy while another job is at this asset.
    """
    busy = going().get(asset.root)
    if busy is not None:
        raise Busy(asset, busy)
    params: dict[str, Any] = {
        "root": asset.root,
        "lookback_days": lookback_days,
        "what": f"{asset.root}, {lookback_days:,} days",
    }
    return queue.submit(kind=JOB_KIND, params=params, asked_by_id=asked_by_id)


def ready_for(*, asset: Asset, until: date, lookback_days: int, asked_by_id: int | None) -> Job:
    """Have a worker fetch and summarise what the lookback before a trade date lacks; the same is not done twice."""
    params: dict[str, Any] = {
        "root": asset.root,
        "lookback_days": lookback_days,
        "until": until.isoformat(),
        "what": f"{asset.root}, {lookback_days:,} days before {until}",
    }
    same = Job.objects.exclude(state__in=Job.FINAL).filter(kind=JOB_KIND, asked_by_id=asked_by_id, params=params)
    return same.first() or queue.submit(kind=JOB_KIND, params=params, asked_by_id=asked_by_id)


def rebuild(*, asset: Asset, lookback_days: int, asked_by_id: int | None = None) -> Job:
    """Have all summaries of an asset made again, and this lookback fetched; until then they are stale. Raises Busy."""
    with transaction.atomic():
        job = ask_for_refresh(asset=asset, lookback_days=lookback_days, asked_by_id=asked_by_id)
        Summary.objects.filter(contract__asset=asset).update(made_with="")
    return job


def make_again(rows: QuerySet[Summary]) -> int:
    """Make summaries stale, so that the next minute makes them again; how many."""
    return Summary.objects.filter(pk__in=rows.values("pk")).update(made_with="")
