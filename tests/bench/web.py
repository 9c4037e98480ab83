"""A real web process of the product, and browser tabs at it over real sockets.

The tabs live in the benchmark's own process: the server's processor time and memory are not theirs.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any

import aiohttp
import msgspec

from accounts.models import User
from futsim.stack.checks import Address, free_loopback_port
from futsim.stack.programs import is_healthy, web
from tests import processes
from tests.bench.data import login_cookie

START_SECONDS = 60.0
PATIENCE = 30.0
LAST_BYTES = 2_000
ACK_AFTER, ACK_SECONDS = 20, 1.0
"""As static/js/net/socket.js."""
Message = dict[str, Any]
_decoder = msgspec.json.Decoder()


@dataclass(frozen=True)
class Web:
    """A running daphne."""

    url: str
    pid: int

    @property
    def socket_url(self) -> str:
        return self.url.replace("http://", "ws://")

    def cpu_seconds(self) -> float:
        """Processor time that the process has used so far."""
        return processes.cpu_seconds(self.pid)

    def resident_bytes(self) -> int:
        """Memory of the process that is its own: resident, without what is shared with files."""
        return processes.own_bytes(self.pid)


@contextmanager
def running(**extra: str) -> Iterator[Web]:
    """The product's web process, started as its supervisor does. extra: environment variables."""
    address = Address("127.0.0.1", free_loopback_port())
    environment = dict(os.environ) | {"FUTSIM_URL": address.url, "PYTHONUNBUFFERED": "1"} | extra
    program = web(environment, address)
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            program.command, cwd=program.folder, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        try:
            _wait(process, lambda: is_healthy(address, address.url.removeprefix("http://")))
            yield Web(address.url, process.pid)
        except BaseException:
            log.seek(0)
            sys.stderr.write(f"The web process said last:\n{log.read()[-LAST_BYTES:].decode(errors='replace')}\n")
            raise
        finally:
            process.terminate()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", is_ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("The web process did not start.")
        time.sleep(0.1)


@asynccontextmanager
async def browser(server: Web, cookie: str) -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP client of one logged-in user."""
    jar = aiohttp.CookieJar(unsafe=True)  # "unsafe" takes cookies of an IP address
    jar.update_cookies(SimpleCookie(f"sessionid={cookie}"), aiohttp.client.URL(server.url))
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(server.url, cookie_jar=jar, connector=connector) as session:
        yield session


async def cookie_of(user: User) -> str:
    """A new login of the user."""
    return await asyncio.to_thread(login_cookie, user)


@dataclass
class Tab:
    """A page on one replay: it acknowledges as the browser does and notes when frames came."""

    wire: aiohttp.ClientWebSocketResponse
    frames_at: list[float] = field(default_factory=list)
    """perf_counter of each frame."""
    playhead_ns: int = 0
    """As the last message said."""
    _seq: int = 0
    _acked: int = 0
    _acked_at: float = field(default_factory=time.monotonic)
    _listening: asyncio.Task[None] | None = None

    async def send(self, **message: Any) -> None:
        await self.wire.send_str(msgspec.json.encode(message).decode())

    async def next(self) -> Message:
        """The next message."""
        event = await self.wire.receive()
        at = time.perf_counter()
        if event.type != aiohttp.WSMsgType.TEXT:
            raise ConnectionError(f"the socket closed: {self.wire.close_code}")
        message: Message = _decoder.decode(event.data)
        self._seq = message["seq"]
        if "clock" in message:
            self.playhead_ns = int(message["clock"]["playhead"])
        if message["type"] == "frame":
            self.frames_at.append(at)
        if self._seq - self._acked >= ACK_AFTER or time.monotonic() - self._acked_at >= ACK_SECONDS:
            self._acked, self._acked_at = self._seq, time.monotonic()
            await self.send(type="ack", seq=self._seq)
        return message

    async def until_chart(self) -> Message:
        """Reads on to the first message that draws a chart. Raises RuntimeError when the replay has failed."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await self.next()
                if message["type"] == "snapshot" and message["session"]["problem"]:
                    raise RuntimeError(message["session"]["problem"])
                if message["type"] == "chart" or (message["type"] == "snapshot" and message["charts"]):
                    return message

    def listen(self) -> None:
        """Read on in the background."""
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        while True:
            await self.next()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        await self.wire.close()


async def open_tab(session: aiohttp.ClientSession, server: Web, replay_id: object, timeframe: str) -> Tab:
    """Connects and says hello with one chart."""
    wire = await session.ws_connect(f"/ws/replay/{replay_id}/", origin=server.url, max_msg_size=0)
    tab = Tab(wire)
    await tab.send(type="hello", charts=[{"chart": "main", "timeframe": timeframe}], last_seq=None, playhead=None)
    return tab
