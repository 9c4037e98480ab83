"""Fan-out inside a process, over a real Valkey and through its outages."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.layers import get_channel_layer
from redis.exceptions import ConnectionError as NoValkey

from futsim import hub
from futsim.hub import Hub


class Layer:
    """The channel layer, which refuses whatever needs Valkey while it is down."""

    def __init__(self) -> None:
        self.is_down = False
        self._layer = get_channel_layer()

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: object) -> Any:
            if self.is_down and name != "receive":
                raise NoValkey("refused")
            return await getattr(self._layer, name)(*arguments)

        return call


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    steerable = Layer()
    monkeypatch.setattr(hub, "get_channel_layer", lambda: steerable)
    monkeypatch.setattr(hub, "AGAIN_SECONDS", 0.05)
    return steerable


@pytest.fixture
async def running(layer: Layer) -> AsyncIterator[Hub]:
    made = Hub()
    yield made
    await made.stop()


async def heard(topic: str, heap: list[Any]) -> bool:
    """Whether what is sent to the topic arrives within two seconds."""
    for _ in range(20):
        await get_channel_layer().group_send(topic, {"type": "hub.message", "topic": topic, "body": {"of": topic}})
        await asyncio.sleep(0.1)
        if {"of": topic} in heap:
            return True
    return False


async def test_a_listener_hears_its_topic_until_it_leaves(running: Hub) -> None:
    bodies: list[Any] = []
    await running.subscribe("job.1", bodies.append)
    assert await heard("job.1", bodies)
    assert not await heard("job.2", bodies)
    await running.unsubscribe("job.1", bodies.append)
    bodies.clear()
    assert not await heard("job.1", bodies)


async def test_whoever_subscribes_in_an_outage_hears_from_its_end_on(running: Hub, layer: Layer) -> None:
    early: list[Any] = []
    late: list[Any] = []
    layer.is_down = True
    await running.subscribe("job.1", early.append)
    await running.subscribe("job.2", late.append)
    layer.is_down = False
    assert await heard("job.1", early)
    assert await heard("job.2", late)


async def test_leaving_in_an_outage_raises_nothing(running: Hub, layer: Layer) -> None:
    bodies: list[Any] = []
    await running.subscribe("job.1", bodies.append)
    layer.is_down = True
    await running.unsubscribe("job.1", bodies.append)
    layer.is_down = False
    await running.subscribe("job.2", bodies.append)
    assert await heard("job.2", bodies)
