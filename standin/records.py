"""The records of any schema, any instruments and any range of time, as DBN's own arrays.

Both halves of the gateway take them from here. Everything is a pure function of the seed: whatever is asked
in one piece or in several, alone or together, is the same records.
"""

from collections.abc import Sequence
from datetime import date
from importlib.util import find_spec
from typing import Any

import numpy as np
from databento_dbn import MBP1Msg, MBP10Msg, OHLCVMsg, TradeMsg
from numpy.typing import NDArray

from standin import definitions, statistics, status, timestamps
from standin.market.bars import INTERVALS_NS, day_bars, day_ns
from standin.market.contracts import Instrument
from standin.market.table import Bars

DEFINITION, STATISTICS, STATUS = "definition", "statistics", "status"
EVENT_DTYPES = {
    "trades": np.dtype(TradeMsg._dtypes),
    "mbp-1": np.dtype(MBP1Msg._dtypes),
    "mbp-10": np.dtype(MBP10Msg._dtypes),
}
"""Trades and the book; they need numba, which has no wheels for Intel Macs."""
DTYPES: dict[str, np.dtype[np.void]] = {
    **dict.fromkeys(INTERVALS_NS, np.dtype(OHLCVMsg._dtypes)),
    **(EVENT_DTYPES if find_spec("numba") else {}),
    DEFINITION: definitions.DTYPE,
    STATISTICS: statistics.DTYPE,
    STATUS: status.DTYPE,
}
"""By schema: all that are served."""
RTYPES = {"ohlcv-1s": 32, "ohlcv-1m": 33, "ohlcv-1h": 34, "ohlcv-1d": 35}

Records = NDArray[Any]


def records(seed: int, schema: str, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> Records:
    """The records in [start_ns, end_ns) UTC, ordered by time, then by the place of the instrument.

    The time is ts_event for bars (their begin), ts_recv for all else. Trades and books cost the whole minutes that
    the range touches. Raises KeyError for a schema that is not served.
    """
    if schema in INTERVALS_NS:
        return _bars(seed, schema, wanted, start_ns, end_ns)
    if schema == DEFINITION:
        return _definitions(wanted, start_ns, end_ns)
    if schema == STATISTICS:
        return statistics.statistics_records(seed, wanted, start_ns, end_ns)
    if schema == STATUS:
        return status.status_records(seed, wanted, start_ns, end_ns)
    from standin.micro import tape, words  # numba takes half a second: only for who needs it

    return words.as_records(tape.event_rows(seed, schema, wanted, start_ns, end_ns), schema)


def count_records(seed: int, schema: str, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> int:
    """How many `records` there are; for trades and books without writing them."""
    if schema not in EVENT_DTYPES:
        return len(records(seed, schema, wanted, start_ns, end_ns))
    from standin.micro import tape

    return tape.count_rows(seed, schema, wanted, start_ns, end_ns)


def _bars(seed: int, schema: str, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> Records:
    days = timestamps.days_between(start_ns, end_ns)
    tables = [day_bars(seed, wanted, schema, day, start_ns, end_ns) for day in days]
    return _bar_records(Bars.joined(tables), wanted, schema)


def _bar_records(table: Bars, wanted: Sequence[Instrument], schema: str) -> Records:
    """DBN records of bars whose prices are in 1e-9 units."""
    ids = np.array([each.instrument_id for each in wanted], dtype=np.uint32)
    result = np.empty(len(table), dtype=DTYPES[schema])
    result["length"] = result.itemsize // 4
    result["rtype"] = RTYPES[schema]
    result["publisher_id"] = definitions.PUBLISHER_GLBX
    result["instrument_id"] = ids[table.who] if len(table) else 0
    result["ts_event"] = table.start_ns
    result["open"], result["high"], result["low"], result["close"] = table.open, table.high, table.low, table.close
    result["volume"] = table.volume
    return result


def _definitions(wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> Records:
    """A snapshot at each UTC midnight in the range, of what is listed on that day."""
    days = [day for day in timestamps.days_between(start_ns, end_ns) if day_ns(day) >= start_ns]
    parts = [
        definitions.snapshot([each for each in wanted if each.listed_from <= day <= each.last_trade], day)
        for day in days
    ]
    return np.concatenate([np.empty(0, dtype=definitions.DTYPE), *parts])


def _listed(wanted: Sequence[Instrument], day: date) -> list[Instrument]:
    """What is listed on a UTC day."""
    return [each for each in wanted if each.listed_from <= day <= each.last_trade]
