"""The records of a query, piece by piece, and their encoding as a zstd DBN stream.

Everything is a generator that runs in a worker thread: memory holds one piece at a time, a UTC day at most.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
import zstandard
from databento_dbn import Metadata, Schema, SType

from standin import timestamps
from standin.market.bars import DAY_NS, INTERVALS_NS, day_ns, day_of
from standin.market.contracts import Instrument
from standin.market.underlying import MINUTE_NS
from standin.query import Query
from standin.records import DTYPES, EVENT_DTYPES, Records, count_records, records
from standin.symbology import Interval, Resolution, resolve

Bytes = bytes | memoryview

DBN_VERSION = 3
COMPRESSION_LEVEL = 1
"""The stream crosses a loopback: cheap to compress counts more than small."""
CHUNK_BYTES = 1 << 18
"""Compressed bytes are handed on in pieces of at least this size …"""
CHUNK_PIECES = 64
"""… or after so many pieces, so that a gateway that stops need not wait for years of daily bars."""
FIRST_SPAN_NS, LONGEST_SPAN_NS = 10 * MINUTE_NS, 60 * MINUTE_NS
"""Trades and books are made in pieces of the first length to begin with, and of the second at most."""
LARGE_BYTES = 32 << 20
"""A piece larger than this halves the next one, one smaller than a quarter doubles it."""


def record_size(schema: str) -> int:
    """Bytes of one uncompressed record, which is what is billed."""
    return DTYPES[schema].itemsize


def batches(seed: int, query: Query, resolution: Resolution) -> Iterator[Records]:
    """Structured arrays with DBN's own layout, ordered by time; honours the limit.

    A UTC day each; of trades and books so many minutes as make a handy piece, judged by the last one.
    """
    left = query.limit
    for day in timestamps.days_between(query.start_ns, query.end_ns):
        wanted = resolution.on(day)
        span = FIRST_SPAN_NS if query.schema in EVENT_DTYPES else DAY_NS
        start, end = _within(query, day)
        while start < end:
            past = min(start - start % MINUTE_NS + span, end)
            batch = records(seed, query.schema, wanted, start, past)
            start, span = past, _next_span(span, batch)
            if left is not None:
                batch = batch[:left]
                left -= len(batch)
            if len(batch):
                yield batch
            if left == 0:
                return


def _within(query: Query, day: date) -> tuple[int, int]:
    """[start, end) of a query on a UTC day; a bar is there once its interval is over."""
    past = query.available_end - INTERVALS_NS.get(query.schema, 1) + 1
    return max(query.start_ns, day_ns(day)), min(query.end_ns, past, day_ns(day) + DAY_NS)


def _next_span(span: int, batch: Records) -> int:
    if batch.nbytes > LARGE_BYTES:
        return max(span // 2, MINUTE_NS)
    return min(span * 2, LONGEST_SPAN_NS) if batch.nbytes < LARGE_BYTES // 4 else span


@lru_cache(maxsize=256)
def count(seed: int, query: Query) -> int:
    """The records of a query. Remembered, since a client asks for size, cost and count before it asks for the data."""
    resolution = resolve(seed, query.symbols, query.stype_in, *resolution_days(query))
    total = 0
    for day in timestamps.days_between(query.start_ns, query.end_ns):
        start, end = _within(query, day)
        if start < end:
            total += count_records(seed, query.schema, resolution.on(day), start, end)
        if query.limit is not None and total >= query.limit:
            return query.limit
    return total


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
        if len(pending) >= CHUNK_BYTES or number % CHUNK_PIECES == 0:
            yield bytes(pending)
            pending.clear()
    open_frame = cut is not None and cut.open_frame
    ending = zstandard.COMPRESSOBJ_FLUSH_BLOCK if open_frame else zstandard.COMPRESSOBJ_FLUSH_FINISH
    yield bytes(pending) + compressor.flush(ending)


def _plain(seed: int, query: Query, resolution: Resolution) -> Iterator[Bytes]:
    yield _metadata(query, resolution)
    for batch in batches(seed, query, resolution):
        yield batch.view(np.uint8).data


def _cut(pieces: Iterator[Bytes], size: int) -> Iterator[Bytes]:
    for piece in pieces:
        yield piece[:size]
        size -= len(piece)
        if size <= 0:
            return


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
