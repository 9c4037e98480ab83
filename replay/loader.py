"""Getting a replay's tape: at once when it is stored, else after a worker has fetched it."""

from collections.abc import Callable
from typing import Any

from market import plans, store, tapes
from market.bus import Bus
from market.engine.tape import Tape
from market.models import Job
from replay import services
from replay.models import ReplaySession
from workspace.following import Follower, patiently

ATTEMPTS = 2
"""A damaged file is found while reading; then it is fetched again, once."""


class CannotLoad(Exception):
    """There is no tape; the message says why and what to do. cancelled: somebody did not want it."""

    def __init__(self, message: str, *, cancelled: bool = False) -> None:
        super().__init__(message)
        self.cancelled = cancelled


class Loader:
    """Loads windows for one replay; each load may be cancelled at any time."""

    def __init__(self, replay: ReplaySession, bus: Bus, job_changed: Callable[[], None]) -> None:
        self._replay = replay
        self._follower = Follower(bus, job_changed)
        self.asked_id: int | None = replay.job_id
        """The job that was asked for last; it may be over."""

    @property
    def job(self) -> dict[str, Any] | None:
        """The job being waited for, as a page shows it; None without one."""
        return self._follower.job

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
        self.asked_id = job.pk
        over = await self._follower.follow(job)
        if over["state"] != Job.State.DONE:
            raise CannotLoad(over["message"], cancelled=over["state"] == Job.State.CANCELLED)
