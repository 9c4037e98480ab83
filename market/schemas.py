"""What can be stored of a contract's market data: Databento's schemas and their columns.

Columns are DBN's: times int64 UTC ns, prices int64 in 1e-9 units, sizes and counts unsigned, characters as their
ASCII code. What is the same in every row of a piece (record type, publisher, instrument) is left out.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from market.engine.bars import Bars

LEVELS = 10
_EVENT: dict[str, Any] = {
    "ts_recv": np.int64,
    "ts_event": np.int64,
    "action": np.uint8,
    "side": np.uint8,
    "depth": np.uint8,
    "price": np.int64,
    "size": np.uint32,
    "flags": np.uint8,
    "ts_in_delta": np.int32,
    "sequence": np.uint32,
}
_LEVEL: dict[str, Any] = {
    "bid_px": np.int64,
    "ask_px": np.int64,
    "bid_sz": np.uint32,
    "ask_sz": np.uint32,
    "bid_ct": np.uint32,
    "ask_ct": np.uint32,
}
_STATUS: dict[str, Any] = {
    "ts_recv": np.int64,
    "ts_event": np.int64,
    "action": np.uint16,
    "reason": np.uint16,
    "trading_event": np.uint16,
    "is_trading": np.uint8,
    "is_quoting": np.uint8,
    "is_short_sell_restricted": np.uint8,
}


@dataclass(frozen=True, slots=True)
class Schema:
    """One of Databento's schemas as it is stored.

    columns: name and dtype, the time that orders and cuts the rows first. bar_seconds: the interval of a bar, 0 for
    events.
    """

    name: str
    columns: dict[str, Any]
    bar_seconds: int = 0

    @property
    def time(self) -> str:
        """The column of the time by which rows are ordered: arrival for events, the open for bars."""
        return next(iter(self.columns))

    def columns_of(self, rows: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """The stored columns of DBN records."""
        return {name: _as(rows[name], dtype) for name, dtype in self.columns.items()}


def _as(values: npt.NDArray[Any], dtype: Any) -> npt.NDArray[Any]:
    if values.dtype.kind == "S":
        values = np.ascontiguousarray(values).view(np.uint8)
    return np.ascontiguousarray(values, dtype)


def _bars(name: str, seconds: int) -> Schema:
    columns = dict(zip(("ts_event", *list(Bars.COLUMNS)[1:]), Bars.COLUMNS.values(), strict=True))
    return Schema(name, columns, seconds)


def _levels(count: int) -> dict[str, Any]:
    return {f"{name}_{level:02}": dtype for level in range(count) for name, dtype in _LEVEL.items()}


SECONDS = _bars("ohlcv-1s", 1)
_COARSER = (_bars("ohlcv-10s", 10), _bars("ohlcv-1m", 60), _bars("ohlcv-5m", 300))
BAR_SCHEMAS = [SECONDS.name, *(schema.name for schema in _COARSER)]
"""From the finest to the coarsest."""
TRADES = Schema("trades", _EVENT)
BOOK = Schema("mbp-10", _EVENT | _levels(LEVELS))
STATUS = Schema("status", _STATUS)

BY_NAME: Mapping[str, Schema] = {
    schema.name: schema
    for schema in (
        SECONDS,
        *_COARSER,
        TRADES,
        BOOK,
        STATUS,
    )
}
"""All that is stored, by Databento's name."""
