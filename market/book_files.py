"""Books as memory-mapped files: made once from the stored rows, then opened at once, whatever their size.

They can be made again at any time, so the least recently used are removed beyond `BOOK_CACHE_BYTES`.
"""

import json
import os
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings

from market import store
from market.engine.book import COLUMNS, KEYFRAME_WIDTH, BookBuilder, BookTape

MANIFEST = "lengths.json"
"""Rows of each array; written last, so that a folder with it is whole."""


def open_book(name: store.PieceName, checksum: str) -> BookTape:
    """The book of a stored `mbp-10` piece, made first where it is missing. Raises DamagedPiece."""
    folder = _folder(name, checksum)
    tape = _mapped(folder)
    if tape is None:
        _make(folder, name, checksum)
        _make_room(folder)
        tape = _mapped(folder)
        assert tape is not None
    os.utime(folder)
    return tape


def _folder(name: store.PieceName, checksum: str) -> Path:
    return Path(settings.BOOK_ROOT) / f"{name.contract}.{name.trade_date}.{checksum[:24]}"


def _mapped(folder: Path) -> BookTape | None:
    """The arrays of a folder; None where it is missing or not whole."""
    try:
        lengths = json.loads((folder / MANIFEST).read_text())
        return BookTape(**{name: _map(folder / name, dtype, lengths[name]) for name, dtype in COLUMNS.items()})
    except (FileNotFoundError, KeyError, ValueError):
        return None


def _map(path: Path, dtype: Any, shape: list[int]) -> npt.NDArray[Any]:
    if 0 in shape:
        return np.empty(shape, dtype)  # an empty file cannot be mapped
    return np.memmap(path, dtype, mode="r", shape=tuple(shape)).view(np.ndarray)


def _make(folder: Path, name: store.PieceName, checksum: str) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    making = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.tmp")
    making.mkdir()
    try:
        shapes = _write(making, name, checksum)
        _write_durably(making / MANIFEST, json.dumps(shapes).encode())
        try:
            making.rename(folder)
        except OSError:
            # somebody else made it meanwhile, or a damaged one is in the way
            if _mapped(folder) is None:
                shutil.rmtree(folder)
                making.rename(folder)
    finally:
        shutil.rmtree(making, ignore_errors=True)


def _write(folder: Path, name: store.PieceName, checksum: str) -> dict[str, list[int]]:
    builder = BookBuilder()
    shapes = {column: [0, KEYFRAME_WIDTH] if column == "keyframes" else [0] for column in COLUMNS}
    files = {column: (folder / column).open("wb") for column in COLUMNS}
    try:
        for rows in store.read_in_parts(name, checksum):
            for column, values in builder.add(rows).items():
                files[column].write(np.ascontiguousarray(values).data)
                shapes[column][0] += len(values)
        for file in files.values():
            file.flush()
            os.fsync(file.fileno())
    finally:
        for file in files.values():
            file.close()
    return shapes


def _write_durably(path: Path, body: bytes) -> None:
    with path.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())


def _make_room(newest: Path) -> None:
    """Remove the least recently used books beyond the limit; a mapped file lives on for whoever has it open."""
    folders = sorted(
        (folder for folder in newest.parent.iterdir() if folder.is_dir() and folder.suffix != ".tmp"),
        key=lambda folder: folder.stat().st_mtime,
    )
    sizes = {folder: sum(file.stat().st_size for file in folder.iterdir()) for folder in folders}
    total = sum(sizes.values())
    for folder in folders:
        if total > settings.BOOK_CACHE_BYTES and folder != newest:
            shutil.rmtree(folder, ignore_errors=True)
            total -= sizes[folder]
