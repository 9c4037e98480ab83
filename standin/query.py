"""A data request, validated once at the door."""

from collections.abc import Mapping
from dataclasses import dataclass

from market.facts import DATASET
from standin import timestamps
from standin.errors import ApiError, BadField
from standin.market.bars import day_ns
from standin.market.contracts import HISTORY_START
from standin.records import DTYPES
from standin.symbology import check_combination, parse_symbols

SCHEMAS = tuple(DTYPES)
"""The schemas that are served."""
AVAILABLE_START = day_ns(HISTORY_START)


@dataclass(frozen=True, slots=True)
class Query:
    """Times are UTC ns, the end is exclusive; available_end: the history's end when the request came."""

    dataset: str
    schema: str
    symbols: tuple[str, ...]
    stype_in: str
    stype_out: str
    start_ns: int
    end_ns: int
    limit: int | None
    available_end: int


def parse_query(fields: Mapping[str, str], available_end: int) -> Query:
    """Raises ApiError with the case a real gateway gives."""
    check_dataset(fields)
    schema = _choice(fields, "schema", SCHEMAS, "trades")
    _choice(fields, "encoding", ("dbn",), "dbn")
    _choice(fields, "compression", ("zstd",), "zstd")
    stype_in, stype_out = fields.get("stype_in", "raw_symbol"), fields.get("stype_out", "instrument_id")
    check_combination(stype_in, stype_out)
    start_ns, end_ns = _range(fields, available_end)
    return Query(
        dataset=DATASET,
        schema=schema,
        symbols=parse_symbols(fields.get("symbols", "")),
        stype_in=stype_in,
        stype_out=stype_out,
        start_ns=start_ns,
        end_ns=end_ns,
        limit=_limit(fields),
        available_end=available_end,
    )


def check_licence(query: Query, licence_end: int) -> None:
    """Raises ApiError for a range that reaches into the time for which the licence does not hold."""
    if query.end_ns > licence_end:
        raise ApiError(
            422,
            "dataset_unavailable_range",
            f"Part or all of your request for dataset '{DATASET}' requires a subscription and/or license to access. "
            f"Try again with an end time before {timestamps.iso(licence_end)}.",
            payload=_payload(query.start_ns, query.end_ns, licence_end),
        )


def check_dataset(fields: Mapping[str, str]) -> None:
    name = fields.get("dataset")
    if name is None:
        raise BadField("dataset", "field required")
    if name != DATASET:
        raise ApiError(422, "dataset_not_found", f"Unknown dataset {name[:40]!r}; this gateway serves {DATASET}.")


def _choice(fields: Mapping[str, str], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = fields.get(name, default)
    if value not in allowed:
        raise BadField(name, f"value {value[:40]!r} is not one of {', '.join(allowed)}")
    return value


def _limit(fields: Mapping[str, str]) -> int | None:
    text = fields.get("limit")
    if text is None:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise BadField("limit", "ensure this value is an integer greater than 0")
    return int(text)


def _range(fields: Mapping[str, str], available_end: int) -> tuple[int, int]:
    """[start, end) in UTC ns; without an end, to the end of the unit that the start names."""
    if "start" not in fields:
        raise BadField("start", "field required")
    start_ns, unit_end = _time(fields, "start")
    end_ns = _time(fields, "end")[0] if "end" in fields else min(unit_end, max(available_end, start_ns + 1))
    problem = _range_problem(start_ns, end_ns, available_end)
    if problem is not None:
        case, message = problem
        raise ApiError(422, case, message, payload=_payload(start_ns, end_ns, available_end))
    return start_ns, end_ns


def _time(fields: Mapping[str, str], name: str) -> tuple[int, int]:
    try:
        times = timestamps.parse(fields[name])
    except (ValueError, OverflowError) as error:
        raise BadField(name, str(error)) from None
    if max(times) >= 1 << 63:
        raise BadField(name, "the time is out of range")
    return times


def _range_problem(start_ns: int, end_ns: int, available_end: int) -> tuple[str, str] | None:
    """(case, message) in Databento's words; None for a good range."""
    start, end, available = (timestamps.spoken(each) for each in (start_ns, end_ns, available_end))
    has = f"The dataset {DATASET} has data available"
    if start_ns >= end_ns:
        return (
            "data_time_range_start_on_or_after_end",
            f"Invalid time range query, `start` {start} cannot be on or after `end` {end}.",
        )
    if start_ns < AVAILABLE_START:
        return (
            "data_start_before_available_start",
            f"{has} from '{timestamps.spoken(AVAILABLE_START)}'. The `start` in the query ('{start}') is before "
            "the available range. Try requesting with a later `start`.",
        )
    if start_ns >= available_end:
        return (
            "data_start_after_available_end",
            f"{has} up to '{available}'. The `start` in the query ('{start}') is after the available range. "
            "Try requesting with an earlier `start`.",
        )
    if end_ns > available_end:
        return (
            "data_end_after_available_end",
            f"{has} up to '{available}'. The `end` in the query ('{end}') is after the available range. "
            "Try requesting with an earlier `end`.",
        )
    return None


def _payload(start_ns: int, end_ns: int, available_end: int) -> dict[str, str]:
    return {
        "dataset": DATASET,
        "start": timestamps.iso(start_ns),
        "end": timestamps.iso(end_ns),
        "available_start": timestamps.iso(AVAILABLE_START),
        "available_end": timestamps.iso(available_end),
    }
