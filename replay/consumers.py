"""The replay WebSocket: one browser page watching and steering one replay (docs/protocol.md)."""

import logging
from collections.abc import Callable
from typing import Any

from channels.db import database_sync_to_async

from market.bus import Bus
from replay import protocol
from replay.access import NoSuchSession, get_session
from replay.player import Player
from replay.players import Players
from replay.viewer import Viewer
from workspace import protocol as shared
from workspace.consumers import NOT_YOURS, TAKEN_OVER, Gone, PageConsumer
from workspace.protocol import Refused

log = logging.getLogger(__name__)


class ReplayConsumer(PageConsumer[Viewer]):
    """Wires a socket to a player: commands in, the viewer's messages out."""

    decoder = protocol.decoder

    def __init__(self, players: Players, bus: Bus, revoke_topic: Callable[[str], str]) -> None:
        super().__init__(bus, revoke_topic)
        self._players = players
        self._player: Player | None = None

    async def _obey(self, command: protocol.Command) -> None:
        if isinstance(command, protocol.Hello):
            await self._hello(command)
            return
        if self._player is None or self._viewer is None:
            raise Refused("no_hello", "The first message must be hello.")
        player, viewer = self._player, self._viewer
        match command:
            case shared.Ack():
                viewer.acknowledge(command.seq)
            case shared.Resync():
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
            case shared.OpenChart() | shared.SetTimeframe():
                viewer.open_chart(command.chart, command.timeframe)
                player.remember_timeframe(command.timeframe)
            case shared.CloseChart():
                viewer.charts.pop(command.chart, None)
            case shared.WatchBoard():
                player.watch_board(viewer, on=command.on)
            case shared.FetchBoard():
                await player.fetch_board()
            case protocol.Watch():
                viewer.depth.watch(command)
            case protocol.GetEvents():
                player.get_events(command.grade)
            case protocol.KeepEvents():
                player.keep_events(command.grade)
            case shared.ApproveJob():
                await player.answer(command.job, command.cost)
            case shared.CancelJob():
                await player.answer(command.job, None)
            case _:
                await player.trading.give(command)
                viewer.put({"type": "done", "id": command.id, "ref": command.ref})
        player.wake()

    async def _hello(self, command: protocol.Hello) -> None:
        if self._viewer is not None:
            raise Refused("hello_again", "hello has been said.")
        replay = await self._session()
        if command.last_seq is not None:
            log.info("%s: a browser is back after message %s", self._name, command.last_seq)
        self._player = await self._players.get(replay, int(command.playhead) if command.playhead else None)
        viewer = Viewer(self._player, wants_board=command.board)
        viewer.depth.watch(command.watch)
        for request in command.charts:
            viewer.open_chart(request.chart, request.timeframe)
        self._begin(viewer, self._player.watch(viewer))

    def _timeframe(self, chart: str | None) -> str:
        assert self._viewer is not None and self._player is not None
        view = self._viewer.charts.get(chart) if chart else None
        return view.timeframe if view else self._player.replay.timeframe

    async def _look(self) -> None:
        if self._player is not None and self._player.taken_over:
            await self._leave()

    async def _leave(self) -> None:
        """The replay goes on in another process, or was deleted."""
        try:
            await self._check()
        except Gone:
            await self.close(NOT_YOURS)
        else:
            await self.close(TAKEN_OVER)

    def _let_go(self) -> None:
        if self._player is not None and self._viewer is not None:
            self._player.unwatch(self._viewer)

    def _wake(self) -> None:
        if self._player is not None:
            self._player.wake()

    @property
    def _name(self) -> str:
        return f"replay {self._session_id}"

    @property
    def _session_id(self) -> Any:
        return self.scope["url_route"]["kwargs"]["session_id"]

    async def _check(self) -> None:
        await self._session()

    async def _session(self) -> Any:
        try:
            return await database_sync_to_async(get_session)(self.scope["user"].pk, self._session_id)
        except NoSuchSession as problem:
            raise Gone(str(problem)) from None
