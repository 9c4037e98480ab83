"""A gateway in a thread of this process, for tests and tools that talk to it over a real socket."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from aiohttp import web

from standin.gateway import Gateway
from standin.server import start

START_SECONDS = 10.0


@contextmanager
def running(gateway: Gateway, host: str = "127.0.0.1", port: int = 0) -> Iterator[str]:
    """Serve until the block ends; yields the base URL. Port 0 takes a free one. Raises OSError for a taken port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="standin", daemon=True)
    thread.start()
    try:
        runner = asyncio.run_coroutine_threadsafe(start(gateway, host, port), loop).result(START_SECONDS)
        try:
            yield f"http://{host}:{runner.addresses[0][1]}"
        finally:
            asyncio.run_coroutine_threadsafe(_stop(runner), loop).result(START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _stop(runner: web.AppRunner) -> None:
    await runner.cleanup()
    await asyncio.get_running_loop().shutdown_default_executor()
