"""When the feed process is to be killed, and when it is started again. Times are seconds of a monotonic clock."""

import random
from dataclasses import dataclass, field

FIRST_DELAY, LONGEST_DELAY = 1.0, 60.0
GOOD_RUN = 60.0
"""A session that was well for so long wipes out what was before it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long what may take. The gateway sends a heartbeat every 5 s where it has nothing else to send.

    start: a first start asks the historical gateway for the daily volumes of all assets. connect: the client gives up
    by itself after 10 s without a connection and 30 s without an answer to its login. silence: from the start of the
    session on, and between processed records. quiet: without a print in any asset, while at least half of the markets
    are open.
    """

    start: float = 300.0
    connect: float = 50.0
    silence: float = 15.0
    quiet: float = 300.0
    stop: float = 4.0


@dataclass(slots=True)
class Pulse:
    """What the feed process says of itself, each time it has processed something.

    phase: starting, connecting or streaming. records, prints: how many were processed in this session.
    """

    phase: str = "starting"
    records: int = 0
    prints: int = 0
    is_mostly_open: bool = False


class Watch:
    """Judges one run of the feed process by its pulses."""

    def __init__(self, patience: Patience, now: float) -> None:
        self._patience = patience
        self._last = Pulse()
        self._phase_since = self._record_at = self._print_at = now

    def feel(self, pulse: Pulse, now: float) -> None:
        """A pulse has come."""
        if pulse.phase != self._last.phase:
            self._phase_since = self._record_at = self._print_at = now
        if pulse.records > self._last.records:
            self._record_at = now
        if pulse.prints > self._last.prints or not pulse.is_mostly_open:
            self._print_at = now
        self._last = pulse

    def verdict(self, now: float) -> str | None:
        """Why the process is to be killed; None as long as all is well."""
        patience = self._patience
        if self._last.phase == "starting":
            return _over(now - self._phase_since, patience.start, "the feed process did not start")
        if self._last.phase == "connecting":
            return _over(now - self._phase_since, patience.connect, "no session with the gateway")
        before_first = " before the first record" if not self._last.records else ""
        return _over(now - self._record_at, patience.silence, f"silence{before_first}") or _over(
            now - self._print_at, patience.quiet, "heartbeats but no print in an open market"
        )

    @property
    def was_good(self) -> bool:
        return self._last.phase == "streaming" and self._record_at - self._phase_since >= GOOD_RUN


def _over(seconds: float, limit: float, what: str) -> str | None:
    return f"{what} for {seconds:.0f} s" if seconds > limit else None


@dataclass
class Backoff:
    """1, 2, 4 … 60 s between starts, each a little random so that many installations do not come back at once."""

    scale: float = 1.0
    _next: float = FIRST_DELAY
    _random: random.Random = field(default_factory=random.Random)

    def after(self, *, was_good: bool, least: float = 0.0) -> float:
        """Seconds to wait after a run. least: a refusal that will not go away at once."""
        if was_good:
            self._next = FIRST_DELAY
        delay = max(self._next, least)
        self._next = min(self._next * 2, LONGEST_DELAY)
        return min(delay * self._random.uniform(0.8, 1.2), LONGEST_DELAY) * self.scale
