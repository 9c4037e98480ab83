"""The feed's side of live without a gateway: keeps bars and tells them as the worker does."""

import time
from datetime import date
from typing import Any

from live import history, topics
from live.engine.bars import Bar
from live.engine.ledger import Ledger, Write
from live.history import History, Position, SessionKey
from market.models import Asset
from market.sessions import SECOND_NS

TICK = 250_000_000
BEHIND_NS = SECOND_NS // 2


def forget() -> None:
    """Nothing is held."""
    history.forget()
    for each in ("position", "state"):
        history.client().delete(history.name(each))


class Telling:
    """One asset of a feed: its current session, and what has been told of it."""

    def __init__(self, root: str = "NQ") -> None:
        self.root = root
        self.epoch = 1
        self.market_ns = 0
        self.forming: Bar | None = None
        self._history = History()

    async def stop(self) -> None:
        await self._history.close()

    def begin_at(self, day: str, symbol: str, contract_id: int = 1) -> SessionKey:
        """Another session. Its key; nothing is written yet. Reads the database."""
        session = Asset.objects.get(root=self.root).sessions.session(date.fromisoformat(day))
        assert session is not None
        self.session = session
        self.key = SessionKey(self.root, day, contract_id, symbol, session.open_ns, session.open_ns)
        self.ledger = Ledger()
        return self.key

    async def begin(self) -> None:
        """Note the session, as the worker does at its opening, and tell a roll."""
        before = await self._history.begin(self.key)
        self.market_ns = max(self.market_ns, self.key.open_ns)
        if before is not None and before.contract_id != self.key.contract_id:
            await topics.publish(topics.bars(self.root), topics.roll_body(before, self.key))
            self.left = before

    async def spread(self, spread: int) -> None:
        """How far the new contract opened above the old one has become known."""
        await self._history.write([], [], [(self.key, spread)], self._position)
        await topics.publish(topics.bars(self.root), topics.roll_body(self.left, self.key, spread))

    def bar(self, second: int, close: int = 80_000, volume: int = 5) -> Bar:
        """A bar of a second since the opening; prices in ticks."""
        price = close * TICK
        return self.key.open_ns + second * SECOND_NS, price, price + 2 * TICK, price - TICK, price, volume

    async def close(self, *bars: Bar, told: bool = True, forming: Bar | None = None) -> None:
        """Seconds close, or are amended. told: whether the message arrives."""
        write = self.ledger.put(bars)
        assert write is not None
        self.forming = forming
        await self._keep(write)
        self.market_ns = max(self.market_ns, max(bar[0] for bar in bars) + SECOND_NS + BEHIND_NS)
        if told:
            await self.tell(write.index, write.bars)

    async def form(self, bar: Bar) -> None:
        """A print in the second that has not closed."""
        self.forming = bar
        self.market_ns = max(self.market_ns, bar[0] + BEHIND_NS)
        await self.tell(self.ledger.count, ())

    async def tell(self, index: int, closed: Any) -> None:
        """A message, as it is, whether it is true or not."""
        newest = self.forming or (closed[-1] if closed else None)
        body = topics.bars_body(
            self.key,
            self.epoch,
            index=index,
            closed=closed,
            forming=self.forming,
            last=(newest[0], newest[4], newest[5], "B") if newest else None,
            market_ns=self.market_ns,
        )
        await topics.publish(topics.bars(self.root), body)

    async def tell_state(self, **changes: Any) -> None:
        """What the supervisor tells once a second."""
        asset = {
            "symbol": self.key.symbol,
            "trade_date": self.key.trade_date,
            "bars": self.ledger.count,
            "is_open": True,
            "opens_ns": self.market_ns,
            "coming": None,
        }
        state = {
            "kind": "state",
            "feed": "live",
            "words": "The feed is up.",
            "market_ns": self.market_ns,
            "epoch": self.epoch,
            "at_ns": time.time_ns(),
            "assets": {self.root: asset},
        }
        await topics.publish(topics.STATE, state | changes)

    @property
    def _position(self) -> Position:
        return Position(self.market_ns, self.epoch)

    async def _keep(self, write: Write) -> None:
        await self._history.write([(self.key, write)], [], [], self._position)
