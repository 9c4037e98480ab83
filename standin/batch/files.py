"""The files of a batch job: the records of its query in pieces, and a few that describe them."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

import zstandard
from databento_dbn import Compression, Encoding, Transcoder

from market.facts import DATASET
from standin import metadata, stream, timestamps
from standin.batch.options import Options
from standin.market.bars import day_ns, day_of
from standin.query import Query
from standin.symbology import Interval, Resolution

_DBN_PREFIX_BYTES = 8
_SUNDAY = 6


@dataclass(frozen=True, slots=True)
class JobFile:
    """size: bytes. sha256: hexadecimal."""

    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Made:
    """What a job made. record_bytes: of all records, uncompressed in DBN, which is what is billed."""

    files: tuple[JobFile, ...]
    record_count: int
    record_bytes: int


def make(seed: int, query: Query, resolution: Resolution, options: Options, folder: Path) -> Made:
    """Write all files of a job into a folder. A piece without records makes none."""
    folder.mkdir(parents=True)
    size = stream.record_size(query.schema)
    paths, record_bytes = [], 0
    for name, part, resolved in _pieces(query, resolution, options):
        left = None if query.limit is None else query.limit - record_bytes // size
        if left == 0:
            break
        path = folder / name
        written = _write(path, stream.body(seed, replace(part, limit=left), resolved), options)
        record_bytes += written
        if written:
            paths.append(path)
        else:
            path.unlink()
    paths += _descriptions(folder, query, resolution, options)
    return Made(tuple(_described(path) for path in sorted(paths)), record_bytes // size, record_bytes)


def _pieces(query: Query, resolution: Resolution, options: Options) -> Iterator[tuple[str, Query, Resolution]]:
    """File name, query and resolution of each piece."""
    endings = {"zstd": ".zst", "none": ""}
    ending = f"{options.encoding}{endings[options.compression]}"
    for first, past in _spans(query, options.split_duration):
        start_ns, end_ns = max(query.start_ns, day_ns(first)), min(query.end_ns, day_ns(past))
        clipped = _clipped(resolution, first, past)
        days = f"{first:%Y%m%d}" if past == first + timedelta(days=1) else f"{first:%Y%m%d}-{_day_before(past):%Y%m%d}"
        stem = f"{DATASET.lower().replace('.', '-')}-{days}.{query.schema}"
        part = replace(query, start_ns=start_ns, end_ns=end_ns)
        if not options.split_symbols:
            yield f"{stem}.{ending}", part, clipped
            continue
        for symbol, intervals in clipped.mappings.items():
            yield f"{stem}.{symbol}.{ending}", part, replace(clipped, mappings={symbol: intervals})


def _spans(query: Query, duration: str) -> Iterator[tuple[date, date]]:
    """The UTC days [first, past) of each piece; a week begins on Sunday."""
    first, end = day_of(query.start_ns), day_of(query.end_ns - 1) + timedelta(days=1)
    while first < end:
        past = min(_next_boundary(first, duration), end)
        yield first, past
        first = past


def _next_boundary(day: date, duration: str) -> date:
    if duration == "day":
        return day + timedelta(days=1)
    if duration == "week":
        return day + timedelta(days=(_SUNDAY - day.weekday()) % 7 or 7)
    if duration == "month":
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)
    return date(day.year + 1, 1, 1) if duration == "year" else date.max


def _day_before(day: date) -> date:
    return day - timedelta(days=1)


def _clipped(resolution: Resolution, first: date, past: date) -> Resolution:
    mappings = {}
    for symbol, intervals in resolution.mappings.items():
        spans = [Interval(max(each.start, first), min(each.end, past), each.instrument) for each in intervals]
        if kept := [each for each in spans if each.start < each.end]:
            mappings[symbol] = kept
    return replace(resolution, start=first, end=past, mappings=mappings)


def _write(path: Path, body: Iterator[bytes], options: Options) -> int:
    """Write a body in the wished form. Returns the bytes of its records, uncompressed in DBN."""
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    head = b""
    total = 0
    with _opened(path, options) as sink:
        for piece in body:
            plain = decompressor.decompress(piece)
            head = (head + plain)[:_DBN_PREFIX_BYTES]
            total += len(plain)
            sink.write(plain)
    return total - _DBN_PREFIX_BYTES - int.from_bytes(head[4:], "little")


@contextmanager
def _opened(path: Path, options: Options) -> Iterator[Any]:
    """Something that plain DBN can be written to."""
    with path.open("wb") as file, _compressed(file, options.compression) as target:
        if options.encoding == "dbn":
            yield target
            return
        text = Transcoder(
            target,
            Encoding.from_str(options.encoding),
            Compression.from_str("none"),
            pretty_px=options.pretty_px,
            pretty_ts=options.pretty_ts,
            map_symbols=options.map_symbols,
        )
        yield text
        text.flush()


@contextmanager
def _compressed(file: IO[bytes], compression: str) -> Iterator[Any]:
    if compression == "none":
        yield file
        return
    with zstandard.ZstdCompressor().stream_writer(file, closefd=False) as writer:
        yield writer


def _descriptions(folder: Path, query: Query, resolution: Resolution, options: Options) -> list[Path]:
    """metadata.json repeats the request, condition.json rates its days, symbology.json resolves its symbols."""
    days = {"start_date": resolution.start.isoformat(), "end_date": _day_before(resolution.end).isoformat()}
    contents = {
        "metadata.json": {"version": 1, "query": query_json(query), "customizations": asdict(options)},
        "condition.json": metadata.dataset_condition(days, query.available_end),
        "symbology.json": metadata.resolution_json(resolution, query.symbols, query.stype_in, query.stype_out),
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content, indent=1))
    return [folder / name for name in contents]


def query_json(query: Query) -> dict[str, Any]:
    """A query in the words in which it was asked."""
    return {
        "dataset": query.dataset,
        "schema": query.schema,
        "symbols": ",".join(query.symbols),
        "stype_in": query.stype_in,
        "stype_out": query.stype_out,
        "start": timestamps.iso(query.start_ns),
        "end": timestamps.iso(query.end_ns),
        "limit": query.limit,
    }


def _described(path: Path) -> JobFile:
    with path.open("rb") as file:
        return JobFile(path, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
