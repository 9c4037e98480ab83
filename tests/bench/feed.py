"""The live feed: bars from prints, the way of a print to a message, a burst, a day at once, and what it costs.

A stand-in gateway runs in this process on a clock of its own; the feed is the product's own process. At a speed of the
clock, prints come so many times as often; times are told in the seconds of a real clock.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.test import override_settings

from futsim.hub import Hub
from live import fronts, history, status, topics
from live.engine.bars import BarBuilder
from live.supervisor import Supervisor
from market.models import Asset
from standin.background import serving
from standin.gateway import Gateway
from standin.live import timeline
from standin.records import records
from standin.server import Server
from standin.symbology import resolve
from tests.bench.data import Market
from tests.bench.measure import Result, percentile, scaled
from tests.live import SECOND, FastClock, utc

BUSY = "2026-03-10T14:30"
SEED = 1
SECONDS = 20.0
BURST = 5_000
PATIENCE = 120.0
TICKS = os.sysconf("SC_CLK_TCK")


def run(_market: Market) -> Iterator[Result]:
    yield from _building()
    yield from _whole_day()
    yield from _following("normal")
    with bursting():
        yield from _following(f"burst of {BURST:,} prints/s")


# --- bars from prints ------------------------------------------------------------------------------------


def _prints() -> Any:
    """An hour of NQ as the feed has it."""
    from datetime import date

    found = resolve(SEED, ["NQH6"], "raw_symbol", date(2026, 3, 10), date(2026, 3, 11)).mappings
    instruments = [each.instrument for intervals in found.values() for each in intervals]
    return records(SEED, "trades", instruments, utc("2026-03-10T14:00"), utc("2026-03-10T20:00"))


def _building() -> Iterator[Result]:
    rows = _prints()
    columns = [rows[name].astype(np.int64).tolist() for name in ("ts_recv", "price", "size")]
    each = list(zip(*columns, strict=True))

    def build() -> float:
        builder, begun = BarBuilder(), time.perf_counter()
        for at in range(0, len(each), 100):
            builder.add_all(each[at : at + 100])
            builder.close(each[at][0])
        return len(each) / (time.perf_counter() - begun)

    rates = [build() for _ in range(5)]
    yield Result("feed", "bar builder", "prints/s", rates, target=50_000, more_is_better=True, note="in hundreds")


# --- a feed ------------------------------------------------------------------------------------------------


class Following:
    """A feed with a page that looks at every asset."""

    def __init__(self, server: Server, clock: FastClock) -> None:
        self.server, self.clock = server, clock
        self._over = False
        self._roots = [asset.root for asset in fronts.followed()]
        self.ages: list[float] = []
        self.messages = 0
        self._last: dict[str, list[Any]] = {}
        self._hub, self._loop = Hub(), asyncio.new_event_loop()
        self._threads = [
            threading.Thread(target=Supervisor(lambda: self._over).run),
            threading.Thread(target=self._loop.run_forever, daemon=True),
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()
        asyncio.run_coroutine_threadsafe(self._look(), self._loop).result(10)

    async def _look(self) -> None:
        for root in self._roots:
            await self._hub.subscribe(topics.bars(root), self._take)

    def _take(self, body: dict[str, Any]) -> None:
        self.messages += 1
        if body["kind"] == "bars" and body["last"] and body["last"] != self._last.get(body["root"]):
            self._last[body["root"]] = body["last"]
            self.ages.append((self.clock() - body["last"][0]) / self.clock.speed / SECOND)

    def wait_until(self, condition: Any) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE
        while not condition(state := status.read()):
            assert time.monotonic() < until, state
            time.sleep(0.05)
        return state

    def stop(self) -> None:
        self._over = True
        self._threads[0].join()
        asyncio.run_coroutine_threadsafe(self._hub.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)


@contextmanager
def running(at: str, speed: float, replay_minutes: int | None) -> Iterator[Following]:
    """replay_minutes: how long ago the feed was here last; None for never."""
    clock = FastClock(at, speed)
    gateway = Gateway(seed=SEED, key=settings.DATABENTO_API_KEY, clock=clock)
    with serving(gateway) as server:
        ours = {"FUTSIM_GATEWAY": server.url, "FUTSIM_LIVE_GATEWAY": f"127.0.0.1:{server.live_port}"}
        before = {name: os.environ.get(name) for name in ours}
        os.environ.update(ours)
        cache.clear()
        if replay_minutes is not None:
            until_ns = clock() - replay_minutes * 60 * SECOND
            at_ns = until_ns - until_ns % SECOND
            history.client().set(history.name("position"), f'{{"until_ns": {at_ns}, "epoch": 1}}')
        live = ("127.0.0.1", server.live_port)
        with override_settings(DATABENTO_GATEWAY=server.url, DATABENTO_LIVE_GATEWAY=live, SYNTHETIC_MARKET=True):
            following = Following(server, clock)
            try:
                following.start()
                yield following
            finally:
                following.stop()
                for name, value in before.items():
                    os.environ.pop(name) if value is None else os.environ.update({name: value})


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(pid: int) -> float:
    """MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def bursting() -> Iterator[None]:
    """The market as it is, but each of its prints comes so often, within a second, that the burst is reached."""
    times, plain, rng = round(burst_times()), timeline.records, np.random.default_rng(SEED)

    def many(*asked: Any) -> Any:
        rows = np.repeat(plain(*asked), times)
        rows["ts_recv"] += rng.integers(0, SECOND, len(rows)).astype(rows["ts_recv"].dtype)
        return rows[np.argsort(rows["ts_recv"], kind="stable")]

    timeline.records = many  # type: ignore[assignment]
    try:
        yield
    finally:
        timeline.records = plain


