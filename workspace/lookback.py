"""Having what an asset's ranks are compared with: the sessions of its lookback, stored and summarised."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from market.bus import Bus
from market.models import Asset, Job
from ranks import access, services
from workspace.following import Follower, patiently

log = logging.getLogger(__name__)

GROWTH_SECONDS = 15.0
"""So often is looked whether there is more to compare with, whoever made it; then the ranks are computed anew."""


class Receiver(Protocol):
    """What a lookback sees of whoever shows the asset."""

    @property
    def playhead_ns(self) -> int: ...

    def say(self, level: str, text: str, job_id: int | None = ...) -> None: ...
    def lookback_changed(self) -> None: ...


class Lookback:
    """Follows the job that makes the ranks of one asset ready. owner_id: who asks for it.

    body: the `lookback` of the protocol; None before it is known.
    """

    def __init__(
        self, asset: Asset, days: int, owner_id: int, bus: Bus, receiver: Receiver, grown: Callable[[], None]
    ) -> None:
        self.body: dict[str, Any] | None = None
        self._asset, self._days, self._owner_id = asset, days, owner_id
        self._receiver = receiver
        self._grown = grown
        self._stamp: tuple[object, ...] | None = None
        self._told_cost: tuple[int, str] | None = None
        self._follower = Follower(bus, self._job_changed)
        self._work: asyncio.Task[None] | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def job(self) -> dict[str, Any] | None:
        """The job that is being waited for; None without one."""
        return self._follower.job

    def start(self) -> None:
        """Look what is there, once the replay has its bars, and have the rest made ready."""
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._attempt(), name=f"lookback {self._asset}")
        if self._watch is None:
            self._watch = asyncio.create_task(self._keep_up(), name=f"growth {self._asset}")

    def stop(self) -> None:
        """Leave the job to its worker."""
        for task in (self._work, self._watch):
            if task is not None:
                task.cancel()

    async def _keep_up(self) -> None:
        while True:
            await asyncio.sleep(GROWTH_SECONDS)
            try:
                if await patiently(access.stamp, self._asset) != self._stamp:
                    await self._look()
                    self._grown()
            except Exception:
                log.exception("%s: what its lookback has cannot be told", self._asset)

    async def _attempt(self) -> None:
        try:
            await self._prepare()
        except access.NoRanks as problem:
            self._receiver.say("warn", str(problem))
        except Exception:
            log.exception("%s: its lookback cannot be made ready", self._asset)

    async def _prepare(self) -> None:
        if await self._look():
            return
        job = await patiently(self._ask)
        if job is None:
            return
        assert self.body is not None
        lacking = self.body["wanted"] - self.body["stored"]
        self._receiver.say(
            "info", f"Ranks: {lacking:,} of {self.body['wanted']:,} sessions are being made ready, see Jobs."
        )
        over = await self._follower.follow(job)
        if over["state"] == Job.State.FAILED:
            self._receiver.say("error", f"Ranks: {over['message']}")
        elif over["state"] == Job.State.DONE:
            self._receiver.say("info", f"Ranks: {over['message']}")
        access.look_again(self._asset)
        await self._look()
        self._grown()

    async def _look(self) -> bool:
        """Whether all of the lookback is there."""
        self._stamp = await patiently(access.stamp, self._asset)
        reach = await patiently(self._reach)
        self._tell(reach.summarised, reach.wanted)
        return bool(reach.summarised >= reach.wanted)

    def _reach(self) -> access.Reach:
        here = self._asset.sessions.first_closing_after(self._receiver.playhead_ns)
        return access.reach(self._asset, here.trade_date, self._days)

    def _ask(self) -> Job | None:
        if self._asset.from_files:
            return None
        here = self._asset.sessions.first_closing_after(self._receiver.playhead_ns)
        return services.ready_for(
            asset=self._asset, until=here.trade_date, lookback_days=self._days, asked_by_id=self._owner_id
        )

    def _job_changed(self) -> None:
        job = self.job
        if job is not None and job["state"] == Job.State.ASKING and self._told_cost != (job["id"], job["cost"]):
            self._told_cost = job["id"], job["cost"]
            text = f"Ranks over {self._days:,} days of {self._asset} need data for about {job['cost']}."
            self._receiver.say("warn", text, job["id"])
        if self.body is not None:
            self._tell(self.body["stored"], self.body["wanted"])

    def _tell(self, stored: int, wanted: int) -> None:
        self.body = {"stored": stored, "wanted": wanted, "job": self.job}
        self._receiver.lookback_changed()
