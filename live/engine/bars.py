"""One-second bars from prints as they arrive.

Prices are int in 1e-9 units, times int UTC ns, volumes int contracts. A print belongs to the second of its ts_recv, as
in Databento's `ohlcv-1s`; a second without a print has no bar. docs/live.md tells when a second closes and what
becomes of a print that comes later.
"""

from collections.abc import Iterable
from dataclasses import dataclass

SECOND_NS = 1_000_000_000
KEPT_NS = 120 * SECOND_NS
"""So long after its end a closed second can still take a late print; what comes later is counted and left out."""

Bar = tuple[int, int, int, int, int, int]
"""ts (the second's start), open, high, low, close, volume."""


@dataclass(slots=True)
class Second:
    """A second's bar, and the arrival (ts_recv) of the prints that opened and closed it."""

    open: int
    high: int
    low: int
    close: int
    volume: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing brought, ascending in time. final: seconds that closed now. amended: closed ones that changed."""

    final: list[Bar]
    amended: list[Bar]


class BarBuilder:
    """The bars of one contract.

    since_ns: a whole second; prints before it belong to bars that are known already, and are left out. Of equal
    prints in any order the same bars come: open and close go by ts_recv, and by arrival where that is equal.
    """

    def __init__(self, since_ns: int = 0) -> None:
        self._since_ns = since_ns
        self._closed_ns = since_ns
        self._seconds: dict[int, Second] = {}
        self._open: list[int] = []
        self._amended: set[int] = set()
        self.too_late = 0
        """Prints that came too long after their second to change it."""

    def add(self, ts_recv: int, price: int, size: int) -> None:
        """Take a print; one of size 0 is none."""
        start = ts_recv - ts_recv % SECOND_NS
        second = self._seconds.get(start)
        if size <= 0 or start < self._since_ns:
            return
        if second is None and start < self._closed_ns - KEPT_NS:
            self.too_late += 1
            return
        if start < self._closed_ns:
            self._amended.add(start)
        if second is None:
            self._begin(start, Second(price, price, price, price, size, ts_recv, ts_recv))
        else:
            _merge(second, ts_recv, price, size)

    def add_all(self, prints: Iterable[tuple[int, int, int]]) -> None:
        """`add` for (ts_recv, price, size) in order of arrival; the common case, a print in order, without a call."""
        seconds = self._seconds
        for ts_recv, price, size in prints:
            second = seconds.get(ts_recv - ts_recv % SECOND_NS)
            if second is None or size <= 0 or ts_recv < second.last_ns or ts_recv < self._closed_ns:
                self.add(ts_recv, price, size)
                continue
            if price > second.high:
                second.high = price
            elif price < second.low:
                second.low = price
            second.close, second.last_ns = price, ts_recv
            second.volume += size

    def _begin(self, start: int, second: Second) -> None:
        self._seconds[start] = second
        if start >= self._closed_ns:
            self._open.append(start)

    def forming(self) -> Bar | None:
        """The newest second that has not closed; None without one."""
        return self._bar(max(self._open)) if self._open else None

    def close(self, until_ns: int) -> Closed:
        """Close the seconds that end at or before until_ns (UTC ns, market time)."""
        closed_ns = max(self._closed_ns, until_ns - until_ns % SECOND_NS)
        final = [self._bar(start) for start in sorted(self._open) if start < closed_ns]
        amended = [self._bar(start) for start in sorted(self._amended)]
        self._amended.clear()
        if closed_ns > self._closed_ns:
            self._closed_ns = closed_ns
            self._open = [start for start in self._open if start >= closed_ns]
            if final:
                self._forget(closed_ns - KEPT_NS)
        return Closed(final, amended)

    def _forget(self, before_ns: int) -> None:
        # seconds enter nearly in order: the oldest stand first
        for start in [start for start in self._seconds if start < before_ns]:
            del self._seconds[start]

    def _bar(self, start: int) -> Bar:
        second = self._seconds[start]
        return start, second.open, second.high, second.low, second.close, second.volume


def _merge(second: Second, ts_recv: int, price: int, size: int) -> None:
    second.high = max(second.high, price)
    second.low = min(second.low, price)
    second.volume += size
    if ts_recv < second.first_ns:
        second.open, second.first_ns = price, ts_recv
    if ts_recv >= second.last_ns:
        second.close, second.last_ns = price, ts_recv
