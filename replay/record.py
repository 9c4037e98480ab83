"""The row of a running replay: kept up to date while the replay runs, and by one process only."""

import time

from django.db import OperationalError

from market.database import in_database
from replay import services
from replay.engine.clock import ReplayClock
from replay.models import ReplaySession

SAVE_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""Without a change the row is written this often, to notice another process that took over."""


class Record:
    """Writes a replay's clock and state down.

    taken_over: another process runs the replay now. unsaved_seconds: for how long Postgres has not answered.
    """

    def __init__(self, row: ReplaySession, clock: ReplayClock) -> None:
        self.row = row
        self.taken_over = False
        self._clock = clock
        self._saved_at = 0.0
        self._failing_since: float | None = None

    @property
    def unsaved_seconds(self) -> float:
        return 0.0 if self._failing_since is None else time.monotonic() - self._failing_since

    async def take_over(self) -> float:
        """Become the replay's process; the seconds since the process before last wrote it down."""
        await in_database(services.take_over, self.row)
        return time.time() - self.row.saved_at.timestamp()

    def touch(self) -> None:
        """Something changed that must be written down at once."""
        self._saved_at = 0.0

    async def save_when_due(self) -> None:
        """Save soon after a change, now and then without one."""
        row, clock = self.row, self._clock
        stands = clock.playhead_ns, clock.playing, clock.speed
        changed = self._failing_since is not None or stands != (row.playhead_ns, row.playing, row.speed)
        if time.monotonic() - self._saved_at > (SAVE_SECONDS if changed else LOOK_SECONDS):
            await self.save()

    async def save(self) -> None:
        """Write the clock down, unless the replay was taken over or Postgres is away; then it is tried again."""
        self._saved_at = time.monotonic()
        self.row.playhead_ns, self.row.playing = self._clock.playhead_ns, self._clock.playing
        self.row.speed = self._clock.speed
        try:
            self.taken_over = self.taken_over or not await in_database(services.save, self.row)
        except OperationalError:
            self._failing_since = self._failing_since or time.monotonic()
        else:
            self._failing_since = None
