"""The database from the event loop, for what is asked of it many times a second."""

import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync
from django.db import close_old_connections

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""A connection that was good so short a time ago is used without asking it first, which would be a query for each."""

_checked = threading.local()


class _Call(SyncToAsync[..., Any]):
    """As `channels.db.database_sync_to_async`, which asks the connection whether it lives before each call."""

    def thread_handler(self, *arguments: Any, **named: Any) -> Any:
        now = time.monotonic()
        if now - getattr(_checked, "at", -CHECK_SECONDS) >= CHECK_SECONDS:
            _checked.at = now
            close_old_connections()
        try:
            return super().thread_handler(*arguments, **named)  # type: ignore[no-untyped-call]
        except BaseException:
            _checked.at = -CHECK_SECONDS
            close_old_connections()
            raise


async def in_database(call: Callable[..., T], *arguments: Any) -> T:
    """Run a function that uses the database, in the thread that all such functions share."""
    result: T = await _Call(call)(*arguments)
    return result
