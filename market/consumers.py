"""The jobs WebSocket: the page of jobs hears of each change (docs/protocol.md)."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import InterfaceError, OperationalError

from market import jobs
from market.bus import Bus

log = logging.getLogger(__name__)

NOT_LOGGED_IN, CONNECT_AGAIN = 4401, 1012
SEND_SECONDS = 0.25
"""Changes of a job within this are one message."""
BEAT_SECONDS = 10.0
"""Something is sent at least this often, so that a browser can tell a quiet list from a dead line."""
RECHECK_SECONDS = 60.0


class JobsConsumer(AsyncWebsocketConsumer):
    """Sends {"job": …} for each change of the user's jobs, an admin's socket for everybody's; hears nothing."""

    def __init__(self, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__()
        self._bus = bus
        self._revoke_topic = revoke_topic
        self._changed: dict[int, dict[str, Any]] = {}
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        # Accepting first lets the browser see why it is turned away.
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(NOT_LOGGED_IN)
            return
        await self._bus.subscribe(self._login_topic, self._revoked)
        await self._bus.subscribe(self._topic, self._hear)
        self._writer = asyncio.create_task(self._write())

    async def disconnect(self, code: int) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await self._bus.unsubscribe(self._topic, self._hear)
            await self._bus.unsubscribe(self._login_topic, self._revoked)

    async def _write(self) -> None:
        try:
            await self._write_on()
        except Exception:
            log.exception("the socket of the jobs page failed")
            await self.close(CONNECT_AGAIN)

    async def _write_on(self) -> None:
        # First a word that changes are heard from here on: what came before, the page asks for.
        await self.send(json.dumps({"type": "ready"}))
        checked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), BEAT_SECONDS)
            self._news.clear()
            changed, self._changed = self._changed, {}
            for body in changed.values():
                await self.send(json.dumps({"type": "job", "job": body}))
            if not changed:
                await self.send(json.dumps({"type": "beat"}))
            if time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                await self._check_again()
            await asyncio.sleep(SEND_SECONDS)

    async def _check_again(self) -> None:
        """Close when the login is gone, or is an admin's no longer, however that happened."""
        login, user = self.scope["session"], self.scope["user"]
        was_staff = user.is_staff
        try:
            if not await database_sync_to_async(login.exists)(login.session_key):
                await self.close(NOT_LOGGED_IN)
            await database_sync_to_async(user.refresh_from_db)(fields=["is_staff"])
        except (OperationalError, InterfaceError):
            return  # Postgres is away; at the next check it will be back
        if user.is_staff != was_staff:
            await self.close(CONNECT_AGAIN)

    def _hear(self, body: dict[str, Any]) -> None:
        self._changed[body["id"]] = body
        self._news.set()

    @property
    def _topic(self) -> str:
        user = self.scope["user"]
        return jobs.ALL_TOPIC if user.is_staff else jobs.user_topic(user.pk)

    @property
    def _login_topic(self) -> str:
        return self._revoke_topic(self.scope["session"].session_key or "none")

    def _revoked(self, body: dict[str, Any]) -> None:
        self._closing = asyncio.ensure_future(self.close(NOT_LOGGED_IN))
