"""What cannot be right is refused, row by row with its reason, or the whole file; the rest is taken."""

import os
import signal
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from market.importing import checks, importer, spool
from market.importing.importer import import_file
from market.importing.report import LISTED_ROWS, Report
from market.models import Asset, Contract, Coverage
from market.sessions import parse_et
from tests import datafiles
from tests.datafiles import Rows
from tests.markets import sparse_session
from tests.unit.importing.conftest import Importer, reasons, refused_rows, stored

DAY = date(2024, 7, 2)
OPEN = parse_et("2025-06-02 09:30")
SECOND = 10**9


@pytest.fixture
def bars(es: Asset) -> Rows:
    session = es.sessions.session(DAY)
    assert session is not None
    return datafiles.bar_rows(sparse_session(session, seed=3, base=22_000), instrument_id=118)


def esu4(path: Path, rows: Rows, schema: str = "ohlcv-1s", **options: Any) -> Path:
    return datafiles.write_dbn(path, schema, rows, {"ESU4": 118}, **options)


def nvda(path: Path, **columns: Any) -> Path:
    """A parquet file of prints of NVDA, a second apart from 09:30 on; some of its columns replaced."""
    count = len(next(iter(columns.values()))) if columns else 4
    values: dict[str, Any] = {
        "ts_event": [OPEN + n * SECOND for n in range(count)],
        "price": [135.0] * count,
        "size": [1] * count,
        "symbol": ["NVDA"] * count,
    }
    values |= columns
    pq.write_table(pa.table({name: each for name, each in values.items() if each is not None}), path)
    return path


def refused_whole(report: Report, words: str) -> None:
    assert words in report.problem
    assert (report.accepted, report.known) == (0, 0)
    assert not Coverage.objects.exists()


# --- rows -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("high", 1_000 * SECOND, "The high is below the low."),
        ("open", 4_000 * SECOND, "Open or close is beyond the bar."),
        ("close", 9_000 * SECOND, "Open or close is beyond the bar."),
        ("low", 5_000_100_000_000, "ESU4: a price is off the tick of 0.25."),
        ("open", datafiles.UNDEFINED_PRICE, "The open is missing."),
        ("ts_event", 2**64 - 1, "A row has no time."),
    ],
)
def test_a_bar_that_cannot_be_is_refused_with_its_row(
    tmp_path: Path, take: Importer, bars: Rows, field: str, value: int, reason: str
) -> None:
    bars[field][40] = value
    report = take(esu4(tmp_path / "a.dbn", bars, days=[DAY.replace(day=1), DAY.replace(day=3)]))
    assert report.accepted == len(bars) - 1
    assert refused_rows(report) == [41]
    assert list(reasons(report)) == [reason]


def test_rows_of_a_closed_market_are_refused_and_say_when_it_was_closed(
    tmp_path: Path, take: Importer, bars: Rows
) -> None:
    saturday = bars[:3].copy()
    saturday["ts_event"] = [parse_et("2024-07-06 12:00") + n * SECOND for n in range(3)]
    report = take(esu4(tmp_path / "a.dbn", np.concatenate([bars, saturday])))
    assert report.accepted == len(bars)
    assert reasons(report) == {"The market was closed from Fri 2024-07-05 17:00 to Sun 2024-07-07 18:00 ET.": 3}
    assert refused_rows(report) == [len(bars) + 1, len(bars) + 2, len(bars) + 3]


def test_a_print_shortly_after_the_calendars_close_is_kept(tmp_path: Path, take: Importer, bars: Rows) -> None:
    late = bars[-1:].copy()
    late["ts_event"] = parse_et("2024-07-02 17:14:59")
    report = take(esu4(tmp_path / "a.dbn", np.concatenate([bars, late])))
    assert report.refused == 0
    assert int(stored("ohlcv-1s", "ESU4", DAY)["ts_event"][-1]) == int(late["ts_event"][0])


def test_rows_that_go_back_in_time_are_refused(tmp_path: Path, take: Importer, bars: Rows) -> None:
    bars[[10, 11]] = bars[[11, 10]]
    report = take(esu4(tmp_path / "a.dbn", bars))
    assert refused_rows(report) == [12]
    assert reasons(report) == {"The row is earlier than the one before it.": 1}
    assert report.accepted == len(bars) - 1


def test_rows_of_the_future_are_refused(tmp_path: Path, take: Importer, db: None) -> None:
    later = int(datetime.now(UTC).timestamp() + 3_600) * SECOND
    report = take(nvda(tmp_path / "EQUS.MINI.2025-06-02.trades.parquet", ts_event=[OPEN, OPEN + 1, OPEN + 2, later]))
    assert (report.accepted, refused_rows(report)) == (3, [4])


