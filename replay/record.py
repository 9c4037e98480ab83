"""The row of a running replay: kept up to date while the replay runs, and by one process only."""

import asyncio
import time

from django.db import InterfaceError, OperationalError

from market.database import in_database
from replay import services
from replay.engine.clock import ReplayClock
from replay.models import ReplaySession

SAVE_SECONDS = 1.0
LOOK_SECONDS = 5.0
"""Without a change the row is written this often, to notice another process that took over."""
GATHER_SECONDS = 0.1
"""What comes within it is written together: a hundred replays would have a hundred commits a second."""


class Writer:
    """Writes the rows of a process's replays, many at a time."""

    def __init__(self) -> None:
        self._due: dict[ReplaySession, asyncio.Future[bool]] = {}
        self._writing: asyncio.Task[None] | None = None

    async def save(self, row: ReplaySession) -> bool:
        """Whether the replay is still ours. Raises OperationalError while Postgres is away."""
        kept = self._due.setdefault(row, asyncio.get_running_loop().create_future())
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="replays' rows")
        return await asyncio.shield(kept)  # others may wait for it too

    async def _write(self) -> None:
        while self._due:
            await asyncio.sleep(GATHER_SECONDS)
            due, self._due = self._due, {}
            try:
                ours = await in_database(services.save, list(due))
            except Exception as problem:
                for kept in due.values():
                    kept.set_exception(problem)
                continue
            for row, kept in due.items():
                kept.set_result(row.pk in ours)


class Record:
    """Writes a replay's clock and state down.

    taken_over: another process runs the replay now. unsaved_seconds: for how long Postgres has not answered.
    """

    def __init__(self, row: ReplaySession, clock: ReplayClock, writer: Writer) -> None:
        self.row = row
        self._writer = writer
        self._saving: asyncio.Task[None] | None = None
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

    def save_when_due(self) -> None:
        """Save soon after a change, now and then without one; nobody waits for it."""
        row, clock = self.row, self._clock
        stands = clock.playhead_ns, clock.playing, clock.speed
        changed = self._failing_since is not None or stands != (row.playhead_ns, row.playing, row.speed)
        is_saving = self._saving is not None and not self._saving.done()
        if not is_saving and time.monotonic() - self._saved_at > (SAVE_SECONDS if changed else LOOK_SECONDS):
            self._saving = asyncio.create_task(self.save(), name=f"replay {row.pk} is written down")

    async def save(self) -> None:
        """Write the clock down, unless the replay was taken over or Postgres is away; then it is tried again."""
        self._saved_at = time.monotonic()
        self.row.playhead_ns, self.row.playing = self._clock.playhead_ns, self._clock.playing
        self.row.speed = self._clock.speed
        try:
            self.taken_over = self.taken_over or not await self._writer.save(self.row)
        except (OperationalError, InterfaceError):
            self._failing_since = self._failing_since or time.monotonic()
        else:
            self._failing_since = None
