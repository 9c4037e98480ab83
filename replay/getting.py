"""Getting single sessions: trades and the order book for a trader who asks, seconds of what he still holds."""

import asyncio
import logging
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class Wanted:
    """A session of a contract, and the grade that it is to be brought to."""

    contract_id: int
    contract: str
    trade_date: date
    grade: str

    @property
    def title(self) -> str:
        return f"The {event_jobs.title(self.grade, self.contract, self.trade_date)}"


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
        self._tried: set[Wanted] = set()
        self._traded: list[Wanted] = []
        self._told_cost: tuple[int, str] | None = None
        self._title = "It"

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
        self._begin(_wanted(part, grade))

    def get_traded(self, contract_id: int, contract: str, trade_date: date) -> None:
        """Have the seconds of a session fetched in which something is traded, as soon as nothing else is on its way."""
        self._traded.append(Wanted(contract_id, contract, trade_date, "bars"))

    def keep(self, grade: str) -> None:
        """Bring each session to a grade as the playhead comes to it; "bars" ends that. Raises Refused."""
        if grade != "bars":
            self._check(grade)
        self._tried.clear()
        self._replay.keeps = grade

    def look_ahead(self, tape: Tape, playhead_ns: int) -> None:
        """Get what is traded; then what is kept up of the session at the playhead and of the next, each once."""
        if self.is_busy:
            return
        if self._traded:
            self._begin(self._traded.pop(0))
            return
        if self._replay.keeps == "bars":
            return
        here = tape.index_at(playhead_ns)
        for part in tape.parts[here : here + 1 + AHEAD]:
            wanted = _wanted(part, self._replay.keeps)
            if _lacks(part, self._replay.keeps) and wanted not in self._tried:
                self._begin(wanted)
                return

    def stop(self) -> None:
        """Give up waiting; the worker goes on with what it has begun."""
        if self._work is not None:
            self._work.cancel()

    def _check(self, grade: str) -> None:
        asset = self._replay.asset
        if asset.from_files:
            raise Refused("from_files", FROM_FILES.format(asset.root, event_jobs.KINDS[grade]))

    def _begin(self, wanted: Wanted) -> None:
        self._tried.add(wanted)
        self._title = wanted.title
        self._work = asyncio.create_task(self._attempt(wanted), name=f"get {self._replay.pk}")

    async def _attempt(self, wanted: Wanted) -> None:
        try:
            owner_id = self._replay.owner_id
            job = await patiently(
                services.ask_for_session, owner_id, wanted.contract_id, wanted.trade_date, wanted.grade
            )
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


def _wanted(part: Part, grade: str) -> Wanted:
    return Wanted(part.contract_id or 0, part.piece.contract, part.piece.session.trade_date, grade)


def _lacks(part: Part, grade: str) -> bool:
    rank = event_jobs.RANK.index
    return part.contract_id is not None and rank(part.grade) < rank(grade)
