"""How often a replay moves on: less often while the process has too much to do."""

import asyncio
import time

FRAME_SECONDS = 0.05
SLOWEST_SECONDS = 0.08
"""Twelve frames a second, which still looks like a market that moves."""
USUAL_SECONDS = 0.001_5
"""So late a task wakes also where nothing else is to do: the event loop's timers count in milliseconds."""
STRETCH = 12.0
"""How much longer the wait becomes for each second of lateness beyond: 4 ms late on average is the slowest."""
SHARE = 0.1
"""Of one turn in the average lateness."""


class Pace:
    """The wait between two turns of a player.

    A process that wakes its tasks late has more to do than it can: an order would wait behind the frames of all other
    replays. With fewer and larger frames it keeps its head above water. The market does not notice: how far the
    playhead goes depends on the time that has passed.
    """

    def __init__(self) -> None:
        self._late = 0.0

    @property
    def seconds(self) -> float:
        """From one turn to the next."""
        return min(SLOWEST_SECONDS, FRAME_SECONDS + STRETCH * max(0.0, self._late - USUAL_SECONDS))

    async def rest(self, begun: float) -> None:
        """Wait for the turn after the one that began at this monotonic time."""
        now = time.monotonic()
        due = max(now, begun + self.seconds)
        await asyncio.sleep(due - now)
        self._late += (time.monotonic() - due - self._late) * SHARE
