"""Carrying the history on: new daily bars of every asset that has some, and the rolls that follow from them."""

import logging
from datetime import timedelta

from django.db import IntegrityError, InterfaceError, OperationalError, transaction

from market import rolls
from market.databento_historical import HistoricalGateway
from market.gateway import available_range
from market.gateway_errors import GatewayError
from market.history import Span, count_requests, ensure_history
from market.jobs import Failed, JobCancelled, Progress
from market.models import Asset, Job
from market.sessions import utc_date
from market.spending import LimitReached, NeedsApproval

log = logging.getLogger(__name__)

JOB_KIND = "history"
OLD = timedelta(days=366)
"""A history that ends longer ago belongs to old replays; carrying it on would download years that nobody asked for."""


class Busy(Exception):
    """Another refresh is not over; the message is fit for the user."""


class Incomplete(Failed):
    """Some assets could not be refreshed; the message says which and why."""


def create_job(asked_by_id: int | None = None, roots: list[str] | None = None) -> Job:
    """The row of a refresh: of these assets, computing all their rolls again, or of all (None). Raises Busy."""
    try:
        with transaction.atomic():
            params = {"roots": roots, "what": ", ".join(roots) if roots else "all assets"}
            return Job.objects.create(kind=JOB_KIND, asked_by_id=asked_by_id, params=params)
    except IntegrityError:
        raise Busy("Daily volumes and rolls are being refreshed already. Try again when that is over.") from None


def run(job: Job, gateway: HistoricalGateway, progress: Progress) -> str:
    """Do a refresh; what to tell of it. Whatever happens to one asset, the others have their turn.

    Raises JobCancelled, and Incomplete at the end.
    """
    roots = job.params["roots"]
    assets = list(assets_with_history(roots))
    problems = []
    for number, asset in enumerate(assets):
        try:
            _refresh(asset, gateway, progress, after=len(assets) - number, anew=roots is not None)
            progress.say(f"{asset.root}: daily volumes and rolls are up to date", 1)
        except (JobCancelled, NeedsApproval, OperationalError, InterfaceError):
            raise
        except (GatewayError, LimitReached) as problem:
            problems.append(f"{asset.root}: {problem}")
        except Exception:
            log.exception("%s could not be refreshed", asset.root)
            problems.append(f"{asset.root}: something went wrong in futsim; the log has the details.")
    fine = f"{len(assets) - len(problems)} of {len(assets)} assets with daily volumes are up to date."
    if problems:
        raise Incomplete("\n".join([fine, *problems]))
    return fine


def assets_with_history(roots: list[str] | None = None) -> list[Asset]:
    """The assets that have daily bars: of these roots, or all that are offered to users."""
    assets = Asset.objects.filter(from_files=False, daily_spans__isnull=False).distinct()
    return list(assets.filter(is_active=True) if roots is None else assets.filter(root__in=roots))


def _refresh(asset: Asset, gateway: HistoricalGateway, progress: Progress, *, after: int, anew: bool) -> None:
    """after: the units of this asset's rolls and of the assets that follow."""
    progress.expect(after)
    span = new_span(asset, available_range(asset.dataset).end_ns)
    if span is not None:
        progress.expect(count_requests(asset, *span) + after)
        ensure_history(asset, gateway, *span, progress)
    if anew:
        asset.daily_spans.update(is_scheduled=False)
    rolls.rebuild(asset)


def new_span(asset: Asset, available_ns: int) -> Span | None:
    """The UTC dates from the end of the asset's daily bars to yesterday; None where there are none, or too many."""
    last = asset.daily_spans.order_by("-end_date").first()
    today = utc_date(available_ns)
    if last is None or not last.end_date < today <= last.end_date + OLD:
        return None
    return last.end_date, today
