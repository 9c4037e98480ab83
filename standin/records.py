"""The records of any schema over any window: what the live half sends."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standin import definitions, timestamps
from standin.market.bars import INTERVALS_NS, day_bars, day_ns
from standin.market.contracts import Instrument
from standin.query import DEFINITION
from standin.stream import OHLCV_DTYPE, ohlcv_records

DTYPES = {**dict.fromkeys(INTERVALS_NS, OHLCV_DTYPE), DEFINITION: definitions.DTYPE}


def records(seed: int, schema: str, instruments: Sequence[Instrument], start_ns: int, end_ns: int) -> NDArray[Any]:
    """Records in DBN's own layout, ordered by time: bars that begin, others that are received in [start_ns, end_ns).

    A pure function of the seed: records of the future are there too. Raises KeyError for a schema that is not made.
    """
    dtype = DTYPES[schema]
    parts = [
        _of_day(seed, schema, instruments, start_ns, end_ns, day)
        for day in timestamps.days_between(start_ns, max(start_ns, end_ns))
    ]
    return np.concatenate(parts) if parts else np.empty(0, dtype=dtype)


def _of_day(
    seed: int, schema: str, instruments: Sequence[Instrument], start_ns: int, end_ns: int, day: date
) -> NDArray[Any]:
    if schema == DEFINITION:
        inside = start_ns <= day_ns(day) < end_ns
        listed = [each for each in instruments if each.listed_from <= day <= each.last_trade]
        return definitions.snapshot(listed if inside else [], day)
    table = day_bars(seed, instruments, schema, day, start_ns, end_ns)
    return ohlcv_records(table, instruments, schema)
