"""Which instruments a request's symbols mean, on which UTC days."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from market.facts import BY_ROOT
from market.sessions import calendar
from standin.errors import ApiError, BadField
from standin.market import contracts
from standin.market.contracts import Contract, Instrument
from standin.market.profiles import PROFILES
from standin.market.volume import Plan, open_interest, plan

MAX_SYMBOLS = 2_000
ALL_SYMBOLS = "ALL_SYMBOLS"
COMBINATIONS = {
    ("raw_symbol", "instrument_id"),
    ("parent", "instrument_id"),
    ("continuous", "instrument_id"),
    ("instrument_id", "raw_symbol"),
    ("instrument_id", "instrument_id"),
}
"""The pairs of stype_in and stype_out that the gateway knows; continuous → raw_symbol is not one."""

_PARENT = re.compile(r"([A-Z0-9]+)\.FUT")
_CONTINUOUS = re.compile(r"([A-Z0-9]+)\.([cnv])\.(\d{1,2})")


@dataclass(frozen=True, slots=True)
class Interval:
    """An instrument on the UTC days [start, end)."""

    start: date
    end: date
    instrument: Instrument


@dataclass(slots=True)
class Resolution:
    """What symbols resolved to over the UTC days [start, end).

    mappings: by symbol as it appears in a response (for a parent: its children's raw symbols). partial: symbols
    without an instrument on some day; not_found: on every day.
    """

    start: date
    end: date
    mappings: dict[str, list[Interval]] = field(default_factory=dict)
    partial: list[str] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)

    def on(self, day: date) -> list[Instrument]:
        """The instruments of a UTC day, each once, in the order of the request."""
        found: dict[int, Instrument] = {}
        for intervals in self.mappings.values():
            for each in intervals:
                if each.start <= day < each.end:
                    found.setdefault(each.instrument.instrument_id, each.instrument)
        return list(found.values())


def parse_symbols(text: str) -> tuple[str, ...]:
    """The comma-joined symbols of a request. Raises ApiError for none, too many or all of them."""
    symbols = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not symbols:
        raise BadField("symbols", "At least one symbol is required")
    if ALL_SYMBOLS in symbols:
        raise ApiError(422, "symbology_all_symbols_refused", "ALL_SYMBOLS is not served here; name the symbols.")
    if len(symbols) > MAX_SYMBOLS:
        raise ApiError(422, "symbology_too_many_symbols", f"At most {MAX_SYMBOLS} symbols per request.")
    return symbols


def check_combination(stype_in: str, stype_out: str) -> None:
    if (stype_in, stype_out) not in COMBINATIONS:
        raise ApiError(
            422,
            "symbology_unsupported_combination",
            f"Resolving `stype_in` {stype_in} to `stype_out` {stype_out} is not supported.",
        )


def resolve(seed: int, symbols: Sequence[str], stype_in: str, start: date, end: date) -> Resolution:
    """Instruments of the symbols over the UTC days [start, end). Raises ApiError for a malformed symbol."""
    result = Resolution(start, end)
    for symbol in symbols:
        if stype_in == "parent":
            found = _parent(symbol, start, end)
            result.mappings.update(found)
            complete = bool(found)
        else:
            intervals = _intervals(seed, symbol, stype_in, start, end)
            complete = _covers(intervals, start, end)
            found = {symbol: intervals} if intervals else {}
            result.mappings.update(found)
        if not found:
            result.not_found.append(symbol)
        elif not complete:
            result.partial.append(symbol)
    return result


def _intervals(seed: int, symbol: str, stype_in: str, start: date, end: date) -> list[Interval]:
    if stype_in == "continuous":
        return _continuous(seed, symbol, start, end)
    if stype_in == "instrument_id":
        return _clipped(_by_id(symbol, start, end), start, end)
    return _clipped(contracts.by_raw_symbol(symbol, start, _reach(end)), start, end)


def _reach(end: date) -> date:
    """Trade dates up to a week later may open on the last day asked for."""
    return end + timedelta(days=6)


def _clipped(instruments: Iterable[Instrument], start: date, end: date) -> list[Interval]:
    spans = (
        Interval(max(start, each.listed_from), min(end, each.last_trade + timedelta(days=1)), each)
        for each in instruments
    )
    return [span for span in spans if span.start < span.end]


def _covers(intervals: list[Interval], start: date, end: date) -> bool:
    return sum((each.end - each.start).days for each in intervals) >= (end - start).days


def _parent(symbol: str, start: date, end: date) -> dict[str, list[Interval]]:
    match = _PARENT.fullmatch(symbol)
    if match is None:
        raise ApiError(
            422, "symbology_invalid_symbol", f"Invalid format for `parent` symbol {symbol!r}, expected '[ROOT].FUT'."
        )
    found: dict[str, list[Interval]] = {}
    for span in _clipped(contracts.everything(match[1], start, _reach(end)), start, end):
        found.setdefault(span.instrument.raw_symbol, []).append(span)
    return found


def _by_id(symbol: str, start: date, end: date) -> list[Instrument]:
    if not symbol.isdecimal():
        raise ApiError(422, "symbology_invalid_symbol", f"Invalid `instrument_id` {symbol!r}, expected an integer.")
    everything = (each for root in contracts.roots() for each in contracts.everything(root, start, _reach(end)))
    return [each for each in everything if each.instrument_id == int(symbol)]


def _continuous(seed: int, symbol: str, start: date, end: date) -> list[Interval]:
    match = _CONTINUOUS.fullmatch(symbol)
    if match is None:
        raise ApiError(
            422,
            "symbology_invalid_symbol",
            f"Invalid format for `continuous` symbol {symbol!r}, expected '[ROOT].[ROLL_RULE].[RANK]'.",
        )
    root, rule, rank = match[1], match[2], int(match[3])
    intervals: list[Interval] = []
    if root not in PROFILES:
        return intervals
    for number in range((end - start).days):
        day = start + timedelta(days=number)
        ranked = RANKINGS[rule](seed, root, day)
        if rank < len(ranked):
            _extend(intervals, day, ranked[rank])
    return intervals


def by_expiry(_seed: int, root: str, day: date) -> tuple[Contract, ...]:
    """The contracts listed on a UTC day, nearest first."""
    return contracts.contracts(root, day, day)


def by_volume(seed: int, root: str, day: date) -> tuple[Contract, ...]:
    """The contracts listed on a UTC day, by the volume of the session before it."""
    return _ranked(plan, seed, root, day)


def by_open_interest(seed: int, root: str, day: date) -> tuple[Contract, ...]:
    """The contracts listed on a UTC day, by what was held at the end of the session before it."""
    return _ranked(open_interest, seed, root, day)


RANKINGS = {"c": by_expiry, "v": by_volume, "n": by_open_interest}
"""By the rule of a continuous symbol."""


def _ranked(figures: Callable[[int, str, date], Plan], seed: int, root: str, day: date) -> tuple[Contract, ...]:
    before = calendar(BY_ROOT[root].calendar).before(day, 1)
    if not before:
        return by_expiry(seed, root, day)
    return tuple(each for each in figures(seed, root, before[0].trade_date).ranked() if each.last_trade >= day)


def _extend(intervals: list[Interval], day: date, instrument: Contract) -> None:
    """Append one day; a day that continues the last interval lengthens it."""
    last = intervals[-1] if intervals else None
    if last is not None and last.instrument == instrument and last.end == day:
        intervals[-1] = Interval(last.start, day + timedelta(days=1), instrument)
    else:
        intervals.append(Interval(day, day + timedelta(days=1), instrument))
