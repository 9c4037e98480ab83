"""What one gateway serves, and to whom: shared by its historical and its live half."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from market.sessions import SECOND_NS
from standin import live_clock
from standin.faults import END_AFTER_AVAILABLE, UNAVAILABLE_RANGE, Faults
from standin.market.underlying import MINUTE_NS

DEFAULT_DELAY_NS = 60 * SECOND_NS
HOUR_NS = 3_600 * SECOND_NS
NEVER = (1 << 63) - 1


@dataclass(slots=True)
class Gateway:
    """What one gateway serves: the market of a seed, to holders of the key.

    clock: UTC ns now. delay_ns: history ends so long before now, cut to the whole minute. shifts_closed_days: the
    live half goes back on closed days (see `live_clock`). live_hours_back: by so much it is behind besides.
    connections_per_second: live connections accepted.
    """

    seed: int
    key: str
    clock: Callable[[], int] = time.time_ns
    delay_ns: int = DEFAULT_DELAY_NS
    faults: Faults = field(default_factory=Faults)
    shifts_closed_days: bool = True
    live_hours_back: int = 0
    connections_per_second: int = 5

    def available_end(self) -> int:
        """UTC ns at which history ends: that of the last completed minute."""
        end = self.clock() - self.delay_ns
        licence = self.faults.licence
        if licence is not None and licence.case == END_AFTER_AVAILABLE:
            end = min(end, self.clock() - licence.hours * HOUR_NS)
        return end - end % MINUTE_NS

    def licence_end(self) -> int:
        """UTC ns from which on data need a licence that a fault switch has taken away."""
        licence = self.faults.licence
        if licence is None or licence.case != UNAVAILABLE_RANGE:
            return NEVER
        return self.clock() - licence.hours * HOUR_NS

    def live_time(self) -> tuple[int, int]:
        """UTC ns now for the live half, and by how much that is behind the clock."""
        back = self.live_hours_back * HOUR_NS
        now = self.clock() - back
        shift = live_clock.shift_ns(now) if self.shifts_closed_days else 0
        return now - shift, shift + back

    def live_now(self) -> int:
        return self.live_time()[0]


GATEWAY = web.AppKey("gateway", Gateway)
