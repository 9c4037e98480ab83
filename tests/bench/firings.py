"""From the second that makes an alert fire to its message at a hundred pages: the product's own evaluator and web
process, each a process, and the pages' sockets in the benchmark's."""

import asyncio
import itertools
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import msgspec

from tests.bench.measure import Result, percentile, scaled

PAGES, SECONDS, TARGET_MS = 100, 120, 500.0
HOURS = 6
SHARE = 0.1
"""Of the seconds so many trade, several times as many as in the past that they are ranked against; all assets in the
same ones, so that dozens fire at once."""
LEVELS = range(5, 100, 10)
PATIENCE = 300.0


def run(_market: object) -> Iterator[Result]:
    from accounts.models import User
    from alerts.models import AlertState
    from tests.bench import alerts, web

    user, _ = User.objects.get_or_create(username="bench-alerts")
    assets, market = alerts.market(HOURS, SHARE)
    alerts.forget()
    count = _make(user, assets)
    with web.running() as server, subprocess.Popen([sys.executable, "manage.py", "alerts"]) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while AlertState.objects.count() < count:
                assert time.monotonic() < deadline
                time.sleep(0.5)
            waits = asyncio.run(_watch(server, user, market))
        finally:
            process.terminate()
    times = scaled(waits, 1e3)
    note = f"{count} alerts on {len(assets)} assets, {len(waits) // PAGES} firings at each of {PAGES} pages"
    yield Result("firings", "second over → firing at the page, p50", "ms", [percentile(times, 50)], note=note)
    yield Result("firings", "the same, p99", "ms", [percentile(times, 99)], target=TARGET_MS, note=note)


def _make(user: Any, assets: list[Any]) -> int:
    """Alerts of one user that fire now and then as their 1m bars grow; how many."""
    from tests.alerting import make

    kinds = itertools.product(LEVELS, assets)
    made = [make(user, asset, metric="vol_rank", threshold=level, timeframe="1m") for level, asset in kinds]
    return len(made)


async def _watch(server: Any, user: Any, market: Any) -> list[float]:
    """Seconds from the telling of the bar that made it fire to its message, of each page and firing."""
    from tests.bench import web

    played: dict[int, float] = {}
    waits: list[float] = []
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(web.browser(server, await web.cookie_of(user)))
        wires = [await session.ws_connect("/ws/alerts/", origin=server.url, max_msg_size=0) for _ in range(PAGES)]
        listening = [asyncio.create_task(_listen(wire, played, waits)) for wire in wires]
        await asyncio.sleep(3.0)
        for _ in range(SECONDS):
            due = time.perf_counter() + 1
            played[market.now_ns // 10**6 + 1_000] = time.perf_counter()
            await asyncio.to_thread(market.play, market.now_ns + 10**9)
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await asyncio.sleep(2.0)
        for task, wire in zip(listening, wires, strict=True):
            assert not task.done(), task.exception()
            task.cancel()
            await wire.close()
    return waits


async def _listen(wire: Any, played: dict[int, float], waits: list[float]) -> None:
    """As a page: chips are acknowledged, firings noted."""
    async for event in wire:
        at = time.perf_counter()
        message = msgspec.json.decode(event.data)
        if message["type"] == "chips":
            await wire.send_str('{"type": "ack"}')
        elif message["type"] == "firings":
            waits += [at - played[each["market_ms"]] for each in message["firings"] if each["market_ms"] in played]
