"""The WebSockets of this room."""

from collections.abc import Callable

from django.urls import URLPattern, path

from alerts.board import Board
from alerts.consumers import AlertsConsumer
from market.bus import Bus


def websocket_urls(board: Board, bus: Bus, revoke_topic: Callable[[str], str]) -> list[URLPattern]:
    """bus: where messages of other processes come from; revoke_topic: the topic of a login's end."""
    return [path("ws/alerts/", AlertsConsumer.as_asgi(board=board, bus=bus, revoke_topic=revoke_topic))]
