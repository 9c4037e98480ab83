"""Keeping a running replay supplied with tape: the first load, jumps, and the next sessions before they are needed."""

import asyncio
import logging
import math
import time
from collections.abc import Coroutine
from typing import Any, Protocol

from market.bus import Bus
from market.engine.tape import Tape
from market.models import Job
from market.sessions import SECOND_NS, to_et
from replay import services
from replay.loader import CannotLoad, Loader
from replay.models import ReplaySession
from workspace.following import patiently

log = logging.getLogger(__name__)

PREFETCH_AT = 0.8
"""Share of what was loaded ahead that has been played when the next sessions are fetched."""
NO_MORE_SECONDS = 60.0
"""How often to look again where the data ended."""
RETRY_LOOK_SECONDS = 2.0
"""How often a page on which loading failed looks whether its job was tried once more."""
ENDS = "The data ends here."
WAITS = "The data ends here until you answer whether to download more."


class Receiver(Protocol):
    """The player, as its supply sees it."""

    @property
    def tape(self) -> Tape | None: ...
    @property
    def playhead_ns(self) -> int: ...

    def use(self, tape: Tape, put_ns: int | None) -> None: ...
    def fail(self, problem: str, level: str = ...) -> None: ...
    def try_again(self, job: Job) -> None: ...
    def say(self, level: str, text: str, job_id: int | None = ...) -> None: ...
    def job_changed(self) -> None: ...
    def wake(self) -> None: ...


