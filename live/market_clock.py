"""What time it is in the market that the live gateway shows, asked before a session begins.

Databento's is the machine's time. The stand-in's goes back on closed days; it has an address that tells.
"""

import base64
import http.client
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

CLOCK_PATH = "/_standin/clock"
ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class MarketClock:
    """now_ns: UTC ns in the market. shift_ns: how far that is behind the machine's time on a closed day."""

    now_ns: int
    shift_ns: int


def read() -> MarketClock:
    """The market's clock. Raises OSError where the synthetic market's gateway does not answer."""
    if settings.SYNTHETIC_MARKET:
        answer = _ask_standin()
        if answer is not None:
            return MarketClock(int(answer["live_now_ns"]), int(answer["live_shift_ns"]))
    return MarketClock(time.time_ns(), 0)


def _ask_standin() -> dict[str, int] | None:
    """None where the gateway is another one, that knows no such address."""
    address = urlsplit(settings.DATABENTO_GATEWAY)
    if address.scheme != "http":
        return None
    token = base64.b64encode(f"{settings.DATABENTO_API_KEY}:".encode()).decode()
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", CLOCK_PATH, headers={"Authorization": f"Basic {token}"})
        response = connection.getresponse()
        body = response.read()
        found: dict[str, int] | None = json.loads(body) if response.status == http.HTTPStatus.OK else None
        return found
    except http.client.HTTPException as problem:
        raise OSError(str(problem)) from None
    finally:
        connection.close()
