"""At most so many in any second."""

import asyncio
import time
from collections import deque


class Pace:
    """Counts by the machine's own clock: this is about connections, not about market time."""

    def __init__(self, per_second: int) -> None:
        self._times: deque[float] = deque(maxlen=per_second)

    def allows(self) -> bool:
        """Whether one more may come now; if so it counts."""
        if self._wait_s() > 0:
            return False
        self._times.append(time.monotonic())
        return True

    async def turn(self) -> None:
        """Wait until one more may come."""
        await asyncio.sleep(self._wait_s())
        self._times.append(time.monotonic())

    def _wait_s(self) -> float:
        is_full = len(self._times) == self._times.maxlen
        return max(0.0, self._times[0] + 1 - time.monotonic()) if is_full else 0.0
