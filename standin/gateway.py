"""What one gateway serves, and to whom: shared by its historical and its live half."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from market.sessions import SECOND_NS
from standin.faults import Faults
from standin.market.underlying import MINUTE_NS

DEFAULT_DELAY_NS = 60 * SECOND_NS


@dataclass(slots=True)
class Gateway:
    """What one gateway serves: the market of a seed, to holders of the key.

    clock: UTC ns now. delay_ns: history ends so long before now, cut to the whole minute.
    """

    seed: int
    key: str
    clock: Callable[[], int] = time.time_ns
    delay_ns: int = DEFAULT_DELAY_NS
    faults: Faults = field(default_factory=Faults)

    def available_end(self) -> int:
        """UTC ns at which history ends: that of the last completed minute."""
        end = self.clock() - self.delay_ns
        return end - end % MINUTE_NS


GATEWAY = web.AppKey("gateway", Gateway)
