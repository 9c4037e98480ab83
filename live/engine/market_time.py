"""What time it is in the market, told by its records.

Never by the machine's clock: that one may be wrong, and a synthetic market may show another day. The machine's clock
only measures how long ago the newest record came.
"""

from market.sessions import SECOND_NS

BEHIND_NS = SECOND_NS // 4
"""A second closes this long after its end by the records: those of several assets come in slightly mixed order."""
QUIET_NS = 2 * SECOND_NS
"""And this long after its end where no record tells: longer than any lag of a healthy line."""


class MarketTime:
    """now: UTC ns of the newest record. It stands still until the session is live, and between records."""

    def __init__(self) -> None:
        self.now = 0
        self._heard_ns = 0
        self.is_live = False
        """Whether the replay is over, so that time passes without records too."""

    def hear(self, ts_ns: int, monotonic_ns: int) -> None:
        """A record of an instant has come."""
        if ts_ns > self.now:
            self.now, self._heard_ns = ts_ns, monotonic_ns

    def estimate(self, monotonic_ns: int) -> int:
        """UTC ns in the market now: the newest record's, and what has passed since it came where that is known."""
        return self.now + (monotonic_ns - self._heard_ns if self.is_live and self.now else 0)

    def closes_until(self, monotonic_ns: int) -> int:
        """Seconds that end at or before this (UTC ns) are over."""
        return max(self.now - BEHIND_NS, self.estimate(monotonic_ns) - QUIET_NS)
