"""Every format that is taken, from files as Databento and its client write them."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from market.importing import text
from market.importing.report import Report
from market.models import Asset, Coverage
from market.sessions import parse_et
from tests import datafiles
from tests.datafiles import Rows
from tests.markets import sparse_session
from tests.unit.importing.conftest import Importer, stored

DAY = date(2024, 7, 2)
TICK = 250_000_000
NVDA_DAY = date(2025, 6, 2)


@pytest.fixture
def bars(es: Asset) -> Rows:
    session = es.sessions.session(DAY)
    assert session is not None
    return datafiles.bar_rows(sparse_session(session, seed=3, base=22_000), instrument_id=118)


@pytest.fixture
def nvda_trades() -> Rows:
    trades = datafiles.some_trades(
        parse_et("2025-06-02 09:30"), 400, price=135_000_000_000, tick=10_000_000, step_ns=10**9
    )
    return datafiles.trade_rows(trades, instrument_id=6155, dataset="XNAS.ITCH")


def write(path: Path, schema: str, rows: Rows, symbol: str, **options: Any) -> Path:
    return datafiles.write_dbn(path, schema, rows, {symbol: int(rows["instrument_id"][0])}, **options)


def same(columns: Any, rows: Rows) -> None:
    """All stored columns are those of the records."""
    for name, values in columns.items():
        expected = rows[name]
        expected = expected.view(np.uint8) if expected.dtype.kind == "S" else expected
        np.testing.assert_array_equal(values, expected.astype(values.dtype), err_msg=name)


def whole(report: Report, count: int) -> None:
    assert (report.problem, report.accepted, report.known, report.refused) == ("", count, 0, 0)


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("name", ["bars.dbn", "bars.dbn.zst"])
def test_dbn_of_each_version_plain_and_packed(
    tmp_path: Path, take: Importer, bars: Rows, version: int, name: str
) -> None:
    report = take(write(tmp_path / name, "ohlcv-1s", bars, "ESU4", version=version))
    whole(report, len(bars))
    same(stored("ohlcv-1s", "ESU4", DAY), bars)


@pytest.mark.parametrize("options", [{}, {"price_type": "fixed"}, {"pretty_ts": False}])
def test_parquet_as_the_client_writes_it(tmp_path: Path, take: Importer, bars: Rows, options: dict[str, Any]) -> None:
    source = write(tmp_path / "bars.dbn", "ohlcv-1s", bars, "ESU4")
    report = take(datafiles.as_parquet(source, tmp_path / "GLBX.MDP3.2024-07-02.ohlcv-1s.parquet", **options))
    whole(report, len(bars))
    same(stored("ohlcv-1s", "ESU4", DAY), bars)


@pytest.mark.parametrize("schema", ["trades", "mbp-10"])
@pytest.mark.parametrize("options", [{}, {"price_type": "fixed"}])
def test_parquet_of_stock_events(
    tmp_path: Path, take: Importer, nvda_trades: Rows, schema: str, options: dict[str, Any]
) -> None:
    rows = nvda_trades
    if schema == "mbp-10":
        trades = datafiles.some_trades(parse_et("2025-06-02 10:00"), 200, price=135 * 10**9, tick=10_000_000)
        rows = datafiles.book_rows(trades, 10_000_000, instrument_id=6155, dataset="XNAS.ITCH")
    source = write(tmp_path / "events.dbn", schema, rows, "NVDA", dataset="XNAS.ITCH")
    report = take(datafiles.as_parquet(source, tmp_path / f"XNAS.ITCH.2025-06-02.{schema}.parquet", **options))
    whole(report, len(rows))
    same(stored(schema, "NVDA", NVDA_DAY), rows)


@pytest.mark.parametrize(
    "options", [{}, {"pretty_px": False, "pretty_ts": False}, {"pretty_px": True, "pretty_ts": False}]
)
@pytest.mark.parametrize("ending", [".csv", ".csv.zst"])
def test_csv_as_the_client_writes_it(
    tmp_path: Path, take: Importer, nvda_trades: Rows, options: dict[str, Any], ending: str
) -> None:
    source = write(tmp_path / "trades.dbn", "trades", nvda_trades, "NVDA", dataset="XNAS.ITCH")
    path = datafiles.as_csv(source, tmp_path / "plain.csv", **options)
    if ending == ".csv.zst":
        path.write_bytes(zstandard.compress(path.read_bytes()))
    report = take(path, f"xnas-itch-20250602.trades{ending}")
    whole(report, len(nvda_trades))
    same(stored("trades", "NVDA", NVDA_DAY), nvda_trades)


def test_the_definition_of_a_stock_as_csv(tmp_path: Path, take: Importer) -> None:
    """It has no tick: only other columns show that prices have a decimal point."""
    rows = datafiles.future_definition(
        "NVDA", "", 0, 0, parse_et("2025-06-02 04:00"), instrument_class=b"K",
        min_price_increment=datafiles.UNDEFINED_PRICE, min_price_increment_amount=datafiles.UNDEFINED_PRICE,
        display_factor=10**9, unit_of_measure_qty=datafiles.UNDEFINED_PRICE,
    )  # fmt: skip
    source = datafiles.write_dbn(tmp_path / "d.dbn", "definition", rows, {"NVDA": 1}, dataset="XNAS.ITCH")
    whole(take(datafiles.as_csv(source, tmp_path / "XNAS.ITCH.2025-06-02.definition.csv")), 1)
    assert Asset.objects.get(root="NVDA").kind == "stock"


def test_whether_prices_have_a_point_is_told_by_the_first_that_there_is(
    tmp_path: Path, take: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch of rows without any price says nothing of the next ones."""
    monkeypatch.setattr(text, "BLOCK_BYTES", 2_000)
    start = parse_et("2025-06-02 09:30")
    lines = [f"{start + n},{'135.5' if n >= 300 else ''},1,NVDA" for n in range(400)]
    path = tmp_path / "EQUS.MINI.2025-06-02.trades.csv"
    path.write_text("\n".join(["ts_event,price,size,symbol", *lines]) + "\n")
    report = take(path)
    assert (report.accepted, report.refused) == (100, 300)
    assert set(stored("trades", "NVDA", NVDA_DAY)["price"].tolist()) == {135_500_000_000}


