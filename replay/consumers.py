"""The replay WebSocket: one browser page watching and steering one replay (docs/protocol.md)."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import OperationalError

from market.bus import Bus
from replay import protocol, wire
from replay.access import NoSuchSession, get_session
from replay.player import Player
from replay.players import Players
from replay.protocol import Refused
from replay.viewer import Viewer

log = logging.getLogger(__name__)

SERVER_ERROR, NOT_LOGGED_IN, NOT_YOURS, TOO_SLOW, TAKEN_OVER = 1011, 4401, 4404, 4408, 4409
LOOK_SECONDS = 1.0
RECHECK_SECONDS = 60.0
MESSAGES_PER_SECOND = 60


class ReplayConsumer(AsyncWebsocketConsumer):
    """Wires a socket to a player: commands in, the viewer's messages out."""

    def __init__(self, players: Players, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__()
        self._players = players
        self._bus = bus
        self._revoke_topic = revoke_topic
        self._player: Player | None = None
        self._viewer: Viewer | None = None
        self._writer: asyncio.Task[None] | None = None
        self._second, self._heard = 0, 0

    async def connect(self) -> None:
        # Accepting first lets the browser see why it is turned away.
        await self.accept()
        if not self.scope["user"].is_authenticated:
            await self.close(NOT_LOGGED_IN)
            return
        await self._bus.subscribe(self._login_topic, self._revoked)
        try:
            await self._session()
        except NoSuchSession as problem:
            await self._turn_away(problem)

    async def disconnect(self, code: int) -> None:
        if self._writer is not None:
            self._writer.cancel()
        if self._player is not None and self._viewer is not None:
            self._player.unwatch(self._viewer)
        if self.scope["user"].is_authenticated:
            await self._bus.unsubscribe(self._login_topic, self._revoked)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            self._count()
            command = protocol.decode(text_data)
            try:
                await self._obey(command)
            except Refused as refusal:
                raise Refused(refusal.code, refusal.message, command.ref) from None
        except Refused as refusal:
            await self._refuse(refusal)
        except NoSuchSession as problem:
            await self._turn_away(problem)
        except Exception:
            log.exception("a command of replay %s failed", self._session_id)
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

    async def _obey(self, command: protocol.Command) -> None:
        if isinstance(command, protocol.Hello):
            await self._hello(command)
            return
        if self._player is None or self._viewer is None:
            raise Refused("no_hello", "The first message must be hello.")
        player, viewer = self._player, self._viewer
        match command:
            case protocol.Ack():
                viewer.acknowledge(command.seq)
            case protocol.Resync():
                viewer.resync()
            case protocol.Play():
                player.play()
            case protocol.Pause():
                player.pause()
            case protocol.SetSpeed():
                player.set_speed(None if command.value == "max" else command.value)
            case protocol.Step():
                await player.step(command.unit, command.count, self._timeframe(command.chart))
            case protocol.Seek():
                await player.seek(command.et)
            case protocol.OpenChart() | protocol.SetTimeframe():
                viewer.open_chart(command.chart, command.timeframe)
                player.remember_timeframe(command.timeframe)
            case protocol.CloseChart():
                viewer.charts.pop(command.chart, None)
            case protocol.WatchBoard():
                player.watch_board(viewer, on=command.on)
            case protocol.FetchBoard():
                await player.fetch_board()
            case protocol.Watch():
                viewer.depth.watch(command)
            case protocol.GetEvents():
                player.get_events(command.grade)
            case protocol.KeepEvents():
                player.keep_events(command.grade)
            case protocol.ApproveJob():
                await player.answer(command.job, command.cost)
            case protocol.CancelJob():
                await player.answer(command.job, None)
            case _:
                await player.trade(command)
                viewer.put({"type": "done", "id": command.id, "ref": command.ref})
        player.wake()

    async def _hello(self, command: protocol.Hello) -> None:
        if self._viewer is not None:
            raise Refused("hello_again", "hello has been said.")
        replay = await self._session()
        if command.last_seq is not None:
            log.info("replay %s: a browser is back after message %s", self._session_id, command.last_seq)
        self._player = await self._players.get(replay, int(command.playhead) if command.playhead else None)
        self._viewer = Viewer(self._player, wants_board=command.board)
        self._viewer.depth.watch(command.watch)
        for request in command.charts:
            self._viewer.open_chart(request.chart, request.timeframe)
        news = self._player.watch(self._viewer)
        self._writer = asyncio.create_task(self._write(self._player, self._viewer, news))

    def _timeframe(self, chart: str | None) -> str:
        assert self._viewer is not None and self._player is not None
        view = self._viewer.charts.get(chart) if chart else None
        return view.timeframe if view else self._player.replay.timeframe

    async def _write(self, player: Player, viewer: Viewer, news: asyncio.Event) -> None:
        """Send what the viewer has to say until the socket closes."""
        try:
            await self._write_on(player, viewer, news)
        except Exception:
            log.exception("the socket of replay %s failed", self._session_id)
            await self.close(SERVER_ERROR)

    async def _write_on(self, player: Player, viewer: Viewer, news: asyncio.Event) -> None:
        checked = time.monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):  # wait_for would make a task for each frame
                    await news.wait()
            news.clear()
            while (message := viewer.take()) is not None:
                await self.send(wire.encode(message))
            if player.taken_over:
                await self._leave()
            if viewer.is_lost():
                await self.close(TOO_SLOW)
            if time.monotonic() - checked > RECHECK_SECONDS:
                checked = time.monotonic()
                await self._check_again()

    async def _check_again(self) -> None:
        """Close when the login or the replay is gone, however that happened."""
        login = self.scope["session"]
        try:
            await self._session()
            if not await database_sync_to_async(login.exists)(login.session_key):
                await self.close(NOT_LOGGED_IN)
        except NoSuchSession:
            await self.close(NOT_YOURS)
        except OperationalError:
            pass  # Postgres is away; at the next check it will be back

    async def _leave(self) -> None:
        """The replay goes on in another process, or was deleted."""
        try:
            await self._session()
        except NoSuchSession:
            await self.close(NOT_YOURS)
        else:
            await self.close(TAKEN_OVER)

    async def _turn_away(self, problem: NoSuchSession) -> None:
        await self._refuse(Refused("no_such_session", str(problem)))
        await self.close(NOT_YOURS)

    @property
    def _session_id(self) -> Any:
        return self.scope["url_route"]["kwargs"]["session_id"]

    async def _session(self) -> Any:
        return await database_sync_to_async(get_session)(self.scope["user"].pk, self._session_id)

    async def _refuse(self, refusal: Refused) -> None:
        body = {"type": "error", "code": refusal.code, "message": refusal.message, "ref": refusal.ref}
        if self._viewer is None or self._player is None:
            await self.send(wire.encode(body | {"seq": 0}))
            return
        self._viewer.put(body)
        self._player.wake()

    @property
    def _login_topic(self) -> str:
        return self._revoke_topic(self.scope["session"].session_key or "none")

    def _revoked(self, body: dict[str, Any]) -> None:
        self._closing = asyncio.ensure_future(self.close(NOT_LOGGED_IN))
