"""Trades and books: from a DBN file to the store, from the store to a tape, and the book at an instant."""

import random
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import databento
import numpy as np
import numpy.typing as npt
from django.conf import settings

from market import book_files, store
from market.databento_historical import CHUNK
from market.engine import trades as engine_trades
from market.engine.book import BookTape
from market.engine.trades import Trades
from market.events import SessionEvents
from market.schemas import BOOK, TRADES, Schema
from replay.depth import Shown
from replay.depth_view import DepthView
from replay.protocol import Watched
from tests.bench.data import Market
from tests.bench.measure import Peer, Result, Work, in_turn, scaled, times
from workspace.wire import encode

SYMBOL, DATASET, DAY = "NQM6", "GLBX.MDP3", date(2026, 3, 18)
REPETITIONS, SNAPSHOTS = 3, 1_000
TARGETS = {"trades": 3.0, "mbp-10": 0.7}
BUSY_ROWS = 10_000_000
OPEN_SECONDS, SNAPSHOT_MS = 2.0, 5.0
LAST_PRINTS = 200
TICK = 250_000_000


def run(market: Market) -> Iterator[Result]:
    folder = Path(tempfile.mkdtemp(prefix="futsim-bench-"))
    try:
        with (
            patch.object(settings, "DATA_ROOT", str(folder / "store")),
            patch.object(settings, "BOOK_ROOT", str(folder / "books")),
        ):
            for schema in (TRADES, BOOK):
                yield from _storing(_fetch(market, folder, schema), schema, folder)
            yield from _reading(folder)
    finally:
        shutil.rmtree(folder)


def _fetch(market: Market, folder: Path, schema: Schema) -> Path:
    path = folder / f"{schema.name}.dbn.zst"
    session = market.asset.sessions.session(DAY)
    assert session is not None
    market.client().timeseries.get_range(
        DATASET, session.open_ns, session.close_ns, [SYMBOL], schema.name, path=path
    ).reader.close()
    return path


def _storing(path: Path, schema: Schema, folder: Path) -> Iterator[Result]:
    numbers = count()
    rows = sum(len(chunk) for chunk in _chunks(path))

    def to_parquet() -> None:
        opened = databento.DBNStore.from_file(path)
        opened.to_parquet(folder / f"{schema.name}-{next(numbers)}.parquet")
        opened.reader.close()

    works = [Work(lambda: _store(path, schema)), Work(to_parquet)]
    ours, theirs = (scaled([rows / taken for taken in samples], 1e-6) for samples in in_turn(works, REPETITIONS))
    yield Result(
        "events",
        f"DBN (zstd) → parquet, {schema.name}, {rows:,} records",
        "M records/s",
        ours,
        target=TARGETS[schema.name],
        more_is_better=True,
        peer=Peer("databento's DBNStore.to_parquet", theirs),
    )


def _chunks(path: Path) -> Iterator[npt.NDArray[Any]]:
    opened = databento.DBNStore.from_file(path)
    yield from opened.to_ndarray(count=CHUNK)
    opened.reader.close()


def _store(path: Path, schema: Schema) -> store.StoredFile:
    with store.writers([_name(schema.name)]) as (piece,):
        for chunk in _chunks(path):
            piece.append(schema.columns_of(chunk))
        return piece.commit()


def _name(schema: str, day: date = DAY) -> store.PieceName:
    return store.PieceName(schema, DATASET, "NQM2026", day)


