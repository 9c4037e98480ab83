"""From a DBN file to the pieces of the parquet store."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from unittest.mock import patch

import databento
from django.conf import settings

from market import databento_historical, ingest, store
from market.sessions import Session
from tests.bench.data import Market
from tests.bench.measure import Peer, Result, Work, in_turn, scaled, times

SYMBOL, SCHEMA, DATASET = "NQM6", "ohlcv-1s", "GLBX.MDP3"
SESSIONS = 15
REPETITIONS = 9
TARGET = 3.0


@dataclass(frozen=True)
class Download:
    """A DBN file as the gateway sent it, with its sessions."""

    path: Path
    sessions: list[Session]

    def rows(self) -> int:
        opened = databento.DBNStore.from_file(self.path)
        return len(opened.to_ndarray())


def run(market: Market) -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="futsim-bench-") as name:
        folder = Path(name)
        download = _fetch(market, folder)
        numbers = count()

        def to_parquet() -> None:
            databento.DBNStore.from_file(download.path).to_parquet(folder / f"{next(numbers)}.parquet")

        rows = download.rows()
        with patch.object(settings, "DATA_ROOT", str(folder / "store")):
            works = [Work(lambda: _decode(download)), Work(lambda: _store(download)), Work(to_parquet)]
            decoded, stored, peer = (_rates(rows, samples) for samples in in_turn(works, REPETITIONS))
            with patch.object(store.os, "fsync"):
                unsynced = _rates(rows, times(Work(lambda: _store(download)), REPETITIONS))
    unit = "M records/s"
    theirs = Peer("databento's DBNStore.to_parquet", peer)
    yield Result(
        "storing",
        f"DBN (zstd) → parquet, {SCHEMA}",
        unit,
        stored,
        target=TARGET,
        more_is_better=True,
        peer=theirs,
        note=f"{rows:,} records of {SYMBOL} in one file → {SESSIONS} pieces, each checksummed and fsynced",
    )
    yield Result(
        "storing", f"DBN (zstd) → parquet, {SCHEMA}, without fsync", unit, unsynced, more_is_better=True, peer=theirs
    )
    yield Result("storing", "of it: DBN → arrays by symbol", unit, decoded, more_is_better=True)


def _fetch(market: Market, folder: Path) -> Download:
    """The file that the real client gets from the stand-in."""
    sessions = market.asset.sessions.after(market.window.sessions[-1].trade_date, SESSIONS)
    path = folder / "download.dbn.zst"
    market.client().timeseries.get_range(
        DATASET, sessions[0].open_ns, sessions[-1].close_ns, symbols=[SYMBOL], schema=SCHEMA, path=path
    ).reader.close()
    return Download(path, sessions)


def _decode(download: Download) -> list[databento_historical.SymbolBars]:
    """As `HistoricalGateway.bars` does with what it has downloaded."""
    opened = databento.DBNStore.from_file(download.path)
    found = databento_historical.bars_by_symbol(opened.to_ndarray(), opened.mappings)
    opened.reader.close()
    return found


def _store(download: Download) -> None:
    """As `ingest.ensure` does, without the rows of the database."""
    for found in _decode(download):
        parts = list(ingest.split_at_openings(found.bars, download.sessions))
        names = [store.PieceName(SCHEMA, DATASET, found.symbol, session.trade_date) for session in download.sessions]
        list(store.write_bars(names, parts))


def _rates(rows: int, seconds: list[float]) -> list[float]:
    return scaled([rows / taken for taken in seconds], 1e-6)
