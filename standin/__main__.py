"""Start the stand-in gateway alone: python -m standin --port 8900 --live-port 13000 --seed 1 --key KEY

The key may come from FUTSIM_STANDIN_KEY instead, where no list of processes shows it. Prints one line when
ready. SIGTERM and SIGINT stop it with exit code 0; a taken port is one line and exit code 1.
"""

import argparse
import asyncio
import os
import signal
import sys
from typing import TextIO

from standin.gateway import Gateway
from standin.server import start

KEY_VARIABLE = "FUTSIM_STANDIN_KEY"
BACK_VARIABLE = "FUTSIM_STANDIN_LIVE_HOURS_BACK"
DEFAULT_PORT = 8900
DEFAULT_LIVE_PORT = 13000
"""Databento's own."""


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m standin", description="A local gateway over a synthetic market.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 takes a free port")
    parser.add_argument("--live-port", type=int, default=DEFAULT_LIVE_PORT, help="0 takes a free port")
    parser.add_argument("--seed", type=int, default=1, help="the same seed is the same market")
    parser.add_argument("--key", default=os.environ.get(KEY_VARIABLE), help=f"or {KEY_VARIABLE}")
    parser.add_argument(
        "--live-hours-back",
        type=int,
        default=os.environ.get(BACK_VARIABLE, "0"),
        help=f"live is so far behind the clock, so that it trades during the daily halt too; or {BACK_VARIABLE}",
    )
    options = parser.parse_args(argv)
    if not options.key:
        parser.error(f"a key is needed: --key or {KEY_VARIABLE}")
    return options


async def serve(gateway: Gateway, host: str, port: int, live_port: int) -> int:
    """Serve until SIGTERM or SIGINT; the exit code."""
    stop = asyncio.Event()
    for signum in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signum, stop.set)
    try:
        server = await start(gateway, host, port, live_port)
    except OSError as error:
        _say(f"standin: {error}", sys.stderr)
        return 1
    _say(f"standin: ready on {server.url} live on {host}:{server.live_port} seed={gateway.seed}", sys.stdout)
    await stop.wait()
    await server.stop()
    return 0


def _say(line: str, stream: TextIO) -> None:
    stream.write(line + "\n")
    stream.flush()


def main() -> int:
    options = arguments()
    gateway = Gateway(seed=options.seed, key=options.key, live_hours_back=options.live_hours_back)
    return asyncio.run(serve(gateway, options.host, options.port, options.live_port))


if __name__ == "__main__":
    sys.exit(main())
