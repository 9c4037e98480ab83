"""What the WebSockets of pages with charts have in common: the login, the door, writing what a viewer has to say."""

import asyncio
import contextlib
import logging
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from channels.db import database_sync_to_async
from django.db import OperationalError

from market.bus import Bus
from market.listening import Socket
from workspace import protocol, wire
from workspace.protocol import Refused
from workspace.viewer import Viewer

log = logging.getLogger(__name__)

SERVER_ERROR, NOT_LOGGED_IN, NOT_YOURS, TOO_SLOW, TAKEN_OVER = 1011, 4401, 4404, 4408, 4409
LOOK_SECONDS = 1.0
RECHECK_SECONDS = 60.0
MESSAGES_PER_SECOND = 60

V = TypeVar("V", bound=Viewer)


class Gone(LookupError):
    """There is no such thing for this user (any more); the message is fit for him."""


class PageConsumer(Socket, Generic[V]):
    """A logged-in browser's connection.

    A subclass has the decoder of its commands and obeys them; it sets `_viewer` and starts `_write` on hello.
    """

    decoder: msgspec.json.Decoder[Any]

    def __init__(self, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__()
        self._bus = bus
        self._revoke_topic = revoke_topic
        self._viewer: V | None = None
        self._writer: asyncio.Task[None] | None = None
        self._second, self._heard = 0, 0

    # --- what a page has of its own -------------------------------------------------------------------

    @abstractmethod
    async def _obey(self, command: Any) -> None:
        """Do what a message says. Raises Refused, Gone."""

    @abstractmethod
    async def _check(self) -> None:
        """Raises Gone where the user may not see (any more) what he looks at."""

    def _let_go(self) -> None:
        """The browser is gone."""

    async def _look(self) -> None:
        """Once a second, and after each message: close where there is a reason."""

    @property
    def _name(self) -> str:
        """For the log."""
        return type(self).__name__

    # --- the connection -------------------------------------------------------------------------------

    async def connect(self) -> None:
        # Accepting first lets the browser see why it is turned away.
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(NOT_LOGGED_IN)
            return
        await self._bus.subscribe(self._login_topic, self._revoked)
        try:
            await self._check()
        except Gone as problem:
            await self._turn_away(problem)

    async def disconnect(self, code: int) -> None:
        if self._writer is not None:
            self._writer.cancel()
        self._let_go()
        if self.scope["user"].is_authenticated:
            await self._bus.unsubscribe(self._login_topic, self._revoked)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            self._count()
            command = protocol.decode(self.decoder, text_data)
            try:
                await self._obey(command)
            except Refused as refusal:
                raise Refused(refusal.code, refusal.message, command.ref) from None
        except Refused as refusal:
            await self._refuse(refusal)
        except Gone as problem:
            await self._turn_away(problem)
        except Exception:
            log.exception("a command of %s failed", self._name)
            if self._viewer is None:
                # a page whose hello failed, while Postgres restarts say, would wait; closed, it comes back by itself
                await self.close(SERVER_ERROR)
                return
            await self._refuse(Refused("server_error", "That did not work; the server's log has the details."))

    def _count(self) -> None:
        second = int(time.monotonic())
        self._heard = self._heard + 1 if second == self._second else 1
        self._second = second
        if self._heard > MESSAGES_PER_SECOND:
            raise Refused("too_many", f"At most {MESSAGES_PER_SECOND} messages a second.")

    # --- writing --------------------------------------------------------------------------------------

    def _begin(self, viewer: V, news: asyncio.Event) -> None:
        """From now on the browser is told what the viewer has to say; `news` is set where that may be something."""
        self._viewer = viewer
        self._writer = asyncio.create_task(self._write(viewer, news))

    async def _write(self, viewer: V, news: asyncio.Event) -> None:
        try:
            await self._write_on(viewer, news)
        except Exception:
            log.exception("the socket of %s failed", self._name)
            await self.close(SERVER_ERROR)

    async def _write_on(self, viewer: V, news: asyncio.Event) -> None:
        checked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):  # wait_for would make a task for each frame
                    await news.wait()
            news.clear()
            while (message := viewer.take()) is not None:
                await self.send(wire.encode(message))
                if viewer.has_all_with(message):
                    break
            await self._look()
            if viewer.is_lost():
                await self.close(TOO_SLOW)
            if time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                await self._check_again()

    async def _check_again(self) -> None:
        """Close when the login, or what is looked at, is gone, however that happened."""
        login = self.scope["session"]
        try:
            await self._check()
            if not await database_sync_to_async(login.exists)(login.session_key):
                await self.close(NOT_LOGGED_IN)
        except Gone:
            await self.close(NOT_YOURS)
        except OperationalError:
            pass  # Postgres is away; at the next check it will be back

    async def _turn_away(self, problem: Gone) -> None:
        await self._refuse(Refused("no_such_session", str(problem)))
        await self.close(NOT_YOURS)

    async def _refuse(self, refusal: Refused) -> None:
        body = {"type": "error", "code": refusal.code, "message": refusal.message, "ref": refusal.ref}
        if self._viewer is None:
            await self.send(wire.encode(body | {"seq": 0}))
            return
        self._viewer.put(body)
        self._wake()

    @abstractmethod
    def _wake(self) -> None:
        """There is something new for the viewer."""

    @property
    def _login_topic(self) -> str:
        return self._revoke_topic(self.scope["session"].session_key or "none")

    def _revoked(self, body: dict[str, Any]) -> None:
        self._closing = asyncio.ensure_future(self.close(NOT_LOGGED_IN))
