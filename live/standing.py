"""How the feed stands, as a web process knows it."""

import time
from collections.abc import Callable
from typing import Any

from live.engine.standing import Standing


class Feed:
    """The newest state; without one for a while the feed is off. changed: called when a state has come."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._standing = Standing({}, 0)
        self._changed = changed

    @property
    def state(self) -> dict[str, Any]:
        return self._standing.state

    def hear(self, body: dict[str, Any]) -> None:
        """A state has come."""
        self._standing = Standing(body, time.monotonic_ns())
        self._changed()

    def of(self, root: str) -> dict[str, Any]:
        """What a page that shows an asset is told of it."""
        return self._standing.of(root, time.monotonic_ns())
