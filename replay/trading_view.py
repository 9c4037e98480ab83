"""What one browser has been told of orders, fills and money, and what comes next."""

from dataclasses import dataclass, field
from typing import Any

from trading.desk import Desk


@dataclass
class TradingView:
    """How far one browser has come. _version: of the desk's books; 0 before anything."""

    _version: int = 0
    _money: dict[str, Any] = field(default_factory=dict)
    _queues: dict[str, tuple[int, int]] = field(default_factory=dict)

    def forget(self) -> None:
        """The browser has nothing."""
        self._version, self._money, self._queues = 0, {}, {}

    def changes(self, desk: Desk | None) -> dict[str, Any]:
        """`trading`, `money` and `queues` of a message, as far as they have changed."""
        if desk is None or not desk.books.version:
            return {}
        body: dict[str, Any] = {}
        changed = desk.books.changes(self._version)
        if changed is not None:
            self._version = desk.books.version
            body["trading"] = changed
        money, queues = desk.money(), desk.queues()
        if money != self._money:
            self._money = body["money"] = money
        if queues != self._queues:
            self._queues = body["queues"] = queues
        return body
