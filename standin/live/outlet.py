"""Where the records of one session go out, and where its fault strikes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import numpy as np

from standin.live import messages
from standin.live.control import SCHEMAS
from standin.live.faults import LiveFault
from standin.live.parcel import Parcel, own, place
from standin.live.wire import Wire

SKIPPED_WHEN_SLOW = ("mbp-10", "mbp-1")
"""The schemas of which records may be left out; the others only warn."""
GARBAGE = bytes(range(255, 191, -1)) * 4
_WITH_NEXT_RECORD = {"cut_record", "late", "slow_reader"}


class SessionEnded(Exception):
    """The gateway ends the session here."""


class Outlet:
    """Where a session's records go out, spoiled by its fault, which strikes once."""

    def __init__(self, wire: Wire, fault: LiveFault, *, skips: bool) -> None:
        self._wire = wire
        self._fault = fault
        self._skips = skips
        self._sent = 0
        self._has_struck = False
        self._tail: deque[Parcel] = deque(maxlen=fault.records)
        self._held: tuple[Parcel, int] | None = None
        self._left_out = (0, 0)  # so many records to come of a schema are not sent

    async def before_records(self) -> None:
        """Called once, before the first record of the market."""
        if self._fault.kind == "slow_start":
            await asyncio.sleep(self._fault.ms / 1_000)

    async def send(self, parcel: Parcel, now_ns: int) -> None:
        if self._fault.kind == "no_records":
            return
        parcel = self._thinned(parcel)
        at = self._where(parcel)
        if at is None:
            await self._pass(parcel, now_ns)
            return
        self._has_struck = True
        await self._pass(parcel[:at], now_ns)
        await _STRIKES[self._fault.kind](self, parcel[at:], now_ns)

    async def heartbeat(self, now_ns: int) -> None:
        if self._fault.kind != "no_records" or self._fault.heartbeats:
            await self._wire.send(own(messages.heartbeat(now_ns), now_ns), now_ns)

    async def replay_completed(self, now_ns: int) -> None:
        """Called once, after the messages that say so."""
        if self._fault.kind == "duplicate" and not self._has_struck:
            self._has_struck = True
            await self._repeat(now_ns)

    def _where(self, parcel: Parcel) -> int | None:
        """The place in the parcel at which the fault strikes; None for not in this one."""
        if self._has_struck or self._fault.kind not in _STRIKES or self._fault.after_records is None:
            return None
        market, left = parcel.market, self._fault.after_records - self._sent
        if self._fault.kind in _WITH_NEXT_RECORD:
            return int(market[left]) if left < len(market) else None
        if left == 0:
            return 0
        return int(market[left - 1]) + 1 if left <= len(market) else None

    async def _pass(self, parcel: Parcel, now_ns: int) -> None:
        """Send, with the record that was held back where it is time."""
        market = parcel.market
        self._sent += len(market)
        if self._fault.kind == "duplicate":
            self._tail.extend(parcel[at : at + 1] for at in market[-self._fault.records :].tolist())
        if self._held is not None and len(market) and int(parcel.due[market[-1]]) >= self._held[1]:
            held, after_ns = self._held
            self._held = None
            at = int(market[np.searchsorted(parcel.due[market], after_ns)]) + 1
            await self._wire.send(parcel[:at], now_ns)
            await self._wire.send(held, now_ns)
            parcel = parcel[at:]
        if len(parcel):
            await self._wire.send(parcel, now_ns)

    async def _wedge(self, _rest: Parcel, _now_ns: int) -> None:
        await asyncio.Event().wait()

    async def _eof(self, _rest: Parcel, _now_ns: int) -> None:
        raise SessionEnded

    async def _reset(self, _rest: Parcel, _now_ns: int) -> None:
        self._wire.reset()
        raise SessionEnded

    async def _cut_record(self, rest: Parcel, _now_ns: int) -> None:
        record = rest[:1].wire()
        await self._wire.write(record[: len(record) // 2])
        raise SessionEnded

    async def _garbage(self, rest: Parcel, now_ns: int) -> None:
        await self._wire.write(GARBAGE)
        await self._pass(rest, now_ns)

    async def _late(self, rest: Parcel, now_ns: int) -> None:
        self._held = (rest[:1], int(rest.due[0]) + self._fault.ms * 1_000_000)
        self._sent += 1
        await self._pass(rest[1:], now_ns)

    async def _duplicate(self, rest: Parcel, now_ns: int) -> None:
        await self._repeat(now_ns)
        await self._pass(rest, now_ns)

    async def _repeat(self, now_ns: int) -> None:
        for record in self._tail:
            await self._wire.send(record, now_ns)

    async def _error(self, rest: Parcel, now_ns: int) -> None:
        fault = self._fault
        await self._wire.send(own(messages.error(fault.code, fault.message, now_ns), now_ns), now_ns)
        if fault.close:
            raise SessionEnded
        await self._pass(rest, now_ns)

    async def _slow_reader(self, rest: Parcel, now_ns: int) -> None:
        schema = SCHEMAS[rest.schema[0]]
        if self._skips and schema in SKIPPED_WHEN_SLOW:
            await self._wire.send(own(messages.skipped(schema, now_ns), now_ns), now_ns)
            self._left_out = (self._fault.records, place(schema))
        else:
            await self._wire.send(own(messages.slow_reader(schema, now_ns), now_ns), now_ns)
        await self._pass(self._thinned(rest), now_ns)

    def _thinned(self, parcel: Parcel) -> Parcel:
        count, schema = self._left_out
        if not count:
            return parcel
        places = np.flatnonzero(parcel.schema == schema)[:count]
        self._left_out = (count - len(places), schema)
        return parcel.without(places)


_STRIKES: dict[str, Callable[[Outlet, Parcel, int], Awaitable[None]]] = {
    "wedge": Outlet._wedge,
    "eof": Outlet._eof,
    "reset": Outlet._reset,
    "cut_record": Outlet._cut_record,
    "garbage": Outlet._garbage,
    "late": Outlet._late,
    "duplicate": Outlet._duplicate,
    "error": Outlet._error,
    "slow_reader": Outlet._slow_reader,
}
