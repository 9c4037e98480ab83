"""Web load cannot hurt the feed: pages are hammered while prints burst, and nothing is late enough to be lost."""

import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from standin.server import Server
from tests.bench import web
from tests.bench.data import login_cookie
from tests.bench.measure import percentile
from tests.conftest import People
from tests.faults.conftest import ROOTS, assert_equals_history, following, hold_until
from tests.faults.page import looking
from tests.live import SECOND, FastClock

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60 * SECOND
AT_ONCE = 6
GENEROUS = 20
"""Processors are shared, and so a feed beside a busy web process is slower; one that is starved is later than this."""
ADDRESSES = ("/live/", "/live/status", "/api/live/status", "/replay/", "/jobs/")


@contextmanager
def hammered(server: web.Web, cookie: str) -> Iterator[Counter[int]]:
    """Several browsers that load pages without a pause; how each answer was."""
    answers: Counter[int] = Counter()
    over = threading.Event()

    def load() -> None:
        with requests.Session() as session:
            session.cookies.set("sessionid", cookie)
            while not over.is_set():
                for address in ADDRESSES:
                    answers[session.get(server.url + address, timeout=60).status_code] += 1

    threads = [threading.Thread(target=load) for _ in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_hammered_pages_cost_the_feed_no_restart_and_no_bar_and_hardly_any_time(
    market: Server, clock: FastClock, people: People, record_property: Any
) -> None:
    hold_until(clock() - 3 * MINUTE)
    with following(silence=15) as feed, looking(ROOTS, clock) as page, web.running() as server:

        def lag_ms(name: str) -> float:
            """The 99th percentile over the next minutes of the market, in ms of a real clock."""
            begun, told = clock(), len(page.lags)
            feed.wait_for(lambda state: state["market_ns"] > begun + 4 * MINUTE)
            assert len(page.lags) > told
            p50, p99 = (percentile(page.lags[told:], percent) / clock.speed / 1e6 for percent in (50, 99))
            record_property(name, f"p50 {p50:.0f} ms, p99 {p99:.0f} ms")
            sys.stdout.write(f"{name}: p50 {p50:.0f} ms, p99 {p99:.0f} ms\n")
            return p99

        feed.wait_until_live(1_000)
        quiet = lag_ms("nobody looks")
        with hammered(server, login_cookie(people.owner)) as answers:
            loaded = lag_ms("pages are hammered")
        assert set(answers) == {200}
        assert sum(answers.values()) >= 10 * len(ADDRESSES)
        assert feed.state["restart_count"] == 0, feed.state["restarts"]
        assert loaded < max(quiet, 100) * GENEROUS
        feed.stop()
        clock.skip(3 * MINUTE)
        for root in ROOTS:
            assert_equals_history(root)