class Supply:
    """Loads for one player; at most one load runs, and a new one replaces it."""

    def __init__(self, replay: ReplaySession, bus: Bus, receiver: Receiver) -> None:
        self._replay = replay
        self._receiver = receiver
        self._loader = Loader(replay, bus, self._job_changed)
        self._work: asyncio.Task[None] | None = None
        self._is_jump = False
        self._loaded_from_ns = receiver.playhead_ns
        self._no_more_until = 0.0
        self._told_fronts: str | None = None
        self._told_cost: tuple[int, str] | None = None

    @property
    def job(self) -> dict[str, Any] | None:
        """The job being waited for, as a page shows it; None without one."""
        return self._loader.job

    @property
    def is_loading(self) -> bool:
        return self._work is not None and not self._work.done()

    @property
    def is_jumping(self) -> bool:
        """The playhead is about to be put where nothing is loaded yet; the market stands still until then."""
        return self._is_jump and self.is_loading

    def start(self) -> None:
        """Load what lies around the playhead."""
        self._begin(self._load_around(self._receiver.playhead_ns, self._replay.anchor_ns))

    def wait_for_retry(self) -> None:
        """Nothing could be loaded: load again when the job that failed is tried once more, on whatever page."""
        self._begin(self._load_when_retried())

    def stop(self) -> None:
        """Give up what is being loaded."""
        if self._work is not None:
            self._work.cancel()

    def jump(self, target_ns: int) -> None:
        """Load what lies around an instant beyond the tape, then put the playhead there."""
        self._receiver.say("info", f"Going to {to_et(target_ns):%a %Y-%m-%d %H:%M:%S} ET.")
        self._begin(self._load_around(target_ns, target_ns), is_jump=True)

    def give_up_jump(self) -> None:
        """What the trader does next replaces a jump that is still loading."""
        if self.is_jumping:
            self.stop()
            self._is_jump = False

    def fill_behind(self, tape: Tape, ns: int) -> None:
        """After a jump back inside the tape, load the sessions that are wanted before the instant."""
        if tape.index_at(ns) < services.SESSIONS_BEFORE:
            self._begin(self._fill_behind(tape, ns))

    def look_ahead(self, tape: Tape, now: float) -> str | None:
        """Load the next sessions when most of what lies ahead has been played.

        At the end of the tape the reason to stand still, if there is one; else None.
        """
        playhead_ns = self._receiver.playhead_ns
        is_at_end = playhead_ns >= tape.end_ns
        if self.is_loading:
            return WAITS if is_at_end and self._is_asking else None
        if playhead_ns - self._loaded_from_ns < PREFETCH_AT * (tape.end_ns - self._loaded_from_ns):
            return None
        if now < self._no_more_until:
            return ENDS if is_at_end else None
        self._begin(self._extend(tape))
        return None

    def look_again(self) -> None:
        """Whoever plays on at the end of the tape wants what he cancelled after all."""
        self._no_more_until = 0.0

    @property
    def _is_asking(self) -> bool:
        return self.job is not None and self.job["state"] == Job.State.ASKING

    def _job_changed(self) -> None:
        job = self.job
        if job is not None and self._is_asking and self._told_cost != (job["id"], job["cost"]):
            self._told_cost = job["id"], job["cost"]
            more = "" if self._receiver.tape is None else "more of "
            self._receiver.say("warn", f"Loading {more}{self._replay.asset} costs about {job['cost']}.", job["id"])
        self._receiver.job_changed()

    def _begin(self, work: Coroutine[Any, Any, None], *, is_jump: bool = False) -> None:
        self.stop()
        self._is_jump = is_jump
        self._work = asyncio.create_task(self._attempt(work), name=f"load {self._replay.pk}")
        self._work.add_done_callback(lambda _: self._receiver.wake())
        self._receiver.wake()

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CannotLoad as problem:
            self._receiver.fail(str(problem), "info" if problem.cancelled else "error")
            if self._receiver.tape is None:
                self.wait_for_retry()
        except Exception:
            log.exception("replay %s could not load", self._replay.pk)
            self._receiver.fail("Something went wrong while loading; the server's log has the details. Load again.")

    async def _load_when_retried(self) -> None:
        while True:
            job = await patiently(services.retried, self._loader.asked_id)
            if job is not None:
                break
            await asyncio.sleep(RETRY_LOOK_SECONDS)
        self._receiver.try_again(job)
        await self._load_around(self._receiver.playhead_ns, self._replay.anchor_ns)

    async def _load_around(self, ns: int, anchor_ns: int) -> None:
        tape = await self._loader.around(ns, anchor_ns)
        self._replay.anchor_ns = anchor_ns
        self._use(tape, ns)
        self._tell_past(tape)
        await self._tell_fronts()

    async def _extend(self, tape: Tape) -> None:
        told = self._told_cost
        try:
            longer = await self._loader.ahead(tape)
        except CannotLoad as problem:
            self._no_more_until = math.inf if problem.cancelled else time.monotonic() + NO_MORE_SECONDS
            raise
        if longer is None:
            self._no_more_until = time.monotonic() + NO_MORE_SECONDS
        else:
            self._use(longer, None)
            if self._told_cost != told:
                self._receiver.say("info", f"{self._replay.asset} is here up to {longer.trade_dates[-1]} now.")

    async def _fill_behind(self, tape: Tape, ns: int) -> None:
        longer = await self._loader.behind(tape, ns)
        if longer is not None and self._receiver.playhead_ns <= longer.end_ns:
            self._use(longer, None)

    def _use(self, tape: Tape, put_ns: int | None) -> None:
        self._no_more_until = 0.0
        self._receiver.use(tape, put_ns)
        self._loaded_from_ns = self._receiver.playhead_ns

    def _tell_past(self, tape: Tape) -> None:
        # even how much a session in progress will have traded is the future
        past = [part.piece for part in tape.parts if part.piece.session.close_ns <= self._receiver.playhead_ns]
        if not past:
            return
        root, count = self._replay.asset.root, sum(len(piece.stored) for piece in past)
        sessions = "1 session" if len(past) == 1 else f"{len(past)} sessions"
        kind = "one-second bars" if all(piece.bar_ns == SECOND_NS for piece in past) else "bars"
        self._receiver.say("info", f"{root}: {sessions} before this one, with {count:,} {kind}.")

    async def _tell_fronts(self) -> None:
        fronts = await patiently(services.front_months, self._replay, self._receiver.playhead_ns)
        if fronts and fronts != self._told_fronts:
            self._told_fronts = fronts
            self._receiver.say("info", fronts)
