"""Listens for live clients, and keeps their number within Databento's limits."""

import asyncio

from aiohttp import web

from standin.gateway import Gateway
from standin.live.session import Session
from standin.pace import Pace

MOST_SESSIONS = 10


class LiveServer:
    """The live half of a gateway on one port. All methods belong to one event loop."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._pace = Pace(gateway.connections_per_second)
        self._sessions: dict[asyncio.Task[None], Session] = {}
        self._listener: asyncio.Server | None = None
        self.host, self.port = "", 0

    async def start(self, host: str, port: int) -> None:
        """Listen (port 0 takes a free one). Raises OSError for a taken port."""
        self._listener = await asyncio.start_server(self._connected, host, port)
        self.host, self.port = host, self._listener.sockets[0].getsockname()[1]

    async def follow_faults(self) -> None:
        """Listen or not, as the fault switches say; the sessions under way go on."""
        refuses = self._gateway.faults.live_refuse
        if refuses and self._listener is not None:
            self._listener.close()
            self._listener = None
        elif not refuses and self._listener is None:
            await self.start(self.host, self.port)

    async def stop(self) -> None:
        """End all sessions and listen no more."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for session in self._sessions:
            session.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._pace.allows():
            writer.close()
            return
        session = Session(self._gateway, reader, writer, self._gateway.faults.take_live(), self._may_begin)
        task = asyncio.ensure_future(session.run())
        self._sessions[task] = session
        task.add_done_callback(self._sessions.pop)

    def _may_begin(self) -> bool:
        return sum(session.has_begun for session in self._sessions.values()) < MOST_SESSIONS


LIVE = web.AppKey("live", LiveServer)