def burst_times() -> float:
    """How many times as many prints as in the busy minutes the burst has."""
    from datetime import date

    symbols = [symbol for asset in Asset.objects.all() for symbol in _symbols(asset)]
    found = resolve(SEED, symbols, "raw_symbol", date(2026, 3, 10), date(2026, 3, 11)).mappings
    instruments = [each.instrument for intervals in found.values() for each in intervals]
    count = len(records(SEED, "trades", instruments, utc(BUSY), utc(BUSY) + 300 * SECOND))
    return BURST / (count / 300)


def _symbols(asset: Asset) -> list[str]:
    row = asset.front_months.filter(trade_date="2026-03-10").select_related("contract__asset").first()
    return [row.contract.raw_symbol] if row else []


# --- the figures --------------------------------------------------------------------------------------------


def _following(name: str) -> Iterator[Result]:
    with running(BUSY, 1.0, 1) as following:
        state = following.wait_until(lambda state: state["feed"] == "live")
        pid = state["pid"]
        time.sleep(3.0)
        following.ages.clear()
        state, begun, used = status.read(), time.monotonic(), _cpu(pid)
        prints, memory, messages = state["prints"], _resident(pid), following.messages
        time.sleep(SECONDS)
        seconds = time.monotonic() - begun
        state = status.read()
        rate = (state["prints"] - prints) / seconds
        told = (following.messages - messages) / seconds
        note = f"19 assets, {rate:,.0f} prints/s, {told:,.0f} messages/s; the gateway sends every 20 ms"
        ages = scaled(following.ages, 1e3)
        yield Result("feed", f"{name}: print due → page's message, p50", "ms", [percentile(ages, 50)], note=note)
        yield Result("feed", f"{name}: the same, p99", "ms", [percentile(ages, 99)], target=100, note=note)
        yield Result("feed", f"{name}: processor of the feed process", "%", [100 * (_cpu(pid) - used) / seconds])
        yield Result("feed", f"{name}: memory of the feed process", "MB", [_resident(pid)])
        yield Result("feed", f"{name}: memory it gained in {SECONDS:.0f} s", "MB", [max(0.0, _resident(pid) - memory)])


def _whole_day() -> Iterator[Result]:
    history.forget()
    history.client().delete(history.name("position"))
    with running("2026-03-10T20:55", 1.0, None) as following:
        state = following.wait_until(lambda state: state.get("prints") and Path(f"/proc/{state['pid']}").exists())
        begun, first, pid = time.monotonic(), state["prints"], state["pid"]
        state = following.wait_until(lambda state: state["feed"] == "live")
        seconds, prints = time.monotonic() - begun, state["prints"]
        memory = _resident(pid)
        lost = _missing()
    note = f"{prints:,} prints of 19 assets, {lost} bars missing or different"
    yield Result(
        "feed", "a day replayed at once", "prints/s", [(prints - first) / seconds], more_is_better=True, note=note
    )
    yield Result("feed", "a day replayed at once: bars missing or different", "bars", [lost], note=note)
    yield Result("feed", "a day replayed at once: memory of the feed process", "MB", [memory])


def _missing() -> int:
    """Bars of all assets that are not those of the vendor's history of the same time."""
    from market.gateway import gateway

    wrong = 0
    for asset in fronts.followed():
        key = history.sessions(asset.root)[-1]
        held = history.read(key)
        # the historical half is a minute behind
        end = utc("2026-03-10T20:50")
        wanted = gateway().bars(asset.dataset, [key.symbol], "ohlcv-1s", key.open_ns, end)[0].bars
        count = int(held.ts.searchsorted(end))
        same = min(count, len(wanted))
        wrong += abs(count - len(wanted))
        for name in ("ts", "open", "high", "low", "close", "volume"):
            wrong += int((getattr(held, name)[:same] != getattr(wanted, name)[:same]).sum())
    return wrong
