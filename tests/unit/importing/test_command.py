"""`manage.py import_dbn`: files and folders, progress and report, exit code."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from market.models import Coverage, ImportedFile
from market.sessions import parse_et
from tests import datafiles


def nvda(path: Path) -> Path:
    trades = datafiles.some_trades(parse_et("2025-06-02 09:30"), 100, price=135 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=7, dataset="XNAS.ITCH")
    rows["price"][40] += 1
    return datafiles.write_dbn(path, "trades", rows, {"NVDA": 7}, dataset="XNAS.ITCH")


def run(*paths: Path) -> tuple[str, int]:
    """What the command prints, and its exit code."""
    output = StringIO()
    try:
        call_command("import_dbn", *map(str, paths), stdout=output)
    except SystemExit as end:
        return output.getvalue(), int(end.code or 0)
    return output.getvalue(), 0


def test_a_file_is_imported_and_reported(tmp_path: Path, assets: None) -> None:
    path = nvda(tmp_path / "nvda.dbn.zst")
    printed, code = run(path)
    assert code == 0
    assert printed.splitlines() == [
        str(path),
        "  99 accepted, 0 already there, 1 refused",
        "  NVDA NVDA 2025-06-02 ohlcv-1s: 64 accepted, made from trades",
        "  NVDA NVDA 2025-06-02 trades: 99 accepted",
        "  refused 1: NVDA: a price is off the tick of 0.0001.",
        "    row 41: NVDA: a price is off the tick of 0.0001. It is 135.190000001.",
        f"  to remove what it brought: import_dbn --undo {ImportedFile.objects.get().pk}",
        "1 file, 0 refused",
    ]
    assert ImportedFile.objects.get().user is None


def test_what_a_file_brought_is_removed_again(tmp_path: Path, assets: None) -> None:
    run(nvda(tmp_path / "nvda.dbn.zst"))
    row = ImportedFile.objects.get()
    output = StringIO()
    call_command("import_dbn", "--undo", str(row.pk), stdout=output)
    assert output.getvalue() == "nvda.dbn.zst\n  2 pieces were removed.\n"
    assert not Coverage.objects.exists()
    with pytest.raises(CommandError, match="Nothing is stored that nvda"):
        call_command("import_dbn", "--undo", str(row.pk))
    with pytest.raises(CommandError, match="There is no imported file 77777"):
        call_command("import_dbn", "--undo", "77777")
    with pytest.raises(CommandError, match="Name files or folders"):
        call_command("import_dbn")


def test_a_file_that_is_refused_as_a_whole_ends_with_exit_code_1(tmp_path: Path, assets: None) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "notes.txt").write_text("nothing")
    (tmp_path / "b" / ".hidden").write_text("nothing")
    nvda(tmp_path / "a.dbn")
    printed, code = run(tmp_path)
    assert code == 1
    assert "refused: It is no market data" in printed
    assert printed.endswith("2 files, 1 refused\n")
    assert Coverage.objects.exists()


def test_definitions_of_a_folder_go_first(tmp_path: Path, assets: None) -> None:
    bars = datafiles.blank("ohlcv-1s", 1, 118)
    bars["ts_event"] = parse_et("2024-07-01 19:00")
    for name in ("open", "high", "low", "close"):
        bars[name] = 5_500 * 10**9
    datafiles.write_dbn(tmp_path / "a.dbn", "ohlcv-1s", bars, {"ESU4": 118})
    rows = datafiles.future_definition("ESU4", "ES", 2024, 9, parse_et("2024-07-01 12:00"))
    datafiles.write_dbn(tmp_path / "z.dbn", "definition", rows, {"ESU4": 1})
    printed, code = run(tmp_path)
    assert (code, "2 files, 0 refused" in printed) == (0, True)


def test_a_path_that_is_not_there_is_said_so(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_dbn", str(tmp_path / "nothing.dbn"))
    with pytest.raises(CommandError, match="no files in these folders"):
        call_command("import_dbn", str(tmp_path))
