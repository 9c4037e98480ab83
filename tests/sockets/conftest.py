"""A browser's side of the replay WebSocket, without a browser."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Any

import pytest
from channels.auth import AuthMiddlewareStack
from channels.db import database_sync_to_async
from channels.routing import URLRouter
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client

from accounts.signals import revoke_topic
from alerts import routing as alerts_routing
from alerts.board import Board
from futsim.hub import Hub
from live import routing as live_routing
from live.screens import Screens
from market import database
from market import routing as market_routing
from market.models import Asset
from market.sessions import parse_et
from market.tasks import prepare_window
from ranks.tasks import refresh_ranks
from replay import routing as replay_routing
from replay.models import ReplaySession
from replay.players import Players
from replay.services import open_replay
from tests.conftest import People
from tests.filegateway import Records

PATIENCE = 10.0
Message = dict[str, Any]


class Tab:
    """One open page: sends commands, keeps every message it got."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self.wire = communicator
        self.messages: list[Message] = []
        self.closed: int | None = None
        self.acks = True

    async def hello(self, timeframe: str = "5m", **fields: Any) -> Message:
        """Say hello with one chart, `main`; the snapshot."""
        await self.send(type="hello", charts=[{"chart": "main", "timeframe": timeframe}], **fields)
        return await self.until("snapshot")

    async def send(self, **message: Any) -> None:
        await self.wire.send_to(text_data=json.dumps(message))

    async def send_raw(self, text: str) -> None:
        await self.wire.send_to(text_data=text)

    async def next(self) -> Message:
        """The next message; a close sets `closed` and is returned as {"type": "close"}."""
        event = await self.wire.receive_output(timeout=PATIENCE)
        if event["type"] == "websocket.close":
            self.closed = event["code"]
            return {"type": "close", "code": event["code"]}
        message: Message = json.loads(event["text"])
        self.messages.append(message)
        if self.acks and message.get("seq"):
            await self.send(type="ack", seq=message["seq"])
        return message

    async def until(self, kind: str, that: Callable[[Message], bool] = lambda message: True) -> Message:
        """Read on until a message of this type for which `that` holds."""
        async with asyncio.timeout(PATIENCE * 2):
            while True:
                message = await self.next()
                if message["type"] == kind and that(message):
                    return message

    async def clock(self, that: Callable[[Message], bool]) -> Message:
        """Read on until a message whose clock fulfils `that`; the clock."""
        async with asyncio.timeout(PATIENCE * 2):
            while True:
                message = await self.next()
                if "clock" in message and that(message["clock"]):
                    clock: Message = message["clock"]
                    return clock

    async def error(self, **command: Any) -> Message:
        """Send a command that must be refused; the error."""
        await self.send(**command)
        return await self.until("error")


class Server:
    """A web process as far as sockets go: its hub, its players and its screens."""

    def __init__(self) -> None:
        self.hub = Hub()
        self.players = Players(self.hub)
        self.screens = Screens(self.hub)
        self.board = Board(self.hub)
        addresses = [
            *live_routing.websocket_urls(self.screens, self.hub, revoke_topic),
            *market_routing.websocket_urls(self.hub, revoke_topic),
            *alerts_routing.websocket_urls(self.board, self.hub, revoke_topic),
            *replay_routing.websocket_urls(self.players, self.hub, revoke_topic),
        ]
        self.application = AuthMiddlewareStack(URLRouter(addresses))
        self._tabs: list[Tab] = []

    async def open(self, replay_id: Any, user: Any = None) -> Tab:
        """Connect to a replay as a user (None: not logged in)."""
        return await self.connect(f"/ws/replay/{replay_id}/", user)

    async def connect(self, address: str, user: Any = None) -> Tab:
        """Connect to an address as a user (None: not logged in)."""
        headers = []
        if user is not None:
            client = Client()
            await database_sync_to_async(client.force_login)(user)
            headers = [(b"cookie", f"sessionid={client.cookies['sessionid'].value}".encode())]
        wire = WebsocketCommunicator(self.application, address, headers=headers)
        accepted, _ = await wire.connect(timeout=PATIENCE)
        assert accepted
        tab = Tab(wire)
        tab.client = client if user is not None else None  # type: ignore[attr-defined]
        self._tabs.append(tab)
        return tab

    async def stop(self) -> None:
        for tab in self._tabs:
            with contextlib.suppress(asyncio.CancelledError, TimeoutError):
                await tab.wire.disconnect()
        await self.players.stop()
        await self.screens.stop()
        await self.board.stop()
        await self.hub.stop()
        # the threads in which the ORM runs keep connections, and the test database could not be dropped
        await database_sync_to_async(connections.close_all)()
        await asyncio.to_thread(database.hang_up)


@pytest.fixture
async def server(transactional_db: None) -> AsyncIterator[Server]:
    running = Server()
    yield running
    await running.stop()


ENTRY = "2026-03-17 09:30"
OpenReplay = Callable[..., Awaitable[ReplaySession]]


@pytest.fixture
def opened(people: People, small_market: Records, monkeypatch: pytest.MonkeyPatch) -> OpenReplay:
    """Opens a replay of NQ for the owner. fetch: the data is fetched before (else its job waits for a worker)."""
    # No worker runs beside these tests: its task is called where a test wants it to have run.
    for task in (prepare_window, refresh_ranks):
        monkeypatch.setattr(task, "delay", lambda job_id: None)

    def make(et: str, fetch: bool, days: int) -> ReplaySession:
        replay = open_replay(
            owner_id=people.owner.pk,
            asset=Asset.objects.get(root="NQ"),
            entry_ns=parse_et(et),
            timeframe="5m",
            lookback_days=days,
        )
        if fetch and replay.job is not None:
            prepare_window(replay.job.pk)
        return replay

    async def make_in_thread(et: str = ENTRY, *, fetch: bool = True, lookback_days: int = 30) -> ReplaySession:
        return await database_sync_to_async(make)(et, fetch, lookback_days)

    return make_in_thread


assert settings.CHANNEL_LAYERS["default"]["BACKEND"].startswith("channels_redis")
FIRST_LOADED = date(2026, 3, 3)
