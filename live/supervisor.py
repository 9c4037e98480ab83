"""The parent of the feed process: starts it, feels its pulse, kills what is stuck, starts it again.

It holds the advisory lock that makes live a singleton; a second one waits for it as a hot spare. It knows nothing of
the vendor and computes nothing, so nothing of the market can stop it.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection

from live import status
from live.child import COMMAND, FeedProcess
from live.ending import AGAIN, REFUSED
from live.engine.watch import Backoff, Patience, Pulse, Watch
from live.models import FeedEvent
from live.teller import Teller
from market.locks import try_advisory_lock

log = logging.getLogger(__name__)

TICK = 0.1
LOCK_SECONDS = 1.0
"""How often a spare asks for the lock, and its holder whether it still has it."""
REFUSED_SECONDS = {"limit": 10.0, "auth": 60.0}
"""A refusal of this kind does not go away in a second."""
RESTARTS = 20
KILLED = "the live process was killed, or its machine stopped"
GOES_ON = ("market_ns", "shift_ns", "epoch", "assets")
"""What stays true of the market when a supervisor is gone, until a session tells something newer."""

_PULSE = {field.name for field in fields(Pulse)}


class Supervisor:
    """stopping: asked ten times a second."""

    def __init__(
        self,
        stopping: Callable[[], bool],
        patience: Patience | None = None,
        command: Sequence[str] = COMMAND,
        backoff: Backoff | None = None,
    ) -> None:
        self._stopping = stopping
        self._patience = patience or Patience()
        self._command = command
        self._backoff = backoff or Backoff()
        self._restarts: list[dict[str, Any]] = []
        self._refusal: dict[str, str] | None = None
        self._why = ""
        self._count = self._refused_for_slots = 0
        self._checked = 0.0
        self._has_led = False
        self.teller = Teller()

    def run(self) -> None:
        """Until asked to stop. Losing the database ends the feed too: somebody else may have become the singleton."""
        while not self._stopping():
            try:
                with try_advisory_lock(*status.LOCK) as mine:
                    if mine:
                        self._lead()
            except DatabaseError as problem:
                log.warning("the database went away: %s", problem)
                connection.close()
            self._pause(LOCK_SECONDS)
        self.teller.stop()

    def _lead(self) -> None:
        """Run the feed for as long as the lock is ours. Raises DatabaseError when it no longer is."""
        log.info("this is the live process")
        self._take_over(status.left())
        self._note(FeedEvent.Kind.STARTED, "The live process has started.")
        while not self._stopping():
            self._one_run()
        self._note(FeedEvent.Kind.ENDED, "The live process was stopped.")

    def _take_over(self, left: dict[str, Any]) -> None:
        """Go on counting where a supervisor ended that could not say so. left: the state as it was written last."""
        has_led, self._has_led = self._has_led, True
        if has_led or left.get("phase", "stopped") == "stopped":
            return
        self._count = left.get("restart_count", 0)
        self._restarts = left.get("restarts", [])
        self._restarted(KILLED)
        self._note(FeedEvent.Kind.ENDED, f"{KILLED.capitalize()}.")
        self.teller.tell({name: left[name] for name in GOES_ON if name in left} | {"phase": "starting"})

    def _restarted(self, why: str, delay: float = 0.0) -> None:
        self._why, self._count = why, self._count + 1
        self._restarts = [*self._restarts, {"at_ns": time.time_ns(), "why": why, "delay_s": delay}][-RESTARTS:]

    def _one_run(self) -> None:
        process = FeedProcess(self._command)
        watch = Watch(self._patience, time.monotonic())
        try:
            why = self._attend(process, watch)
        finally:
            if self._stopping():
                process.stop(self._patience.stop)
            else:
                process.kill()
        if not self._stopping():
            self._wait_after(process, watch, why)

    def _attend(self, process: FeedProcess, watch: Watch) -> str:
        """Why the run is over."""
        while not self._stopping():
            ended = process.code is not None
            for pulse in process.pulses():
                watch.feel(_pulse(pulse), time.monotonic())
                self._show(pulse, process.pid)
            if ended:
                return str(process.last.get("why") or f"the feed process ended ({process.code})")
            verdict = watch.verdict(time.monotonic())
            if verdict is not None:
                return f"{verdict}; killed"
            self._hold()
            time.sleep(TICK)
        return "stopped"

    def _hold(self) -> None:
        """Raises DatabaseError when the connection that holds the lock is gone."""
        if time.monotonic() < self._checked + LOCK_SECONDS:
            return
        self._checked = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    def _wait_after(self, process: FeedProcess, watch: Watch, why: str) -> None:
        kind = str(process.last.get("kind") or "other") if process.code == REFUSED else ""
        if process.code == AGAIN:
            self._note(FeedEvent.Kind.ENDED, f"{why}; started again at once")
            return
        delay = self._backoff.after(was_good=watch.was_good, least=REFUSED_SECONDS.get(kind, 0.0))
        self._refusal = {"kind": kind, "words": why} if kind else None
        self._restarted(why, delay)
        self._refused_for_slots += kind == "limit"
        log.warning("the feed ended: %s; next try in %.0f s", why, delay)
        self._note(FeedEvent.Kind.REFUSED if kind else FeedEvent.Kind.ENDED, why)
        self._show({"phase": "waiting", "retry_ns": time.time_ns() + int(delay * 1e9)}, None)
        self._pause(delay)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping():
            time.sleep(TICK)

    def _note(self, kind: FeedEvent.Kind, text: str) -> None:
        FeedEvent.objects.create(kind=kind, text=text)

    def _show(self, pulse: dict[str, Any], pid: int | None) -> None:
        """Have the state told. What a pulse does not say stays as it was: the last prints are worth knowing."""
        if pulse.get("phase") == "ended":
            return
        if pulse.get("records"):
            self._refusal = None
        self.teller.tell(
            pulse
            | {
                "pid": pid,
                "why": self._why,
                "refusal": self._refusal,
                "restarts": self._restarts,
                "restart_count": self._count,
                "slots": {"ours": int(pulse.get("phase") == "streaming"), "refused": self._refused_for_slots},
            }
        )


def _pulse(said: dict[str, Any]) -> Pulse:
    return Pulse(**{name: value for name, value in said.items() if name in _PULSE})
