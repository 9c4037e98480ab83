"""Fan-out: one Channels group membership per web process and topic, any number of listeners in it.

A group member per socket costs a pub/sub connection's worth of work for each; one member per process
was measured four times faster. Listeners are called in this process's event loop and must not block.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

log = logging.getLogger(__name__)

Listener = Callable[[dict[str, Any]], None]


class Hub:
    """Delivers `{"type": "hub.message", "topic": …, "body": …}` sent to a group to the topic's listeners."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._channel: str | None = None
        self._pump: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """Call `listener(body)` for every message on the topic from now on."""
        async with self._lock:
            if self._pump is None or self._pump.done():
                self._channel = await get_channel_layer().new_channel()
                self._pump = asyncio.create_task(self._run(self._channel), name="hub")
            if not self._listeners[topic]:
                await get_channel_layer().group_add(topic, self._channel)
            self._listeners[topic].add(listener)

    async def unsubscribe(self, topic: str, listener: Listener) -> None:
        """Stop calling the listener; unknown ones are ignored."""
        async with self._lock:
            self._listeners[topic].discard(listener)
            if not self._listeners[topic]:
                del self._listeners[topic]
                with contextlib.suppress(OSError):
                    await get_channel_layer().group_discard(topic, self._channel)

    async def stop(self) -> None:
        """Stop listening."""
        if self._pump is not None:
            self._pump.cancel()

    async def _run(self, channel: str) -> None:
        layer = get_channel_layer()
        while True:
            message = await layer.receive(channel)
            for listener in tuple(self._listeners.get(message["topic"], ())):
                try:
                    listener(message["body"])
                except Exception:
                    log.exception("a listener of %s failed", message["topic"])
