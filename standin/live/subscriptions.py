"""What a session's subscriptions mean, and what it gets of each schema."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from numpy.typing import NDArray

from standin.errors import ApiError
from standin.gateway import HOUR_NS
from standin.live import control, messages
from standin.live.control import Request, SubscriptionRefused
from standin.live.timeline import Feed
from standin.market.bars import day_ns, day_of
from standin.market.contracts import Instrument
from standin.records import records
from standin.symbology import Interval, resolve

REPLAY_NS = 24 * HOUR_NS
LEEWAY_NS = HOUR_NS // 60
"""A client counts back from its own clock, and its line takes a moment."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """A subscribed symbol and one instrument that it means from start to end (UTC ns)."""

    symbol: str
    instrument: Instrument
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class Subscribed:
    """instruments: those that the session did not have in this schema. answers: what to tell the client."""

    schema: str
    instruments: tuple[Instrument, ...] = ()
    answers: tuple[NDArray[Any], ...] = ()


class Subscriptions:
    """Which instruments a session gets, each once in a schema however often it is subscribed to.

    unresolved: symbols that shall not resolve, as a fault switch says.
    """

    def __init__(self, seed: int, unresolved: Sequence[str] = ()) -> None:
        self._seed = seed
        self._unresolved = frozenset(unresolved)
        self._starts: dict[tuple[str, Instrument], int | None] = {}
        self._pending: list[Request] = []
        self._count = 0

    async def add(self, given: Mapping[str, str], now_ns: int, *, has_started: bool) -> Subscribed:
        """Take one line; a subscription of several is answered on the last. Raises SubscriptionRefused."""
        request = control.subscription(given)
        start_ns = _replay_start(request, now_ns, has_started=has_started)
        self._pending.append(request)
        if not request.is_last:
            return Subscribed(request.schema)
        symbols = tuple(dict.fromkeys(symbol for each in self._pending for symbol in each.symbols))
        self._pending.clear()
        number = self._count if request.number is None else request.number
        self._count += 1
        meanings, unresolved = await asyncio.to_thread(self._resolve, symbols, request.stype_in, now_ns)
        _check_made(self._seed, request.schema)
        new = self._note(request.schema, [each.instrument for each in meanings], start_ns)
        return Subscribed(request.schema, new, tuple(_answers(request, number, meanings, unresolved, now_ns)))

    def feeds(self, now_ns: int) -> list[Feed]:
        """What a session that starts now gets."""
        groups: dict[tuple[str, int | None], list[Instrument]] = {}
        for (schema, instrument), start_ns in self._starts.items():
            groups.setdefault((schema, start_ns), []).append(instrument)
        return [feed(schema, instruments, start_ns, now_ns) for (schema, start_ns), instruments in groups.items()]

    def replayed(self) -> list[str]:
        """The schemas that are replayed, in the order in which they were subscribed to."""
        return list(dict.fromkeys(schema for (schema, _), start_ns in self._starts.items() if start_ns is not None))

    def start_ns(self, now_ns: int) -> int:
        """The earliest instant of any replay, else now."""
        return min((start for start in self._starts.values() if start is not None), default=now_ns)

    def _resolve(self, symbols: Sequence[str], stype_in: str, now_ns: int) -> tuple[list[Meaning], list[str]]:
        """What symbols mean on the UTC day of an instant, and those that mean nothing."""
        meanings: list[Meaning] = []
        unresolved: list[str] = []
        for symbol in symbols:
            found = [] if symbol in self._unresolved else _found(self._seed, symbol, stype_in, day_of(now_ns))
            meanings += [_meaning(symbol, stype_in, each) for each in found]
            if not found:
                unresolved.append(symbol)
        return meanings, unresolved

    def _note(self, schema: str, instruments: Iterable[Instrument], start_ns: int | None) -> tuple[Instrument, ...]:
        """Of several replays of one instrument the longest counts. Returns the instruments that are new."""
        new = []
        for each in instruments:
            if (schema, each) not in self._starts:
                new.append(each)
            starts = [start for start in (self._starts.get((schema, each)), start_ns) if start is not None]
            self._starts[schema, each] = min(starts, default=None)
        return tuple(new)


def feed(schema: str, instruments: Iterable[Instrument], start_ns: int | None, now_ns: int) -> Feed:
    """What a subscription gets: everything since its start, or what becomes due after now."""
    if start_ns is None:
        return Feed(schema, tuple(instruments), due_from_ns=now_ns + 1)
    return Feed(schema, tuple(instruments), due_from_ns=start_ns, event_from_ns=start_ns)


def _replay_start(request: Request, now_ns: int, *, has_started: bool) -> int | None:
    if request.start_ns is None:
        return None
    if has_started:
        raise SubscriptionRefused("Intraday replay is for subscriptions made before the session starts")
    if request.start_ns == 0:
        return now_ns - REPLAY_NS
    if request.start_ns < now_ns - REPLAY_NS - LEEWAY_NS:
        raise SubscriptionRefused("Invalid start time. Must be later or 0")
    return request.start_ns


def _check_made(seed: int, schema: str) -> None:
    try:
        records(seed, schema, (), 0, 0)
    except (KeyError, ImportError):  # some schemas need a library that not every machine has
        raise SubscriptionRefused(f"Schema {schema} is not served here") from None


def _found(seed: int, symbol: str, stype_in: str, day: date) -> list[Interval]:
    try:
        mappings = resolve(seed, [symbol], stype_in, day, day + timedelta(days=1)).mappings
    except ApiError:  # malformed: live says of it what it says of an unknown symbol
        return []
    return [each for intervals in mappings.values() for each in intervals]


def _meaning(symbol: str, stype_in: str, found: Interval) -> Meaning:
    """A continuous symbol's meaning holds for the day, any other's as long as the instrument is listed."""
    listed = found.instrument
    if stype_in == "continuous":
        return Meaning(symbol, listed, day_ns(found.start), day_ns(found.end))
    return Meaning(symbol, listed, day_ns(listed.listed_from), day_ns(listed.last_trade + timedelta(days=1)))


def _answers(
    request: Request, number: int, meanings: Sequence[Meaning], unresolved: Sequence[str], now_ns: int
) -> list[NDArray[Any]]:
    answers = [messages.acknowledgement(number, request.schema, now_ns)]
    for each in meanings:
        found = messages.mapping(each.instrument, request.stype_in, each.symbol, each.start_ns, each.end_ns, now_ns)
        answers.append(found)
    for place, symbol in enumerate(unresolved, 1):
        answers.append(messages.unresolved(symbol, now_ns, is_last=place == len(unresolved)))
    return answers
