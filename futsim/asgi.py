"""HTTP and WebSockets. `daphne futsim.asgi:application`."""

import gc
import os
import sys

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.signals import request_finished
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "futsim.settings")
http = get_asgi_application()

# Models can be imported only once the line above has set Django up.
from accounts.signals import revoke_topic  # noqa: E402
from alerts import routing as alerts_routing  # noqa: E402
from alerts.board import Board  # noqa: E402
from futsim.hub import Hub  # noqa: E402
from live import routing as live_routing  # noqa: E402
from live.screens import Screens  # noqa: E402
from market import routing as market_routing  # noqa: E402
from market.sessions import CALENDARS, calendar  # noqa: E402
from replay import routing as replay_routing  # noqa: E402
from replay.players import Players  # noqa: E402


def hang_up(**_: object) -> None:
    """Close the database connection of the request's thread, which ends with the request.

    Kept connections of such threads would pile up until Postgres refuses more.
    """
    connections.close_all()


request_finished.connect(hang_up)
# A thread that computes must not keep the sockets' loop waiting, nor those that talk to Postgres: they let go of Python
# with every packet and get it back after this. With the usual 5 ms and a hundred replays at play, an order of eight
# packets was acknowledged after seconds.
sys.setswitchinterval(0.0005)
# Building the calendars takes part of a second, which nobody's first page should wait for.
for name in CALENDARS:
    calendar(name)

hub = Hub()
addresses = [
    *market_routing.websocket_urls(hub, revoke_topic),
    *alerts_routing.websocket_urls(Board(hub), hub, revoke_topic),
    *live_routing.websocket_urls(Screens(hub), hub, revoke_topic),
    *replay_routing.websocket_urls(Players(hub), hub, revoke_topic),
]
sockets = AuthMiddlewareStack(URLRouter(addresses))
application = ProtocolTypeRouter({"http": http, "websocket": OriginValidator(sockets, settings.ALLOWED_ORIGINS)})
# What is there now stays: to look through it for garbage again and again would stop all sockets each time.
gc.freeze()
