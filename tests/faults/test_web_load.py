"""Web load cannot hurt the feed: pages are hammered while prints burst, and nothing is late enough to be lost."""

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
from tests.conftest import People
from tests.faults.conftest import ROOTS, assert_equals_history, following, hold_until
from tests.faults.page import looking
from tests.live import SECOND, FastClock

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60 * SECOND
AT_ONCE = 6
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


def test_hammered_pages_cost_the_feed_no_restart_and_no_bar(
    market: Server, clock: FastClock, people: People, settings: Any
) -> None:
    hold_until(clock() - 3 * MINUTE)
    with following(silence=15) as feed, looking(ROOTS) as page, web.running() as server:
        feed.wait_until_live(1_000)
        begun, told = clock(), len(page.messages)
        with hammered(server, login_cookie(people.owner)) as answers:
            feed.wait_for(lambda state: state["market_ns"] > begun + 4 * MINUTE)
        assert set(answers) == {200}
        assert sum(answers.values()) >= 10 * len(ADDRESSES)
        assert feed.state["restart_count"] == 0, feed.state["restarts"]
        assert len(page.messages) > told
        feed.stop()
        clock.skip(3 * MINUTE)
        for root in ROOTS:
            assert_equals_history(root)
