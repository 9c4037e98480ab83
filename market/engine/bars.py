"""Bars as columns, and their aggregation.

Prices are int64 in 1e-9 units, times int64 UTC ns of the bar's open, volumes int64 contracts.
A second without a trade has no bar, as at Databento.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from market.sessions import SECOND_NS

Int64s = npt.NDArray[np.int64]
COLUMNS = ("ts", "open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars in ascending order of time; six arrays of equal length, never changed once made."""

    ts: Int64s
    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s

    def __post_init__(self) -> None:
        for name in COLUMNS:
            getattr(self, name).setflags(write=False)

    def __len__(self) -> int:
        return len(self.ts)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_]) -> "Bars":
        return Bars(*(getattr(self, name)[rows] for name in COLUMNS))

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return sum(getattr(self, name).nbytes for name in COLUMNS)

    def shifted(self, shift: int) -> "Bars":
        """The same bars with all prices moved by `shift` (1e-9 units)."""
        if shift == 0:
            return self
        return Bars(self.ts, self.open + shift, self.high + shift, self.low + shift, self.close + shift, self.volume)


def empty() -> Bars:
    """No bars."""
    return Bars(*(np.empty(0, np.int64) for _ in COLUMNS))


def concatenate(parts: list[Bars]) -> Bars:
    """Bars one after the other; the parts must follow each other in time."""
    if len(parts) == 1:
        return parts[0]
    return Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in COLUMNS)) if parts else empty()


def aggregate(bars: Bars, starts: Int64s) -> Bars:
    """One bar for each start (ascending, UTC ns) that has rows: from it up to the next start.

    Rows before the first start are left out. A start without rows gives no bar. The result's ts are starts.
    """
    bounds = np.searchsorted(bars.ts, starts)
    ends = np.append(bounds[1:], len(bars))
    filled = ends > bounds
    first, last = bounds[filled], ends[filled] - 1
    if not len(first):
        return empty()
    # reduceat sums up to the next index, so rows before the first start must not be there, and are not.
    return Bars(
        ts=starts[filled],
        open=bars.open[first],
        high=np.maximum.reduceat(bars.high, first),
        low=np.minimum.reduceat(bars.low, first),
        close=bars.close[last],
        volume=np.add.reduceat(bars.volume, first),
    )


def from_trades(ts_recv: Int64s, price: Int64s, size: Int64s, seconds: int = 1) -> Bars:
    """Bars of whole multiples of `seconds` from trades in order of arrival, as Databento makes them.

    A trade belongs to the interval of its ts_recv (UTC ns); the bar is stamped with the interval's open.
    Trades of size 0 are no trades.
    """
    real = size > 0
    price, size = price[real], size[real]
    step = seconds * SECOND_NS
    each = Bars(ts_recv[real] // step * step, price, price, price, price, size)
    return aggregate(each, np.unique(each.ts))
