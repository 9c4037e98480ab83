"""Definition records: the futures and stocks that they describe, and the assets and contracts made of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from market import facts
from market.facts import MONTH_CODES, PRICE_SCALE
from market.importing.contracts import Unknown, add_months, future_asset, stock_contract, stock_symbol
from market.importing.naming import is_of_stocks
from market.importing.parts import DEFINITION, UNDEFINED_PRICE, Definitions
from market.importing.report import Report, Rows
from market.models import Asset, Contract, InstrumentId
from market.sessions import SECOND_NS

FIELDS = (
    "raw_symbol", "asset", "instrument_class", "exchange", "cfi", "match_algorithm", "min_price_increment",
    "min_price_increment_amount", "display_factor", "unit_of_measure_qty", "maturity_year", "maturity_month",
    "activation", "expiration", "instrument_id", "ts_recv",
)  # fmt: skip
"""The columns that are read: text as bytes, prices in 1e-9, times UTC ns."""

FUTURE, STOCK = b"F", b"K"
ROOT = re.compile(r"[A-Z0-9]{1,6}")
LONGEST_SYMBOL = 12
EXCHANGES = {"XCME": "CME", "XCBT": "CBOT", "XNYM": "NYMEX", "XCEC": "COMEX"}
CRYPTO_ROOTS = frozenset({"BTC", "MBT", "BFF", "ETH", "MET", "SOL", "MSL", "XRP", "MXP"})
NOT_A_FUTURE = "It defines a spread, an option or something else; futsim replays outright futures and stocks."


@dataclass(frozen=True, slots=True)
class FutureDefinition:
    """An outright future. Prices 1e-9 units, dates None where the exchange leaves them open."""

    raw_symbol: str
    root: str
    year: int
    month: int
    exchange: str
    cfi: str
    match_algorithm: str
    tick_size: int
    point_value: Decimal
    first_trade_date: date | None
    last_trade_date: date | None


def take(definitions: Definitions, dataset: str, report: Report) -> None:
    """Save the contracts that the rows define, and the assets that are missing."""
    report.schemas.add(DEFINITION)
    kinds = definitions.columns["instrument_class"]
    report.refuse(definitions.rows[(kinds != FUTURE) & (kinds != STOCK)], NOT_A_FUTURE)
    for symbol, indices in _by_symbol(definitions, np.flatnonzero((kinds == FUTURE) | (kinds == STOCK))):
        row = {name: values[indices[-1]] for name, values in definitions.columns.items()}
        if row["instrument_class"] == STOCK:
            _take_stock(symbol, dataset, definitions.rows[indices], report)
            continue
        problem = _problem(row, dataset)
        if problem:
            report.refuse(definitions.rows[indices], f"{symbol}: {problem}")
            continue
        contract, is_new = _save(_future(row), dataset)
        ids = zip(*(definitions.columns[name][indices].tolist() for name in ("instrument_id", "ts_recv")), strict=True)
        _save_ids(contract, ids)
        _count(report, len(indices), is_new)


def _count(report: Report, rows: int, is_new: bool) -> None:
    if is_new:
        report.accepted += rows
    else:
        report.known += rows


def _by_symbol(definitions: Definitions, indices: npt.NDArray[np.int64]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Rows of each symbol and delivery month: a symbol comes back every ten years."""
    columns = definitions.columns
    keys = list(
        zip(
            *(columns[name][indices].tolist() for name in ("raw_symbol", "maturity_year", "maturity_month")),
            strict=True,
        )
    )
    grouped: dict[tuple[bytes, int, int], list[int]] = {}
    for key, index in zip(keys, indices.tolist(), strict=True):
        grouped.setdefault(key, []).append(index)
    for (symbol, _, _), mine in grouped.items():
        yield symbol.decode(errors="replace"), np.array(mine)


def _problem(row: Mapping[str, Any], dataset: str) -> str:
    """Why a future cannot be kept; empty when it can."""
    root = _text(row["asset"])
    if not ROOT.fullmatch(root) or len(row["raw_symbol"]) > LONGEST_SYMBOL:
        return "the definition has no root that futsim can keep."
    if future_asset(root, dataset) is None and Asset.objects.filter(root=root).exists():
        return f"another asset is called {root}."
    if dataset != facts.DATASET and future_asset(root, dataset) is None:
        return f"futsim has no trading calendar of {dataset}. An admin can add the asset with one."
    if not 0 < int(row["maturity_month"]) <= 12 or not 1990 < int(row["maturity_year"]) < 2100:
        return "the definition has no delivery month."
    if not 0 < int(row["min_price_increment"]) < UNDEFINED_PRICE:
        return "the definition has no tick."
    if _point_value(row) is None:
        return "the definition does not tell what a point is worth."
    return ""


