"""The alerts WebSocket, which every page of a logged-in user has: chips, firings, what is not looked at yet
(docs/protocol.md)."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from alerts import access, protocol, services
from alerts.board import Board, Watch
from alerts.chips import Chip
from market.bus import Bus
from market.listening import BEAT_SECONDS, CONNECT_AGAIN, RECHECK_SECONDS, ListeningConsumer

TOO_SLOW = 4408
CHIP_SECONDS = 0.9
"""Chips that change within this are one message; the values come once a second."""
PATIENCE_SECONDS = 30.0
"""So long a browser may leave chips unacknowledged; meanwhile it gets no more of them."""
MOST_WAITING = 200
"""Messages for one page that cannot be sent; then it connects again and is told how things stand."""


class AlertsConsumer(ListeningConsumer):
    """Wires a socket to its user's watch."""

    def __init__(self, board: Board, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__(bus, revoke_topic)
        self._board = board
        self._watch: Watch | None = None
        self._messages: list[str] = []
        self._chips: dict[int, Chip] = {}
        self._gone: set[int] = set()
        self._chips_sent, self._is_acknowledged = 0.0, True
        self._said = time.monotonic()

    async def _begin(self) -> None:
        self._watch = await self._board.join(self.scope["user"].pk, self)

    async def _end(self) -> None:
        if self._watch is not None:
            await self._board.leave(self._watch, self)

    # --- from the board ---------------------------------------------------------------------------------

    def hear(self, message: str) -> None:
        """A message for the page, as JSON."""
        self._messages.append(message)
        self._news.set()

    def hear_chips(self, chips: Iterable[Chip], gone: Iterable[int]) -> None:
        """Chips have changed; of each the newest is kept."""
        self._chips.update((chip["id"], chip) for chip in chips)
        self._gone.update(gone)
        for each in self._gone:
            self._chips.pop(each, None)
        self._news.set()

    # --- from the browser -------------------------------------------------------------------------------

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """What cannot be read, or is not this user's, changes nothing."""
        if self._watch is None:
            return
        match protocol.decode(text_data or ""):
            case protocol.Ack():
                self._is_acknowledged = True
                self._news.set()
            case protocol.Open(alerts=ids):
                self._watch.open(self, ids)
            case protocol.Seen(until=until):
                await self._mark(until, lambda user, newest: services.mark_seen(user_id=user, until_id=newest))
            case protocol.Shown(until=until):
                await self._mark(until, lambda user, newest: services.mark_shown(user_id=user, until_id=newest))

    async def _mark(self, until: int, mark: Callable[[int, int], object]) -> None:
        """mark: gets the user, and the newest firing up to that one."""
        user_id = self.scope["user"].pk

        def look() -> None:
            # not beyond what there is: that would hide what is still to fire
            newest = access.firings(user_id).filter(pk__lte=until).first()
            if newest is not None:
                mark(user_id, newest.pk)

        with contextlib.suppress(OperationalError, InterfaceError):  # the page says it again
            await database_sync_to_async(look)()

    # --- to the browser ---------------------------------------------------------------------------------

    async def _write_on(self) -> None:
        assert self._watch is not None
        told = await self._watch.snapshot()
        # what changes from here on is not in it, also while it is being sent
        self._chips.clear()
        self._gone.clear()
        await self._say(told)
        while True:
            await self._wait()
            if len(self._messages) > MOST_WAITING:
                await self.close(CONNECT_AGAIN)
                return
            await self._send_messages()
            await self._send_chips()
            if time.monotonic() - self._said >= BEAT_SECONDS:
                await self._say({"type": "beat"})
            await self._check_when_due(RECHECK_SECONDS)

    async def _wait(self) -> None:
        """Until there is something to send, or something must be sent."""
        has_chips = bool(self._chips or self._gone)
        due = (
            self._chips_sent + CHIP_SECONDS - time.monotonic() if has_chips and self._is_acknowledged else BEAT_SECONDS
        )
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._news.wait(), max(0.01, due))
        self._news.clear()

    async def _send_messages(self) -> None:
        messages, self._messages = self._messages, []
        for message in messages:
            self._said = time.monotonic()
            await self.send(message)

    async def _send_chips(self) -> None:
        waited = time.monotonic() - self._chips_sent
        if not self._is_acknowledged and waited > PATIENCE_SECONDS:
            await self.close(TOO_SLOW)
        if not (self._chips or self._gone) or not self._is_acknowledged or waited < CHIP_SECONDS:
            return
        chips, self._chips, gone, self._gone = self._chips, {}, self._gone, set()
        self._chips_sent, self._is_acknowledged = time.monotonic(), False
        await self._say({"type": "chips", "chips": list(chips.values()), "gone": sorted(gone)})

    async def _say(self, message: dict[str, Any]) -> None:
        self._said = time.monotonic()
        await self.send(json.dumps(message))
