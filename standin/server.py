"""Put the two halves of the gateway together and let them listen."""

import os
from collections.abc import Awaitable
from dataclasses import dataclass

from aiohttp import web

from standin.batch.endpoints import ENDPOINTS as BATCH_ENDPOINTS
from standin.batch.endpoints import FILE_PATH, JOBS, clean_up, download_file
from standin.batch.jobs import Jobs
from standin.control import ROUTES
from standin.door import authentication, errors
from standin.gateway import GATEWAY, Gateway
from standin.historical import ENDPOINTS
from standin.live.server import LIVE, LiveServer
from standin.sending import API_PREFIX, faulty

MAX_BODY_BYTES = 1 << 20
SHUTDOWN_SECONDS = 1.0
"""How long a stopping gateway waits for the streams under way."""


class CannotListen(OSError):
    """Nothing can listen at an address; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Server:
    """A gateway that listens."""

    runner: web.AppRunner
    live: LiveServer
    host: str

    @property
    def url(self) -> str:
        """The base URL of the historical half."""
        return f"http://{self.host}:{self.runner.addresses[0][1]}"

    @property
    def live_port(self) -> int:
        """The port of the live half, on the same host."""
        return self.live.port

    async def stop(self) -> None:
        await self.live.stop()
        await self.runner.cleanup()


def make_app(gateway: Gateway, live: LiveServer) -> web.Application:
    """The aiohttp application of the historical half; `start` serves it."""
    app = web.Application(middlewares=[errors, authentication, faulty], client_max_size=MAX_BODY_BYTES)
    app[GATEWAY] = gateway
    app[LIVE] = live
    app[JOBS] = Jobs(gateway)
    app.on_cleanup.append(clean_up)
    app.router.add_get(FILE_PATH, download_file)
    for name, handler in (ENDPOINTS | BATCH_ENDPOINTS).items():
        app.router.add_route("GET", f"{API_PREFIX}{name}", handler)
        app.router.add_route("POST", f"{API_PREFIX}{name}", handler)
    for method, path, handler in ROUTES:
        app.router.add_route(method, path, handler)
    return app


async def start(gateway: Gateway, host: str, port: int, live_port: int) -> Server:
    """Listen (port 0 takes a free one); the caller stops it. Raises CannotListen."""
    live = LiveServer(gateway)
    runner = web.AppRunner(make_app(gateway, live), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await _listen(web.TCPSite(runner, host, port).start(), host, port)
        await _listen(live.start(host, live_port), host, live_port)
    except OSError:
        await runner.cleanup()
        raise
    return Server(runner, live, host)


async def _listen(starting: Awaitable[None], host: str, port: int) -> None:
    try:
        await starting
    except OSError as error:
        raise CannotListen(f"cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}") from None
