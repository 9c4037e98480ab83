"""Frames at a thousand times the market's speed."""

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from futsim.hub import Hub
from market.engine.tape import Tape
from market.sessions import SECOND_NS
from replay.models import ReplaySession
from replay.pace import FRAME_SECONDS
from replay.player import Player
from replay.record import Writer
from replay.viewer import Viewer
from tests.bench import web
from tests.bench.data import Market
from tests.bench.measure import Result, percentile, scaled
from workspace.wire import encode

SPEED = 1000
CHART = "1m"
WINDOWS, WINDOW_SECONDS = 6, 4.0
FRAMES = 1_500
SETTLE_SECONDS = 1.0
STEP_NS = round(SPEED * FRAME_SECONDS * SECOND_NS)


def run(market: Market) -> Iterator[Result]:
    for timeframe in (CHART, "1D"):
        yield from _building(market, timeframe)
    for viewers in (1, 20):
        with web.running() as server:
            seen = asyncio.run(_watch(market, server, viewers))
        yield from _delivered(seen, viewers)


# --- one frame ------------------------------------------------------------------------------------------


def _building(market: Market, timeframe: str) -> Iterator[Result]:
    """Microseconds to make a frame, and to encode it."""
    taken, encoded = asyncio.run(_build(market.replay(), market.tape(), timeframe))
    note = f"{FRAMES:,} frames of 50 s of market each; 99 % of them below {percentile(taken, 99) * 1e6:.0f} µs"
    yield Result("frames", f"make a frame, {timeframe} chart", "µs", scaled(taken, 1e6), note=note)
    if timeframe == CHART:
        yield Result("frames", f"encode it, {timeframe} chart", "µs", scaled(encoded, 1e6))


async def _build(replay: ReplaySession, tape: Tape, timeframe: str) -> tuple[list[float], list[float]]:
    """Seconds to make each frame, and to encode it."""
    player = Player(replay, Hub(), Writer())
    player.tape = tape
    viewer = Viewer(player)
    viewer.open_chart("main", timeframe)
    player.play()
    player.set_speed(SPEED)
    taken, encoded = [], []
    viewer.take()
    # the ranks that it has asked for are looked up once, not in one of the frames
    await asyncio.sleep(SETTLE_SECONDS)
    gc.collect()
    for _ in range(FRAMES):
        player._clock.move(player.tape.next_open(player.playhead_ns + STEP_NS) or player.tape.end_ns)
        start = time.perf_counter()
        message = viewer.take()
        middle = time.perf_counter()
        assert message is not None and message["type"] == "frame"
        encode(message)
        encoded.append(time.perf_counter() - middle)
        taken.append(middle - start)
        viewer.acknowledge(viewer.seq)
    return taken, encoded


# --- frames at the browser ------------------------------------------------------------------------------


@dataclass
class Seen:
    """What came, one entry for each window of WINDOW_SECONDS."""

    rates: list[float] = field(default_factory=list)
    """Frames a second and viewer, the median viewer's."""
    slowest: list[float] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    """Market seconds a second, the median viewer's."""
    cpu: list[float] = field(default_factory=list)
    """Share of one processor, percent."""
    intervals: list[float] = field(default_factory=list)
    """Seconds between frames, all viewers and windows."""


async def _watch(market: Market, server: web.Web, viewers: int) -> Seen:
    seen = Seen()
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(web.browser(server, await web.cookie_of(market.owner)))
        tabs = []
        for number in range(viewers):
            replay = await asyncio.to_thread(market.replay, None, number)
            tab = await web.open_tab(session, server, replay.pk, CHART)
            stack.push_async_callback(tab.close)
            await tab.until_chart()
            await tab.send(type="speed", value=SPEED)
            tabs.append(tab)
        for tab in tabs:
            await tab.send(type="play")
            tab.listen()
        await asyncio.sleep(WINDOW_SECONDS / 2)
        for _ in range(WINDOWS):
            await _window(server, tabs, seen)
    return seen


async def _window(server: web.Web, tabs: list[web.Tab], seen: Seen) -> None:
    for tab in tabs:
        tab.frames_at.clear()
    playheads = [tab.playhead_ns for tab in tabs]
    start, cpu = time.perf_counter(), server.cpu_seconds()
    await asyncio.sleep(WINDOW_SECONDS)
    elapsed, used = time.perf_counter() - start, server.cpu_seconds() - cpu
    rates = [len(tab.frames_at) / elapsed for tab in tabs]
    seen.rates.append(median(rates))
    seen.slowest.append(min(rates))
    played = [tab.playhead_ns - before for tab, before in zip(tabs, playheads, strict=True)]
    seen.speeds.append(median(played) / SECOND_NS / elapsed)
    seen.cpu.append(100 * used / elapsed)
    for tab in tabs:
        seen.intervals += [later - earlier for earlier, later in pairwise(tab.frames_at)]


def _delivered(seen: Seen, viewers: int) -> Iterator[Result]:
    who = "1 viewer" if viewers == 1 else f"{viewers} viewers of {viewers} replays"
    yield Result(
        "frames",
        f"frames at {SPEED}×, {who}",
        "/s each",
        seen.rates,
        more_is_better=True,
        note=f"the slowest viewer {median(seen.slowest):.1f} /s; the player makes at most {1 / FRAME_SECONDS:.0f}; "
        f"the market ran at {median(seen.speeds):,.0f}×",
    )
    yield Result(
        "frames",
        f"interval between frames, {who}",
        "ms",
        scaled(seen.intervals, 1e3),
        note=f"99 % of them below {percentile(seen.intervals, 99) * 1e3:.0f} ms",
    )
    yield Result(
        "frames",
        f"the web process's share of a processor, {who}",
        "%",
        seen.cpu,
        note=f"{WINDOWS} windows of {WINDOW_SECONDS:.0f} s",
    )
