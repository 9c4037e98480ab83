"""Getting the trades and the order book of sessions, for a trader who asks for them: nothing is fetched unasked."""

import asyncio
import logging
from datetime import date
from typing import Any, Protocol

from market import event_jobs
from market.bus import Bus
from market.engine.tape import Part, Tape
from market.models import Job
from replay import services
from replay.models import ReplaySession
from workspace.following import Follower, patiently
from workspace.protocol import Refused

log = logging.getLogger(__name__)

AHEAD = 1
"""Sessions after the one at the playhead that are got too, so that they are there at their opening."""
FROM_FILES = "{} comes from files. Import a file with its {} on the page Data."


class Receiver(Protocol):
    """The player, as this sees it."""

    def say(self, level: str, text: str, job_id: int | None = ...) -> None: ...
    def job_changed(self) -> None: ...
    async def regrade(self) -> None: ...


class Getting:
    """Has one session at a time brought to the grade that is wanted."""

    def __init__(self, replay: ReplaySession, bus: Bus, receiver: Receiver) -> None:
        self._replay = replay
        self._receiver = receiver
        self._follower = Follower(bus, self._job_changed)
        self._work: asyncio.Task[None] | None = None
        self._tried: set[tuple[int, date, str]] = set()
        self._told_cost: tuple[int, str] | None = None
        self._title = ""

    @property
    def job(self) -> dict[str, Any] | None:
        """The job being waited for, as a page shows it; None without one."""
        return self._follower.job

    @property
    def is_busy(self) -> bool:
        return self._work is not None and not self._work.done()

    def get(self, part: Part, grade: str) -> None:
        """Have a session brought to a grade. Raises Refused: it has it, it cannot be had, or another is on its way."""
        self._check(grade)
        if not _lacks(part, grade):
            raise Refused("here_already", f"This session has the {event_jobs.KINDS[grade]} already.")
        if self.is_busy:
            raise Refused("busy", f"{self._title} is on its way. Wait for it, or cancel it.")
        self._begin(part, grade)

    def keep(self, grade: str) -> None:
        """Bring each session to a grade as the playhead comes to it; "bars" ends that. Raises Refused."""
        if grade != "bars":
            self._check(grade)
        self._tried.clear()
        self._replay.keeps = grade

    def look_ahead(self, tape: Tape, playhead_ns: int) -> None:
        """Get what is kept up of the session at the playhead and of the next, each once."""
        if self._replay.keeps == "bars" or self.is_busy:
            return
        here = tape.index_at(playhead_ns)
        for part in tape.parts[here : here + 1 + AHEAD]:
            if _lacks(part, self._replay.keeps) and self._key(part, self._replay.keeps) not in self._tried:
                self._begin(part, self._replay.keeps)
                return

    def stop(self) -> None:
        """Give up waiting; the worker goes on with what it has begun."""
        if self._work is not None:
            self._work.cancel()

    def _check(self, grade: str) -> None:
        asset = self._replay.asset
        if asset.from_files:
            raise Refused("from_files", FROM_FILES.format(asset.root, event_jobs.KINDS[grade]))

    def _key(self, part: Part, grade: str) -> tuple[int, date, str]:
        return part.contract_id or 0, part.piece.session.trade_date, grade

    def _begin(self, part: Part, grade: str) -> None:
        self._tried.add(self._key(part, grade))
        self._title = f"The {event_jobs.title(grade, part.piece.contract, part.piece.session.trade_date)}"
        self._work = asyncio.create_task(self._attempt(part, grade), name=f"get {self._replay.pk}")

    async def _attempt(self, part: Part, grade: str) -> None:
        try:
            job = await patiently(services.ask_for_events, self._replay.owner_id, part, grade)
            over = await self._follower.follow(job)
            await self._receiver.regrade()
            self._tell(over)
        except Exception:
            log.exception("replay %s could not get events", self._replay.pk)
            self._receiver.say("error", "Something went wrong while getting them; the server's log has the details.")

    def _tell(self, over: dict[str, Any]) -> None:
        level = {Job.State.DONE: "info", Job.State.CANCELLED: "info"}.get(over["state"], "error")
        self._receiver.say(level, over["message"])
        if over["state"] == Job.State.CANCELLED and self._replay.keeps != "bars":
            self._replay.keeps = "bars"
            self._receiver.say("info", "The next sessions come with bars only.")

    def _job_changed(self) -> None:
        job = self.job
        if job is not None and job["state"] == Job.State.ASKING and self._told_cost != (job["id"], job["cost"]):
            self._told_cost = job["id"], job["cost"]
            self._receiver.say("warn", f"{self._title} costs about {job['cost']}.", job["id"])
        self._receiver.job_changed()


def _lacks(part: Part, grade: str) -> bool:
    rank = event_jobs.RANK.index
    return part.contract_id is not None and rank(part.grade) < rank(grade)
