"""Prints as columns."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from market.engine import bars as engine_bars
from market.engine.bars import Bars, Int64s
from market.engine.table import Table

BUY, SELL, NO_SIDE = ord("B"), ord("A"), ord("N")
"""The aggressor, as DBN says it: who hit the book."""
WIDEST = 1_000_000
"""Ticks between the prices of a session: beyond it one of them is no price."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Trades(Table):
    """Prints in order of arrival; arrays of equal length.

    ts: int64 UTC ns at which Databento captured it, which orders the prints and makes them known. ts_event: int64 UTC
    ns at the exchange. price: int64, 1e-9 units. size: uint32, lots. side: uint8, the aggressor. sequence: uint32.
    """

    COLUMNS = {
        "ts": np.int64,
        "ts_event": np.int64,
        "price": np.int64,
        "size": np.uint32,
        "side": np.uint8,
        "sequence": np.uint32,
    }

    ts: Int64s
    ts_event: Int64s
    price: Int64s
    size: npt.NDArray[np.uint32]
    side: npt.NDArray[np.uint8]
    sequence: npt.NDArray[np.uint32]

    def known_at(self, ns: int) -> int:
        """How many prints are known at an instant (UTC ns)."""
        return int(self.ts.searchsorted(ns, side="right"))

    def last(self, ns: int, count: int) -> "Trades":
        """The last prints known at an instant, at most `count`, the newest last."""
        end = self.known_at(ns)
        return self[max(0, end - count) : end]

    def volumes(self, first: int, end: int, tick: int) -> tuple[Int64s, Int64s]:
        """Where prints `first` to `end` traded, in whole ticks (of 1e-9 units), ascending, and the lots at each."""
        ticks = self.price[first:end] // tick
        if not len(ticks):
            return ticks, ticks
        low = int(ticks.min())
        if int(ticks.max()) - low > WIDEST:
            ticks, place = np.unique(ticks, return_inverse=True)
            return ticks, np.bincount(place, self.size[first:end]).astype(np.int64)
        lots = np.bincount(ticks - low, self.size[first:end])  # six times as fast as sorting a whole session
        traded = lots.nonzero()[0]
        return traded + low, lots[traded].astype(np.int64)

    def bars(self, seconds: int = 1) -> Bars:
        """Bars as Databento makes them from these prints."""
        return engine_bars.from_trades(self.ts, self.price, self.size.astype(np.int64), seconds)


def from_columns(columns: Any) -> Trades:
    """Prints from stored columns of the `trades` schema."""
    names = ("ts_recv", "ts_event", "price", "size", "side", "sequence")
    return Trades(*(columns[name] for name in names))
