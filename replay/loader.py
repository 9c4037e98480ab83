"""Getting a replay's tape: at once when it is stored, else after a worker has fetched it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from market import jobs, plans, queue, store, tapes
from market.bus import Bus
from market.engine.tape import Tape
from market.models import Job
from replay import services
from replay.models import ReplaySession

T = TypeVar("T")

JOB_POLL_SECONDS = 2.0
"""A lost job message is made up for by looking."""
QUEUE_AGAIN_SECONDS = 4.0
"""A job that nobody works on has lost its message or its worker, or waits for an idle worker: one message more is
harmless."""
OUTAGE_SECONDS, OUTAGE_PAUSE_SECONDS = 30.0, 0.5
ATTEMPTS = 2
"""A damaged file is found while reading; then it is fetched again, once."""


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


class CannotLoad(Exception):
    """There is no tape; the message says why and what to do. cancelled: somebody did not want it."""

    def __init__(self, message: str, *, cancelled: bool = False) -> None:
        super().__init__(message)
        self.cancelled = cancelled


class Loader:
    """Loads windows for one replay; each load may be cancelled at any time.

    job: the job being waited for, as a page shows it; None without one.
    """

    def __init__(self, replay: ReplaySession, bus: Bus, job_changed: Callable[[], None]) -> None:
        self.job: dict[str, Any] | None = None
        self._replay = replay
        self._bus = bus
        self._job_changed = job_changed
        self._news = asyncio.Event()
        self._queued_at = 0.0

    async def around(self, ns: int, anchor_ns: int) -> Tape:
        """The sessions around an instant in the prices of the front month at the anchor. Raises CannotLoad."""
        replay = self._replay
        job = replay.job if replay.state == ReplaySession.State.LOADING else None
        available = await patiently(services.what_is_available, replay.asset)
        try:
            window = services.window_around(replay, ns, anchor_ns, available)
        except services.BadMoment as problem:
            raise CannotLoad(str(problem)) from None
        return await self._load(window, available, job)

    async def ahead(self, tape: Tape) -> Tape | None:
        """The tape with the next sessions behind it; None when there are none yet. Raises CannotLoad."""
        available = await patiently(services.what_is_available, self._replay.asset)
        window = services.window_ahead(self._replay, tape, available)
        return None if window is None else await self._load(window, available, None)

    async def behind(self, tape: Tape, ns: int) -> Tape | None:
        """The tape with ten sessions before that of an instant; None when it has them. Raises CannotLoad."""
        available = await patiently(services.what_is_available, self._replay.asset)
        window = services.window_behind(self._replay, tape, ns, available)
        return None if window is None else await self._load(window, available, None)

    async def _load(self, window: plans.Window, available: services.Available, job: Job | None) -> Tape:
        for _ in range(ATTEMPTS):
            if job is not None or not await patiently(services.is_stored, window, available.end_ns):
                await self._fetch(window, available, job)
                job = None
            try:
                tape: Tape = await patiently(tapes.load, window)
                return tape
            except plans.NoMarket as problem:
                raise CannotLoad(str(problem)) from None
            except store.DamagedPiece as found:
                if window.asset.from_files:
                    raise CannotLoad(f"{found} Import its file again.") from None
                damage = found
        raise CannotLoad(f"{damage} It could not be repaired; the disk may be failing.")

    async def _fetch(self, window: plans.Window, available: services.Available, job: Job | None) -> None:
        if job is None:
            if available.problem is not None:
                raise CannotLoad(str(available.problem))
            job = await patiently(services.ask_for, window, self._replay.owner_id)
        over = await self._follow(job)
        if over["state"] != Job.State.DONE:
            raise CannotLoad(over["message"], cancelled=over["state"] == Job.State.CANCELLED)

    async def _follow(self, job: Job) -> dict[str, Any]:
        """Wait until a job is over."""
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
            self._job_changed()
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
        self._job_changed()
        self._news.set()
