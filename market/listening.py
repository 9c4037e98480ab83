"""What WebSockets share that tell a logged-in user the news and hear little: his login, its end, and a beat."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any

from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import InterfaceError, OperationalError

from market.bus import Bus

log = logging.getLogger(__name__)

NOT_LOGGED_IN, CONNECT_AGAIN = 4401, 1012
BEAT_SECONDS = 10.0
"""Something is sent at least this often, so that a browser can tell a quiet list from a dead line."""
RECHECK_SECONDS = 60.0


class Socket(AsyncWebsocketConsumer):
    """A connection without the library's look at the database's connections, in a thread that all share, before every
    message: what uses the database looks for itself, and an order would wait for that thread."""

    async def dispatch(self, message: dict[str, Any]) -> None:
        await getattr(self, get_handler_name(message))(message)


class ListeningConsumer(Socket):
    """A subclass has `_begin` and `_end` (what it listens to) and `_write_on` (sends until it is cancelled)."""

    def __init__(self, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__()
        self._bus = bus
        self._revoke_topic = revoke_topic
        self._news = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._checked = time.monotonic()

    async def _begin(self) -> None:
        raise NotImplementedError

    async def _end(self) -> None:
        raise NotImplementedError

    async def _write_on(self) -> None:
        raise NotImplementedError

    async def connect(self) -> None:
        # Accepting first lets the browser see why it is turned away.
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(NOT_LOGGED_IN)
            return
        await self._bus.subscribe(self._login_topic, self._revoked)
        try:
            await self._begin()
        except Exception:
            log.exception("a socket cannot begin")
            await self._bus.unsubscribe(self._login_topic, self._revoked)
            await self.close(CONNECT_AGAIN)
            return
        self._writer = asyncio.create_task(self._write())

    async def disconnect(self, code: int) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await self._end()
            await self._bus.unsubscribe(self._login_topic, self._revoked)

    async def _write(self) -> None:
        try:
            await self._write_on()
        except Exception:
            log.exception("a socket failed")
            await self.close(CONNECT_AGAIN)

    async def _check_when_due(self, seconds: float) -> None:
        """Close when the login is gone, or is an admin's no longer, however that happened."""
        if time.monotonic() - self._checked <= seconds:
            return
        self._checked = time.monotonic()
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

    @property
    def _login_topic(self) -> str:
        return self._revoke_topic(self.scope["session"].session_key or "none")

    def _revoked(self, body: dict[str, Any]) -> None:
        self._closing = asyncio.ensure_future(self.close(NOT_LOGGED_IN))
