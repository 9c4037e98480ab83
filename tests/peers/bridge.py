"""Our tape and orders, handed to other simulators in files; they run in a virtual environment of their own."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import databento
import numpy as np
import numpy.typing as npt
import pytest

from market.engine import book as engine_book
from market.engine.book import ASK, BID, BookTape
from market.schemas import BOOK

ROOT = Path(__file__).resolve().parents[2]
PEERS = Path(os.environ.get("FUTSIM_PEERS", ROOT / "var" / "peers"))
HOUR_FILE = "derived-esh4-20231225/esh4-20231225.mbp-10.derived.dbn.zst"
HOUR_OPENS = 1_703_545_200 * 10**9
"""2023-12-25 23:00 UTC; what is before it is the indicative auction."""
TICK = 250_000_000
MIN_PYTHON_SECONDS = 600


@dataclass(frozen=True)
class Wanted:
    """An order for the peers. at, until: UTC ns of its life. limit: 1e-9 units, None at the market."""

    at: int
    until: int
    is_buy: bool
    quantity: int
    limit: int | None


def python() -> Path:
    """The peers' Python; skips with what to do where there is none."""
    found = PEERS / "bin" / "python"
    if not found.exists():
        pytest.skip(f"no peers in {PEERS.name}: `make peers` installs them")
    return found


def esh4_rows(real_data: Path) -> dict[str, npt.NDArray[Any]]:
    """The stored columns of the real ESH4 hour, from its opening on."""
    store = databento.DBNStore.from_file(real_data / HOUR_FILE)
    columns = dict(BOOK.columns_of(store.to_ndarray()))
    store.reader.close()
    return columns


def tape_of(columns: dict[str, npt.NDArray[Any]]) -> BookTape:
    return engine_book.build(iter([columns]))


def events_of(tape: BookTape, start: int = 0) -> dict[str, npt.NDArray[Any]]:
    """Changes of levels, and prints before the change they cause, from a row on; first the book before that row.

    is_buy: a bid, or a buyer's print.
    """
    parts = [_snapshot(tape, start)] if start else []
    parts.append(_following(tape, start))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _snapshot(tape: BookTape, row: int) -> dict[str, npt.NDArray[Any]]:
    book = tape.after(row - 1)
    levels = [(True, level) for level in book.bids] + [(False, level) for level in book.asks]
    return {
        "ts": np.full(len(levels), tape.ts[row] - 1, np.int64),
        "is_trade": np.zeros(len(levels), bool),
        "is_buy": np.array([is_bid for is_bid, _ in levels], bool),
        "price": np.array([level.price for _, level in levels], np.int64),
        "size": np.array([level.size for _, level in levels], np.int64),
    }


def _following(tape: BookTape, start: int) -> dict[str, npt.NDArray[Any]]:
    first = int(tape.change_end[start - 1]) if start else 0
    rows = np.flatnonzero((tape.action[start:] == ord("T")) & (tape.side[start:] != ord("N"))) + start
    counts = np.diff(tape.change_end[start:], prepend=first)
    of_change = np.repeat(np.arange(start, len(tape)), counts)
    order = np.argsort(np.concatenate([rows * 2, of_change * 2 + 1]), kind="stable")
    joined = {
        "ts": (tape.ts[rows], tape.ts[of_change]),
        "is_trade": (np.ones(len(rows), bool), np.zeros(len(of_change), bool)),
        "is_buy": (tape.side[rows] == ord("B"), tape.change_side[first:] == BID),
        "price": (tape.price[rows], tape.change_price[first:]),
        "size": (tape.size[rows].astype(np.int64), tape.change_size[first:].astype(np.int64)),
    }
    assert ASK == 1 - BID
    return {name: np.concatenate(pair)[order] for name, pair in joined.items()}


def ask(script: str, events: dict[str, npt.NDArray[Any]], wanted: dict[str, Any], folder: Path) -> Any:
    """What a peer answers."""
    interpreter = python()
    np.savez(folder / "events.npz", **events)  # type: ignore[arg-type]
    (folder / "wanted.json").write_text(json.dumps(wanted))
    files = [str(folder / name) for name in ("events.npz", "wanted.json", "result.json")]
    done = subprocess.run(
        [str(interpreter), str(Path(__file__).with_name(script)), *files],
        capture_output=True,
        text=True,
        timeout=MIN_PYTHON_SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    return json.loads((folder / "result.json").read_text())


def as_dicts(orders: Sequence[Wanted]) -> list[dict[str, Any]]:
    return [asdict(order) for order in orders]
