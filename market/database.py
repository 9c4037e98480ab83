"""The database from the event loop, for what is asked of it many times a second."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from asgiref.sync import SyncToAsync
from django.db import close_old_connections, connections

T = TypeVar("T")

CHECK_SECONDS = 1.0
"""A connection that was good so short a time ago is used without asking it first, which would be a query for each."""
THREADS = 4
"""Each with its connection: one waits for Postgres to have a commit on disk while another computes."""

_pool = ThreadPoolExecutor(THREADS, "database")
_checked = threading.local()


class _Call(SyncToAsync[..., Any]):
    """As `channels.db.database_sync_to_async`, which asks the connection whether it lives before each call, and has one
    thread for all, the pages' long queries among them."""

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
    """Run a short function that uses the database, in one of a few threads; who awaits one after the other has them
    in that order."""
    result: T = await _Call(call, thread_sensitive=False, executor=_pool)(*arguments)
    return result


def hang_up() -> None:
    """Close the connections of all threads, which hold on to the database. Nothing else may use them meanwhile."""
    together = threading.Barrier(THREADS)  # so that each thread takes one

    def close() -> None:
        together.wait()
        connections.close_all()

    for closed in [_pool.submit(close) for _ in range(THREADS)]:
        closed.result()
