"""From symbols to assets and contracts, with and without definitions."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market import facts
from market.importing import naming
from market.importing.contracts import Unknown, stock_symbol
from market.importing.importer import holds_definitions
from market.ingest import missing
from market.models import Asset, Contract, Coverage, InstrumentId
from market.services import MixedSources, add_asset, check_source
from market.sessions import parse_et
from tests import datafiles
from tests.datafiles import Rows, future_definition
from tests.markets import sparse_session
from tests.unit.importing.conftest import Importer, reasons

DAY = date(2024, 7, 2)
NOON = parse_et("2024-07-01 12:00")


def define(path: Path, *rows: Rows, dataset: str = "GLBX.MDP3") -> Path:
    symbols = {row["raw_symbol"][0].decode(): int(row["instrument_id"][0]) for row in rows}
    return datafiles.write_dbn(path, "definition", np.concatenate(rows), symbols, dataset=dataset)


def es_bars(path: Path, symbol: str = "ESU4", number: int = 118, day: date = DAY, **options: Any) -> Path:
    from market.sessions import calendar

    session = calendar(facts.EQUITY).session(day)
    assert session is not None
    rows = datafiles.bar_rows(sparse_session(session, seed=3, base=22_000, share=0.001), instrument_id=number)
    return datafiles.write_dbn(path, "ohlcv-1s", rows, {symbol: number}, **options)


def test_a_definition_makes_the_asset_and_its_contract(tmp_path: Path, take: Importer, assets: None) -> None:
    path = define(tmp_path / "d.dbn.zst", future_definition("EMDU4", "EMD", 2024, 9, NOON, instrument_id=118))
    report = take(path)
    assert (report.accepted, report.problem) == (1, "")
    emd = Asset.objects.get(root="EMD")
    emd.full_clean()
    assert (emd.exchange, emd.tick_size, emd.point_value, emd.decimals) == ("CME", 250_000_000, Decimal(50), 2)
    assert (emd.calendar, emd.listed_months, emd.from_files) == (facts.EQUITY, "U", True)
    contract = Contract.objects.get(asset=emd)
    assert (contract.raw_symbol, contract.year, contract.month) == ("EMDU4", 2024, 9)
    assert contract.last_trade_date == date(2024, 8, 30)
    assert InstrumentId.objects.filter(contract=contract, instrument_id=118, first_date=date(2024, 7, 1)).exists()
    again = take(path)
    assert (again.accepted, again.known) == (0, 1)


def test_a_future_that_files_often_have_needs_no_definition(tmp_path: Path, take: Importer, assets: None) -> None:
    report = take(es_bars(tmp_path / "a.dbn"))
    assert (report.problem, report.refused, report.accepted > 0) == ("", 0, True)
    es = Asset.objects.get(root="ES")
    es.full_clean()
    assert (es.name, es.point_value, es.listed_months, es.from_files) == ("E-mini S&P 500", 50, "HMUZ", True)
    assert es.costs.get().fee_exchange == Decimal("1.38")


@pytest.mark.parametrize("known", facts.OF_FILES, ids=lambda known: known.root)
def test_futures_of_files_are_sound_assets(db: None, known: facts.AssetFacts) -> None:
    asset = add_asset(known, from_files=True)
    asset.full_clean()
    assert asset.sessions.between(DAY, DAY)


@pytest.mark.parametrize("writer", [datafiles.as_parquet, datafiles.as_csv])
def test_definitions_come_as_tables_too(tmp_path: Path, take: Importer, assets: None, writer: Any) -> None:
    source = define(tmp_path / "d.dbn", future_definition("ESU4", "ES", 2024, 9, NOON, instrument_id=118))
    ending = "parquet" if writer is datafiles.as_parquet else "csv"
    report = take(writer(source, tmp_path / f"GLBX.MDP3.2024-07-01.definition.{ending}"))
    assert (report.accepted, report.problem) == (1, "")
    es = Asset.objects.get(root="ES")
    assert (es.tick_size, es.point_value, es.exchange) == (250_000_000, Decimal(50), "CME")
    assert Contract.objects.get().last_trade_date == date(2024, 8, 30)


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({}, "50"),
        # a price in cents: the contract's 5,000 bushels do not tell
        ({"unit_of_measure_qty": 5_000 * 10**9}, "50"),
        # the tick's value as it stands
        ({"min_price_increment_amount": 12_500_000_000}, "50"),
        ({"min_price_increment_amount": datafiles.UNDEFINED_PRICE}, "50"),
    ],
)
def test_what_a_point_is_worth(
    tmp_path: Path, take: Importer, assets: None, changes: dict[str, int], value: str
) -> None:
    take(define(tmp_path / "d.dbn", future_definition("ESU4", "ES", 2024, 9, NOON, **changes)))
    assert Asset.objects.get(root="ES").point_value == Decimal(value)


@pytest.mark.parametrize(
    ("root", "exchange", "cfi", "calendar"),
    [
        ("M6E", b"XCME", b"FFCXSX", facts.FX),
        ("ZB", b"XCBT", b"FFDXSX", facts.RATES),
        ("MET", b"XCME", b"FFMXSX", facts.CRYPTO),
        ("QM", b"XNYM", b"FCEXSX", "CMEGlobex_CL"),
        ("RTY", b"XCME", b"FFIXSX", facts.EQUITY),
    ],
)
def test_the_calendar_follows_from_what_is_traded_where(
    tmp_path: Path, take: Importer, assets: None, root: str, exchange: bytes, cfi: bytes, calendar: str
) -> None:
    take(define(tmp_path / "d.dbn", future_definition(f"{root}U4", root, 2024, 9, NOON, exchange=exchange, cfi=cfi)))
    assert Asset.objects.get(root=root).calendar == calendar


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"instrument_class": b"S"}, "a spread, an option or something else"),
        ({"instrument_class": b"K"}, "no dataset of US stocks"),
        ({"maturity_month": 255}, "no delivery month"),
        ({"min_price_increment": datafiles.UNDEFINED_PRICE}, "no tick"),
        ({"asset": b"A LONG ROOT"}, "no root"),
        (
            {"min_price_increment_amount": datafiles.UNDEFINED_PRICE, "unit_of_measure_qty": datafiles.UNDEFINED_PRICE},
            "what a point is worth",
        ),
    ],
)
def test_a_definition_that_cannot_be_kept_is_refused(
    tmp_path: Path, take: Importer, assets: None, changes: dict[str, Any], words: str
) -> None:
    report = take(define(tmp_path / "d.dbn", future_definition("ESU4", "ES", 2024, 9, NOON, **changes)))
    assert words in report.problem
    assert not Asset.objects.filter(root="ES").exists()


def test_the_futures_of_an_exchange_without_a_calendar_are_refused(
    tmp_path: Path, take: Importer, assets: None
) -> None:
    rows = future_definition("BRNU4", "BRN", 2024, 9, NOON)
    report = take(define(tmp_path / "d.dbn", rows, dataset="IFEU.IMPACT"))
    assert "no trading calendar of IFEU.IMPACT" in report.problem


def test_definition_files_are_known_by_their_head(tmp_path: Path, take: Importer, assets: None) -> None:
    path = define(tmp_path / "d.dbn", future_definition("ESU4", "ES", 2024, 9, NOON))
    assert holds_definitions(path, "x")
    assert holds_definitions(datafiles.as_parquet(path, tmp_path / "d.parquet"), "x")
    assert not holds_definitions(es_bars(tmp_path / "b.dbn"), "b.dbn")


def test_a_continuous_symbol_is_told_by_its_instrument_id(tmp_path: Path, take: Importer, assets: None) -> None:
    days = [parse_et(f"2024-07-0{day} 12:00") for day in (1, 2, 3)]
    take(define(tmp_path / "d.dbn", *(future_definition("ESU4", "ES", 2024, 9, ns, instrument_id=118) for ns in days)))
    report = take(es_bars(tmp_path / "c.dbn", "ES.v.0"))
    assert report.problem == ""
    assert str(Coverage.objects.get().contract) == "ESU4"


@pytest.mark.parametrize(
    ("symbol", "day", "year"),
    [("ESU4", DAY, 2024), ("ESU24", DAY, 2024), ("ESZ3", DAY, 2033), ("ESH4", DAY, 2034), ("ESM4", DAY, 2024)],
)
def test_a_one_digit_year_is_the_nearest_delivery_that_is_not_over(
    tmp_path: Path, take: Importer, es: Asset, symbol: str, day: date, year: int
) -> None:
    take(es_bars(tmp_path / "b.dbn", symbol, day=day))
    contract = Contract.objects.get()
    assert contract.year == year
    assert contract.raw_symbol == symbol.replace("24", "4")


def test_the_same_symbol_ten_years_later_is_another_contract(tmp_path: Path, take: Importer, es: Asset) -> None:
    take(es_bars(tmp_path / "a.dbn", "ESU4", day=date(2014, 7, 2)))
    take(es_bars(tmp_path / "b.dbn", "ESU4", day=date(2024, 7, 2)))
    assert sorted(Contract.objects.values_list("year", flat=True)) == [2014, 2024]


def test_where_the_market_is_invented_files_go_to_an_asset_beside_it(
    tmp_path: Path, take: Importer, assets: None, settings: Any
) -> None:
    settings.SYNTHETIC_MARKET = True
    report = take(es_bars(tmp_path / "a.dbn", "NQU4"))
    assert report.problem == ""
    twin = Coverage.objects.get().contract.asset
    twin.full_clean()
    assert (twin.root, twin.name, twin.from_files) == ("NQ.FILE", "E-mini Nasdaq-100, own files", True)
    assert not Asset.objects.get(root="NQ").from_files
    take(es_bars(tmp_path / "b.dbn", "NQZ4"))
    assert Asset.objects.filter(root__startswith="NQ").count() == 2


def test_where_the_market_is_recorded_files_join_it(
    tmp_path: Path, take: Importer, assets: None, settings: Any
) -> None:
    settings.SYNTHETIC_MARKET = False
    take(es_bars(tmp_path / "a.dbn", "NQU4"))
    row = Coverage.objects.get()
    assert (row.contract.asset.root, row.source, row.state) == ("NQ", "file", "complete")


def test_what_is_no_whole_session_may_be_fetched_anew(
    tmp_path: Path, take: Importer, assets: None, settings: Any
) -> None:
    settings.SYNTHETIC_MARKET = False
    trades = datafiles.some_trades(parse_et("2024-07-02 09:30"), 60, price=20_000 * 10**9, tick=250_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=118)
    take(datafiles.write_dbn(tmp_path / "a.dbn", "trades", rows, {"NQU4": 118}))
    session = Asset.objects.get(root="NQ").sessions.session(DAY)
    assert session is not None
    for row in Coverage.objects.all():
        assert row.state == "partial"
        assert missing(row.contract, row.schema, [session], 2**62) == [session]


def test_imported_files_stand_beside_data_of_any_source(
    tmp_path: Path, take: Importer, assets: None, settings: Any
) -> None:
    take(es_bars(tmp_path / "a.dbn", "NQU4"))
    for source in ("Databento", "stand-in"):
        settings.MARKET_SOURCE = source
        check_source()
    Coverage.objects.update(source="stand-in")
    settings.MARKET_SOURCE = "Databento"
    with pytest.raises(MixedSources):
        check_source()


# --- stocks -----------------------------------------------------------------------------------------------


def stock_trades(path: Path, symbol: str, dataset: str = "XNAS.ITCH") -> Path:
    trades = datafiles.some_trades(parse_et("2025-06-02 09:30"), 30, price=90 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=7, dataset=dataset)
    return datafiles.write_dbn(path, "trades", rows, {symbol: 7}, dataset=dataset)


def test_a_stock_makes_its_asset_by_itself(tmp_path: Path, take: Importer, assets: None) -> None:
    take(stock_trades(tmp_path / "a.dbn", "NVDA"))
    nvda = Asset.objects.get(root="NVDA")
    nvda.full_clean()
    assert (nvda.kind, nvda.tick_size, nvda.point_value, nvda.decimals) == ("stock", 10_000_000, Decimal(1), 2)
    assert (nvda.calendar, nvda.dataset, nvda.from_files) == ("US Stocks", "XNAS.ITCH", True)
    contract = Contract.objects.get()
    assert (str(contract), contract.code, contract.month) == ("NVDA", "NVDA", None)


def test_a_stock_with_the_letters_of_a_future_has_a_name_of_its_own(
    tmp_path: Path, take: Importer, assets: None
) -> None:
    take(stock_trades(tmp_path / "a.dbn", "CL"))
    contract = Contract.objects.get()
    assert (contract.raw_symbol, contract.asset.root) == ("CL", "CL.US")
    assert Asset.objects.get(root="CL").kind == "future"


def test_two_datasets_of_a_stock_are_one_asset(tmp_path: Path, take: Importer, assets: None) -> None:
    trades = datafiles.some_trades(parse_et("2025-06-02 09:30"), 30, price=90 * 10**9, tick=10_000_000)
    book = datafiles.book_rows(trades, 10_000_000, instrument_id=7, dataset="XNAS.ITCH")
    take(datafiles.write_dbn(tmp_path / "b.dbn", "mbp-10", book, {"NVDA": 7}, dataset="XNAS.ITCH"))
    take(stock_trades(tmp_path / "a.dbn", "NVDA", "EQUS.MINI"))
    assert Asset.objects.filter(root="NVDA").count() == 1
    assert set(Coverage.objects.values_list("schema", flat=True)) == {"mbp-10", "trades", "ohlcv-1s"}


@pytest.mark.parametrize(
    ("written", "symbol"),
    [("NVDA", "NVDA"), ("BRK.B", "BRK.B"), ("BRK B", "BRK.B"), ("BRK/B", "BRK.B"), ("BRK-B", "BRK.B")],
)
def test_stock_symbols_are_written_one_way(written: str, symbol: str) -> None:
    assert stock_symbol(written) == symbol


@pytest.mark.parametrize("written", ["nvda", "", "TOOLONGSYMBOL", "A_B", "../x"])
def test_what_is_no_stock_symbol_is_refused(written: str) -> None:
    with pytest.raises(Unknown, match="no symbol of a stock"):
        stock_symbol(written)


def test_a_file_that_is_refused_leaves_no_stock_behind(tmp_path: Path, take: Importer, assets: None) -> None:
    trades = datafiles.some_trades(parse_et("2025-06-01 09:30"), 30, price=90 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=7, dataset="XNAS.ITCH")
    report = take(datafiles.write_dbn(tmp_path / "a.dbn", "trades", rows, {"NVDA": 7}, dataset="XNAS.ITCH"))
    assert list(reasons(report)) == ["The market was closed from Fri 2025-05-30 20:00 to Mon 2025-06-02 04:00 ET."]
    assert not Asset.objects.filter(root="NVDA").exists()


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dataset", "schema"),
    [
        ("XNAS.ITCH.2025-06-02.mbp-10.parquet", "XNAS.ITCH", "mbp-10"),
        ("EQUS.MINI.2025-06-02.trades.parquet", "EQUS.MINI", "trades"),
        ("EQUS.MINI.2025-06-02.ohlcv-1s.parquet", "EQUS.MINI", "ohlcv-1s"),
        ("EQUS.MINI.2025-06-02.ohlcv-10s.parquet", "EQUS.MINI", "ohlcv-10s"),
        ("glbx-mdp3-20231225.mbo.dbn.zst", "GLBX.MDP3", "mbo"),
        ("xnas-itch-20250602-20250605.ohlcv-1m.csv.zst", "XNAS.ITCH", "ohlcv-1m"),
        ("XNYS.PILLAR.2025-06-02.definition.csv", "XNYS.PILLAR", "definition"),
        ("trades.parquet", "", "trades"),
        ("my data.parquet", "", ""),
    ],
)
def test_what_a_name_says(name: str, dataset: str, schema: str) -> None:
    assert naming.parse(name) == naming.FileName(dataset, schema)
