"""Listens for live clients, and keeps their number within Databento's limits."""

import asyncio
from functools import partial

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
        self._sessions: set[asyncio.Task[None]] = set()
        self._begun: set[asyncio.Task[None]] = set()
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

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._pace.allows():
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        fault = self._gateway.faults.take_live()
        try:
            await Session(self._gateway, reader, writer, fault, partial(self._may_begin, task)).run()
        finally:
            self._sessions.discard(task)
            self._begun.discard(task)

    def _may_begin(self, session: asyncio.Task[None]) -> bool:
        """Count a session, if there is room for it."""
        if len(self._begun) >= MOST_SESSIONS:
            return False
        self._begun.add(session)
        return True


LIVE = web.AppKey("live", LiveServer)
