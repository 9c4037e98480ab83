"""Whether alerts on the live market are being evaluated: their evaluator says so once a second."""

import time
from functools import cache
from typing import Any

import redis
from django.conf import settings
from django.db import connection

STALE_SECONDS = 5.0
"""After so long without a beat nobody evaluates."""
ANSWER_SECONDS = 2.0


def beat() -> None:
    """The evaluator is at work. Raises RedisError."""
    _client().set(_name(), time.time_ns())


def silent_since_ns() -> int | None:
    """Since when nobody evaluates (UTC ns, the clock on the wall); 0 where nobody is known to have; None while somebody
    does. Raises RedisError."""
    at_ns = int(_client().get(_name()) or 0)
    return None if time.time_ns() - at_ns < STALE_SECONDS * 1_000_000_000 else at_ns


@cache
def _client() -> Any:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


def _name() -> str:
    """Several installations may share one Valkey."""
    return f"alerts:{connection.settings_dict['NAME']}:evaluated"
