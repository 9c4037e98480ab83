"""The answers of metadata.* and symbology.resolve that need no market data."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np

from market.facts import DATASET
from standin import timestamps
from standin.errors import BadField
from standin.market.bars import INTERVALS_NS, day_of
from standin.query import AVAILABLE_START, SCHEMAS
from standin.records import DTYPES
from standin.stream import output_symbol
from standin.symbology import Resolution

DOLLARS_PER_GB = {
    "ohlcv-1s": 50.5,
    "ohlcv-1m": 280.0,
    "ohlcv-1h": 600.0,
    "ohlcv-1d": 600.0,
    "trades": 28.0,
    "mbp-1": 1.8,
    "mbp-10": 0.6,
    "definition": 5.0,
    "statistics": 11.0,
    "status": 5.0,
}
"""Of the order of Databento's list prices; for showing a cost, not for paying one."""
UNIT_PRICES = [{"mode": mode, "unit_prices": DOLLARS_PER_GB} for mode in ("historical", "historical-streaming", "live")]
PUBLISHERS = [{"publisher_id": 1, "dataset": DATASET, "venue": "GLBX", "description": "CME Globex MDP 3.0"}]
FIRST_YEAR, LAST_YEAR = 2000, 2099
_GIGABYTE = 1 << 30
_SATURDAY = 5
_TYPE_NAMES = {"u": "uint", "i": "int"}


def schemas() -> list[str]:
    return list(SCHEMAS)


def cost(schema: str, size: int) -> float:
    """US dollars for so many billable bytes."""
    return size / _GIGABYTE * DOLLARS_PER_GB[schema]


def dataset_range(available_end: int) -> dict[str, Any]:
    """Start and exclusive end of the history; of a bar schema, the end of its last completed bar."""
    start = timestamps.iso(AVAILABLE_START)
    ends = {schema: available_end - available_end % INTERVALS_NS.get(schema, 1) for schema in SCHEMAS}
    return {
        "start": start,
        "end": timestamps.iso(available_end),
        "schema": {schema: {"start": start, "end": timestamps.iso(end)} for schema, end in ends.items()},
    }


def dataset_condition(
    fields: Mapping[str, str], available_end: int, degraded: Collection[date] = ()
) -> list[dict[str, str | None]]:
    """One entry for each day but Saturdays; the last day is included, days still to come are pending."""
    first = day_field(fields, "start_date", day_of(AVAILABLE_START))
    last = day_field(fields, "end_date", day_of(available_end))
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    today = day_of(available_end)
    return [_condition(day, today, day in degraded) for day in days if day.weekday() != _SATURDAY]


def _condition(day: date, today: date, is_degraded: bool) -> dict[str, str | None]:
    if day > today:
        return {"date": day.isoformat(), "condition": "pending", "last_modified_date": None}
    modified = min(day + timedelta(days=1), today)
    condition = "degraded" if is_degraded else "available"
    return {"date": day.isoformat(), "condition": condition, "last_modified_date": modified.isoformat()}


def fields(schema: str, encoding: str) -> list[dict[str, str]]:
    """Names and types of a schema's DBN fields."""
    if schema not in SCHEMAS:
        raise BadField("schema", f"value {schema[:40]!r} is not one of {', '.join(SCHEMAS)}")
    if encoding != "dbn":
        raise BadField("encoding", f"value {encoding[:40]!r} is not one of dbn")
    columns = DTYPES[schema]
    return [
        {"name": name, "type": _type_name(columns[name])} for name in columns.names or () if not name.startswith("_")
    ]


def _type_name(column: np.dtype[Any]) -> str:
    """As C writes it: 8 unsigned bytes are a uint64_t."""
    width = column.itemsize
    if column.kind == "S":
        return "char" if width == 1 else f"char[{width}]"
    return f"{_TYPE_NAMES[column.kind]}{width * 8}_t"


def day_range(fields: Mapping[str, str]) -> tuple[date, date]:
    """[start_date, end_date) of a symbology request; one day where the end is absent."""
    if "start_date" not in fields:
        raise BadField("start_date", "field required")
    start = day_field(fields, "start_date", date.min)
    end = day_field(fields, "end_date", start + timedelta(days=1))
    if start >= end:
        raise BadField("end_date", f"end_date {end} must be after start_date {start}")
    return start, end


def day_field(fields: Mapping[str, str], name: str, default: date) -> date:
    if not fields.get(name):
        return default
    try:
        day = timestamps.parse_day(fields[name])
    except (ValueError, OverflowError) as error:
        raise BadField(name, str(error)) from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadField(name, f"the date must lie in {FIRST_YEAR} to {LAST_YEAR}")
    return day


def resolution_json(resolution: Resolution, symbols: Sequence[str], stype_in: str, stype_out: str) -> dict[str, Any]:
    """The answer of symbology.resolve; d0 is included, d1 is not."""
    status, message = 0, "OK"
    if resolution.not_found or resolution.partial:
        status, message = (1, "Partially resolved") if resolution.mappings else (2, "Not found")
    return {
        "result": {
            shown: [
                {
                    "d0": each.start.isoformat(),
                    "d1": each.end.isoformat(),
                    "s": output_symbol(each.instrument, stype_out),
                }
                for each in spans
            ]
            for shown, spans in resolution.mappings.items()
        },
        "symbols": list(symbols),
        "stype_in": stype_in,
        "stype_out": stype_out,
        "start_date": resolution.start.isoformat(),
        "end_date": resolution.end.isoformat(),
        "partial": resolution.partial,
        "not_found": resolution.not_found,
        "message": message,
        "status": status,
    }
