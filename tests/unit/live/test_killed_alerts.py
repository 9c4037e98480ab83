"""`manage.py alerts` is killed at random points of a fast market: no edge is lost, and none fires twice."""

import os
import random
import signal
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection

from alerts.engine import flood
from alerts.models import Alert, AlertFiring, AlertState
from live import alerting
from market.locks import is_locked
from market.models import Asset
from market.sessions import SECOND_NS
from tests.alerting import Market, Process, firings, make, past, progress, undisturbed
from tests.live import wait_for

MINUTE = 60 * SECOND_NS
SPEED = 120
"""Market seconds in a second of the test."""
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market(assets: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Market:
    """Two assets in the sixth hour of their sessions."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl())
    monkeypatch.setenv("FUTSIM_DATA_ROOT", settings.DATA_ROOT)
    Asset.objects.exclude(root__in=["NQ", "CL"]).update(is_active=False)
    found = Market()
    for root in ("NQ", "CL"):
        past(root)
        line = found.begin(root, share=0.3)
    found.play(line.session.open_ns + 300 * MINUTE)
    return found


@pytest.fixture
def process(market: Market) -> Iterator[Process]:
    running = Process()
    yield running
    running.end(signal.SIGKILL)


def alerts_of(owner: Any) -> list[Alert]:
    return [
        make(owner, None, metric=metric, operator=operator, threshold=Decimal(55), timeframe=timeframe, repeat=repeat)
        for metric in ("vol_pending", "range_pending", "vol_rank")
        for operator, timeframe, repeat in (("gte", "1m", "bar"), ("gte", "5m", "edge"), ("lte", "5m", "close"))
    ]


def play_and_kill(market: Market, process: Process, numbers: random.Random, kills: int) -> None:
    """The market goes on all the time; the process is killed at random, and stays away for a while."""
    began, begun, now = market.now_ns, time.monotonic(), time.monotonic()
    for _ in range(kills):
        reached, kill = progress("NQ"), now + numbers.uniform(0.05, 1.5)
        is_killed = False
        # each process comes to evaluate before it is killed
        while not is_killed or progress("NQ") == reached:
            time.sleep(0.02)
            now = time.monotonic()
            market.play(began + int((now - begun) * SPEED) * SECOND_NS)
            if not is_killed and now >= kill and progress("NQ") > reached:
                process.end(signal.SIGKILL)
                process.start()
                reached, is_killed = progress("NQ"), True


@pytest.mark.parametrize("kills", [2, pytest.param(25, marks=pytest.mark.faults)])
def test_a_killed_evaluator_loses_no_edge_and_fires_none_twice(market, process, people, kills):
    alerts = alerts_of(people.owner)
    wait_for(lambda: AlertState.objects.count() == 2 * len(alerts), seconds=60)
    begun = market.now_ns
    seed = random.randrange(2**32)
    play_and_kill(market, process, random.Random(seed), kills)
    wait_for(lambda: progress("NQ") == progress("CL") == market.now_ns, seconds=60)
    wanted = undisturbed(alerts, market.lines, begun, market.now_ns)
    floods = set(Alert.objects.exclude(paused_reason="").values_list("pk", flat=True))
    assert len([each for each in wanted if each[2] not in floods]) > 20, seed
    for alert in alerts:
        told, mine = firings(alert=alert), [each for each in wanted if each[2] == alert.pk]
        if alert.pk in floods:
            # an asset that is behind the others may still have had some to tell
            assert set(told) <= set(mine) and flood.MOST <= len(told) == len(set(told)) < len(mine), seed
        else:
            assert told == mine, seed
    assert set(AlertState.objects.values_list("fire_count", flat=True)) != {0}
    counted = {(row.alert_id, row.asset_id): row.fire_count for row in AlertState.objects.all()}
    for (alert_id, asset_id), count in counted.items():
        assert AlertFiring.objects.filter(alert=alert_id, asset=asset_id).count() == count, seed


def test_sigterm_ends_it_in_order_and_a_spare_takes_over(market, process):
    wait_for(lambda: is_locked(*alerting.LOCK), seconds=60)
    market.play(market.now_ns + MINUTE)
    wait_for(lambda: progress("NQ") == market.now_ns, seconds=60)
    spare = Process()
    assert process.end(signal.SIGTERM) == 0
    market.play(market.now_ns + MINUTE)
    wait_for(lambda: progress("NQ") == market.now_ns, seconds=60)
    assert spare.end(signal.SIGTERM) == 0
    assert not is_locked(*alerting.LOCK)
    process.start()
