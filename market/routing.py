"""The WebSockets of this room."""

from collections.abc import Callable

from django.urls import URLPattern, path

from market.bus import Bus
from market.consumers import JobsConsumer


def websocket_urls(bus: Bus, revoke_topic: Callable[[str], str]) -> list[URLPattern]:
    """bus: where messages of other processes come from; revoke_topic: the topic of a login's end."""
    return [path("ws/jobs/", JobsConsumer.as_asgi(bus=bus, revoke_topic=revoke_topic))]
