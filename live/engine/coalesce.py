"""How often an asset's pages are told: at once after a quiet moment, and at most ten times in any second."""

EVERY_NS = 125_000_000
"""In a busy market a message comes so often. One may come early, and is made up for by those after it: a print that
follows another closely need not wait. So in any second there are at most ten."""


class Coalesced:
    """When the next message is due (monotonic ns)."""

    def __init__(self) -> None:
        self.due_ns = 0

    def sent(self, now_ns: int, every_ns: int = EVERY_NS) -> None:
        """A message has gone out."""
        self.due_ns = max(self.due_ns, now_ns - every_ns) + every_ns
