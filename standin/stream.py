"""The records of a query, day by day, and their encoding as a zstd DBN stream.

Everything is a generator that runs in a worker thread: memory holds one UTC day at a time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import zstandard
from databento_dbn import Metadata, OHLCVMsg, Schema, SType
from numpy.typing import NDArray

from standin import definitions, timestamps
from standin.market.bars import INTERVALS_NS, day_bars, day_ns, day_of
from standin.market.contracts import Instrument
from standin.market.table import Bars
from standin.query import DEFINITION, Query
from standin.symbology import Interval, Resolution

OHLCV_DTYPE = np.dtype(OHLCVMsg._dtypes)
RTYPES = {"ohlcv-1s": 32, "ohlcv-1m": 33, "ohlcv-1h": 34, "ohlcv-1d": 35}
DBN_VERSION = 3
COMPRESSION_LEVEL = 1
"""The stream crosses a loopback: cheap to compress counts more than small."""
CHUNK_BYTES = 1 << 18
"""Compressed bytes are handed on in pieces of at least this size …"""
CHUNK_DAYS = 64
"""… or after so many days, so that a gateway that stops need not wait for years of daily bars."""


def record_size(schema: str) -> int:
    """Bytes of one uncompressed record, which is what is billed."""
    return definitions.DTYPE.itemsize if schema == DEFINITION else OHLCV_DTYPE.itemsize


def records(seed: int, query: Query, resolution: Resolution) -> Iterator[NDArray[Any]]:
    """Structured arrays with DBN's own layout, at most one per UTC day, ordered by time; honours the limit."""
    left = query.limit
    for day in timestamps.days_between(query.start_ns, query.end_ns):
        batch = _day_records(seed, query, resolution.on(day), day)
        if left is not None:
            batch = batch[:left]
            left -= len(batch)
        if len(batch):
            yield batch
        if left == 0:
            return


def count_records(seed: int, query: Query, resolution: Resolution) -> int:
    return sum(len(batch) for batch in records(seed, query, resolution))


@dataclass(frozen=True, slots=True)
class Cut:
    """End a body after so many records; the client takes it for complete.

    open_frame: end it in the middle of the next record and without the end of the zstd frame. The client reads
    what came before in a long body, and nothing at all of a short one.
    """

    records: int
    open_frame: bool


def body(seed: int, query: Query, resolution: Resolution, *, cut: Cut | None = None) -> Iterator[bytes]:
    """The response body, metadata and records in one zstd frame; a piece may be empty."""
    compressor = zstandard.ZstdCompressor(level=COMPRESSION_LEVEL).compressobj()
    plain = _plain(seed, query, resolution)
    if cut is not None:
        size = record_size(query.schema)
        rest = size // 2 if cut.open_frame else 0
        plain = _cut(plain, len(_metadata(query, resolution)) + cut.records * size + rest)
    pending = bytearray()
    for number, piece in enumerate(plain, 1):
        pending += compressor.compress(piece)
        if len(pending) >= CHUNK_BYTES or number % CHUNK_DAYS == 0:
            yield bytes(pending)
            pending.clear()
    open_frame = cut is not None and cut.open_frame
    ending = zstandard.COMPRESSOBJ_FLUSH_BLOCK if open_frame else zstandard.COMPRESSOBJ_FLUSH_FINISH
    yield bytes(pending) + compressor.flush(ending)


def _plain(seed: int, query: Query, resolution: Resolution) -> Iterator[bytes]:
    yield _metadata(query, resolution)
    for batch in records(seed, query, resolution):
        yield batch.tobytes()


def _cut(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return


def _day_records(seed: int, query: Query, instruments: list[Instrument], day: date) -> NDArray[Any]:
    if query.schema == DEFINITION:
        inside = query.start_ns <= day_ns(day) < query.end_ns
        return definitions.snapshot(instruments if inside else [], day)
    # a bar exists once its interval is over
    past = query.available_end - INTERVALS_NS[query.schema] + 1
    table = day_bars(seed, instruments, query.schema, day, query.start_ns, min(query.end_ns, past))
    return ohlcv_records(table, instruments, query.schema)


def ohlcv_records(table: Bars, instruments: Sequence[Instrument], schema: str) -> NDArray[Any]:
    """DBN records of bars whose prices are in 1e-9 units."""
    ids = np.array([each.instrument_id for each in instruments], dtype=np.uint32)
    result = np.empty(len(table), dtype=OHLCV_DTYPE)
    result["length"] = OHLCV_DTYPE.itemsize // 4
    result["rtype"] = RTYPES[schema]
    result["publisher_id"] = definitions.PUBLISHER_GLBX
    result["instrument_id"] = ids[table.who] if len(table) else 0
    result["ts_event"] = table.start_ns
    result["open"], result["high"], result["low"], result["close"] = table.open, table.high, table.low, table.close
    result["volume"] = table.volume
    return result


@dataclass(slots=True)
class _MappingInterval:
    start_date: date
    end_date: date
    symbol: str


@dataclass(slots=True)
class _SymbolMapping:
    """What `Metadata` takes for a mapping; `raw_symbol` is DBN's name for the symbol as shown."""

    raw_symbol: str
    intervals: Sequence[Any]


def _metadata(query: Query, resolution: Resolution) -> bytes:
    return bytes(
        Metadata(
            dataset=query.dataset,
            start=query.start_ns,
            end=query.end_ns,
            limit=query.limit,
            schema=Schema.from_str(query.schema),
            stype_in=SType.from_str(query.stype_in),
            stype_out=SType.from_str(query.stype_out),
            symbols=list(query.symbols),
            partial=resolution.partial,
            not_found=resolution.not_found,
            mappings=[_mapping(shown, spans, query.stype_out) for shown, spans in resolution.mappings.items()],
            version=DBN_VERSION,
        )
    )


def _mapping(shown: str, spans: list[Interval], stype_out: str) -> _SymbolMapping:
    return _SymbolMapping(
        shown, [_MappingInterval(each.start, each.end, output_symbol(each.instrument, stype_out)) for each in spans]
    )


def output_symbol(instrument: Instrument, stype_out: str) -> str:
    return instrument.raw_symbol if stype_out == "raw_symbol" else str(instrument.instrument_id)


def resolution_days(query: Query) -> tuple[date, date]:
    """The UTC days [first, past) of a query's range."""
    return day_of(query.start_ns), day_of(query.end_ns - 1) + timedelta(days=1)
