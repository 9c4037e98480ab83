"""Whether alerts on the live market are being evaluated: their evaluator says so once a second."""

import time

from django.core.cache import cache
from django.db import connection

STALE_SECONDS = 5.0
"""After so long without a beat nobody evaluates."""


def beat() -> None:
    """The evaluator is at work."""
    cache.set(_name(), time.time_ns(), None)


def silent_since_ns() -> int | None:
    """Since when nobody evaluates (UTC ns, the clock on the wall); 0 where nobody is known to have; None while somebody
    does."""
    at_ns = int(cache.get(_name()) or 0)
    return None if time.time_ns() - at_ns < STALE_SECONDS * 1_000_000_000 else at_ns


def _name() -> str:
    """Several installations may share one Valkey."""
    return f"alerts.evaluated.{connection.settings_dict['NAME']}"
