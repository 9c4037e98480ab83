"""The evaluator beside the real feed, both killed again and again: what fired is what the market's bars say."""

import os
import random
import signal
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from alerts.models import Alert, AlertState
from live import history
from market.gateway import gateway
from market.models import Asset, Job
from ranks import refresh, services
from tests.alerting import Process, firings, folded, make, progress
from tests.faults.conftest import Feed, following
from tests.live import SECOND, FastClock, wait_for

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60 * SECOND
TODAY = date(2026, 3, 10)
PAST_DAYS = 33
"""Of them 23 trade dates."""
PLAYED = 15 * MINUTE
"""Three bars of five minutes."""


@pytest.fixture
def clock() -> FastClock:
    """Half a minute of the market each second."""
    return FastClock("2026-03-10T16:00", speed=30)


@pytest.fixture
def process(market: Any) -> Iterator[Process]:
    store_past(Asset.objects.get(root="NQ"))
    running = Process()
    yield running
    running.end(signal.SIGKILL)


def store_past(asset: Asset) -> None:
    """The market's own last sessions, fetched and summarised as a refresh of ranks does."""
    session = asset.sessions.session(TODAY)
    assert session is not None
    asked = {"root": asset.root, "lookback_days": PAST_DAYS}
    job = Job.objects.create(kind=services.JOB_KIND, state=Job.State.RUNNING, params=asked)
    refresh.run(job, gateway(), session.open_ns)


def alerts_of(owner: Any) -> list[Alert]:
    asset = Asset.objects.get(root="NQ")
    kinds = [
        {"metric": metric, "threshold": Decimal(level), "operator": operator, "timeframe": timeframe, "repeat": repeat}
        for metric, level in (("vol_pending", 40), ("range_pending", 60), ("vol_rank", 50))
        for operator, timeframe, repeat in (("gte", "1m", "bar"), ("lte", "1m", "edge"), ("gte", "5m", "edge"))
    ]
    return [make(owner, asset, **kind) for kind in kinds]


def held_ns() -> int:
    """How far the feed has come, whole seconds; 0 before it begins."""
    position = history.position()
    return 0 if position is None else position.until_ns // SECOND * SECOND


def play_and_kill(feed: Feed, process: Process, until_ns: int, numbers: random.Random) -> int:
    """Kill one of the two and then the other, each once both have gone on, while the market does; how often."""
    kills = 0
    while (reached := progress("NQ")) < until_ns:
        wait_for(lambda: progress("NQ") > reached and feed.state["feed"] == "live", lambda: str(feed.state), seconds=60)
        time.sleep(numbers.uniform(0.5, 3))
        if kills % 2:
            process.end(signal.SIGKILL)
            process.start()
        else:
            os.kill(feed.state["pid"], signal.SIGKILL)
        kills += 1
    return kills


def test_what_fires_beside_a_killed_feed_is_what_the_bars_say(market, process, people):
    alerts = alerts_of(people.owner)
    seed = random.randrange(2**32)
    with following() as feed:
        feed.wait_until_live()
        wait_for(lambda: AlertState.objects.count() == len(alerts), seconds=60)
        wait_for(lambda: progress("NQ") > held_ns() - MINUTE, seconds=60)
        # from a bar's beginning on, nothing depends on the second in which an alert was armed
        begun = progress("NQ") // (5 * MINUTE) * 5 * MINUTE + 5 * MINUTE
        assert play_and_kill(feed, process, begun + PLAYED, random.Random(seed)) >= 4, seed
    wait_for(lambda: progress("NQ") == held_ns(), lambda: f"{progress('NQ')} of {held_ns()}", seconds=60)
    key = history.sessions("NQ")[-1]
    asset = Asset.objects.get(root="NQ")
    session = asset.sessions.session(key.day)
    all_of_them = folded(alerts, asset, session, history.read(key), begun - MINUTE, held_ns())
    wanted = [each for each in all_of_them if each[0] > begun]
    assert len(wanted) > 10, seed
    assert [each for each in firings() if each[0] > begun] == wanted, seed
