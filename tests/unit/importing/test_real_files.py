"""Every file of real market data is taken, or refused for the right reason."""

from datetime import date
from pathlib import Path
from typing import Any

import databento
import numpy as np
import pytest

from market import events, plans, tapes
from market.importing.importer import holds_definitions, import_file
from market.importing.report import Report
from market.models import Asset
from market.sessions import parse_et
from tests.unit.importing.conftest import stored

pytestmark = pytest.mark.real_data
ESH4 = date(2023, 12, 26)

LEAN = {".zip": "zip archive, as QuantConnect's", ".json": "JSON", ".csv": "None of Databento's schemas"}
NOT_USED = ("mbp-1", "statistics", "bbo-1m", "bbo-1s", "ohlcv-1d", "ohlcv-1h", "tbbo", "imbalance")


@pytest.fixture
def imported(real_data: Path, assets: None) -> dict[str, Report]:
    """The reports of all files, definitions first, by the files' paths in the folder."""
    files = sorted(path for path in real_data.rglob("*") if path.is_file())
    files.sort(key=lambda path: not holds_definitions(path, path.name))
    return {str(path.relative_to(real_data)): import_file(path, path.name) for path in files}


def expected_refusal(path: str) -> str:
    """Words of the reason why a file is refused as a whole; empty for one that is taken."""
    name = Path(path).name
    if path.startswith("lean/"):
        return LEAN[Path(path).suffix]
    if name == "MANIFEST.md":
        return "no market data"
    if path == "databento-python/GLBX.MDP3/test_data.mbo.dbn.zst":
        return "only set up a book"
    for schema in NOT_USED:
        if f".{schema}." in name:
            return f"does not use {schema}"
    if path.startswith(("databento-dbn/test_data.ohlcv-1s", "databento-dbn/test_data.ohlcv-1m")):
        return "00 is 100 times the price that is stored of this session (3,7"  # that of the books beside them
    return ""


def test_every_real_file_is_taken_or_refused_for_the_right_reason(imported: dict[str, Report], real_data: Path) -> None:
    assert len(imported) > 60
    for path, report in imported.items():
        words = expected_refusal(path)
        assert words in report.problem, path
        assert bool(words) == report.is_refused, path
    book = stored("mbp-10", "ESH4", ESH4)
    derived = _read(real_data / "derived-esh4-20231225/esh4-20231225.mbp-10.derived.dbn.zst")
    derived = derived[derived["ts_recv"] >= parse_et("2023-12-25 18:00")]
    for name, values in book.items():
        theirs = derived[name].view(np.uint8) if derived[name].dtype.kind == "S" else derived[name]
        np.testing.assert_array_equal(values, theirs.astype(values.dtype), err_msg=name)


def test_the_real_esh4_orders_make_book_trades_and_bars(real_data: Path, assets: None) -> None:
    """The rows before 18:00 ET are an auction's; everything from the opening on is that of the derived files."""
    import_file(real_data / "databento-python/GLBX.MDP3/test_data.definition.dbn.zst", "test_data.definition.dbn.zst")
    name = "esh4-glbx-mdp3-20231225.mbo.dbn.zst"
    report = import_file(real_data / "nautilus_trader" / name, name)
    assert (report.accepted, report.known, report.refused) == (39_942 + 2_973, 0, 145)
    es = Asset.objects.get(root="ES")
    session = es.sessions.session(ESH4)
    assert session is not None
    assert events.grade(es.contracts.get(raw_symbol="ESH4"), session) == "book"
    for schema in ("trades", "ohlcv-1s"):
        derived = _read(real_data / f"derived-esh4-20231225/esh4-20231225.{schema}.derived.dbn.zst")
        for column, values in stored(schema, "ESH4", ESH4).items():
            theirs = derived[column].view(np.uint8) if derived[column].dtype.kind == "S" else derived[column]
            np.testing.assert_array_equal(values, theirs.astype(values.dtype), err_msg=column)
    window = plans.Window(es, [session], ESH4, date(2023, 12, 1))
    tape = tapes.load(window)
    assert (tape.entry_contract, tape.parts[0].grade) == ("ESH4", "book")
    assert len(tape.bars("1m", 0, parse_et("2023-12-25 19:00"))) == 60


def _read(path: Path) -> Any:
    store = databento.DBNStore.from_file(path)
    rows = store.to_ndarray()
    store.reader.close()
    return rows
