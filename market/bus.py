"""Where messages of other processes come from."""

from collections.abc import Callable
from typing import Any, Protocol

Listener = Callable[[dict[str, Any]], None]


class Bus(Protocol):
    """`futsim.hub.Hub`, as the rooms below see it."""

    async def subscribe(self, topic: str, listener: Listener) -> None: ...
    async def unsubscribe(self, topic: str, listener: Listener) -> None: ...
