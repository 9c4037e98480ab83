"""Bars as columns, and their aggregation.

Prices are int64 in 1e-9 units, times int64 UTC ns of the bar's open, volumes int64 contracts.
A second without a trade has no bar, as at Databento.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from market.engine.table import Table
from market.sessions import SECOND_NS

Int64s = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Bars(Table):
    """Bars in ascending order of time; six arrays of equal length."""

    COLUMNS = dict.fromkeys(("ts", "open", "high", "low", "close", "volume"), np.int64)

    ts: Int64s
    open: Int64s
    high: Int64s
    low: Int64s
    close: Int64s
    volume: Int64s

    def shifted(self, shift: int) -> "Bars":
        """The same bars with all prices moved by `shift` (1e-9 units)."""
        if shift == 0:
            return self
        return Bars(self.ts, self.open + shift, self.high + shift, self.low + shift, self.close + shift, self.volume)


def aggregate(bars: Bars, starts: Int64s) -> Bars:
    """One bar for each start (ascending, UTC ns) that has rows: from it up to the next start.

    Rows before the first start are left out. A start without rows gives no bar. The result's ts are starts.
    """
    bounds = np.searchsorted(bars.ts, starts)
    ends = np.append(bounds[1:], len(bars))
    filled = ends > bounds
    first, last = bounds[filled], ends[filled] - 1
    if not len(first):
        return Bars.empty()
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
