"""A feed of real processes: the supervisor in a thread, its child, a stand-in gateway whose clock the test chooses."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.core.cache import cache
from django.db import connection, connections

from live import history, status
from live.engine.watch import Backoff, Patience
from live.supervisor import Supervisor
from market.engine.bars import Bars
from market.gateway import gateway
from standin.background import serving
from standin.gateway import Gateway
from standin.server import Server
from tests.live import KEY, SECOND, FastClock, clear, wait_for

ROOTS = ("NQ", "CL", "ZN", "MBT")
HERE = Path(__file__).parent
QUICK = Patience(start=60, connect=10, silence=4, quiet=300, stop=4)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these take minutes; what is not marked as short is left to `make faults`."""
    for item in items:
        if HERE in item.path.parents and item.get_closest_marker("short") is None:
            item.add_marker("faults")


class Feed:
    """`manage.py live` without the command: the same supervisor, in a thread of the test."""

    def __init__(self, patience: Patience, **options: Any) -> None:
        self.is_stopping = False
        self.supervisor = Supervisor(lambda: self.is_stopping, patience=patience, backoff=Backoff(scale=0.2), **options)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run()
        finally:
            connections.close_all()

    def stop(self) -> None:
        self.is_stopping = True
        self._thread.join(20)
        assert not self._thread.is_alive()

    @property
    def state(self) -> dict[str, Any]:
        return status.read()

    def wait_until_live(self, prints: int = 1) -> dict[str, Any]:
        self.wait_for(lambda state: state["feed"] == "live" and state["prints"] >= prints)
        return self.state

    def wait_for(self, condition: Any) -> None:
        wait_for(lambda: condition(self.state), lambda: str(self.state), seconds=60)


@pytest.fixture
def clock() -> FastClock:
    """A Tuesday noon in New York, at the pace of a real clock times ten."""
    return FastClock("2026-03-10T16:00", speed=10)


@pytest.fixture
def server(clock: FastClock) -> Iterator[Server]:
    with serving(Gateway(seed=3, key=KEY, clock=clock, connections_per_second=1_000)) as running:
        yield running


@pytest.fixture
def market(server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch, assets: None) -> Server:
    """The gateway as the configured one of this process and of those that it starts; four assets are followed."""
    from market.models import Asset

    address = f"127.0.0.1:{server.live_port}"
    parts = urlsplit(os.environ["DATABASE_URL"])
    monkeypatch.setenv("DATABASE_URL", parts._replace(path=f"/{connection.settings_dict['NAME']}").geturl())
    monkeypatch.setenv("DATABENTO_API_KEY", KEY)
    monkeypatch.setenv("FUTSIM_GATEWAY", server.url)
    monkeypatch.setenv("FUTSIM_LIVE_GATEWAY", address)
    monkeypatch.setenv("FUTSIM_DATA_ROOT", settings.DATA_ROOT)
    settings.DATABENTO_API_KEY, settings.DATABENTO_GATEWAY = KEY, server.url
    settings.DATABENTO_LIVE_GATEWAY = ("127.0.0.1", server.live_port)
    settings.SYNTHETIC_MARKET, settings.MARKET_SOURCE = True, "stand-in"
    Asset.objects.exclude(root__in=ROOTS).update(is_active=False)
    cache.clear()
    forget()
    yield server
    clear(server)


def forget() -> None:
    """What an earlier test left in Valkey."""
    for key in history.client().scan_iter(history.name("*")):
        history.client().delete(key)


@contextmanager
def following(patience: Patience = QUICK, **changes: Any) -> Iterator[Feed]:
    """A feed for as long as the block lasts. changes: other patience."""
    feed = Feed(replace(patience, **changes))
    try:
        yield feed
    finally:
        feed.stop()


def hold_until(ns: int) -> None:
    """As if the feed had been here until an instant, so that it replays from there."""
    history.client().set(history.name("position"), json.dumps({"until_ns": ns - ns % 1_000_000_000, "epoch": 1}))


def of_history(symbol: str, first_ns: int, end_ns: int) -> Bars:
    """Databento's own `ohlcv-1s` of a period, through the real client."""
    found = gateway().bars("GLBX.MDP3", [symbol], "ohlcv-1s", first_ns, end_ns)
    return found[0].bars if found else Bars.empty()


def assert_equals_history(root: str) -> int:
    """Every bar of an asset's newest session, byte for byte, against the historical half; how many there are."""
    key = history.sessions(root)[-1]
    held = history.read(key)
    wanted = of_history(key.symbol, key.since_ns, int(held.ts[-1]) + SECOND)
    assert np.array_equal(held.ts, wanted.ts), f"{root}: {len(held)} bars, {len(wanted)} wanted"
    for name in Bars.COLUMNS:
        assert getattr(held, name).tobytes() == getattr(wanted, name).tobytes(), f"{root} {name}"
    return len(held)