@pytest.mark.parametrize("schema", ["ohlcv-1s", "ohlcv-10s", "ohlcv-1m", "ohlcv-5m"])
def test_bars_with_a_column_ts_and_no_head_of_records(tmp_path: Path, take: Importer, schema: str) -> None:
    """As somebody writes them who kept only what matters; the name says the rest."""
    start = parse_et("2025-06-02 09:30")
    step = {"ohlcv-1s": 1, "ohlcv-10s": 10, "ohlcv-1m": 60, "ohlcv-5m": 300}[schema]
    ts = pa.array([start + n * step * 10**9 for n in range(5)], pa.timestamp("ns", "America/New_York"))
    price = pa.array([135.01, 135.02, 135.0, 134.99, 135.5])
    table = pa.table(
        {"ts": ts, "open": price, "high": price, "low": price, "close": price, "volume": [1, 2, 3, 4, 5],
         "symbol": ["NVDA"] * 5}
    )  # fmt: skip
    pq.write_table(table, tmp_path / f"EQUS.MINI.2025-06-02.{schema}.parquet")
    report = take(tmp_path / f"EQUS.MINI.2025-06-02.{schema}.parquet")
    whole(report, 5)
    held = stored(schema, "NVDA", NVDA_DAY)
    assert held["open"].tolist() == [135_010_000_000, 135_020_000_000, 135 * 10**9, 134_990_000_000, 135_500_000_000]
    assert held["ts_event"].tolist() == [start + n * step * 10**9 for n in range(5)]


def test_without_a_time_of_arrival_the_order_of_the_rows_tells_it(tmp_path: Path, take: Importer) -> None:
    start = parse_et("2025-06-02 09:30")
    ts = [start, start + 5_000, start + 2_000, start + 9_000]
    table = pa.table({"ts": ts, "price": [135.0] * 4, "size": [1] * 4, "symbol": ["NVDA"] * 4})
    pq.write_table(table, tmp_path / "EQUS.MINI.2025-06-02.trades.parquet")
    whole(take(tmp_path / "EQUS.MINI.2025-06-02.trades.parquet"), 4)
    held = stored("trades", "NVDA", NVDA_DAY)
    assert held["ts_event"].tolist() == ts
    assert held["ts_recv"].tolist() == [start, start + 5_000, start + 5_000, start + 9_000]


def test_the_dataset_may_stand_in_the_columns_alone(tmp_path: Path, take: Importer, nvda_trades: Rows) -> None:
    source = write(tmp_path / "trades.dbn", "trades", nvda_trades, "NVDA", dataset="XNAS.ITCH")
    report = take(datafiles.as_parquet(source, tmp_path / "mine.parquet"))
    whole(report, len(nvda_trades))
    assert Asset.objects.get(root="NVDA").dataset == "XNAS.ITCH"


