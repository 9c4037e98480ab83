"""The WebSocket site map."""

from collections.abc import Callable

from django.urls import URLPattern, path

from live.consumers import LiveConsumer
from live.desks import Desks
from market.bus import Bus


def websocket_urls(desks: Desks, bus: Bus, revoke_topic: Callable[[str], str]) -> list[URLPattern]:
    """bus: where messages of other processes come from; revoke_topic: the topic of a login's end."""
    return [path("ws/live/", LiveConsumer.as_asgi(desks=desks, bus=bus, revoke_topic=revoke_topic))]
