"""Rows on their way into the store, gathered by piece on disk until the whole file has been read."""

import contextlib
import fcntl
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.conf import settings

from market.schemas import Schema

PIECE_ROWS = 65_536
"""So many rows of a piece are written together."""
MEMORY_BYTES = 256 << 20
"""Of all rows that wait; a file of thousands of symbols has few of each."""
PREFIX, LOCK = "spool-", "lock"
"""Names of the folders, and of the file in each that its process holds locked."""
ROW = "row"
"""The column beside those of the schema: the rows' numbers in the file."""

Columns = Mapping[str, npt.NDArray[Any]]
_LENGTH = struct.Struct("<Q")


@dataclass
class _Waiting:
    """Rows of a piece that are not on disk yet."""

    parts: list[Columns] = field(default_factory=list)
    rows: int = 0
    bytes: int = 0


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """A new folder for a spool, gone afterwards. While its process lives, it holds the lock in it."""
    root = Path(settings.UPLOAD_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="new-", dir=root))
    with (made / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # only now under a name that `remove_left_overs` looks at
        mine = made.rename(root / f"{PREFIX}{made.name.removeprefix('new-')}")
        try:
            yield mine
        finally:
            shutil.rmtree(mine, ignore_errors=True)


def remove_left_overs() -> None:
    """Remove the folders of processes that were killed."""
    for found in Path(settings.UPLOAD_ROOT).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError), (found / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(found, ignore_errors=True)


class Spool:
    """Takes rows of pieces in any order of the pieces; gives each piece's rows back in the order they came."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting: dict[str, _Waiting] = {}
        self._bytes = 0

    def add(self, piece: str, schema: Schema, columns: Columns, rows: npt.NDArray[np.int64]) -> None:
        """Keep rows of a piece. Raises OSError when the disk is full."""
        waiting = self._waiting.setdefault(piece, _Waiting())
        waiting.parts.append({**{name: columns[name] for name in schema.columns}, ROW: rows})
        size = sum(values.nbytes for values in waiting.parts[-1].values())
        waiting.rows += len(rows)
        waiting.bytes += size
        self._bytes += size
        if waiting.rows >= PIECE_ROWS:
            self._write(piece)
        elif self._bytes > MEMORY_BYTES:
            for name in list(self._waiting):
                self._write(name)

    def _write(self, piece: str) -> None:
        waiting = self._waiting.pop(piece)
        self._bytes -= waiting.bytes
        sink = pa.BufferOutputStream()
        table = pa.table(_joined(waiting.parts))
        with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(table)
        body = sink.getvalue()
        with (self._folder / piece).open("ab") as file:
            file.write(_LENGTH.pack(body.size))
            file.write(body)

    def blocks(self, piece: str) -> Iterator[Columns]:
        """The rows of a piece and their numbers (ROW), some at a time."""
        path = self._folder / piece
        if path.exists():
            with path.open("rb") as file:
                while head := file.read(_LENGTH.size):
                    body = file.read(_LENGTH.unpack(head)[0])
                    table = pa.ipc.open_stream(pa.BufferReader(body)).read_all()
                    yield {name: table.column(name).combine_chunks().to_numpy() for name in table.column_names}
        if piece in self._waiting:
            yield _joined(self._waiting[piece].parts)

    def drop(self, piece: str) -> None:
        """Forget a piece."""
        (self._folder / piece).unlink(missing_ok=True)
        waiting = self._waiting.pop(piece, None)
        if waiting is not None:
            self._bytes -= waiting.bytes


def _joined(parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
