"""What a table is, by the names of its columns: its schema, its dataset, and whose rows it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from market.importing.naming import FileName
from market.importing.parts import DEFINITION, MBO, TAKEN, not_used
from market.importing.report import NotImportable
from market.schemas import BOOK, STATUS, TRADES

ANY_BARS = ""
"""The schema of bars whose interval stands in each row."""
TIMES = ("ts_event", "ts", "ts_recv")
DEFAULTS: Mapping[str, int] = {
    "side": ord("N"), "depth": 0, "flags": 0, "ts_in_delta": 0, "sequence": 0, "reason": 0, "trading_event": 0,
    "is_trading": ord("~"), "is_quoting": ord("~"), "is_short_sell_restricted": ord("~"),
}  # fmt: skip
"""Of columns that a file may leave out, or leave empty."""
NO_INTERVAL = (
    "It has bars, but does not say of which interval. Name it as Databento does: XNAS.ITCH.2025-06-02.ohlcv-1s.parquet."
)
NO_DATASET = (
    "Neither its name nor its columns say which dataset it is of. "
    "Name it as Databento does: XNAS.ITCH.2025-06-02.trades.parquet, or GLBX.MDP3.2025-06-02.ohlcv-1m.csv."
)
SHOWN = 12


@dataclass(frozen=True, slots=True)
class Layout:
    """What a table's columns are.

    schema: its name, DEFINITION or ANY_BARS among them. time: the column of the time of the event. symbol: the column
    of the symbol, None where there is only the instrument id.
    """

    schema: str
    time: str
    symbol: str | None
    names: frozenset[str]


def layout_of(names: Sequence[str], name: FileName) -> Layout:
    """What a table with these columns is. Raises NotImportable."""
    columns = frozenset(names)
    schema = _schema_of(columns, name)
    time = next((each for each in TIMES if each in columns), None)
    if time is None:
        raise NotImportable(f"It has no column ts_event or ts. Its columns are {_listed(names)}.")
    missing = [each for each in _needed(schema) if each not in columns]
    if missing:
        raise NotImportable(f"It looks like {schema or 'bars'}, but lacks {_listed(missing)}.")
    symbol = next((each for each in ("symbol", "raw_symbol") if each in columns), None)
    if symbol is None and "instrument_id" not in columns:
        raise NotImportable("It has no column symbol, so it does not say whose rows they are.")
    return Layout(schema, time, symbol, columns)


def _schema_of(columns: frozenset[str], name: FileName) -> str:
    if "order_id" in columns:
        return MBO.name
    if "bid_px_09" in columns:
        return BOOK.name
    if "bid_px_00" in columns:
        raise NotImportable(not_used(name.schema if name.schema in ("tbbo", "bbo-1s", "bbo-1m") else "mbp-1"))
    if {"open", "high", "low", "close"} <= columns:
        return _bars_of(columns, name)
    if {"raw_symbol", "min_price_increment"} <= columns:
        return DEFINITION
    if {"is_trading", "trading_event"} & columns:
        return STATUS.name
    if "stat_type" in columns:
        raise NotImportable(not_used("statistics"))
    if "ref_price" in columns:
        raise NotImportable(not_used("imbalance"))
    if {"price", "size"} <= columns:
        return TRADES.name
    raise NotImportable(f"None of Databento's schemas has its columns: {_listed(sorted(columns))}.")


def _bars_of(columns: frozenset[str], name: FileName) -> str:
    if name.schema in TAKEN and TAKEN[name.schema].bar_seconds:
        return name.schema
    if name.schema.startswith("ohlcv"):
        raise NotImportable(not_used(name.schema))
    if "rtype" in columns:
        return ANY_BARS
    raise NotImportable(NO_INTERVAL)


def _needed(schema: str) -> list[str]:
    if schema == DEFINITION:
        return ["instrument_class", "maturity_year", "maturity_month", "instrument_id"]
    if schema == ANY_BARS:
        return ["volume"]
    columns = TAKEN[schema].columns
    optional = {*TIMES, *DEFAULTS, *(name for name in columns if name.startswith(("bid_ct", "ask_ct")))}
    if schema == TRADES.name:
        optional.add("action")
    return [name for name in columns if name not in optional]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(name[:24] for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
