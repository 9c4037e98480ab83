"""How often an asset's pages are told: soon after a quiet moment, and at most ten times in any second."""

from collections import deque

from market.sessions import SECOND_NS

MOST = 10
"""Messages in any second."""
EVERY_NS = SECOND_NS // MOST
"""In a busy market a message comes so often: a print waits no longer, and most are followed by another at once."""
QUICK_NS, FEW = 60_000_000, 6
"""After a quiet moment the first messages follow each other so closely, since prints come in flurries of a few. Of the
ways tried on a busy minute of 19 assets these had the fewest prints that wait long; a flurry that becomes a busy market
pays with one pause of a third of a second."""


class Coalesced:
    """When the next message is due (monotonic ns)."""

    def __init__(self) -> None:
        self.due_ns = 0
        self._sent: deque[int] = deque(maxlen=MOST)

    def sent(self, now_ns: int, least_ns: int = 0) -> None:
        """A message has gone out; the next one at least so much later."""
        self._sent.append(now_ns)
        recent = sum(at > now_ns - SECOND_NS for at in self._sent)
        pause = QUICK_NS if recent <= FEW else EVERY_NS
        self.due_ns = now_ns + max(pause, least_ns)
        if recent == MOST:
            self.due_ns = max(self.due_ns, self._sent[0] + SECOND_NS)
