"""Keeps the state and sends it to the pages, once a second, in a thread that may wait for Valkey."""

import asyncio
import logging
import threading
import time
from typing import Any

from redis.exceptions import RedisError

from live import status, topics

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
SEND_SECONDS = 2.0


class Teller:
    """What was told last is what is sent; what it does not mention is left as it was told before."""

    def __init__(self) -> None:
        self._state: dict[str, Any] = {}
        self._over = threading.Event()
        self._has_started = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="teller", daemon=True)

    def tell(self, state: dict[str, Any]) -> None:
        """From now on the state is this."""
        self._state = self._state | state
        if not self._has_started:
            self._has_started = True
            self._thread.start()

    def stop(self) -> None:
        """Say that the feed is over, and end."""
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(SEND_SECONDS)

    async def _run(self) -> None:
        while not self._over.is_set():
            await self._send(self._state | {"at_ns": time.time_ns()})
            await asyncio.sleep(EVERY_SECONDS)
        await self._send(self._state | {"phase": "stopped", "at_ns": 0})

    async def _send(self, state: dict[str, Any]) -> None:
        try:
            await asyncio.to_thread(status.write, state)
            async with asyncio.timeout(SEND_SECONDS):
                await topics.publish(topics.STATE, _for_all(state))
        except (RedisError, OSError) as problem:
            log.warning("the state was not told: %s", problem)
        except Exception:
            log.exception("the state was not told")  # the supervisor goes on in any case


def _for_all(state: dict[str, Any]) -> dict[str, Any]:
    """What every user may see."""
    return status.shown_to_all(state) | {"kind": "state", "feed": status.feed_of(state), "words": status.words(state)}
