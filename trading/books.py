"""What a desk shows: the orders, fills and money that are committed, as pages get them.

The engine may be ahead of what Postgres has; nothing of that is shown. Prices are whole ticks of the contract's own
prices, times UTC ns as text, money dollars and cents as text.
"""

from collections.abc import Iterable
from copy import copy
from fractions import Fraction
from typing import Any

from trading.engine.account import Position
from trading.engine.broker import Broker
from trading.engine.orders import Order
from trading.engine.records import Event, Fill, explain
from trading.engine.risk import DOLLAR
from trading.engine.terms import Change, Reason, Side

LISTED_ORDERS = 200
"""A page gets the working orders, and the last so many that are over; the journal has the others."""
LISTED_FILLS = 500
TOLD = ("reason", "text", "refused")
SIDES = {Side.BUY: "buy", Side.SELL: "sell"}


class Books:
    """The committed state of one take. version: grows with each change; `changes` tells what is newer than one."""

    def __init__(self) -> None:
        self.version = 0
        self.reset_at = 0
        """What was told before this version is not true any more."""
        self.take = 0
        self.tick = 1
        self._orders: dict[int, tuple[int, dict[str, Any]]] = {}
        self._fills: list[tuple[int, dict[str, Any]]] = []
        self._positions: list[Position] = []
        self._account: dict[str, Any] = {}
        self._cash = self._day = Fraction()
        self._day_ends_ns = 0
        self._counted: tuple[int, dict[str, int | None], bool] = 0, {}, False
        self._money: dict[str, Any] = {}

    def reset(self, broker: Broker, take: int, tick: int) -> None:
        """All anew: another take, or the same after it was rebuilt."""
        self._orders.clear()
        self._fills.clear()
        self.take, self.tick = take, tick
        self.update(broker, broker.orders.values(), broker.events, broker.fills)
        self.reset_at = self.version

    def clear(self, cash: int, take: int = 0) -> None:
        """Nothing has been traded."""
        self._orders.clear()
        self._fills.clear()
        self._positions, self._account = [], {"lock": None, "hard": False, "max_position": None}
        self._cash, self._day, self._day_ends_ns = Fraction(cash), Fraction(), 0
        self.take = take
        self.version += 1
        self.reset_at = self.version

    def update(self, broker: Broker, orders: Iterable[Order], events: Iterable[Event], fills: Iterable[Fill]) -> None:
        """What has been committed since."""
        self.version += 1
        last = {event.client_id: event for event in events if _is_about_an_order(event, broker.orders)}
        told = {order.number: order for order in (*orders, *(broker.orders[name] for name in last))}
        for number, order in told.items():
            why = _reason(last[order.client_id]) if order.client_id in last else self._told(order)
            self._orders[number] = self.version, why | order_body(order, self.tick)
        self._fills += [(self.version, fill_body(fill, self.tick)) for fill in fills]
        self._positions = [copy(position) for _, position in sorted(broker.account.positions.items())]
        self._cash = Fraction(broker.account.cash)
        self._day, self._day_ends_ns = broker.guard.day_realised, broker.guard.day_ends_ns
        guard = broker.guard
        self._account = {"lock": guard.lock, "hard": guard.lock_is_hard, "max_position": guard.rules.max_position_each}

    def _told(self, order: Order) -> dict[str, Any]:
        known = self._orders.get(order.number)
        return {name: known[1][name] for name in TOLD} if known else dict(zip(TOLD, ("", "", False), strict=True))

    def changes(self, since: int) -> dict[str, Any] | None:
        """Orders and fills newer than a version, by time of change; None without any."""
        if since >= self.version:
            return None
        fresh = since < self.reset_at
        since = 0 if fresh else since
        orders = [body for version, body in self._orders.values() if version > since]
        fills = [body for version, body in self._fills if version > since][-LISTED_FILLS:]
        if fresh:
            over = [body for body in orders if body["over"]][-LISTED_ORDERS:]
            orders = [body for body in orders if not body["over"]] + over
        return {"reset": fresh, "take": self.take, "orders": orders, "fills": fills}

    def money(self, marks: dict[str, int | None], ns: int) -> dict[str, Any]:
        """Positions and the account at these last prices (1e-9 units, by contract); never changed once made."""
        # nothing tells of 17:00 ET but the clock: the lock and the day's figures end by themselves
        is_over = ns >= self._day_ends_ns > 0
        counted = self.version, marks, is_over
        if self._counted != counted:  # asked for each frame, and mostly nothing has changed
            self._counted, self._money = counted, self._count(marks, is_over=is_over)
        return self._money

    def _count(self, marks: dict[str, int | None], *, is_over: bool) -> dict[str, Any]:
        opened = {held.instrument.name: _open(held, marks.get(held.instrument.name)) for held in self._positions}
        realised = sum((held.realised - held.fees for held in self._positions), Fraction())
        total = sum(opened.values(), Fraction())
        positions = [
            position_body(held, opened[held.instrument.name], marks.get(held.instrument.name), self.tick)
            for held in self._positions
        ]
        standing = self._account | {"lock": None, "hard": False} if is_over else self._account
        account = {
            "equity": cents(self._cash + realised + total),
            "realised": cents(realised),
            "day": cents(Fraction() if is_over else self._day),
            "open": cents(total),
        }
        return {"positions": positions, "account": account | standing}

    @property
    def held(self) -> list[str]:
        """The contracts with an open position."""
        return [position.instrument.name for position in self._positions if position.quantity]


