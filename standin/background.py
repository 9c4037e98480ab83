"""A gateway in a thread of this process, for tests and tools that talk to it over a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from standin.gateway import Gateway
from standin.server import Server, start

START_SECONDS = 10.0


@contextmanager
def running(gateway: Gateway, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the base URL. Port 0 takes a free one. Raises OSError for a taken port."""
    with serving(gateway, host, port) as server:
        yield server.url


@contextmanager
def serving(gateway: Gateway, host: str = "127.0.0.1", port: int = 0, live_port: int = 0) -> Iterator[Server]:
    """The same for whoever needs the live half too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="standin", daemon=True)
    thread.start()
    try:
        starting = start(gateway, host, port, live_port)
        server = asyncio.run_coroutine_threadsafe(starting, loop).result(START_SECONDS)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(_stop(server), loop).result(START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(server: Server) -> None:
    await server.stop()
    await asyncio.get_running_loop().shutdown_default_executor()
