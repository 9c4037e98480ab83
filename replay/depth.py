"""The prints and the order book of the session at the playhead, opened when a page first wants them."""

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from market import events, store
from market.engine.tape import Part
from market.events import SessionEvents
from market.models import Coverage
from workspace.following import patiently

log = logging.getLogger(__name__)

Key = tuple[int, date, str]
"""Contract, trade date and grade."""


class Receiver(Protocol):
    """The player, as its depth sees it."""

    def say(self, level: str, text: str, job_id: int | None = ...) -> None: ...
    def wake(self) -> None: ...
    async def regrade(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """A session's events as pages show them: at the contract's own prices. shift: what a chart adds to them, 1e-9."""

    contract: str
    shift: int
    tick: int
    events: SessionEvents


class Depth:
    """Holds the events of one session at a time. All methods are called in the event loop."""

    def __init__(self, tick: int, receiver: Receiver) -> None:
        self._tick = tick
        self._receiver = receiver
        self._key: Key | None = None
        self._shown: Shown | None = None
        self._opening: asyncio.Task[None] | None = None

    def at(self, part: Part) -> Shown | None:
        """The events of a part; None while they are being opened, and where it has bars only."""
        if part.contract_id is None or part.grade == "bars":
            return None
        key = part.contract_id, part.piece.session.trade_date, part.grade
        if key != self._key:
            self.close()
            self._key = key
            self._opening = asyncio.create_task(self._open(key, part), name=f"events of {part.piece.contract}")
        shown = self._shown
        if shown is not None and shown.shift != part.shift:  # another anchor, after a jump
            shown = self._shown = Shown(shown.contract, part.shift, shown.tick, shown.events)
        return shown

    def close(self) -> None:
        """Let go of what is open or being opened."""
        if self._opening is not None:
            self._opening.cancel()
        self._key = self._shown = self._opening = None

    async def _open(self, key: Key, part: Part) -> None:
        try:
            rows = await patiently(events.rows_of, key[0], key[1])
            try:
                # Not in the thread of the database: a large book takes seconds when it is opened for the first time.
                found = await asyncio.to_thread(events.read, rows)
            except store.DamagedPiece as damage:
                await self._mend(rows, damage)
                return
            self._shown = Shown(part.piece.contract, part.shift, self._tick, found)
            self._receiver.wake()
        except Exception:
            log.exception("the events of %s could not be opened", part.piece.contract)
            self._receiver.say("error", "The trades and the order book could not be opened; see the server's log.")

    async def _mend(self, rows: dict[str, Coverage], damage: store.DamagedPiece) -> None:
        with contextlib.suppress(store.DamagedPiece):
            await patiently(events.check, rows)
        self._receiver.say("error", f"{damage} It was set aside. Get the trades or the order book again.")
        await self._receiver.regrade()
