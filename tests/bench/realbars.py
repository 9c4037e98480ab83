"""Summaries of the real market data: two days of gold ticks and an hour of ESH4 (see tests/unit/test_real_data.py)."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import databento
import numpy as np

from market import facts
from market.engine.bars import Bars, from_trades
from market.sessions import calendar
from tests.bench.grown import Grown, grown

GOLD_DAYS = (date(2013, 10, 7), date(2013, 10, 8))
GOLD_CONTRACT = "201312"
ES_DAY, ES_TICK = date(2023, 12, 26), 250_000_000
Growth = dict[str, Grown]
ES_FILE = "derived-esh4-20231225/esh4-20231225.ohlcv-1s.derived.dbn.zst"


def gold(folder: Path) -> tuple[Growth, Growth]:
    """GCZ3 on a Monday and a Tuesday."""
    asset = facts.BY_ROOT["GC"]
    seconds = Bars.concatenate([_gold_seconds(folder, day) for day in GOLD_DAYS])
    monday, tuesday = _of_sessions(seconds, asset.calendar, GOLD_DAYS, asset.tick_size)
    return monday, tuesday


def esh4(folder: Path) -> Growth:
    """The first hour of a session: 60 minutes from 18:00 on; the rest of it is not in the file."""
    opened = databento.DBNStore.from_file(folder / ES_FILE)
    rows = opened.to_ndarray()
    opened.reader.close()
    seconds = Bars(*(rows[name].astype(np.int64) for name in ("ts_event", *list(Bars.COLUMNS)[1:])))
    return next(_of_sessions(seconds, facts.EQUITY, (ES_DAY,), ES_TICK))


def _of_sessions(seconds: Bars, name: str, days: tuple[date, ...], tick: int) -> Iterator[Growth]:
    for day in days:
        session = calendar(name).session(day)
        following = calendar(name).after(day, 1)[0]
        assert session is not None
        inside = (seconds.ts >= session.open_ns) & (seconds.ts < following.open_ns)
        yield grown(session, seconds[inside], tick)


def _gold_seconds(folder: Path, day: date) -> Bars:
    """A UTC day of ticks: ms since midnight, price, size."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9
    with zipfile.ZipFile(folder / f"lean/tick/{day:%Y%m%d}_trade.zip") as archive:
        (name,) = (each for each in archive.namelist() if each[-10:-4] == GOLD_CONTRACT)
        rows = list(csv.reader(io.StringIO(archive.read(name).decode())))
    ts = np.array([midnight + int(row[0]) * 1_000_000 for row in rows])
    price = np.array([int(Decimal(row[1]) * 10**9) for row in rows])
    return from_trades(ts, price, np.array([int(row[2]) for row in rows]))
