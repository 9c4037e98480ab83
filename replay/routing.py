"""The WebSocket site map."""

from collections.abc import Callable

from django.urls import URLPattern, path

from market.bus import Bus
from replay.consumers import ReplayConsumer
from replay.players import Players


def websocket_urls(players: Players, bus: Bus, revoke_topic: Callable[[str], str]) -> list[URLPattern]:
    """bus: where messages of other processes come from; revoke_topic: the topic of a login's end."""
    consumer = ReplayConsumer.as_asgi(players=players, bus=bus, revoke_topic=revoke_topic)
    return [path("ws/replay/<uuid:session_id>/", consumer)]
