"""Put the gateway together and let it listen."""

from aiohttp import web

from standin.control import FAULTS_PATH, METHODS
from standin.door import authentication, errors
from standin.gateway import GATEWAY, Gateway
from standin.historical import ENDPOINTS

MAX_BODY_BYTES = 1 << 20
SHUTDOWN_SECONDS = 1.0
"""How long a stopping gateway waits for the streams under way."""


def make_app(gateway: Gateway) -> web.Application:
    """The aiohttp application; `start` serves it."""
    app = web.Application(middlewares=[errors, authentication], client_max_size=MAX_BODY_BYTES)
    app[GATEWAY] = gateway
    for name, handler in ENDPOINTS.items():
        app.router.add_route("GET", f"/v0/{name}", handler)
        app.router.add_route("POST", f"/v0/{name}", handler)
    for method, handler in METHODS.items():
        app.router.add_route(method, FAULTS_PATH, handler)
    return app


async def start(gateway: Gateway, host: str, port: int) -> web.AppRunner:
    """Listen (port 0 takes a free one); the caller cleans the runner up. Raises OSError for a taken port."""
    runner = web.AppRunner(make_app(gateway), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner
