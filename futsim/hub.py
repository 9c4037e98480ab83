"""Fan-out: one Channels group membership per web process and topic, any number of listeners in it.

A group member per socket costs a pub/sub connection's worth of work for each; one member per process
was measured four times faster. Listeners are called in this process's event loop and must not block.

An outage of Valkey costs messages, never a listener: subscribing does not fail, and the groups are joined as soon as
Valkey is back. Whoever cannot do without a message looks for itself now and then.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

log = logging.getLogger(__name__)

Listener = Callable[[dict[str, Any]], None]

JOIN_SECONDS, AGAIN_SECONDS = 2.0, 0.5
"""How long Valkey may take to answer, and the pause until it is asked again."""


class Hub:
    """Delivers `{"type": "hub.message", "topic": …, "body": …}` sent to a group to the topic's listeners."""

    def __init__(self) -> None:
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._joined: set[str] = set()
        self._channel: str | None = None
        self._pump: asyncio.Task[None] | None = None
        self._again: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def subscribe(self, topic: str, listener: Listener) -> None:
        """Call `listener(body)` for every message on the topic from now on, or from the end of an outage on."""
        self._listeners[topic].add(listener)
        await self._settle()

    async def unsubscribe(self, topic: str, listener: Listener) -> None:
        """Stop calling the listener; unknown ones are ignored."""
        self._listeners[topic].discard(listener)
        if not self._listeners[topic]:
            del self._listeners[topic]
        await self._settle()

    async def stop(self) -> None:
        """Stop listening."""
        for task in (self._again, self._pump):
            if task is not None:
                task.cancel()

    async def _settle(self) -> None:
        """Be in the groups that have listeners and in no other; in an outage, later."""
        if self._is_retrying:
            return
        if not await self._join_and_leave():
            self._again = asyncio.create_task(self._settle_later(), name="hub joins again")

    @property
    def _is_retrying(self) -> bool:
        return self._again is not None and not self._again.done()

    async def _settle_later(self) -> None:
        settled = False
        while not settled:
            await asyncio.sleep(AGAIN_SECONDS)
            settled = await self._join_and_leave()
        log.info("the message groups are joined again")

    async def _join_and_leave(self) -> bool:
        """Whether Valkey took all of it."""
        async with self._lock:
            try:
                async with asyncio.timeout(JOIN_SECONDS):
                    await self._align(await self._open_channel())
            # two tasks that reconnect at once can get into each other's way, which shows as RuntimeError
            except (RedisError, OSError, RuntimeError) as problem:
                log.warning("the message groups cannot be joined now (%s)", problem or type(problem).__name__)
                return False
        return True

    async def _open_channel(self) -> str:
        if self._channel is None or self._pump is None or self._pump.done():
            self._channel = await get_channel_layer().new_channel()
            self._joined.clear()
            self._pump = asyncio.create_task(self._run(self._channel), name="hub")
        return self._channel

    async def _align(self, channel: str) -> None:
        layer = get_channel_layer()
        # looked up each time: listeners come and go meanwhile
        while topic := next(iter(self._listeners.keys() - self._joined), None):
            await layer.group_add(topic, channel)
            self._joined.add(topic)
        while topic := next(iter(self._joined - self._listeners.keys()), None):
            await layer.group_discard(topic, channel)
            self._joined.discard(topic)

    async def _run(self, channel: str) -> None:
        layer = get_channel_layer()
        while True:
            message = await layer.receive(channel)
            for listener in tuple(self._listeners.get(message["topic"], ())):
                try:
                    listener(message["body"])
                except Exception:
                    log.exception("a listener of %s failed", message["topic"])
