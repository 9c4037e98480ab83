"""What the gateway itself says in a stream: its header, and records about symbols, progress and errors.

Every function gives a structured array in DBN's layout, so that these records are sent as the market's are.
"""

from typing import Any

import numpy as np
from databento_dbn import ErrorCode, ErrorMsg, Metadata, SType, SymbolMappingMsg, SystemCode, SystemMsg
from numpy.typing import NDArray

from market.facts import DATASET
from standin.market.contracts import Instrument
from standin.noise import Ints
from standin.stream import DBN_VERSION

SYSTEM_DTYPE = np.dtype(SystemMsg._dtypes)
ERROR_DTYPE = np.dtype(ErrorMsg._dtypes)
MAPPING_DTYPE = np.dtype(SymbolMappingMsg._dtypes)
_ERROR_RTYPE, _MAPPING_RTYPE, _SYSTEM_RTYPE = 21, 22, 23


def header(start_ns: int, *, ts_out: bool) -> bytes:
    """The DBN metadata of a session; a replay's start is the session's."""
    return bytes(
        Metadata(
            dataset=DATASET,
            start=start_ns,
            stype_in=None,
            stype_out=SType.from_str("instrument_id"),
            schema=None,
            ts_out=ts_out,
            version=DBN_VERSION,
        )
    )


def system(code: int, text: str, ts_ns: int | Ints) -> NDArray[Any]:
    """One record for each time."""
    times = np.atleast_1d(np.asarray(ts_ns, dtype=np.uint64))
    records = _blank(SYSTEM_DTYPE, _SYSTEM_RTYPE, times)
    records["msg"], records["code"] = text.encode(), int(code)
    return records


def error(code: int, text: str, ts_ns: int, *, is_last: bool = True) -> NDArray[Any]:
    records = _blank(ERROR_DTYPE, _ERROR_RTYPE, np.array([ts_ns], dtype=np.uint64))
    records["err"], records["code"], records["is_last"] = text.encode(), int(code), is_last
    return records


def mapping(instrument: Instrument, stype_in: str, symbol: str, start_ns: int, end_ns: int, ts_ns: int) -> NDArray[Any]:
    """That a subscribed symbol means an instrument from start to end (UTC ns)."""
    record = _blank(MAPPING_DTYPE, _MAPPING_RTYPE, np.array([ts_ns], dtype=np.uint64))
    record["instrument_id"] = instrument.instrument_id
    record["stype_in"], record["stype_in_symbol"] = int(SType.from_str(stype_in)), symbol.encode()
    record["stype_out"], record["stype_out_symbol"] = int(SType.RAW_SYMBOL), instrument.raw_symbol.encode()
    record["start_ts"], record["end_ts"] = start_ns, end_ns
    return record


def heartbeat(ts_ns: int) -> NDArray[Any]:
    return system(SystemCode.HEARTBEAT, "Heartbeat", ts_ns)


def acknowledgement(number: int, schema: str, ts_ns: int) -> NDArray[Any]:
    return system(SystemCode.SUBSCRIPTION_ACK, f"Subscription request {number} for {schema} data succeeded", ts_ns)


def replay_completed(schema: str, ts_ns: int) -> NDArray[Any]:
    return system(SystemCode.REPLAY_COMPLETED, f"Finished {schema} replay", ts_ns)


def end_of_interval(schema: str, ends_ns: Ints) -> NDArray[Any]:
    """One record for each interval's exclusive end."""
    return system(SystemCode.END_OF_INTERVAL, f"End of interval for {schema}", ends_ns)


def slow_reader(schema: str, ts_ns: int) -> NDArray[Any]:
    text = f"Warning: slow reading, not keeping pace with {schema} data"
    return system(SystemCode.SLOW_READER_WARNING, text, ts_ns)


def skipped(schema: str, ts_ns: int) -> NDArray[Any]:
    code = ErrorCode.SKIPPED_RECORDS_AFTER_SLOW_READING
    return error(code, f"Slow client detected for {schema}. Skipped records", ts_ns)


def unresolved(symbol: str, ts_ns: int, *, is_last: bool) -> NDArray[Any]:
    code = ErrorCode.SYMBOL_RESOLUTION_FAILED
    return error(code, f"Failed to resolve symbol: {symbol}", ts_ns, is_last=is_last)


def _blank(dtype: np.dtype[Any], rtype: int, times: NDArray[np.uint64]) -> NDArray[Any]:
    records = np.zeros(times.size, dtype=dtype)
    records["length"], records["rtype"] = dtype.itemsize // 4, rtype
    records["ts_event"] = times
    return records
