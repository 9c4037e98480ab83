"""The WebSocket site map."""

from collections.abc import Callable

from django.urls import URLPattern, path

from live.consumers import LiveConsumer
from live.screens import Screens
from market.bus import Bus


def websocket_urls(screens: Screens, bus: Bus, revoke_topic: Callable[[str], str]) -> list[URLPattern]:
    """bus: where messages of other processes come from; revoke_topic: the topic of a login's end."""
    return [path("ws/live/", LiveConsumer.as_asgi(screens=screens, bus=bus, revoke_topic=revoke_topic))]
