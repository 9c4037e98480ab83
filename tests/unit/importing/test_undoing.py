"""What a file brought is taken back, as far as it alone has brought it."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from market import ingest, store
from market.importing.importer import import_file
from market.importing.undoing import undo
from market.models import Asset, Coverage, ImportedFile, ImportedPiece
from market.schemas import BY_NAME
from tests import datafiles
from tests.conftest import People
from tests.datafiles import Rows

DAY = date(2024, 7, 2)
ESU4 = {"ESU4": 118}


@pytest.fixture
def trades(es: Asset) -> Rows:
    session = es.sessions.session(DAY)
    assert session is not None
    made = datafiles.some_trades(session.open_ns, 2_000, price=5_500 * 10**9, tick=250_000_000, step_ns=30 * 10**9)
    return datafiles.trade_rows(made, instrument_id=118)


def bring(path: Path, rows: Rows, user: Any = None) -> ImportedFile:
    datafiles.write_dbn(path, "trades", rows, ESU4)
    row = ImportedFile.objects.create(name=path.name, bytes=path.stat().st_size, user=user)
    report = import_file(path, path.name, row=row)
    row.report = report.as_json()
    row.save()
    return row


def stored_files(settings: Any) -> list[str]:
    return sorted(path.parent.parent.parent.name for path in Path(settings.DATA_ROOT).rglob("*.parquet"))


def test_pieces_and_their_files_are_gone(tmp_path: Path, trades: Rows, settings: Any) -> None:
    file = bring(tmp_path / "a.dbn", trades)
    assert stored_files(settings) == ["ohlcv-1s", "trades"]
    assert undo(file).lines == ["2 pieces were removed."]
    assert stored_files(settings) == []
    assert not Coverage.objects.exists()
    assert file.report["undone"] == ["2 pieces were removed."]
    assert bring(tmp_path / "a.dbn", trades).report["accepted"] == len(trades)


def test_a_piece_that_two_files_have_brought_stays_until_both_are_taken_back(
    tmp_path: Path, trades: Rows, settings: Any
) -> None:
    first, second = bring(tmp_path / "a.dbn", trades[:1_000]), bring(tmp_path / "b.dbn", trades[1_000:])
    assert undo(first).lines == [
        "0 pieces were removed.",
        "ESU4 2024-07-02 ohlcv-1s stays: b.dbn brought rows of it too.",
        "ESU4 2024-07-02 trades stays: b.dbn brought rows of it too.",
    ]
    assert stored_files(settings) == ["ohlcv-1s", "trades"]
    assert undo(second).removed == 2
    assert stored_files(settings) == []


def test_rows_that_another_file_found_there_are_its_own_too(tmp_path: Path, trades: Rows) -> None:
    first, second = bring(tmp_path / "a.dbn", trades), bring(tmp_path / "b.dbn", trades)
    assert second.report["accepted"] == 0
    assert (undo(first).removed, undo(second).removed) == (0, 2)


def test_files_of_other_users_are_not_named(tmp_path: Path, trades: Rows, people: People) -> None:
    mine = bring(tmp_path / "mine.dbn", trades, people.owner)
    bring(tmp_path / "secret.dbn", trades, people.colleague)
    bring(tmp_path / "again.dbn", trades, people.owner)
    assert undo(mine).kept[0] == (
        "ESU4 2024-07-02 ohlcv-1s stays: again.dbn and a file of another user brought rows of it too."
    )


def test_what_the_gateway_has_sent_since_stays(tmp_path: Path, es: Asset, trades: Rows, settings: Any) -> None:
    file = bring(tmp_path / "a.dbn", trades)
    row = Coverage.objects.select_related("contract__asset").get(schema="trades")
    session = es.sessions.session(DAY)
    assert session is not None
    columns = store.read(ingest.piece_name(row.contract, "trades", DAY), row.checksum)
    written = store.write(ingest.piece_name(row.contract, "trades", DAY), columns)
    ingest.record(row.contract, BY_NAME["trades"], session, written, session.close_ns, "Databento")
    assert undo(file).lines == ["1 piece was removed.", "ESU4 2024-07-02 trades stays: it is from Databento."]
    assert stored_files(settings) == ["trades"]


def test_a_piece_that_is_gone_by_itself_is_no_matter(tmp_path: Path, trades: Rows) -> None:
    file = bring(tmp_path / "a.dbn", trades)
    Coverage.objects.filter(schema="trades").delete()
    assert undo(file).lines == ["1 piece was removed."]
    assert not ImportedPiece.objects.exists()
