"""The replay clock: where the playhead stands as wall time goes by.

Pure: it is told the wall time (seconds of a monotonic clock) and where the market is open; it reads neither.
"""

from collections.abc import Callable

from market.sessions import SECOND_NS

LONGEST_FRAME = 0.5
"""Wall seconds. After a stall the market goes on from where it was, instead of leaping."""
FASTEST_STEP_NS = 900 * SECOND_NS
"""Market time of one frame at "as fast as possible": shorter than any closed period, so none is leapt over."""

NextOpen = Callable[[int], int | None]
"""`ns` itself while the market trades, else its next opening; None where the tape ends."""


class ReplayClock:
    """Playhead (UTC ns), playing or not, and speed (market seconds a second; None is as fast as possible)."""

    def __init__(self, playhead_ns: int, *, speed: float | None = 1.0, playing: bool = False) -> None:
        self.playhead_ns = playhead_ns
        self.speed = speed
        self.playing = playing
        self._wall: float | None = None

    def play(self) -> None:
        """Run from the next `advance` on."""
        self.playing, self._wall = True, None

    def pause(self) -> None:
        """Stand still."""
        self.playing, self._wall = False, None

    def move(self, ns: int) -> None:
        """Put the playhead somewhere else; playing goes on from there."""
        self.playhead_ns, self._wall = ns, None

    def advance(self, wall: float, next_open: NextOpen, end_ns: int) -> int:
        """Move the playhead to where it stands at this wall time, over closed periods, not past end_ns."""
        if not self.playing:
            return self.playhead_ns
        elapsed = 0.0 if self._wall is None else min(wall - self._wall, LONGEST_FRAME)
        self._wall = wall
        target = self.playhead_ns + self._distance(elapsed)
        opening = next_open(target)
        self.playhead_ns = min(end_ns, target if opening is None else opening)
        return self.playhead_ns

    def _distance(self, elapsed: float) -> int:
        if self.speed is None:
            return FASTEST_STEP_NS if elapsed else 0
        return round(elapsed * self.speed * SECOND_NS)
