"""Real market data through our own code: bars from trades, and the whole way from the gateway to the tape.

ES is not one of the 19 assets: one that an admin adds must work like them.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import databento
import numpy as np
import pytest

from market import facts, plans, tapes
from market.engine import judge
from market.engine.bars import Bars, aggregate, from_trades
from market.facts import MONTH_CODES
from market.judging import judge_asset
from market.models import Asset
from market.schemas import STATUS
from market.sessions import calendar, parse_et
from tests.filegateway import Records
from tests.unit.test_ingest import prepare

pytestmark = pytest.mark.real_data
MINUTE = 60 * 10**9


def read(path: Path, schema: str = "ohlcv") -> np.ndarray:
    store = databento.DBNStore.from_file(path)
    rows = store.to_ndarray()
    store.reader.close()
    return rows


def bars_of(rows: np.ndarray) -> Bars:
    return Bars(*(rows[name].astype(np.int64) for name in ("ts_event", *list(Bars.COLUMNS)[1:])))


def trades_to_bars(rows: np.ndarray, seconds: int) -> Bars:
    columns = (rows[name].astype(np.int64) for name in ("ts_recv", "price", "size"))
    return from_trades(*columns, seconds=seconds)


def assert_same(left: Bars, right: Bars) -> None:
    assert len(left) == len(right) > 0
    for name in Bars.COLUMNS:
        np.testing.assert_array_equal(getattr(left, name), getattr(right, name))


def test_minutes_built_from_real_esu4_trades_equal_databentos_own(real_data: Path) -> None:
    folder = real_data / "nautilus_trader"
    trades = read(folder / "futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst")
    built = trades_to_bars(trades, 60)
    rows = read(folder / "futures_ohlcv-1m_2024-07-01T23-40_2024-07-02T00-10.dbn.zst")
    official = bars_of(rows[rows["instrument_id"] == trades["instrument_id"][0]])
    assert len(built) == 4
    assert_same(built, official[np.isin(official.ts, built.ts)])


@pytest.mark.parametrize(("name", "seconds"), [("ohlcv-1s", 1), ("ohlcv-1m", 60)])
def test_bars_built_from_real_esh4_trades_equal_the_derived_ones(real_data: Path, name: str, seconds: int) -> None:
    folder = real_data / "derived-esh4-20231225"
    trades = read(folder / "esh4-20231225.trades.derived.dbn.zst")
    assert_same(trades_to_bars(trades, seconds), bars_of(read(folder / f"esh4-20231225.{name}.derived.dbn.zst")))


@pytest.fixture
def es(assets: None) -> Asset:
    """ES, as an admin would add it."""
    asset = Asset(
        root="ES",
        name="E-mini S&P 500",
        exchange="CME",
        point_value=Decimal(50),
        tick_size=250_000_000,
        decimals=2,
        active_months="HMUZ",
        listed_months="HMUZ",
        calendar=facts.EQUITY,
    )
    asset.full_clean()
    asset.save()
    return asset


def test_the_real_esh4_hour_is_ingested_and_replayed(real_data: Path, es: Asset, records: Records) -> None:
    folder = real_data / "derived-esh4-20231225"
    for schema in ("ohlcv-1s", "ohlcv-1d"):
        records.bars[schema, "ESH4"] = bars_of(read(folder / f"esh4-20231225.{schema}.derived.dbn.zst"))
    session = es.sessions.session(date(2023, 12, 26))
    assert session is not None
    window = plans.Window(es, [session], session.trade_date, date(2023, 12, 1))
    prepare(window)
    tape = tapes.load(window)
    assert [part.piece.contract for part in tape.parts] == ["ESH4"]
    assert_same(tape.parts[0].piece.stored, records.bars["ohlcv-1s", "ESH4"])
    minutes = bars_of(read(folder / "esh4-20231225.ohlcv-1m.derived.dbn.zst"))
    assert_same(tape.bars("1m", 0, parse_et("2023-12-25 19:00")), minutes)
    # half past: the thirty minutes before it are over, the one in progress has not begun
    assert_same(tape.bars("1m", 0, parse_et("2023-12-25 18:30")), minutes[:30])


def gold_ticks(real_data: Path, day: date) -> Iterator[tuple[str, Bars]]:
    """One-second bars of every gold contract on a UTC day, from ticks (ms since midnight UTC)."""
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 10**9
    with zipfile.ZipFile(real_data / f"lean/tick/{day:%Y%m%d}_trade.zip") as archive:
        for name in archive.namelist():
            delivery = name[-10:-4]
            rows = list(csv.reader(io.StringIO(archive.read(name).decode())))
            ts = np.array([midnight + int(row[0]) * 1_000_000 for row in rows])
            price = np.array([int(Decimal(row[1]) * 10**9) for row in rows])
            size = np.array([int(row[2]) for row in rows])
            symbol = f"GC{MONTH_CODES[int(delivery[4:]) - 1]}{delivery[3]}"
            yield symbol, from_trades(ts, price, size)


def test_real_gold_ticks_become_bars_and_are_replayed(real_data: Path, assets: None, records: Records) -> None:
    gold = Asset.objects.get(root="GC")
    parts: dict[str, list[Bars]] = {}
    for day in (date(2013, 10, 7), date(2013, 10, 8)):
        for symbol, bars in gold_ticks(real_data, day):
            parts.setdefault(symbol, []).append(bars)
    for symbol, days in parts.items():
        records.add(symbol, Bars(*(np.concatenate([getattr(b, name) for b in days]) for name in Bars.COLUMNS)))
    sessions = gold.sessions.between(date(2013, 10, 7), date(2013, 10, 8))
    window = plans.Window(gold, sessions, date(2013, 10, 8), date(2013, 10, 1))
    prepare(window)
    tape = tapes.load(window)
    assert {part.piece.contract for part in tape.parts} == {"GCZ3"}
    seconds = records.bars["ohlcv-1s", "GCZ3"]
    tuesday = tape.parts[1].piece
    kept = seconds[(seconds.ts >= tuesday.session.open_ns) & (seconds.ts < tuesday.session.close_ns)]
    assert_same(tuesday.stored, kept)
    assert len(kept) > 5_000
    five = tape.bars("5m", tuesday.session.open_ns, tuesday.session.close_ns)
    assert_same(five, aggregate(kept, np.unique(kept.ts // (5 * MINUTE) * (5 * MINUTE))))
    # Gold moved between 1305 and 1335 dollars on these two days
    assert five.low.min() > 1_300 * 10**9
    assert five.high.max() < 1_340 * 10**9
    # until 2015 metals closed at 17:15; the calendar has today's close for all years
    found = judge_asset(gold, date(2013, 10, 7), date(2013, 10, 8)).contradictions
    assert [(each.tape, each.verdict) for each in found] == [
        ("Mon 10-07 17:14:58", "closes later (prints)"),
        ("Tue 10-08 17:14:55", "closes later (prints)"),
    ]
    assert found[0].override == "energy-metals,2013-10-07,17:15,"


def test_the_real_status_of_esh1_tells_the_pause_of_the_equity_index(real_data: Path) -> None:
    rows = read(real_data / "databento-python/GLBX.MDP3/test_data.status.dbn.zst")
    days = calendar(facts.EQUITY)
    session = days.session(date(2020, 12, 28))
    assert session is not None
    known = judge.Known(days.after(session.trade_date, 1)[0].open_ns, session.close_ns)
    columns = STATUS.columns_of(rows)
    found = list(judge.judge_status(session, columns["ts_event"], columns["is_trading"], known))
    # until 2021 it paused from 16:15 to 16:30
    assert found == [judge.Finding("halts", (), (parse_et("2020-12-28 16:15"), parse_et("2020-12-28 16:30")))]
