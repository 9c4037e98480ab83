"""From a print to a browser: gateway, feed, web process and the pages' sockets, each a process, on one machine."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator

from accounts.models import User
from live import fronts
from tests.bench import feed, livetabs, web
from tests.bench.data import Market, login_cookie
from tests.bench.measure import Result, percentile

WARM_UP, SECONDS = 12.0, 15.0
STALLED = 1
PAGES = 100


def run(_market: Market) -> Iterator[Result]:
    yield from of(PAGES, WARM_UP)


def of(count: int, warm_up: float) -> Iterator[Result]:
    """So many pages in a normal market and in a burst. warm_up: seconds from the last one's start to the counting."""
    yield from _looking("normal", count, warm_up)
    # the front months are known by now
    with feed.bursting():
        yield from _looking(f"burst of {feed.BURST:,} prints/s", count, warm_up)


def _looking(name: str, count: int, warm_up: float) -> Iterator[Result]:
    user, _ = User.objects.get_or_create(username="bench-live")
    with feed.running(feed.BUSY, 1.0, 1) as following, web.running() as server:
        following.wait_until(lambda state: state["feed"] == "live")
        clock = following.clock
        plan = livetabs.Plan(
            url=server.url,
            cookie=login_cookie(user),
            roots=[asset.root for asset in fronts.followed()],
            count=count,
            stalled=STALLED,
            start_ns=clock.start_ns,
            begun_ns=clock.begun_ns,
            speed=1.0,
            warm_up=warm_up,
            seconds=SECONDS,
        )
        command = [sys.executable, "-m", "tests.bench.livetabs", plan.text()]
        used, begun = server.cpu_seconds(), time.monotonic()
        following.ages.clear()
        told = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
        cpu = 100 * (server.cpu_seconds() - used) / (time.monotonic() - begun)
    seen = json.loads(told.stdout)
    rate = seen["messages"] / SECONDS
    hub = " and ".join(f"{1e3 * percentile(following.ages, percent):.0f}" for percent in (50, 99))
    note = f"19 assets, {STALLED} stalled page, {rate:,.0f} messages/s in all; at a hub after {hub} ms"
    who = f"{name}, {count} pages"
    p50, p99 = (percentile(seen["ages"], percent) for percent in (50, 99))
    target = 100 if count == PAGES else None
    yield Result("pages", f"{who}: print due → message at the page, p50", "ms", [p50], note=note)
    yield Result("pages", f"{who}: the same, p99", "ms", [p99], target=target, note=note)
    yield Result("pages", f"{who}: processor of the web process", "%", [cpu], note=note)