def _open(held: Position, mark: int | None) -> Fraction:
    return Fraction() if mark is None or not held.quantity else held.open_money(mark)


def _is_about_an_order(event: Event, orders: dict[str, Order]) -> bool:
    """Whether it tells of an order, be it that a change could not be made; of one that is over, that is no news."""
    if event.order is not None or event.change is not Change.REFUSED:
        return event.order is not None
    return event.client_id in orders and not orders[event.client_id].is_over


def _reason(event: Event) -> dict[str, Any]:
    """refused: it tells of a change that could not be made to the order, which is as it was."""
    return dict(zip(TOLD, (event.reason, event.text, event.change is Change.REFUSED), strict=True))


def order_body(order: Order, tick: int) -> dict[str, Any]:
    """One order as it stands."""
    return {
        "number": order.number,
        "id": order.client_id,
        "contract": order.contract,
        "side": SIDES[order.side],
        "type": order.spec.type,
        "tif": order.spec.tif,
        "quantity": order.quantity,
        "filled": order.filled,
        "limit": _ticks(order.limit if not order.is_market else None, tick),
        "stop": _ticks(order.stop, tick),
        "offset": order.offset,
        "status": order.status,
        "over": order.is_over,
        "triggered": order.triggered,
        "exit": order.is_exit,
        "entry": order.group.entry.client_id if order.group is not None and order.is_exit else None,
        "oco": order.spec.oco,
        "short": order.is_short,
        "origin": order.spec.origin,
        "fixed": order.is_rules_own,
        "placed": str(order.placed_ns),
    }


def fill_body(fill: Fill, tick: int) -> dict[str, Any]:
    """One execution with its explanation. price: ticks."""
    return {
        "number": fill.number,
        "order": fill.order,
        "id": fill.client_id,
        "contract": fill.contract,
        "side": SIDES[fill.side],
        "quantity": fill.quantity,
        "price": fill.price // tick,
        "ns": str(fill.ns),
        "fee": cents(Fraction(fill.fee)),
        "grade": fill.why.grade,
        "flags": list(fill.why.flags),
        "text": explain(fill),
    }


def position_body(held: Position, opened: Fraction, mark: int | None, tick: int) -> dict[str, Any]:
    """One position; average: ticks, a float for the chart; realised after fees."""
    average = held.average
    return {
        "contract": held.instrument.name,
        "quantity": held.quantity,
        "average": None if average is None else float(average / tick),
        "mark": None if mark is None else mark // tick,
        "realised": cents(held.realised - held.fees),
        "fees": cents(Fraction(held.fees)),
        "open": cents(opened),
    }


def cents(money: Fraction) -> str:
    """Dollars and cents of 1e-9 dollars."""
    total = round(money / (DOLLAR // 100))
    return f"{'-' if total < 0 else ''}{abs(total) // 100}.{abs(total) % 100:02}"


def _ticks(price: int | None, tick: int) -> int | None:
    return None if price is None else price // tick


LEVELS = {Change.REJECTED: "error", Change.REFUSED: "error", Change.LOCKED: "error", Change.WARNED: "warn"}


def log_lines(events: Iterable[Event], orders: dict[str, Order]) -> list[tuple[str, str]]:
    """(level, text) of what a trader is told in words: fills, rejections, and what became of the account."""
    lines = []
    for event in events:
        order = orders.get(event.client_id)
        if event.fill is not None:
            word = "Bought" if event.fill.side is Side.BUY else "Sold"
            lines.append(("info", f"{word} {explain(event.fill)}"))
        elif event.change is Change.REJECTED and order is not None:
            lines.append(("error", f"Order rejected ({SIDES[order.side]} {order.quantity}): {event.text}."))
        elif event.change in LEVELS or event.change in (Change.UNLOCKED, Change.LOCATED):
            lines.append((LEVELS.get(event.change, "info"), f"{event.change.capitalize()}: {event.text}."))
        elif event.change is Change.CANCELLED and event.reason is Reason.EXPIRED and order is not None:
            lines.append(("warn", f"Order #{order.number} cancelled: {event.text}."))
        elif event.change is Change.EXPIRED and order is not None:
            lines.append(("info", f"Order #{order.number} expired at the close."))
    return lines
