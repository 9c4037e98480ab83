"""The parquet store: one file per schema, contract and trade date, written whole or not at all.

`DATA_ROOT` is a folder or any URL that pyarrow.fs understands. The columns are those of `market.schemas`.
"""

import contextlib
import hashlib
import io
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet as pq
from django.conf import settings

from market.engine.bars import Bars
from market.schemas import BY_NAME, Schema

WRITERS = 4
CHUNK_BYTES = 1 << 20

Columns = Mapping[str, npt.NDArray[Any]]
"""Columns of equal length by name, as `Schema.columns` says."""


class DamagedPiece(Exception):
    """A stored file is missing or is not the file that was written."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Rows, size in bytes and SHA-256 (hex) of a stored file."""

    rows: int
    bytes: int
    checksum: str


NOTHING = StoredFile(0, 0, "")


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
        return filesystem, path.rstrip("/")
    return pa.fs.LocalFileSystem(), str(Path(root).resolve())


def _locate(name: PieceName | str) -> tuple[pa.fs.FileSystem, str]:
    filesystem, root = _filesystem(settings.DATA_ROOT)
    return filesystem, f"{root}/{name}"


# --- writing ----------------------------------------------------------------------------------------------


class _HashedFile:
    """A file that is written front to back, and its checksum."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._hash = hashlib.sha256()
        self.closed = False

    def write(self, data: Any) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def tell(self) -> int:
        return self._file.tell()

    def flush(self) -> None:
        self._file.flush()

    def close(self) -> None:
        self.closed = True

    def finish(self) -> tuple[int, str]:
        """Make what was written durable; its size and checksum."""
        self._file.flush()
        os.fsync(self._file.fileno())
        size = self._file.tell()
        self._file.close()
        return size, self._hash.hexdigest()

    def abandon(self) -> None:
        self._file.close()


class PieceWriter:
    """Writes one piece, a row group for each `append`; nothing is seen of it before `commit`.

    A reader sees the old file or the whole new one, also after a crash.
    """

    def __init__(self, name: PieceName) -> None:
        self._name = name
        self._schema = BY_NAME[name.schema]
        self._filesystem, self._path = _locate(name)
        self._rows = 0
        self._is_over = False
        folder = Path(self._path).parent if self._is_local else Path(tempfile.gettempdir())
        folder.mkdir(parents=True, exist_ok=True)
        self._temporary = folder / f"{name.trade_date}.parquet.{uuid.uuid4().hex}.tmp"
        self._file = _HashedFile(self._temporary)
        self._parquet = _parquet_writer(self._schema, self._file)

    @property
    def _is_local(self) -> bool:
        return isinstance(self._filesystem, pa.fs.LocalFileSystem)

    def append(self, columns: Columns) -> None:
        """Add rows; they must follow the ones before in time."""
        if not len(columns[self._schema.time]):
            return
        table = pa.table({name: pa.array(columns[name]) for name in self._schema.columns})
        self._rows += table.num_rows
        self._parquet.write_table(table, row_group_size=table.num_rows)

    def commit(self) -> StoredFile:
        """Put the piece in its place; without rows there is none."""
        if not self._rows:
            self.discard()
            return NOTHING
        self._is_over = True
        try:
            self._parquet.close()
            size, checksum = self._file.finish()
            if self._is_local:
                self._temporary.replace(self._path)
                _sync_folder(Path(self._path).parent)
            else:
                # One put of an object store is atomic by itself.
                pa.fs.copy_files(str(self._temporary), self._path, pa.fs.LocalFileSystem(), self._filesystem)
        finally:
            self._temporary.unlink(missing_ok=True)
        return StoredFile(self._rows, size, checksum)

    def discard(self) -> None:
        """Forget what was written; nothing happens after a commit."""
        if self._is_over:
            return
        self._is_over = True
        with contextlib.suppress(pa.ArrowException):
            self._parquet.close()
        self._file.abandon()
        self._temporary.unlink(missing_ok=True)


def _parquet_writer(schema: Schema, file: _HashedFile) -> pq.ParquetWriter:
    fields = pa.schema([(name, pa.from_numpy_dtype(dtype)) for name, dtype in schema.columns.items()])
    counting_up = {schema.time, "ts_event", "sequence"} & set(schema.columns)
    return pq.ParquetWriter(
        file,
        fields,
        compression="zstd",
        # Prices and sizes of a session repeat, its times count up: half the size of plain values, faster both ways.
        use_dictionary=[name for name in schema.columns if name not in counting_up],
        column_encoding=dict.fromkeys(counting_up, "DELTA_BINARY_PACKED"),
    )


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def writers(names: Sequence[PieceName]) -> Iterator[list[PieceWriter]]:
    """A writer for each piece; what has not been committed at the end is discarded."""
    pieces: list[PieceWriter] = []
    try:
        for name in names:
            pieces.append(PieceWriter(name))
        yield pieces
    finally:
        for piece in pieces:
            piece.discard()


def write(name: PieceName, columns: Columns) -> StoredFile:
    """Write a piece in one go; nothing is written for one without rows."""
    with writers([name]) as (piece,):
        piece.append(columns)
        return piece.commit()


def write_bars(names: list[PieceName], parts: list[Bars]) -> Iterator[StoredFile]:
    """Write pieces of bars, several at a time. The files come in the order of the names, each as soon as written."""
    # Compressing and syncing to disk leave Python free.
    with ThreadPoolExecutor(WRITERS) as pool:
        yield from pool.map(write, names, map(bar_columns, parts))


def put(path: str, body: bytes) -> None:
    """Write another file of the root, by its path below it: whole or not at all."""
    filesystem, target = _locate(path)
    if not isinstance(filesystem, pa.fs.LocalFileSystem):
        with filesystem.open_output_stream(target) as stream:
            stream.write(body)
        return
    place = Path(target)
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f"{place.name}.{uuid.uuid4().hex}.tmp")
    try:
        file = _HashedFile(temporary)
        file.write(body)
        file.finish()
        temporary.replace(place)
        _sync_folder(place.parent)
    finally:
        temporary.unlink(missing_ok=True)


def bar_columns(bars: Bars) -> Columns:
    """Bars as they are stored."""
    return {"ts_event" if name == "ts" else name: getattr(bars, name) for name in Bars.COLUMNS}


# --- reading ----------------------------------------------------------------------------------------------


def read(name: PieceName, checksum: str) -> Columns:
    """Read a piece and hold it against its checksum. Raises DamagedPiece when it is missing or altered."""
    body = _read_body(name)
    if hashlib.sha256(body).hexdigest() != checksum:
        raise DamagedPiece(f"{name} is not the file that was stored.")
    return _columns(pq.read_table(io.BytesIO(body)), BY_NAME[name.schema])


def read_bars(name: PieceName, checksum: str) -> Bars:
    """Read a piece of bars. Raises DamagedPiece."""
    return Bars(*read(name, checksum).values())


def read_in_parts(name: PieceName, checksum: str) -> Iterator[Columns]:
    """Read a large piece a row group at a time, after holding all of it against its checksum. Raises DamagedPiece."""
    filesystem, path = _locate(name)
    try:
        with filesystem.open_input_file(path) as file:
            if _checksum(file) != checksum:
                raise DamagedPiece(f"{name} is not the file that was stored.")
            file.seek(0)
            parquet = pq.ParquetFile(file)
            for number in range(parquet.num_row_groups):
                yield _columns(parquet.read_row_group(number), BY_NAME[name.schema])
    except FileNotFoundError:
        raise DamagedPiece(f"{name} is missing from the store.") from None


def _checksum(file: pa.NativeFile) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _read_body(name: PieceName | str) -> bytes:
    filesystem, path = _locate(name)
    try:
        with filesystem.open_input_file(path) as file:
            body: bytes = file.read()
    except FileNotFoundError:
        raise DamagedPiece(f"{name} is missing from the store.") from None
    return body


def get(path: str, checksum: str) -> bytes:
    """Read a file that `put` wrote, and hold it against its checksum. Raises DamagedPiece."""
    body = _read_body(path)
    if hashlib.sha256(body).hexdigest() != checksum:
        raise DamagedPiece(f"{path} is not the file that was stored.")
    return body


def _columns(table: pa.Table, schema: Schema) -> Columns:
    # a copy, so that one column does not keep the whole file's memory
    return {name: np.array(table.column(name).combine_chunks().to_numpy()) for name in schema.columns}


def set_aside(name: PieceName) -> None:
    """Move a damaged file out of the way, beside where it was; nothing happens when it is gone already."""
    filesystem, path = _locate(name)
    if filesystem.get_file_info(path).type == pa.fs.FileType.File:
        filesystem.move(path, f"{path}.damaged-{uuid.uuid4().hex[:8]}")


# --- looking around -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of the store, by its path below the root. changed_at: None where the file system does not tell."""

    path: str
    bytes: int
    changed_at: datetime | None


def files(folder: str) -> Iterator[FoundFile]:
    """All files below a folder of the root; none where it does not exist."""
    filesystem, root = _filesystem(settings.DATA_ROOT)
    selector = pa.fs.FileSelector(f"{root}/{folder}", allow_not_found=True, recursive=True)
    for info in filesystem.get_file_info(selector):
        if info.type == pa.fs.FileType.File:
            yield FoundFile(info.path.removeprefix(f"{root}/"), info.size, info.mtime)


def remove(path: str) -> None:
    """Delete a file of the root; nothing happens when it is gone already."""
    filesystem, root = _filesystem(settings.DATA_ROOT)
    with contextlib.suppress(FileNotFoundError):
        filesystem.delete_file(f"{root}/{path}")


def times(name: PieceName) -> tuple[int, int] | None:
    """The first and the last time of a stored piece; None where it cannot be read."""
    filesystem, path = _locate(name)
    time = BY_NAME[name.schema].time
    try:
        # Not from the footer's statistics: reading those in several threads ended in a fault of the library.
        column = pq.read_table(path, columns=[time], filesystem=filesystem, use_threads=False).column(time).to_numpy()
    except (OSError, pa.ArrowException):
        return None
    return (int(column[0]), int(column[-1])) if len(column) else None
