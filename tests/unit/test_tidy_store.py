"""`manage.py tidy_store`: what is of no use is listed, and deleted only when asked to."""

import io
import os
import time
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from market import facts, ingest, store, tapes, tidying
from market.models import Asset, Contract, Coverage
from tests.filegateway import Records
from tests.unit.test_ingest import ALL, prepare, window
from tests.unit.test_store_s3 import bucket, s3  # noqa: F401 - fixtures

DAY = date(2026, 3, 17)


def tidy(*words: str) -> str:
    out = io.StringIO()
    call_command("tidy_store", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def folder(small_market: Records, settings: Any) -> Path:
    """The folder of NQM6's pieces."""
    prepare(window())
    return Path(settings.DATA_ROOT) / "ohlcv-1s/GLBX.MDP3/NQM2026"


def old(path: Path) -> Path:
    """As if written two hours ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    then = time.time() - 7_200
    os.utime(path, (then, then))
    return path


def reasons() -> dict[str, str]:
    return {each.path.rpartition("/")[2]: each.reason for each in tidying.litter()}


def test_a_store_in_order_is_tidy(folder: Path) -> None:
    assert tidy() == tidy("--delete") == "The store is tidy.\n"
    assert tapes.is_stored(window(), ALL)


def test_an_empty_store_is_tidy(db: None) -> None:
    assert tidy() == "The store is tidy.\n"


def test_damaged_files_are_listed_and_deleted_on_request(folder: Path) -> None:
    (folder / f"{DAY}.parquet").write_bytes(b"nonsense")
    with pytest.raises(store.DamagedPiece):
        tapes.load(window())
    (damaged,) = folder.glob("*.damaged-*")
    said = tidy()
    assert f"ohlcv-1s/GLBX.MDP3/NQM2026/{damaged.name}  damaged, set aside  8 bytes" in said
    assert "1 to delete, 0.0 MB. Run it with --delete to do so." in said
    assert damaged.exists()
    assert "Deleted 1 of 1, 0.0 MB." in tidy("--delete")
    assert not damaged.exists()


def test_an_own_file_that_is_gone_is_to_be_imported_again(folder: Path) -> None:
    Coverage.objects.filter(trade_date=DAY).update(source=Coverage.FROM_FILE)
    (folder / f"{DAY}.parquet").unlink()
    (folder / "2026-03-18.parquet").unlink()
    assert reasons() == {
        f"{DAY}.parquet": "a row without its file, to be imported again",
        "2026-03-18.parquet": "a row without its file",
    }


def test_a_file_that_no_row_speaks_of_goes_once_it_is_not_young(folder: Path) -> None:
    Coverage.objects.filter(trade_date=DAY).delete()
    assert reasons() == {}
    path = old(folder / f"{DAY}.parquet")
    assert reasons() == {path.name: "no row speaks of it"}
    tidy("--delete")
    assert not path.exists()
    prepare(window())
    assert tapes.is_stored(window(), ALL)


def test_what_a_killed_process_left_goes(folder: Path) -> None:
    left = old(folder / "2026-03-18.parquet.0123.tmp")
    (folder / "2026-03-19.parquet.4567.tmp").touch()
    assert reasons() == {left.name: "left by a killed process"}
    tidy("--delete")
    assert not left.exists()


def test_a_row_whose_file_is_gone_is_deleted_so_that_it_is_fetched_again(folder: Path) -> None:
    (folder / f"{DAY}.parquet").unlink()
    assert reasons() == {f"{DAY}.parquet": "a row without its file"}
    tidy("--delete")
    assert not Coverage.objects.filter(trade_date=DAY).exists()
    prepare(window())
    tapes.load(window())


def test_the_pieces_of_a_contract_that_is_gone_go(folder: Path) -> None:
    Contract.objects.filter(raw_symbol="NQM6").delete()
    for path in folder.iterdir():
        old(path)
    assert set(reasons().values()) == {"no row speaks of it"}
    tidy("--delete")
    assert list(folder.iterdir()) == []


def test_pieces_that_another_calendar_cut_go(folder: Path) -> None:
    # as if the 17th's trading had been the 27th's once
    Coverage.objects.filter(trade_date=DAY).update(trade_date=date(2026, 3, 27))
    moved = old(folder / f"{DAY}.parquet").rename(folder / "2026-03-27.parquet")
    assert reasons() == {moved.name: "cut by another calendar"}
    tidy("--delete")
    assert not moved.exists()
    assert not Coverage.objects.filter(trade_date=date(2026, 3, 27)).exists()


def test_pieces_of_a_day_that_is_no_session_any_more_go(folder: Path) -> None:
    Asset.objects.filter(root="NQ").update(calendar=facts.FX)
    Coverage.objects.filter(trade_date=DAY).update(trade_date=date(2026, 3, 28))
    (folder / f"{DAY}.parquet").rename(folder / "2026-03-28.parquet")
    assert reasons() == {"2026-03-28.parquet": "cut by another calendar"}


def test_what_is_not_the_stores_is_left_alone(folder: Path, settings: Any) -> None:
    for path in (folder / "notes.txt", Path(settings.DATA_ROOT) / "uploads/2026-03-18.parquet"):
        old(path)
    assert tidy() == "The store is tidy.\n"


def test_a_piece_that_was_written_again_meanwhile_is_left(folder: Path) -> None:
    path = folder / f"{DAY}.parquet"
    body = path.read_bytes()
    path.unlink()
    found = tidying.litter()
    path.write_bytes(body)
    Coverage.objects.filter(trade_date=DAY).update(checksum="another")
    assert list(tidying.throw_away(found)) == []
    assert path.exists()


def test_a_file_that_got_its_row_meanwhile_is_left(folder: Path) -> None:
    row = Coverage.objects.select_related("contract__asset").get(trade_date=DAY)
    Coverage.objects.filter(pk=row.pk).delete()
    old(folder / f"{DAY}.parquet")
    found = tidying.litter()
    row.save()
    assert list(tidying.throw_away(found)) == []
    assert (folder / f"{DAY}.parquet").exists()
    assert len(ingest.read_bars(row)) == row.rows


def test_an_object_store_is_tidied_too(bucket: None, small_market: Records) -> None:  # noqa: F811
    prepare(window())
    row = Coverage.objects.filter(trade_date=DAY).select_related("contract__asset").get()
    store.set_aside(ingest.piece_name(row.contract, row.schema, row.trade_date))
    assert sorted(each.reason for each in tidying.litter()) == ["a row without its file", "damaged, set aside"]
    assert "Deleted 2 of 2" in tidy("--delete")
    assert tidy() == "The store is tidy.\n"
