"""Open a replay: from the click to the first message that draws a chart."""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator
from statistics import median

import aiohttp
from channels.testing import WebsocketCommunicator

from market import tapes
from market.engine.bars import Bars
from tests.bench import peers, web
from tests.bench.data import ENTRY, LOOKBACK_DAYS, ROOT, TIMEFRAME, Market, login_cookie
from tests.bench.measure import Peer, Result, Work, in_turn, scaled, times
from tests.sockets.conftest import Server, Tab
from workspace.wire import bar_columns, encode

REPETITIONS = 11
TARGET_MS = 300.0
NO_CACHE = "0"
"""Megabytes of piece cache with which every open reads all its files."""


def run(market: Market) -> Iterator[Result]:
    seconds = sum(len(part.piece.stored) for part in market.tape().parts)
    yield from _in_process(market, f"{seconds:,} bars")
    yield from _end_to_end(market)
    yield from _stages(market)


# --- in this process ------------------------------------------------------------------------------------


def _in_process(market: Market, size: str) -> Iterator[Result]:
    for name, before in (("files in the page cache", tapes.cache.clear), ("pieces in memory", market.tape)):
        samples = asyncio.run(_connect_often(market, before))
        yield Result(
            "opening",
            f"open {size}, socket in process, {name}",
            "ms",
            scaled(samples, 1e3),
            target=TARGET_MS,
            note="from connecting to the message with the 5m chart; memory that the process has used before",
        )


async def _connect_often(market: Market, before: Callable[[], object]) -> list[float]:
    cookie = await asyncio.to_thread(login_cookie, market.owner)
    samples = []
    for _ in range(1 + REPETITIONS):
        replay = await asyncio.to_thread(market.replay)
        await asyncio.to_thread(before)
        gc.collect()
        samples.append(await _connect(cookie, replay.pk))
    return samples[1:]


async def _connect(cookie: str, replay_id: object) -> float:
    """Seconds from connecting to the chart, with a server that runs nothing else."""
    server = Server()
    start = time.perf_counter()
    headers = [(b"cookie", f"sessionid={cookie}".encode())]
    wire = WebsocketCommunicator(server.application, f"/ws/replay/{replay_id}/", headers=headers)
    await wire.connect(timeout=5)
    tab = Tab(wire)
    message = await tab.hello(TIMEFRAME)
    while not message["charts"]:
        message = await tab.until("snapshot")
    taken = time.perf_counter() - start
    await wire.disconnect()
    await server.stop()
    return taken


# --- a real web process ---------------------------------------------------------------------------------


def _end_to_end(market: Market) -> Iterator[Result]:
    pages, firsts = [], []
    for name, extra in (("files in the page cache", {"FUTSIM_TAPE_CACHE_MB": NO_CACHE}), ("pieces in memory", {})):
        with web.running(**extra) as server:
            page, whole, connected = asyncio.run(_open_often(market, server))
        pages.append(page)
        firsts.append(whole[0])
        yield Result(
            "opening",
            f"open over HTTP and WebSocket, {name}",
            "ms",
            scaled(whole[1:], 1e3),
            target=TARGET_MS,
            note="daphne, another process: POST of the form, the page, the socket, the 5m chart; "
            f"of it {median(connected[1:]) * 1e3:.0f} ms from connecting",
        )
    yield Result(
        "opening",
        "the first page of a web process",
        "ms",
        scaled(pages, 1e3),
        note="session calendars and libraries are loaded on first use",
    )
    yield Result("opening", "the first open of a web process, after that page", "ms", scaled(firsts, 1e3))


async def _open_often(market: Market, server: web.Web) -> tuple[float, list[float], list[float]]:
    """Seconds of the first page; then, for each open, from the click and from connecting to the chart."""
    whole, connected = [], []
    async with web.browser(server, await web.cookie_of(market.owner)) as session:
        start = time.perf_counter()
        async with session.get("/replay/") as page:
            page.raise_for_status()
            await page.read()
        first_page = time.perf_counter() - start
        for _ in range(1 + REPETITIONS):
            times_taken = await _open(session, server)
            whole.append(times_taken[0])
            connected.append(times_taken[1])
    return first_page, whole, connected


async def _open(session: aiohttp.ClientSession, server: web.Web) -> tuple[float, float]:
    day, at = ENTRY.split()
    form = {
        "root": ROOT,
        "entry_date": day,
        "entry_time": at,
        "timeframe": TIMEFRAME,
        "lookback_days": str(LOOKBACK_DAYS),
    }
    token = next(cookie.value for cookie in session.cookie_jar if cookie.key == "csrftoken")
    start = time.perf_counter()
    async with session.post("/replay/open", data=form, headers={"X-CSRFToken": token, "HX-Request": "true"}) as answer:
        target = answer.headers["HX-Redirect"]
    async with session.get(target) as page:
        await page.read()
    connecting = time.perf_counter()
    tab = await web.open_tab(session, server, target.rstrip("/").rpartition("/")[2], TIMEFRAME)
    await tab.until_chart()
    end = time.perf_counter()
    await tab.close()
    return end - start, end - connecting


# --- its parts ------------------------------------------------------------------------------------------


def _stages(market: Market) -> Iterator[Result]:
    files = market.files()

    def ours() -> Bars:
        tape = tapes.load(market.window)
        return tape.bars(TIMEFRAME, 0, tape.end_ns)

    works = [Work(ours, before=tapes.cache.clear), Work(lambda: peers.read_and_resample(files, "5min"))]
    taken, peer = in_turn(works, REPETITIONS)
    yield Result(
        "opening",
        f"of it: read, check, splice {len(files)} files, 5m bars",
        "ms",
        scaled(taken, 1e3),
        peer=Peer("pandas read_parquet + resample + concat", scaled(peer, 1e3)),
        note="ours also reads the roll schedule from the database and holds each file against its SHA-256",
    )
    bars = ours()
    unit = market.asset.tick_size
    work = Work(lambda: encode({"charts": [{"bars": bar_columns(bars, unit)}]}))
    yield Result("opening", f"of it: {len(bars):,} bars of 5m as JSON", "ms", scaled(times(work, 3 * REPETITIONS), 1e3))
