"""Definition records: the futures and stocks that they describe, and the assets and contracts made of them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from market import contracts, facts
from market.databento_historical import Definition
from market.facts import MONTH_CODES, PRICE_SCALE
from market.importing.contracts import Unknown, add_months, future_asset, stock_contract, stock_symbol
from market.importing.naming import is_of_stocks
from market.importing.parts import DEFINITION, UNDEFINED_PRICE, Definitions
from market.importing.report import Report, Rows
from market.locks import advisory_lock
from market.models import Asset, Contract

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
class Future:
    """What a definition tells of an outright future's asset. tick_size in 1e-9 units, point_value in dollars."""

    root: str
    month_code: str
    exchange: str
    cfi: str
    tick_size: int
    point_value: Decimal


def take(definitions: Definitions, dataset: str, report: Report) -> None:
    """Save the contracts that the rows define, and the assets that are missing."""
    report.schemas.add(DEFINITION)
    kinds = definitions.columns["instrument_class"]
    report.refuse(definitions.rows[(kinds != FUTURE) & (kinds != STOCK)], NOT_A_FUTURE)
    told: dict[Asset, list[Definition]] = {}
    for symbol, indices in _by_symbol(definitions, np.flatnonzero((kinds == FUTURE) | (kinds == STOCK))):
        rows = [{name: values[index] for name, values in definitions.columns.items()} for index in indices]
        if rows[-1]["instrument_class"] == STOCK:
            _take_stock(symbol, dataset, definitions.rows[indices], report)
        elif problem := _problem(rows[-1], dataset):
            report.refuse(definitions.rows[indices], f"{symbol}: {problem}")
        else:
            told.setdefault(_asset(_future(rows[-1]), dataset), []).extend(map(_definition, rows))
    for asset, found in told.items():
        with advisory_lock("history", asset.pk):
            new = _save(asset, found)
        for definition in found:
            _count(report, 1, definition.delivery in new)


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
    namesake = Asset.objects.filter(root=root).first()
    if namesake is not None and (namesake.dataset, namesake.kind) != (dataset, Asset.Kind.FUTURE):
        return f"another asset is called {root}."
    if dataset != facts.DATASET and namesake is None:
        return f"futsim has no trading calendar of {dataset}. An admin can add the asset with one."
    if not 0 < int(row["maturity_month"]) <= 12 or not 1990 < int(row["maturity_year"]) < 2100:
        return "the definition has no delivery month."
    if not 0 < int(row["min_price_increment"]) < UNDEFINED_PRICE:
        return "the definition has no tick."
    if _point_value(row) is None:
        return "the definition does not tell what a point is worth."
    return ""


def _future(row: Mapping[str, Any]) -> Future:
    value = _point_value(row)
    assert value is not None
    return Future(
        root=_text(row["asset"]),
        month_code=MONTH_CODES[int(row["maturity_month"]) - 1],
        exchange=_text(row["exchange"]),
        cfi=_text(row["cfi"]),
        tick_size=int(row["min_price_increment"]),
        point_value=value,
    )


def _definition(row: Mapping[str, Any]) -> Definition:
    return Definition(
        raw_symbol=_text(row["raw_symbol"]),
        root=_text(row["asset"]),
        year=int(row["maturity_year"]),
        month=int(row["maturity_month"]),
        instrument_id=int(row["instrument_id"]),
        defined_ns=_moment(row["ts_recv"]) or 0,
        activation_ns=_moment(row["activation"]),
        expiration_ns=_moment(row["expiration"]),
        match_algorithm=_text(row["match_algorithm"])[:2],
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


def _asset(future: Future, dataset: str) -> Asset:
    asset = future_asset(future.root, dataset) or add_asset(future, dataset)
    add_months(asset, future.month_code)
    return asset


def _save(asset: Asset, told: list[Definition]) -> set[date]:
    """Keep what was told; the deliveries of which anything was new.

    What the gateway told of its own contracts decides the rolls of everybody; a file does not change it.
    """
    before = {contract.delivery: contract for contract in asset.contracts.exclude(month=None)}
    taken = told if asset.from_files else [each for each in told if each.delivery not in before]
    contracts.save_definitions(asset, taken)
    contracts.save_ids(
        (before[delivery], interval) for delivery, interval in contracts.defined_ids(told) if delivery in before
    )
    after = {contract.delivery: contract for contract in asset.contracts.exclude(month=None)}
    return {
        delivery
        for delivery in {each.delivery for each in taken}
        if delivery not in before or _facts(after[delivery]) != _facts(before[delivery])
    }


def _facts(contract: Contract) -> tuple[object, ...]:
    return contract.raw_symbol, contract.first_trade_date, contract.last_trade_date, contract.match_algorithm


def add_asset(future: Future, dataset: str) -> Asset:
    """The asset of a future that nobody knew."""
    exchange = EXCHANGES.get(future.exchange, future.exchange)
    return Asset.objects.create(
        root=future.root,
        name=f"{future.root} ({exchange})",
        exchange=exchange,
        dataset=dataset,
        point_value=future.point_value,
        tick_size=future.tick_size,
        decimals=decimals_of(future.tick_size),
        active_months=future.month_code,
        listed_months=future.month_code,
        calendar=calendar_of(future),
        from_files=True,
    )


def decimals_of(tick_size: int) -> int:
    """How many decimals a tick (1e-9) needs."""
    return len(f"{tick_size:09d}"[-9:].rstrip("0"))


def calendar_of(future: Future) -> str:
    """The calendar that fits best; by CFI code (ISO 10962) and exchange. What none fits has the widest one."""
    if future.root in CRYPTO_ROOTS:
        return facts.CRYPTO
    if future.cfi.startswith("FFC"):
        return facts.FX
    if future.cfi.startswith(("FFD", "FFN")):
        return facts.RATES
    return "CMEGlobex_CL" if future.exchange in ("XNYM", "XCEC") else facts.EQUITY


def _take_stock(symbol: str, dataset: str, rows: Rows, report: Report) -> None:
    try:
        if not is_of_stocks(dataset):
            raise Unknown(f"{symbol} is a stock, and {dataset} is no dataset of US stocks.")
        _, is_new = stock_contract(stock_symbol(symbol), dataset)
    except Unknown as problem:
        report.refuse(rows, str(problem))
    else:
        _count(report, len(rows), is_new)


def _text(value: bytes) -> str:
    return value.decode(errors="replace")


def _moment(ns: Any) -> int | None:
    """An instant, UTC ns; None where it is left open."""
    moment = int(np.uint64(ns).astype(np.int64)) if int(ns) >= 0 else -1
    return moment if moment > 0 else None
