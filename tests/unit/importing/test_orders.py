"""A file of single orders becomes mbp-10, trades and bars."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from market import events
from market.importing.importer import import_file
from market.models import Asset, Coverage
from market.sessions import parse_et
from tests import datafiles
from tests.datafiles import Rows
from tests.unit.importing.conftest import Importer, stored

DAY = date(2024, 7, 2)
TICK = 250_000_000
LAST = 128


def orders(start_ns: int, *rows: tuple[str, str, int, int, int, int]) -> Rows:
    """(action, side, order, price in ticks, size, flags) each, a second apart."""
    made = datafiles.blank("mbo", len(rows), 118)
    for n, (action, side, order, price, size, flags) in enumerate(rows):
        made[n]["ts_recv"] = made[n]["ts_event"] = start_ns + n * 10**9
        made[n]["action"], made[n]["side"], made[n]["flags"] = action.encode(), side.encode(), flags
        made[n]["order_id"], made[n]["price"], made[n]["size"], made[n]["sequence"] = order, price * TICK, size, n
    return made


ROWS = (
    ("A", "B", 1, 20_000, 5, LAST),
    ("A", "A", 2, 20_002, 4, LAST),
    ("T", "B", 0, 20_002, 3, 0),
    ("F", "A", 2, 20_002, 3, 0),
    ("C", "A", 2, 20_002, 3, LAST),
    ("C", "B", 1, 20_000, 5, LAST),
)


def write(path: Path, rows: Rows) -> Path:
    return datafiles.write_dbn(path, "mbo", rows, {"ESU4": 118})


def test_orders_become_a_book_trades_and_bars(tmp_path: Path, take: Importer, es: Asset) -> None:
    report = take(write(tmp_path / "a.dbn", orders(parse_et("2024-07-01 19:00"), *ROWS)))
    assert report.problem == ""
    assert report.notes == ["6 orders made 5 rows of mbp-10 and 1 trades."]
    book = stored("mbp-10", "ESU4", DAY)
    assert book["action"].tobytes() == b"AATCC"
    assert book["bid_sz_00"].tolist() == [5, 5, 5, 5, 0]
    assert book["ask_sz_00"].tolist() == [0, 4, 4, 1, 1]
    trades = stored("trades", "ESU4", DAY)
    assert (trades["price"].tolist(), trades["size"].tolist()) == ([20_002 * TICK], [3])
    assert stored("ohlcv-1s", "ESU4", DAY)["volume"].tolist() == [3]
    made = dict(Coverage.objects.values_list("schema", "made_from"))
    assert made == {"mbp-10": "mbo", "trades": "mbo", "ohlcv-1s": "trades"}


def test_the_session_then_has_the_grade_book(tmp_path: Path, take: Importer, es: Asset) -> None:
    session = es.sessions.session(DAY)
    assert session is not None
    take(write(tmp_path / "a.dbn", orders(parse_et("2024-07-01 19:00"), *ROWS)))
    contract = es.contracts.get()
    assert events.grade(contract, session) == "book"
    Coverage.objects.filter(schema="mbp-10").delete()
    assert events.grade(contract, session) == "trades"
    Coverage.objects.filter(schema="trades").delete()
    assert events.grade(contract, session) == "bars"


def test_what_was_quoted_before_the_opening_is_in_the_book_at_the_opening(
    tmp_path: Path, take: Importer, es: Asset
) -> None:
    """On a Sunday the exchange takes orders an hour before it opens."""
    early = orders(parse_et("2024-06-30 17:30"), ("A", "B", 1, 20_000, 5, LAST), ("A", "A", 2, 20_002, 4, LAST))
    first = orders(parse_et("2024-06-30 18:00"), ("A", "B", 3, 20_001, 1, LAST))
    report = take(write(tmp_path / "a.dbn", np.concatenate([early, first])))
    assert (report.accepted, report.refused) == (1, 2)
    book = stored("mbp-10", "ESU4", date(2024, 7, 1))
    assert [book[f"bid_sz_{level:02}"].tolist() for level in range(3)] == [[1], [5], [0]]


def test_a_snapshot_alone_is_nothing_to_replay(tmp_path: Path, take: Importer, es: Asset) -> None:
    rows = orders(parse_et("2024-07-01 20:00"), ("A", "B", 1, 20_000, 5, 40), ("A", "A", 2, 20_002, 4, 40))
    report = take(write(tmp_path / "a.dbn", rows))
    assert report.problem == "Its 2 orders only set up a book; no event of the market follows."


def test_orders_from_before_the_file_are_told(tmp_path: Path, take: Importer, es: Asset) -> None:
    rows = orders(parse_et("2024-07-01 20:00"), ("C", "B", 9, 20_000, 5, LAST), *ROWS)
    assert "1 orders were placed before the file begins" in take(write(tmp_path / "a.dbn", rows)).notes[1]


def test_orders_come_as_tables_too(tmp_path: Path, take: Importer, es: Asset) -> None:
    source = write(tmp_path / "a.dbn", orders(parse_et("2024-07-01 19:00"), *ROWS))
    take(source)
    for writer, name in ((datafiles.as_parquet, "a.parquet"), (datafiles.as_csv, "a.csv")):
        report = import_file(writer(source, tmp_path / name), f"GLBX.MDP3.2024-07-01.mbo.{name[2:]}")
        assert (report.accepted, report.known, report.refused) == (0, 6, 0)


def test_a_file_in_blocks_makes_the_same_book(tmp_path: Path, take: Importer, es: Asset, monkeypatch: Any) -> None:
    from market.importing import dbn

    monkeypatch.setattr(dbn, "BLOCK_BYTES", 120)
    monkeypatch.setattr(dbn, "READ_BYTES", 50)
    take(write(tmp_path / "a.dbn.zst", orders(parse_et("2024-07-01 19:00"), *ROWS)))
    assert stored("mbp-10", "ESU4", DAY)["ask_sz_00"].tolist() == [0, 4, 4, 1, 1]
