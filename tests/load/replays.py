"""Many replays of one running product, each watched over a socket and traded, all at the same time."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests import processes
from tests.product import Up
from tests.trader import Trader, a_weekday_ago

SPEED = 10
PATIENCE, LOOK_SECONDS, FOREVER = 20.0, 0.05, 3600.0
FAR = 400
"""Ticks below the market, where an order is not reached."""
QUIET_SECONDS, QUIET_SHARE, QUIET_PATIENCE = 2.0, 0.6, 90.0
"""What opening replays sets off, ranks and what they compare with, is not part of what it takes to play them. The live
feed and its alerts take half a processor all the time."""


@dataclass
class Load:
    """What came of it, of all replays. rates: frames a second of each; waits: seconds from an order to its `done`."""

    rates: list[float] = field(default_factory=list)
    moved_ns: list[int] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    unanswered: list[str] = field(default_factory=list)
    cpu: float = 0.0
    """The web process's share of one processor."""
    own_bytes: int = 0
    """Its memory, less what it shares with files."""


async def measure(up: Up, replays: int, seconds: float, every: float) -> Load:
    """Play so many replays for a while; each has one working order, changed every so many seconds."""
    async with _pages(up, replays) as pages:
        traders = [
            asyncio.create_task(_trade(page, every, every * number / replays)) for number, page in enumerate(pages)
        ]
        await asyncio.sleep(every + 1.0)
        load = await _watch(up.pid_of("daphne"), pages, seconds)
        await _end(traders)
        await _until(lambda: not any(page.asked - page.acknowledged for page in pages))
    load.unanswered = [name for page in pages for name in page.asked - page.acknowledged]
    return load


@asynccontextmanager
async def _pages(up: Up, replays: int) -> AsyncIterator[list[Trader]]:
    """Pages of one user on replays that play, a minute of the market apart."""
    found = re.search(r"created user demo with password (\S+)", up.output)
    assert found
    async with Trader(up.url, found[1]) as first:
        await first.log_in()
        pages = [first, *(first.beside() for _ in range(replays - 1))]
        readers: list[asyncio.Task[None]] = []
        for number, page in enumerate(pages):
            at = f"{10 + number // 60}:{number % 60:02}"
            await page.open_replay(entry_date=a_weekday_ago().isoformat(), entry_time=at, lookback_days="5")
            await page.connect()
            await page.listen(lambda page=page: page.state == "ready")
            # a page that reads nothing for half a minute is given up
            readers.append(asyncio.create_task(page.listen(lambda: False, FOREVER)))
            if number == 0:
                await _until_quiet(up)
        await _until_quiet(up)
        for page in pages:
            await page.send(type="speed", value=SPEED)
            await page.send(type="play")
        yield pages
        await _end(readers)


async def _until_quiet(up: Up) -> None:
    """Until the product's workers have nothing to do any more."""
    deadline = time.monotonic() + QUIET_PATIENCE
    used, before = QUIET_SECONDS, _cpu_of_all(up)
    while used > QUIET_SHARE * QUIET_SECONDS and time.monotonic() < deadline:
        await asyncio.sleep(QUIET_SECONDS)
        now = _cpu_of_all(up)
        used, before = now - before, now


def _cpu_of_all(up: Up) -> float:
    total = 0.0
    for pid in up.processes():
        with contextlib.suppress(OSError):  # it has ended
            total += processes.cpu_seconds(pid)
    return total


async def _trade(page: Trader, every: float, begin: float) -> None:
    """One order far below the market, which is moved by a tick again and again."""
    await asyncio.sleep(begin)
    await _until(lambda: page.last > 0)
    limit = page.last - FAR
    order = {"side": "buy", "quantity": 1, "type": "limit", "limit": limit}
    await page.send(type="order.submit", id="o", order=order)
    number = 0
    while True:
        await asyncio.sleep(every)
        number += 1
        await page.send(type="order.replace", id=f"r{number}", order="o", limit=limit - number % 2)


async def _watch(pid: int, pages: list[Trader], seconds: float) -> Load:
    """How the replays go on for so many seconds."""
    playheads = [int(page.clock["playhead"]) for page in pages]
    for page in pages:
        page.frames_at.clear()
        page.waits.clear()
    begun, used = time.monotonic(), processes.cpu_seconds(pid)
    await asyncio.sleep(seconds)
    elapsed = time.monotonic() - begun
    return Load(
        rates=[len(page.frames_at) / elapsed for page in pages],
        moved_ns=[int(page.clock["playhead"]) - ns for page, ns in zip(pages, playheads, strict=True)],
        waits=[wait for page in pages for wait in page.waits.values()],
        cpu=(processes.cpu_seconds(pid) - used) / elapsed,
        own_bytes=processes.own_bytes(pid),
    )


async def _until(that: Callable[[], bool]) -> None:
    """Until it holds, or for so long that it will not any more."""
    for _ in range(round(PATIENCE / LOOK_SECONDS)):
        if that():
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _end(tasks: "list[asyncio.Task[None]]") -> None:
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
