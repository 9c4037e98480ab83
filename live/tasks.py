"""Celery's part: live sessions that are over go into the store."""

import logging

from celery import shared_task
from redis.exceptions import RedisError

from live import storing

log = logging.getLogger(__name__)


@shared_task
def store_sessions() -> None:
    """Running it twice ends in the same store."""
    try:
        stored = storing.store_finished()
    except (RedisError, OSError) as problem:
        log.warning("live sessions were not stored this time: %s", problem)
    else:
        log.info("stored of live: %s", ", ".join(stored) or "nothing new")
