"""The live WebSocket: one browser page looking at one asset (docs/protocol.md)."""

import asyncio
from collections.abc import Callable

from channels.db import database_sync_to_async

from live import protocol
from live.screen import Screen
from live.screens import Screens
from live.viewer import Viewer
from market import queue
from market.access import NotOffered
from market.bus import Bus
from market.models import Job
from workspace import protocol as shared
from workspace.consumers import PageConsumer
from workspace.protocol import Refused


class LiveConsumer(PageConsumer[Viewer]):
    """Wires a socket to a screen. What it shows is for everybody who is logged in."""

    decoder = protocol.decoder

    def __init__(self, screens: Screens, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__(bus, revoke_topic)
        self._screens = screens
        self._screen: Screen | None = None
        self._news = asyncio.Event()

    async def _obey(self, command: protocol.Command) -> None:
        if isinstance(command, protocol.Hello):
            await self._hello(command)
            return
        viewer = self._viewer
        if viewer is None:
            raise Refused("no_hello", "The first message must be hello.")
        match command:
            case shared.Ack():
                viewer.acknowledge(command.seq)
            case shared.Resync():
                viewer.resync()
            case protocol.Show():
                await self._show(command.root, viewer)
            case shared.OpenChart() | shared.SetTimeframe():
                viewer.open_chart(command.chart, command.timeframe)
            case shared.CloseChart():
                viewer.charts.pop(command.chart, None)
            case shared.WatchBoard():
                self._watch_board(viewer, on=command.on)
            case shared.FetchBoard():
                await self._fetch_board(viewer)
            case shared.ApproveJob():
                await self._answer(command.job, command.cost)
            case shared.CancelJob():
                await self._answer(command.job, None)
        self._wake()

    async def _hello(self, command: protocol.Hello) -> None:
        if self._viewer is not None:
            raise Refused("hello_again", "hello has been said.")
        screen = await self._find(command.root)
        viewer = Viewer(screen)
        for request in command.charts:
            viewer.open_chart(request.chart, request.timeframe)
        self._watch_board(viewer, on=command.board)
        self._sit_down(screen, viewer)
        self._begin(viewer, self._news)

    async def _show(self, root: str, viewer: Viewer) -> None:
        screen = await self._find(root)
        if screen is not self._screen:
            viewer.show(screen)
            self._sit_down(screen, viewer)

    async def _find(self, root: str) -> Screen:
        try:
            return await self._screens.get(root)
        except NotOffered as problem:
            raise Refused("no_such_asset", str(problem)) from None

    def _sit_down(self, screen: Screen, viewer: Viewer) -> None:
        if self._screen is not None:
            self._screen.unwatch(viewer)
        self._screen = screen
        screen.watch(viewer, self._news, self.scope["user"].pk)

    def _watch_board(self, viewer: Viewer, *, on: bool) -> None:
        viewer.wants_board = on
        if on:
            self._screens.show_board()

    async def _fetch_board(self, viewer: Viewer) -> None:
        count = await self._screens.fetch_board(self.scope["user"].pk)
        text = f"The lookbacks of {count} assets are being fetched; the page Jobs shows how far they are."
        viewer.note("info", text)

    async def _answer(self, job_id: int, cost: str | None) -> None:
        """Yes to what a lookback costs, or no to it (None)."""
        try:
            await database_sync_to_async(queue.answer)(self.scope["user"].pk, job_id, cost)
        except Job.DoesNotExist:
            raise Refused("no_such_job", "Somebody else asked for this; he answers it.") from None
        except queue.Stale as problem:
            raise Refused("too_late", str(problem)) from None

    async def _check(self) -> None:
        """Nobody is shut out of live but by his login."""

    def _let_go(self) -> None:
        if self._screen is not None and self._viewer is not None:
            self._screen.unwatch(self._viewer)

    def _wake(self) -> None:
        self._news.set()

    @property
    def _name(self) -> str:
        return f"live {self._screen.asset.root}" if self._screen else "live"
