"""When an alert fires too often to be of use."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict

from market.sessions import SECOND_NS

MOST, WITHIN_NS = 15, 180 * SECOND_NS
"""So many firings of one alert within so much market time stop it."""
REMEMBERED = 100
"""Of each alert's firings so many are remembered."""


class Flood:
    """The firings of some alerts lately. Each is named by its id and revision: an alert that was resumed is another."""

    def __init__(self) -> None:
        self._fired: dict[tuple[int, int], list[int]] = defaultdict(list)

    def note(self, alert: tuple[int, int], market_ns: int) -> bool:
        """It has fired at an instant; whether that is too often. They need not come in the order of time."""
        fired = self._fired[alert]
        insort(fired, market_ns)
        del fired[:-REMEMBERED]
        return bisect_right(fired, market_ns) - bisect_left(fired, market_ns - WITHIN_NS) >= MOST
