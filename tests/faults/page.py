"""A page's side of live: follows the topics as docs/live.md says, without a browser."""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from futsim.hub import Hub
from live import history, topics

Bar = tuple[int, ...]


class Page:
    """The bars of each (root, trade date) as the messages tell them; what was missed is read from the history."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self.lags: list[int] = []
        """How old (ns of the market) the newest print was in each message that told one."""
        self.bars: dict[tuple[str, str], list[Bar]] = defaultdict(list)
        self.messages: list[dict[str, Any]] = []
        self.states: list[dict[str, Any]] = []
        self.rolls: list[dict[str, Any]] = []
        self.catch_ups = 0

    def take(self, body: dict[str, Any]) -> None:
        self.messages.append(body)
        if body["kind"] == "roll":
            self.rolls.append(body)
            return
        if body["last"] is not None:
            self.lags.append(self._now_ns() - body["last"][0])
        held = self.bars[body["root"], body["trade_date"]]
        index, new = body["index"], body["bars"]
        if new is None or index > len(held):
            self.catch_ups += 1
            held[:] = self._read(body["root"], body["trade_date"])
            return
        held[index:] = [tuple(bar) for bar in new] if new or index < len(held) else []

    def _read(self, root: str, trade_date: str) -> list[Bar]:
        key = next(key for key in history.sessions(root) if key.trade_date == trade_date)
        bars = history.read(key)
        return list(zip(*(getattr(bars, name).tolist() for name in type(bars).COLUMNS), strict=True))


@contextmanager
def looking(roots: Sequence[str], now_ns: Callable[[], int] = time.time_ns) -> Iterator[Page]:
    """A page that looks at these assets, in a thread with a hub, as in the web process. now_ns: the market's clock."""
    page, hub, loop = Page(now_ns), Hub(), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def begin() -> None:
        for root in roots:
            await hub.subscribe(topics.bars(root), page.take)
        await hub.subscribe(topics.STATE, page.states.append)

    asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    try:
        yield page
    finally:
        asyncio.run_coroutine_threadsafe(hub.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