def test_a_second_bar_of_a_second_is_refused_unless_it_is_the_same(tmp_path: Path, take: Importer, bars: Rows) -> None:
    twice = np.concatenate([bars[:5], bars[4:5], bars[4:5], bars[5:]])
    twice["volume"][5] += 1
    report = take(esu4(tmp_path / "a.dbn", twice))
    assert (report.accepted, report.known, report.refused) == (len(bars), 1, 1)
    assert refused_rows(report) == [6]
    assert list(reasons(report)) == ["ESU4 2024-07-02 ohlcv-1s: another bar of this time is here; it was kept."]


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"size": [1, 2, -3, 4]}, "The size is negative."),
        ({"size": [1, 2, 2**40, 4]}, "The size is too large."),
        ({"size": [1, 2, None, 4]}, "The size is missing."),
        ({"size": [1.0, 2.0, 2.5, 4.0]}, "The size is no whole number."),
        ({"price": [135.0, 135.0, float("nan"), 135.0]}, "The price is missing."),
        ({"price": [135.0, 135.0, float("inf"), 135.0]}, "The price is no price."),
        ({"price": [135.0, 135.0, -1.0, 135.0]}, "NVDA: a price is not above zero."),
        ({"price": [135.0, 135.0, 135.00001, 135.0]}, "NVDA: a price is off the tick of 0.0001."),
        ({"side": ["A", "B", "buy", "N"]}, "The side is no letter such as A or B."),
        ({"action": ["T", "T", "A", "T"]}, "The action is not T, so it is no trade."),
        ({"ts_event": [OPEN, OPEN + 1, None, OPEN + 3]}, "A row has no time."),
        ({"ts_event": [OPEN, OPEN + 1, OPEN - 5 * SECOND, OPEN + 3]}, "The row is earlier than the one before it."),
        (
            {"symbol": ["NVDA", "NVDA", None, "NVDA"], "instrument_id": [1, 1, 7, 1]},
            "The file does not say what instrument 7 is. "
            "Import a definition file of it first, or write it with map_symbols=True.",
        ),
        ({"symbol": ["NVDA", "NVDA", "ÄÖÜ", "NVDA"]}, "ÄÖÜ is no symbol of a stock, such as NVDA or BRK.B."),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_row(
    tmp_path: Path, take: Importer, db: None, columns: dict[str, Any], reason: str
) -> None:
    report = take(nvda(tmp_path / "EQUS.MINI.2025-06-02.trades.parquet", **columns))
    assert reasons(report) == {reason: 1}
    assert refused_rows(report) == [3]
    assert report.accepted == 3


def test_a_price_that_is_refused_is_told_with_its_row(tmp_path: Path, take: Importer, bars: Rows) -> None:
    bars["open"][40] += 1
    report = take(esu4(tmp_path / "a.dbn", bars))
    price = checks.price_text(int(bars["open"][40]))
    (listed,) = report.as_json()["rows"]
    assert listed == {"row": 41, "reason": f"ESU4: a price is off the tick of 0.25. It is {price}."}


def test_whole_prices_in_a_table_are_told_how_they_were_read(tmp_path: Path, take: Importer, assets: None) -> None:
    ts = parse_et("2026-07-01 10:00")
    path = tmp_path / "GLBX.MDP3.2026-07-01.ohlcv-1m.csv"
    path.write_text(f"ts_event,open,high,low,close,volume,symbol\n{ts},38000,38000,38000,38000,1,YMU6\n")
    refused_whole(
        take(path),
        "Row 2: YMU6: a price is off the tick of 1: "
        "prices without a decimal point are taken for multiples of 1e-9. It is 0.000038.",
    )


