"""The workers' part of the journal: many fills, and the tapes behind MAE and MFE."""

from celery import shared_task

from journal import access, services
from market.locks import try_advisory_lock
from trading.models import Take


@shared_task
def bring_up_to_date(user_id: int) -> None:
    """Read what is new in a user's record, then look up MAE and MFE. One worker at a time; twice is harmless."""
    with try_advisory_lock("journal", user_id) as mine:
        if mine:
            services.read_new(user_id)
            takes = access.unmeasured(user_id).values("take")
            for take in Take.objects.filter(pk__in=takes).select_related("session__asset", "parent"):
                services.measure_take(take)
