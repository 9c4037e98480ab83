"""Waiting for a job to be over, whatever is lost on the way."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from market import jobs, queue
from market.bus import Bus
from market.models import Job

T = TypeVar("T")

JOB_POLL_SECONDS = 2.0
"""A lost job message is made up for by looking."""
QUEUE_AGAIN_SECONDS = 4.0
"""A job that nobody works on has lost its message or its worker, or waits for an idle worker: one message more is
harmless."""
OUTAGE_SECONDS, OUTAGE_PAUSE_SECONDS = 30.0, 0.5


async def patiently(call: Callable[..., T], *arguments: Any) -> T:
    """Run a function that uses the database in a thread, again while Postgres is being restarted."""
    deadline = time.monotonic() + OUTAGE_SECONDS
    while True:
        try:
            result: T = await database_sync_to_async(call)(*arguments)
            return result
        except (OperationalError, InterfaceError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(OUTAGE_PAUSE_SECONDS)


class Follower:
    """Follows one job at a time. job: as a page shows it; None without one. `changed` is called when it changes."""

    def __init__(self, bus: Bus, changed: Callable[[], None]) -> None:
        self.job: dict[str, Any] | None = None
        self._bus = bus
        self._changed = changed
        self._news = asyncio.Event()
        self._queued_at = 0.0

    async def follow(self, job: Job) -> dict[str, Any]:
        """Wait until a job is over; how it ended."""
        topic = jobs.topic(job.pk)
        await self._bus.subscribe(topic, self._hear)
        self._queued_at = time.monotonic()
        try:
            self._hear(jobs.describe(job))
            while self.job is None or self.job["state"] not in Job.FINAL:
                await self._wait(job)
            return self.job
        finally:
            self.job = None
            self._changed()
            await self._bus.unsubscribe(topic, self._hear)

    async def _wait(self, job: Job) -> None:
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), JOB_POLL_SECONDS)
        except TimeoutError:
            await patiently(job.refresh_from_db)
            self._hear(jobs.describe(job))
            await self._rescue(job)

    async def _rescue(self, job: Job) -> None:
        """Queue a job again that nobody works on."""
        long_ago = time.monotonic() - self._queued_at > QUEUE_AGAIN_SECONDS
        if long_ago and await patiently(jobs.is_abandoned, job):
            self._queued_at = time.monotonic()
            await patiently(queue.queue_again, job)

    def _hear(self, body: dict[str, Any]) -> None:
        self.job = body
        self._changed()
        self._news.set()