def _future(row: Mapping[str, Any]) -> FutureDefinition:
    value = _point_value(row)
    assert value is not None
    return FutureDefinition(
        raw_symbol=_text(row["raw_symbol"]),
        root=_text(row["asset"]),
        year=int(row["maturity_year"]),
        month=int(row["maturity_month"]),
        exchange=_text(row["exchange"]),
        cfi=_text(row["cfi"]),
        match_algorithm=_text(row["match_algorithm"])[:2],
        tick_size=int(row["min_price_increment"]),
        point_value=value,
        first_trade_date=_day(row["activation"]),
        last_trade_date=_day(row["expiration"]),
    )


def _point_value(row: Mapping[str, Any]) -> Decimal | None:
    """Dollars for 1.0 of price and one contract.

    The tick's value counts, for where a price is in cents the contract's size does not tell. CME's is scaled by the
    display factor like a price; another that agrees with the contract's size as it stands is taken as it stands.
    """
    tick, amount, factor, size = (
        Decimal(int(row[name])) / PRICE_SCALE if 0 < int(row[name]) < UNDEFINED_PRICE else None
        for name in ("min_price_increment", "min_price_increment_amount", "display_factor", "unit_of_measure_qty")
    )
    if tick is None or amount is None:
        return size
    scaled = amount / factor / tick if factor else amount / tick
    value = amount / tick if amount / tick == size else scaled
    return value.quantize(Decimal("0.0001")) if value >= Decimal("0.0001") else None


def _save(definition: FutureDefinition, dataset: str) -> tuple[Contract, bool]:
    """The contract, and whether anything of it was new."""
    asset = future_asset(definition.root, dataset)
    if asset is None:
        asset = add_asset(definition, dataset)
    add_months(asset, MONTH_CODES[definition.month - 1])
    values = {
        "raw_symbol": definition.raw_symbol,
        "first_trade_date": definition.first_trade_date,
        "last_trade_date": definition.last_trade_date,
        "match_algorithm": definition.match_algorithm,
    }
    known = Contract.objects.filter(asset=asset, year=definition.year, month=definition.month).first()
    # what the gateway told of its own contracts decides the rolls of everybody; a file does not change it
    if known is not None and (not asset.from_files or all(getattr(known, name) == values[name] for name in values)):
        return known, False
    contract, _ = Contract.objects.update_or_create(
        asset=asset, year=definition.year, month=definition.month, defaults=values
    )
    return contract, True


def add_asset(definition: FutureDefinition, dataset: str) -> Asset:
    """The asset of a future that nobody knew."""
    code = MONTH_CODES[definition.month - 1]
    exchange = EXCHANGES.get(definition.exchange, definition.exchange)
    return Asset.objects.create(
        root=definition.root,
        name=f"{definition.root} ({exchange})",
        exchange=exchange,
        dataset=dataset,
        point_value=definition.point_value,
        tick_size=definition.tick_size,
        decimals=decimals_of(definition.tick_size),
        active_months=code,
        listed_months=code,
        calendar=calendar_of(definition),
        from_files=True,
    )


def decimals_of(tick_size: int) -> int:
    """How many decimals a tick (1e-9) needs."""
    return len(f"{tick_size:09d}"[-9:].rstrip("0"))


def calendar_of(definition: FutureDefinition) -> str:
    """The calendar that fits best; by CFI code (ISO 10962) and exchange. What none fits has the widest one."""
    if definition.root in CRYPTO_ROOTS:
        return facts.CRYPTO
    if definition.cfi.startswith("FFC"):
        return facts.FX
    if definition.cfi.startswith(("FFD", "FFN")):
        return facts.RATES
    return "CMEGlobex_CL" if definition.exchange in ("XNYM", "XCEC") else facts.EQUITY


def _take_stock(symbol: str, dataset: str, rows: Rows, report: Report) -> None:
    try:
        if not is_of_stocks(dataset):
            raise Unknown(f"{symbol} is a stock, and {dataset} is no dataset of US stocks.")
        _, is_new = stock_contract(stock_symbol(symbol), dataset)
    except Unknown as problem:
        report.refuse(rows, str(problem))
    else:
        _count(report, len(rows), is_new)


def _save_ids(contract: Contract, ids: Iterator[tuple[int, int]]) -> None:
    days = {(instrument_id, _day(received)) for instrument_id, received in ids}
    InstrumentId.objects.bulk_create(
        [
            InstrumentId(
                contract=contract, instrument_id=instrument_id, first_date=day, end_date=day + timedelta(days=1)
            )
            for instrument_id, day in sorted(days, key=str)
            if day is not None
        ],
        ignore_conflicts=True,
    )


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _day(ns: Any) -> date | None:
    """The UTC date of an instant; None where it is left open."""
    moment = int(np.uint64(ns).astype(np.int64)) if int(ns) >= 0 else -1
    return datetime.fromtimestamp(moment // SECOND_NS, UTC).date() if moment > 0 else None
