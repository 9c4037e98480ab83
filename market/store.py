"""The parquet store: one file per schema, contract and trade date, written whole or not at all.

`DATA_ROOT` is a folder or any URL that pyarrow.fs understands. Columns are those of DBN: ts_event int64 UTC ns,
prices int64 1e-9, volume int64.
"""

import hashlib
import io
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from django.conf import settings

from market.engine.bars import Bars

WRITERS = 4
COLUMN_NAMES = ["ts_event", "open", "high", "low", "close", "volume"]


class DamagedPiece(Exception):
    """A stored file is missing or is not the file that was written."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Size in bytes and SHA-256 (hex) of a stored file."""

    bytes: int
    checksum: str


@dataclass(frozen=True, slots=True)
class PieceName:
    """Where a piece lies: `{schema}/{dataset}/{contract}/{trade_date}.parquet`."""

    schema: str
    dataset: str
    contract: str
    trade_date: date

    def __str__(self) -> str:
        return f"{self.schema}/{self.dataset}/{self.contract}/{self.trade_date}.parquet"


@lru_cache(maxsize=4)
def _filesystem(root: str) -> tuple[pa.fs.FileSystem, str]:
    if "://" in root:
        filesystem, path = pa.fs.FileSystem.from_uri(root)
        return filesystem, path
    return pa.fs.LocalFileSystem(), str(Path(root).resolve())


def _open(name: PieceName) -> tuple[pa.fs.FileSystem, str]:
    filesystem, root = _filesystem(settings.DATA_ROOT)
    return filesystem, f"{root}/{name}"


def write_many(names: list[PieceName], parts: list[Bars]) -> Iterator[StoredFile]:
    """Write pieces as `write_bars` does, several at a time; nothing is written for one without bars.

    The files come in the order of the names, each as soon as it is written.
    """

    def write(name: PieceName, bars: Bars) -> StoredFile:
        return write_bars(name, bars) if len(bars) else StoredFile(0, "")

    # Compressing and syncing to disk leave Python free.
    with ThreadPoolExecutor(WRITERS) as pool:
        yield from pool.map(write, names, parts)


def write_bars(name: PieceName, bars: Bars) -> StoredFile:
    """Write a piece atomically: a reader sees the old file or the whole new one, also after a crash."""
    columns = [bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume]
    table = pa.table({name: pa.array(column) for name, column in zip(COLUMN_NAMES, columns, strict=True)})
    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        compression="zstd",
        row_group_size=len(bars) or 1,
        # Prices and volumes of a session repeat, its seconds count up: half the size of plain values, faster both ways.
        use_dictionary=COLUMN_NAMES[1:],
        column_encoding={COLUMN_NAMES[0]: "DELTA_BINARY_PACKED"},
    )
    body = buffer.getvalue()
    _write_atomically(name, body)
    return StoredFile(len(body), hashlib.sha256(body).hexdigest())


def _write_atomically(name: PieceName, body: bytes) -> None:
    filesystem, path = _open(name)
    folder = path.rpartition("/")[0]
    if not isinstance(filesystem, pa.fs.LocalFileSystem):
        # One put of an object store is atomic by itself.
        with filesystem.open_output_stream(path) as stream:
            stream.write(body)
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    temporary = Path(f"{path}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(folder)


def _sync_folder(folder: str) -> None:
    """Make the rename itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_bars(name: PieceName, checksum: str) -> Bars:
    """Read a piece and hold it against its checksum. Raises DamagedPiece when it is missing or altered."""
    filesystem, path = _open(name)
    try:
        with filesystem.open_input_file(path) as file:
            body = file.read()
    except FileNotFoundError:
        raise DamagedPiece(f"{name} is missing from the store.") from None
    if hashlib.sha256(body).hexdigest() != checksum:
        raise DamagedPiece(f"{name} is not the file that was stored.")
    table = pq.read_table(io.BytesIO(body), columns=COLUMN_NAMES)
    return Bars(*(table.column(column).combine_chunks().to_numpy().copy() for column in COLUMN_NAMES))


def set_aside(name: PieceName) -> None:
    """Move a damaged file out of the way, beside where it was; nothing happens when it is gone already."""
    filesystem, path = _open(name)
    if filesystem.get_file_info(path).type == pa.fs.FileType.File:
        filesystem.move(path, f"{path}.damaged-{uuid.uuid4().hex[:8]}")
