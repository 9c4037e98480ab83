"""What one more viewer and one more user of the same sessions cost in memory."""

import asyncio
import gc
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

from futsim.hub import Hub
from replay.player import Player
from replay.record import Writer
from replay.viewer import Viewer
from tests.bench import web
from tests.bench.data import TIMEFRAME, Market
from tests.bench.measure import Peer, Result, scaled
from workspace.wire import encode

BATCHES, SIZE = 8, 10
SETTLE_SECONDS = 1.5
TARGET_MB = 5.0
MB = 1e-6


def run(market: Market) -> Iterator[Result]:
    tape = market.tape()
    tape.bars(TIMEFRAME, 0, tape.end_ns)
    copy = Peer("a copy of the arrays for each user", [sum(part.piece.nbytes for part in tape.parts) * MB])
    how = f"growth of a real web process over {BATCHES} batches of {SIZE}, divided; each chart in {TIMEFRAME}"
    for name, own_replays in (("one more viewer of the same replay", False), ("one more user, same sessions", True)):
        with web.running() as server:
            samples = asyncio.run(_grow(market, server, own_replays))
        yield Result("memory", name, "MB", scaled(samples, MB), target=TARGET_MB, peer=copy, note=how)
    for name, samples in asyncio.run(_objects(market)).items():
        yield Result(
            "memory",
            f"a further {name}, Python's objects alone",
            "MB",
            scaled(samples, MB),
            note=f"tracemalloc in process, {SIZE} of them after a collection, divided",
        )


async def _grow(market: Market, server: web.Web, own_replays: bool) -> list[float]:
    """Bytes for each further tab, one sample for each batch. The first batch is a warm-up."""
    samples = []
    shared = await asyncio.to_thread(market.replay)
    user = market.other if own_replays else market.owner
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(web.browser(server, await web.cookie_of(market.owner)))
        others = await stack.enter_async_context(web.browser(server, await web.cookie_of(user)))
        await _watch(stack, await web.open_tab(session, server, shared.pk, TIMEFRAME))
        for _ in range(1 + BATCHES):
            before = await _settled(server)
            for _ in range(SIZE):
                replay = await asyncio.to_thread(market.replay, market.other) if own_replays else shared
                await _watch(stack, await web.open_tab(others, server, replay.pk, TIMEFRAME))
            samples.append((await _settled(server) - before) / SIZE)
    return samples[1:]


async def _watch(stack: AsyncExitStack, tab: web.Tab) -> None:
    stack.push_async_callback(tab.close)
    await tab.until_chart()
    tab.listen()


async def _settled(server: web.Web) -> int:
    await asyncio.sleep(SETTLE_SECONDS)
    return server.resident_bytes()


# --- Python's objects -----------------------------------------------------------------------------------


async def _objects(market: Market) -> dict[str, list[float]]:
    """Bytes that a further one keeps, one sample for each batch."""
    player = await _player(market)

    async def viewer() -> Viewer:
        return _viewer(player)

    async def both() -> Viewer:
        return _viewer(await _player(market))

    return {
        name: [await _traced(make) for _ in range(BATCHES)]
        for name, make in (("viewer", viewer), ("player and viewer", both))
    }


async def _player(market: Market) -> Player:
    player = Player(await asyncio.to_thread(market.replay), Hub(), Writer())
    player.tape = await asyncio.to_thread(market.tape)
    return player


def _viewer(player: Player) -> Viewer:
    """A viewer that has sent its first chart."""
    viewer = Viewer(player)
    viewer.open_chart("main", TIMEFRAME)
    encode(viewer.take() or {})
    return viewer


async def _traced(make: Callable[[], Awaitable[object]]) -> float:
    """Bytes that one of them keeps."""
    await make()
    gc.collect()
    tracemalloc.start()
    try:
        kept = [await make() for _ in range(SIZE)]
        gc.collect()
        return tracemalloc.get_traced_memory()[0] / len(kept)
    finally:
        tracemalloc.stop()
