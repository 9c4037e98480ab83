"""The jobs WebSocket: the page of jobs hears of each change (docs/protocol.md)."""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

from market import jobs
from market.bus import Bus
from market.listening import BEAT_SECONDS, RECHECK_SECONDS, ListeningConsumer

SEND_SECONDS = 0.25
"""Changes of a job within this are one message."""


class JobsConsumer(ListeningConsumer):
    """Sends {"job": …} for each change of the user's jobs, an admin's socket for everybody's; hears nothing."""

    def __init__(self, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__(bus, revoke_topic)
        self._changed: dict[int, dict[str, Any]] = {}

    async def _begin(self) -> None:
        await self._bus.subscribe(self._topic, self._hear)

    async def _end(self) -> None:
        await self._bus.unsubscribe(self._topic, self._hear)

    async def _write_on(self) -> None:
        # First a word that changes are heard from here on: what came before, the page asks for.
        await self.send(json.dumps({"type": "ready"}))
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), BEAT_SECONDS)
            self._news.clear()
            changed, self._changed = self._changed, {}
            for body in changed.values():
                await self.send(json.dumps({"type": "job", "job": body}))
            if not changed:
                await self.send(json.dumps({"type": "beat"}))
            await self._check_when_due(RECHECK_SECONDS)
            await asyncio.sleep(SEND_SECONDS)

    def _hear(self, body: dict[str, Any]) -> None:
        self._changed[body["id"]] = body
        self._news.set()

    @property
    def _topic(self) -> str:
        user = self.scope["user"]
        return jobs.ALL_TOPIC if user.is_staff else jobs.user_topic(user.pk)