def _reading(folder: Path) -> Iterator[Result]:
    prints = _store(folder / "trades.dbn.zst", TRADES)
    tape = _trades(prints)
    samples = scaled(times(Work(lambda: _trades(prints)), 9), 1_000)
    yield Result("events", f"open a session's {len(tape):,} prints", "ms", samples)
    instants = _instants(tape.ts)
    samples = [sample / len(instants) * 1e3 for sample in times(Work(lambda: _each_last(tape, instants)), 9)]
    yield Result("events", f"the last {LAST_PRINTS} prints at an instant", "ms", samples, target=SNAPSHOT_MS)
    name, busy = _busy_day(folder)
    size = f"{busy.rows:,} rows of mbp-10"
    made = [_seconds(Work(lambda: book_files.open_book(name, busy.checksum), lambda: _forget(folder)))]
    yield Result("events", f"make the book's files of {size}, once", "s", made)
    book = book_files.open_book(name, busy.checksum)
    samples = times(Work(lambda: book_files.open_book(name, busy.checksum)), 9)
    yield Result("events", f"open the book of {size}", "s", samples, target=OPEN_SECONDS)
    yield Result("events", f"size of its arrays ({book.nbytes / len(book):.0f} bytes a row)", "MB", [book.nbytes / 1e6])
    yield Result("events", "memory after a walk over all of it, beyond the mapped files", "MB", [_grown(book)])
    instants = _instants(book.ts)
    samples = [sample / len(instants) * 1e3 for sample in times(Work(lambda: _each_book(book, instants)), 9)]
    yield Result("events", "ten levels at an instant of it", "ms", samples, target=SNAPSHOT_MS)
    shown = Shown(SYMBOL, 0, TICK, SessionEvents(tape, book))
    for name, watched in (("", Watched(book=True, prints=True)), (" and volumes", Watched(True, True, True))):
        samples = [sample / len(instants) * 1e3 for sample in times(Work(partial(_each_message, shown, watched)), 9)]
        what = f"a snapshot's book, last {LAST_PRINTS} prints{name} as JSON"
        yield Result("events", what, "ms", samples, target=SNAPSHOT_MS)


def _seconds(work: Work) -> float:
    return times(work, 1, warm_ups=0)[0]


def _trades(file: store.StoredFile) -> Trades:
    return engine_trades.from_columns(store.read(_name("trades"), file.checksum))


def _instants(ts: npt.NDArray[np.int64]) -> list[int]:
    chance = random.Random(1)
    return [chance.randrange(int(ts[0]), int(ts[-1])) for _ in range(SNAPSHOTS)]


def _each_last(tape: Trades, instants: list[int]) -> None:
    for ns in instants:
        tape.last(ns, LAST_PRINTS)


def _each_book(book: BookTape, instants: list[int]) -> None:
    for ns in instants:
        book.at(ns)


def _each_message(shown: Shown, watched: Watched) -> None:
    for ns in _instants(shown.events.trades.ts):
        view = DepthView(watched)
        encode(view.changes(shown, ns))


def _busy_day(folder: Path) -> tuple[store.PieceName, store.StoredFile]:
    """The session again and again, one after the other, until it has BUSY_ROWS rows."""
    name = _name(BOOK.name, date(2026, 3, 19))
    chunks = [BOOK.columns_of(chunk) for chunk in _chunks(folder / "mbp-10.dbn.zst")]
    length = int(chunks[-1]["ts_recv"][-1] - chunks[0]["ts_recv"][0]) + 1
    rows = sum(len(chunk["ts_recv"]) for chunk in chunks)
    with store.writers([name]) as (piece,):
        for number in range(-(-BUSY_ROWS // rows)):
            for chunk in chunks:
                piece.append(_later(chunk, number * length))
        return name, piece.commit()


def _later(columns: Mapping[str, npt.NDArray[Any]], by_ns: int) -> dict[str, npt.NDArray[Any]]:
    return {**columns, **{name: columns[name] + by_ns for name in ("ts_recv", "ts_event")}}


def _forget(folder: Path) -> None:
    shutil.rmtree(folder / "books", ignore_errors=True)


def _grown(book: BookTape) -> float:
    """MB of memory of our own after every array was read once."""
    before = _own_memory()
    for name in ("ts", "price", "change_price", "change_size", "keyframes"):
        int(getattr(book, name).sum(dtype=np.int64) & 0)
    return (_own_memory() - before) / 1e6


def _own_memory() -> int:
    """Resident bytes that are not mapped files."""
    resident, shared = (int(field) for field in Path("/proc/self/statm").read_text().split()[1:3])
    return (resident - shared) * 4_096
