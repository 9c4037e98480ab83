"""How long to wait before a child that died is started again."""

from dataclasses import dataclass

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
GOOD_RUN = 60.0
"""Seconds after which a child counts as healthy again, so that its next death is taken for a first one."""


@dataclass
class Backoff:
    """Doubles the delay from death to death: 1, 2, 4, 8, 16, 30, 30 … seconds."""

    next_delay: float = FIRST_DELAY

    def after(self, ran_for: float) -> float:
        """The seconds to wait after a run of `ran_for` seconds."""
        if ran_for >= GOOD_RUN:
            self.next_delay = FIRST_DELAY
        delay = self.next_delay
        self.next_delay = min(delay * 2, LONGEST_DELAY)
        return delay