def test_the_content_counts_and_not_the_name(tmp_path: Path, take: Importer, bars: Rows) -> None:
    whole(take(write(tmp_path / "a.dbn", "ohlcv-1s", bars, "ESU4"), "holiday.jpg"), len(bars))


def test_status_of_a_session(tmp_path: Path, take: Importer, es: Asset) -> None:
    rows = datafiles.blank("status", 3, 118)
    rows["ts_recv"] = rows["ts_event"] = [parse_et(f"2024-07-01 {hour}:00") for hour in (19, 20, 21)]
    rows["action"], rows["is_trading"], rows["is_quoting"] = [7, 8, 7], b"Y", b"Y"
    rows["is_short_sell_restricted"] = b"~"
    whole(take(write(tmp_path / "status.dbn.zst", "status", rows, "ESU4")), 3)
    same(stored("status", "ESU4", DAY), rows)
    source = tmp_path / "status.dbn"
    write(source, "status", rows, "ESU4")
    again = take(datafiles.as_parquet(source, tmp_path / "GLBX.MDP3.2024-07-02.status.parquet"))
    assert (again.known, again.refused) == (3, 0)


def test_several_symbols_and_sessions_in_one_file(tmp_path: Path, take: Importer, es: Asset) -> None:
    parts = []
    for number, base in ((118, 22_000), (119, 22_200)):
        for session in es.sessions.between(date(2024, 7, 1), date(2024, 7, 3)):
            made = sparse_session(session, seed=number, base=base, share=0.001)
            parts.append(datafiles.bar_rows(made, instrument_id=number))
    rows = np.concatenate(parts)
    rows = rows[np.argsort(rows["ts_event"], kind="stable")]
    report = take(datafiles.write_dbn(tmp_path / "a.dbn.zst", "ohlcv-1s", rows, {"ESU4": 118, "ESZ4": 119}))
    whole(report, len(rows))
    assert Coverage.objects.count() == 6
    for symbol, number in (("ESU4", 118), ("ESZ4", 119)):
        mine = rows[(rows["instrument_id"] == number)]
        tuesday = es.sessions.session(date(2024, 7, 2))
        assert tuesday is not None
        of_day = mine[(mine["ts_event"] >= tuesday.open_ns) & (mine["ts_event"] < tuesday.close_ns)]
        same(stored("ohlcv-1s", symbol, date(2024, 7, 2)), of_day)


def test_a_live_sessions_mixed_file_is_taken_by_schema(tmp_path: Path, take: Importer, es: Asset, bars: Rows) -> None:
    trades = datafiles.some_trades(parse_et("2024-07-01 19:00"), 50, price=5_500 * 10**9, tick=TICK)
    prints = datafiles.trade_rows(trades, instrument_id=118)
    mapping = np.zeros(1, np.dtype(datafiles.dbn.SymbolMappingMsg._dtypes))
    mapping["length"], mapping["rtype"], mapping["instrument_id"] = mapping.itemsize // 4, 22, 118
    mapping["stype_in_symbol"] = mapping["stype_out_symbol"] = b"ESU4"
    other = datafiles.blank("mbp-1", 2, 118)
    body = b"".join(
        [
            mapping.tobytes(),
            bars[:10].tobytes(),
            prints[:20].tobytes(),
            other.tobytes(),
            bars[10:].tobytes(),
            prints[20:].tobytes(),
        ]
    )
    report = take(datafiles.write_dbn(tmp_path / "live.dbn", None, body, {}, days=[DAY, DAY]))
    assert (report.accepted, report.refused) == (len(bars) + 50, 2)
    same(stored("ohlcv-1s", "ESU4", DAY), bars)
    same(stored("trades", "ESU4", DAY), prints)


def test_records_with_the_time_of_sending_behind_them(tmp_path: Path, take: Importer, bars: Rows) -> None:
    longer = np.zeros(len(bars), np.dtype([*bars.dtype.descr, ("ts_out", "<u8")]))
    for name in bars.dtype.names or ():
        longer[name] = bars[name]
    longer["length"] = longer.itemsize // 4
    path = write(tmp_path / "a.dbn", "ohlcv-1s", bars, "ESU4", ts_out=True)
    head = path.read_bytes()[: -bars.nbytes]
    path.write_bytes(head + longer.tobytes())
    whole(take(path), len(bars))
    same(stored("ohlcv-1s", "ESU4", DAY), bars)
