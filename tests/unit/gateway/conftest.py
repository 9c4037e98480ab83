"""The vendor's door before the stand-in, which can be told to fail, or before a gateway of one answer."""

import base64
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aiohttp import web

from market.databento_historical import HistoricalGateway
from market.gateway_errors import GatewayError
from market.sessions import to_ns
from standin.background import running
from standin.gateway import Gateway
from tests.filegateway import serve

KEY = "db-gateway-errors-key-7f3a"
DATASET = "GLBX.MDP3"
NOW_NS = to_ns(datetime(2026, 3, 12, 15, 30, tzinfo=UTC))
FIRST_NS = to_ns(datetime(2026, 3, 10, 14, tzinfo=UTC))
HOUR_NS = 3_600 * 10**9

Switch = Callable[[dict[str, object]], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


# databento leaves the file of an unreadable body to the garbage collector
leaves_its_file = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=11, key=KEY, clock=lambda: NOW_NS)) as base:
        yield base


@pytest.fixture
def switch(url: str) -> Iterator[Switch]:
    """Sets faults of the stand-in; clears them afterwards."""
    control = f"{url}/_standin/faults"

    def post(switches: dict[str, object]) -> None:
        requests.post(control, json=switches, auth=(KEY, ""), timeout=5).raise_for_status()

    yield post
    requests.delete(control, auth=(KEY, ""), timeout=5).raise_for_status()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the door meant to wait; nobody waits here."""
    slept: list[float] = []
    monkeypatch.setattr("market.databento_historical.time", SimpleNamespace(sleep=slept.append))
    return slept


def answering(handler: Handler) -> AbstractContextManager[str]:
    """A gateway of one handler for every path."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return serve(app)


def fixed(text: str, status: int = 200) -> AbstractContextManager[str]:
    """A gateway with one answer to everything."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="application/json")

    return answering(handler)


def door(url: str, key: str = KEY, *, patient: bool = False) -> HistoricalGateway:
    return HistoricalGateway(key, url, patient=patient)


def ask(gateway: HistoricalGateway, symbol: str = "NQM6", end_ns: int = FIRST_NS + HOUR_NS) -> int:
    """How many minutes of one hour come."""
    found = gateway.bars(DATASET, [symbol], "ohlcv-1m", FIRST_NS, end_ns)
    return sum(len(each.bars) for each in found)


def refused(gateway: HistoricalGateway, **asked: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ask(gateway, **asked)
    assert_without_key(caught.value)
    return caught.value


def assert_without_key(error: GatewayError) -> None:
    """The key, or what HTTP makes of it, is in nothing that can be shown or written down."""
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    for text in (str(error), repr(error), str(error.args), error.advice, repr(error.payload)):
        assert KEY not in text
        assert encoded not in text
