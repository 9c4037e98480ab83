"""Importing what is there already, in part or from elsewhere."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market import ingest, store
from market.importing import checks
from market.importing.merging import merge
from market.models import Asset, Contract, Coverage
from market.schemas import BY_NAME
from market.sessions import Session
from tests import datafiles
from tests.datafiles import Rows
from tests.markets import sparse_session
from tests.unit.importing.conftest import Importer, reasons, refused_rows, stored

DAY = date(2024, 7, 2)
TICK = 250_000_000


@pytest.fixture
def session(es: Asset) -> Session:
    found = es.sessions.session(DAY)
    assert found is not None
    return found


@pytest.fixture
def bars(session: Session) -> Rows:
    return datafiles.bar_rows(sparse_session(session, seed=3, base=22_000), instrument_id=118)


@pytest.fixture
def trades(session: Session) -> Rows:
    made = datafiles.some_trades(session.open_ns, 3_000, price=5_500 * 10**9, tick=TICK, step_ns=20 * 10**9)
    return datafiles.trade_rows(made, instrument_id=118)


def esu4(path: Path, rows: Rows, schema: str) -> Path:
    return datafiles.write_dbn(path, schema, rows, {"ESU4": 118})


def snapshot() -> dict[str, Any]:
    """Everything that the store and its record hold."""
    rows = Coverage.objects.order_by("pk").values("pk", "rows", "checksum", "fetched_at")
    return {str(row["pk"]): row for row in rows}


@pytest.mark.parametrize("schema", ["ohlcv-1s", "trades"])
def test_the_same_file_twice_changes_nothing(
    tmp_path: Path, take: Importer, bars: Rows, trades: Rows, schema: str
) -> None:
    rows = bars if schema == "ohlcv-1s" else trades
    path = esu4(tmp_path / "a.dbn.zst", rows, schema)
    take(path)
    before = snapshot()
    report = take(path)
    assert (report.accepted, report.known, report.refused) == (0, len(rows), 0)
    assert snapshot() == before


@pytest.mark.parametrize("overlap", [0, 300])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_halves_of_a_day_become_one(
    tmp_path: Path, take: Importer, trades: Rows, overlap: int, order: tuple[int, int]
) -> None:
    halves = [trades[: 1_500 + overlap], trades[1_500:]]
    reports = [take(esu4(tmp_path / f"{n}.dbn", halves[n], "trades")) for n in order]
    assert sum(report.accepted for report in reports) == len(trades)
    assert reports[1].known == overlap
    held = stored("trades", "ESU4", DAY)
    for name in ("ts_recv", "price", "size", "sequence"):
        np.testing.assert_array_equal(held[name], trades[name].astype(held[name].dtype))


def test_equal_prints_of_one_recording_are_different_prints(tmp_path: Path, take: Importer, trades: Rows) -> None:
    """One aggressor that meets three resting orders of one lot makes three rows that look the same."""
    three = np.concatenate([trades[:10], trades[9:10], trades[9:10], trades[10:]])
    assert take(esu4(tmp_path / "a.dbn", three, "trades")).accepted == len(trades) + 2
    again = take(esu4(tmp_path / "b.dbn", trades, "trades"))
    assert (again.accepted, again.known) == (0, len(trades))
    assert len(stored("trades", "ESU4", DAY)["price"]) == len(trades) + 2


def test_bars_that_contradict_those_that_are_here_are_refused(tmp_path: Path, take: Importer, bars: Rows) -> None:
    take(esu4(tmp_path / "a.dbn", bars[:400], "ohlcv-1s"))
    changed = bars.copy()
    changed["volume"][10] += 7
    report = take(esu4(tmp_path / "b.dbn", changed, "ohlcv-1s"))
    assert (report.accepted, report.known, report.refused) == (len(bars) - 400, 399, 1)
    assert refused_rows(report) == [11]
    assert stored("ohlcv-1s", "ESU4", DAY)["volume"].tolist() == bars["volume"].tolist()


def test_another_recording_of_the_same_hours_is_refused(tmp_path: Path, take: Importer, trades: Rows) -> None:
    """As when trades of one venue are here and those of all venues come: both together would count them twice."""
    take(esu4(tmp_path / "a.dbn", trades, "trades"))
    other = trades.copy()
    other["sequence"] += 1_000_000
    report = take(esu4(tmp_path / "b.dbn", other, "trades"))
    assert (report.accepted, report.refused) == (0, len(trades))
    assert "other rows of the same hours are here, from another recording" in report.problem


def test_what_the_vendor_sent_is_kept(tmp_path: Path, take: Importer, es: Asset, session: Session, bars: Rows) -> None:
    contract = Contract.objects.create(asset=es, year=2024, month=9, raw_symbol="ESU4")
    schema = BY_NAME["ohlcv-1s"]
    columns = schema.columns_of(bars[:100])
    file = store.write(ingest.piece_name(contract, schema.name, DAY), columns)
    ingest.record(contract, schema, session, file, session.close_ns, "Databento")
    report = take(esu4(tmp_path / "a.dbn", bars, "ohlcv-1s"))
    assert (report.accepted, report.known, report.refused) == (0, 100, len(bars) - 100)
    assert reasons(report) == {
        "ESU4 2024-07-02 ohlcv-1s was fetched from Databento, whose rows were kept.": len(bars) - 100
    }
    row = Coverage.objects.get()
    assert (row.source, row.rows) == ("Databento", 100)


def test_a_damaged_piece_is_mended_by_its_file(tmp_path: Path, take: Importer, bars: Rows, settings: Any) -> None:
    path = esu4(tmp_path / "a.dbn", bars, "ohlcv-1s")
    take(path)
    (piece,) = Path(settings.DATA_ROOT).rglob("*.parquet")
    piece.write_bytes(piece.read_bytes()[:-30])
    assert take(path).accepted == len(bars)
    assert stored("ohlcv-1s", "ESU4", DAY)["volume"].tolist() == bars["volume"].tolist()


# --- prices of another size -------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", ["ohlcv-1s", "trades"])
def test_prices_in_cents_are_refused_where_dollars_are_stored(
    tmp_path: Path, take: Importer, bars: Rows, trades: Rows, schema: str
) -> None:
    """Also of another schema: bars are held against trades, and trades against bars."""
    rows = {"ohlcv-1s": bars, "trades": trades}
    (other,) = {*rows} - {schema}
    take(esu4(tmp_path / "a.dbn", rows[other], other))
    before = snapshot()
    wrong = rows[schema].copy()
    for name in ("open", "high", "low", "close") if schema == "ohlcv-1s" else ("price",):
        wrong[name] *= 100
    report = take(esu4(tmp_path / "b.dbn", wrong, schema))
    assert (report.accepted, report.refused) == (0, len(wrong))
    assert re.search(
        r"ESU4: 5\d\d,\d{3}\.\d\d is \d{2,3} times the price that is stored of this session \(5,\d{3}\.\d\d\)\.",
        report.problem,
    )
    assert snapshot() == before


def test_prices_that_are_too_low_are_refused_too_and_the_others_go_on(
    tmp_path: Path, take: Importer, bars: Rows
) -> None:
    take(esu4(tmp_path / "a.dbn", bars[:400], "ohlcv-1s"))
    rest = bars[400:].copy()
    for name in ("open", "high", "low", "close"):
        rest[name][7] = 55 * 10**9
    report = take(esu4(tmp_path / "b.dbn", rest, "ohlcv-1s"))
    assert (report.accepted, refused_rows(report)) == (len(rest) - 1, [8])
    assert re.search(r"ESU4: 55.00 is 1/(99|100) of the price that is stored", next(iter(reasons(report))))


def test_a_session_that_went_below_zero_has_prices_of_any_size(tmp_path: Path, take: Importer, bars: Rows) -> None:
    """As CL on 2020-04-20, from 18 dollars to -37."""
    values = np.linspace(18, -37, len(bars)).round() * 10**9
    for name in ("open", "high", "low", "close"):
        bars[name] = values
    take(esu4(tmp_path / "a.dbn", bars[::2], "ohlcv-1s"))
    assert take(esu4(tmp_path / "b.dbn", bars[1::2], "ohlcv-1s")).refused == 0


def test_single_orders_of_a_book_may_lie_anywhere(
    tmp_path: Path, take: Importer, session: Session, trades: Rows
) -> None:
    take(esu4(tmp_path / "a.dbn", trades, "trades"))
    made = datafiles.some_trades(session.open_ns, 200, price=5_500 * 10**9, tick=TICK)
    book = datafiles.book_rows(made, TICK, instrument_id=118)
    book["price"][20] = 100 * 10**9
    assert take(esu4(tmp_path / "b.dbn", book, "mbp-10")).accepted == len(book)
    for name in book.dtype.names or ():
        if name == "price" or "_px_" in name:
            book[name] *= 100
    book["sequence"] += 5_000
    assert "times the price that is stored" in take(esu4(tmp_path / "c.dbn", book, "mbp-10")).problem


# --- bars from trades -------------------------------------------------------------------------------------


def test_trades_without_bars_make_bars(tmp_path: Path, take: Importer, trades: Rows) -> None:
    report = take(esu4(tmp_path / "a.dbn", trades, "trades"))
    held = stored("ohlcv-1s", "ESU4", DAY)
    seconds = trades["ts_recv"] // 10**9
    np.testing.assert_array_equal(held["ts_event"] // 10**9, np.unique(seconds))
    assert int(held["volume"].sum()) == int(trades["size"].sum())
    assert Coverage.objects.get(schema="ohlcv-1s").made_from == "trades"
    assert [piece["made_from"] for piece in report.as_json()["pieces"] if piece["schema"] == "ohlcv-1s"] == ["trades"]


def test_more_trades_make_the_bars_anew(tmp_path: Path, take: Importer, trades: Rows) -> None:
    take(esu4(tmp_path / "a.dbn", trades[:1_000], "trades"))
    take(esu4(tmp_path / "b.dbn", trades[1_000:], "trades"))
    assert int(stored("ohlcv-1s", "ESU4", DAY)["volume"].sum()) == int(trades["size"].sum())


def test_bars_that_were_imported_are_not_made_anew(tmp_path: Path, take: Importer, bars: Rows, trades: Rows) -> None:
    take(esu4(tmp_path / "a.dbn", bars, "ohlcv-1s"))
    take(esu4(tmp_path / "b.dbn", trades, "trades"))
    assert stored("ohlcv-1s", "ESU4", DAY)["volume"].tolist() == bars["volume"].tolist()


# --- merging, block by block ------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(7, 11), (64, 5), (1, 1), (1_000, 1_000)])
def test_merging_goes_block_by_block_and_ends_the_same(trades: Rows, sizes: tuple[int, int]) -> None:
    schema = BY_NAME["trades"]
    rng = np.random.default_rng(8)
    rows = trades[:200].copy()
    rows["ts_recv"] = np.sort(rng.integers(0, 60, 200))  # many of the same instant
    columns = schema.columns_of(rows)
    mine, theirs = np.flatnonzero(rng.random(200) < 0.7), np.flatnonzero(rng.random(200) < 0.7)

    def blocks(picked: np.ndarray, size: int, numbered: bool) -> Any:
        for at in range(0, len(picked), size):
            part = picked[at : at + size]
            block = {name: values[part] for name, values in columns.items()}
            yield {**block, "row": part + 1} if numbered else block

    parts = list(merge(schema, blocks(mine, sizes[0], False), blocks(theirs, sizes[1], True)))
    both = np.union1d(mine, theirs)
    merged = np.concatenate([part.columns["sequence"] for part in parts])
    assert sorted(merged.tolist()) == sorted(columns["sequence"][both].tolist())
    times = np.concatenate([part.columns["ts_recv"] for part in parts])
    assert (np.diff(times) >= 0).all()
    known = np.concatenate([part.known for part in parts])
    assert known.tolist() == (np.intersect1d(mine, theirs) + 1).tolist()


def test_prices_read_well() -> None:
    assert [checks.price_text(price) for price in (250_000_000, 10**9, 500, 15_625_000)] == [
        "0.25",
        "1",
        "0.0000005",
        "0.015625",
    ]