@pytest.mark.parametrize("unit", [1_000, 1_000_000, SECOND])
def test_times_in_another_unit_are_told(tmp_path: Path, take: Importer, db: None, unit: int) -> None:
    path = tmp_path / "EQUS.MINI.2025-06-02.trades.parquet"
    report = take(nvda(path, ts_event=[OPEN // unit + n for n in range(4)]))
    refused_whole(report, "A row's time is in 1970: times must be UTC nanoseconds.")


def test_a_name_that_tells_another_dataset_is_told_so(tmp_path: Path, take: Importer, assets: None) -> None:
    path = tmp_path / "DATA.YM.2026-07-01.ohlcv-1m.csv"
    ts = parse_et("2026-07-01 10:00")
    path.write_text(f"ts_event,open,high,low,close,volume,symbol\n{ts},38000.,38000.,38000.,38000.,1,YMU6\n")
    refused_whole(
        take(path),
        "YM is of GLBX.MDP3, but by its name or columns the file is of DATA.YM. "
        "Name it as Databento does: GLBX.MDP3.2025-06-02.ohlcv-1m.csv.",
    )


def test_between_cents_stocks_may_trade(tmp_path: Path, take: Importer, db: None) -> None:
    path = nvda(tmp_path / "EQUS.MINI.2025-06-02.trades.parquet", price=[135.0, 135.005, 135.0001, 135.01])
    assert take(path).accepted == 4


def test_lines_that_cannot_be_read_are_refused_by_their_number(tmp_path: Path, take: Importer, db: None) -> None:
    lines = [
        "ts_event,price,size,symbol",
        f"{OPEN},135.10,5,NVDA",
        f"{OPEN + 1},abc,5,NVDA",
        f"{OPEN + 2}",
        f"{OPEN + 3},135.20,x,NVDA",
        "never,135.20,7,NVDA",
        f"{OPEN + 4},135.20,7,NVDA",
    ]
    path = tmp_path / "EQUS.MINI.2025-06-02.trades.csv"
    path.write_text("\n".join(lines) + "\n")
    report = take(path)
    assert report.accepted == 2
    assert reasons(report) == {
        "The line has 1 column instead of 4.": 1,
        "The price cannot be read as a price.": 1,
        "The size cannot be read as a whole number.": 1,
        "The ts_event cannot be read as a time.": 1,
    }
    assert refused_rows(report) == [3, 4, 5, 6]
    assert stored("trades", "NVDA", date(2025, 6, 2))["size"].tolist() == [5, 7]


def test_a_hundred_rows_are_listed_and_all_are_counted(tmp_path: Path, take: Importer, bars: Rows) -> None:
    bars["high"][::2] = 0
    report = take(esu4(tmp_path / "a.dbn", bars))
    held = report.as_json()
    assert held["refused"] == len(bars[::2]) > LISTED_ROWS
    assert [each["row"] for each in held["rows"]] == list(range(1, 2 * LISTED_ROWS, 2))


# --- whole files ------------------------------------------------------------------------------------------


def test_an_unknown_root_is_refused_with_what_to_do(tmp_path: Path, take: Importer, assets: None, bars: Rows) -> None:
    report = take(datafiles.write_dbn(tmp_path / "a.dbn", "ohlcv-1s", bars, {"EMDU4": 118}))
    refused_whole(report, "EMD is not among the assets: import a definition file of it first, or let an admin add it.")
    assert not Contract.objects.exists()


@pytest.mark.parametrize(
    ("symbol", "words"),
    [
        ("ESU4-ESZ4", "spread or an option"),
        ("ESU4 C5000", "spread or an option"),
        ("ES.v.0", "ES.v.0 does not say which contract it is"),
        ("ES.FUT", "no symbol of a future"),
        ("6EF5", "6E lists no contract of month F"),
    ],
)
def test_a_symbol_that_is_no_outright_future_is_refused(
    tmp_path: Path, take: Importer, bars: Rows, symbol: str, words: str, settings: Any
) -> None:
    settings.SYNTHETIC_MARKET = False
    bars["open"] = bars["high"] = bars["low"] = bars["close"] = SECOND
    refused_whole(take(datafiles.write_dbn(tmp_path / "a.dbn", "ohlcv-1s", bars, {symbol: 118})), words)


@pytest.mark.parametrize("schema", ["mbp-1"])
def test_a_schema_that_is_not_used_is_refused(tmp_path: Path, take: Importer, es: Asset, schema: str) -> None:
    refused_whole(take(esu4(tmp_path / "a.dbn", datafiles.blank(schema, 3, 118), schema)), f"does not use {schema}")


def test_an_empty_dbn_file_says_so(tmp_path: Path, take: Importer, bars: Rows) -> None:
    refused_whole(take(esu4(tmp_path / "a.dbn", bars[:0])), "holds no rows")


@pytest.mark.parametrize("name", ["a.dbn", "a.dbn.zst"])
def test_a_file_that_was_cut_short_is_refused_and_nothing_is_stored(
    tmp_path: Path, take: Importer, bars: Rows, name: str
) -> None:
    path = esu4(tmp_path / name, bars)
    path.write_bytes(path.read_bytes()[:-20])
    refused_whole(take(path), "cut short")


@pytest.mark.parametrize("name", ["trades.parquet", "trades.csv.zst"])
def test_a_table_that_is_damaged_inside_is_refused(tmp_path: Path, take: Importer, db: None, name: str) -> None:
    path = tmp_path / f"EQUS.MINI.2025-06-02.{name}"
    if name == "trades.parquet":
        nvda(path)
    else:
        lines = "".join(f"{OPEN + n},135.10,{n % 90 + 1},NVDA\n" for n in range(100_000))
        path.write_bytes(zstandard.compress(f"ts_event,price,size,symbol\n{lines}".encode()))
    body = bytearray(path.read_bytes())
    middle = 20 if name == "trades.parquet" else len(body) // 2
    body[middle : middle + 40] = bytes(40)
    path.write_bytes(body)
    refused_whole(take(path), "damaged")


def test_a_file_that_unpacks_to_far_more_than_it_is_does_not_fill_the_memory(
    tmp_path: Path, take: Importer, bars: Rows
) -> None:
    path = esu4(tmp_path / "a.dbn", bars)
    packed = zstandard.ZstdCompressor(level=3).compressobj()
    body = packed.compress(path.read_bytes() + bytes(4 << 20))
    for _ in range(300):
        body += packed.compress(bytes(1 << 20))
    path.write_bytes(body + packed.flush())
    assert path.stat().st_size < 200_000
    refused_whole(take(path), "a record has no length")


def test_a_parquet_file_that_was_cut_short_is_refused(tmp_path: Path, take: Importer, db: None) -> None:
    path = nvda(tmp_path / "EQUS.MINI.2025-06-02.trades.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    refused_whole(take(path), "damaged or cut short")


@pytest.mark.parametrize("name", ["a.dbn", "a.dbn.zst"])
def test_a_damaged_file_is_refused(tmp_path: Path, take: Importer, bars: Rows, name: str) -> None:
    path = esu4(tmp_path / name, bars)
    body = bytearray(path.read_bytes())
    body[-30 * 56 if name == "a.dbn" else len(body) // 2] ^= 0xFF
    if name == "a.dbn":
        body[-30 * 56] = 0
    path.write_bytes(body)
    refused_whole(take(path), "damaged")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The file is empty."),
        (b"PK\x03\x04whatever", "zip archive"),
        (b"\x1f\x8b\x08whatever", "gzip: unpack it first"),
        (b'{"a": 1}', "It is JSON"),
        (b"# A text\n\nabout something", "no market data"),
        (b"\x51\x2a\x4d\x18\x40\x00\x00\x00DBZ\x01", "legacy DBZ file"),
        (b"DBN\x04\x00\x00\x00\x00", "DBN version 4"),
        (b"DBN\x01\x10\x00\x00\x00short", "head cannot be read"),
        (b"date,open,high\n1,2,3\n", "None of Databento's schemas"),
        (b"ts_event,open,high,low,close,symbol\n1,2,3,4,5,A\n", "does not say of which interval"),
        (b"ts_event,price,size\n1,2,3\n", "no column symbol"),
        (b"price,size,symbol\n1,2,A\n", "no column ts_event or ts"),
        (b"ts_event,order_id,price,size,symbol\n1,2,3,4,A\n", "lacks action"),
        (b"ts_event,price,size,symbol\n1,2,3,A\n", "which dataset it is of"),
        (zstandard.compress(b"something else"), "no market data"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "no market data"),
    ],
)
def test_what_is_no_market_data_is_refused_with_the_reason(
    tmp_path: Path, take: Importer, db: None, body: bytes, words: str
) -> None:
    path = tmp_path / "something"
    path.write_bytes(body)
    refused_whole(take(path), words)


def test_a_legacy_file_is_known_by_its_name_too(tmp_path: Path, take: Importer, db: None) -> None:
    path = tmp_path / "old.dbz"
    path.write_bytes(b"whatever it holds")
    refused_whole(take(path), "legacy DBZ file")


def test_a_full_disk_is_said_in_words_and_leaves_nothing_behind(
    tmp_path: Path, bars: Rows, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(importer.Spool, "add", full)
    refused_whole(import_file(esu4(tmp_path / "a.dbn", bars), "a.dbn"), "The disk of this installation is full.")
    assert list(Path(settings.UPLOAD_ROOT).iterdir()) == []


def test_what_a_killed_import_left_goes_with_the_next_one_and_no_other(
    tmp_path: Path, take: Importer, bars: Rows, settings: Any
) -> None:
    """kill -9 in the midst of it: its folder stays, its lock does not."""
    with spool.folder() as running:
        left = Path(settings.UPLOAD_ROOT) / "spool-left"
        pid = os.fork()
        if not pid:
            with spool.folder() as mine:
                mine.rename(left)
                os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        assert left.exists()
        take(esu4(tmp_path / "a.dbn", bars))
        assert (left.exists(), running.exists()) == (False, True)
    assert not running.exists()
