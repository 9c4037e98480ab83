"""An order as it lives in the engine."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trading.engine.commands import OrderSpec
from trading.engine.terms import STOP_TYPES, OrderType, Reason, Side, Status

if TYPE_CHECKING:
    from trading.engine.exits import ExitGroup


@dataclass(slots=True, eq=False)
class Order:
    """State of one order; integers only. Prices 1e-9 units, times UTC ns.

    number: own, ascending with creation. placed_ns: the trader's moment; act_ns: when it reaches the exchange.
    limit: None for a market order that has not met an opposite price; then its protection. anchor: best print of a
    trailing stop. triggered: a stop that works as what it became; set_off: the print that did
    it (price, size, record), None for none. group: the exits this order belongs to or, as their
    entry, has. is_exit: it closes what the entry opened.
    """

    number: int
    client_id: str
    spec: OrderSpec
    placed_ns: int
    act_ns: int
    quantity: int
    limit: int | None
    stop: int | None
    offset: int | None
    cause: Reason = Reason.USER
    status: Status = Status.PENDING
    filled: int = 0
    triggered: bool = False
    set_off: tuple[int, int, int] | None = None
    anchor: int | None = None
    ahead_placed: int | None = None
    group: "ExitGroup | None" = None
    is_exit: bool = False
    is_short: bool = False
    """A sell of more than was held when it reached the market."""
    protected: bool = False
    """The limit is a market order's protection."""

    @property
    def side(self) -> Side:
        return self.spec.side

    @property
    def contract(self) -> str:
        return self.spec.contract

    @property
    def left(self) -> int:
        return self.quantity - self.filled

    @property
    def is_over(self) -> bool:
        return self.status.is_over

    @property
    def is_stop(self) -> bool:
        """Whether it still waits for its trigger."""
        return self.spec.type in STOP_TYPES and not self.triggered

    @property
    def is_market(self) -> bool:
        """Whether it takes whatever price there is, within its protection."""
        return self.spec.type not in (OrderType.LIMIT, OrderType.STOP_LIMIT)

    @property
    def reduces(self) -> bool:
        return self.is_exit or self.spec.reduce_only

    @property
    def is_rules_own(self) -> bool:
        """Whether the account's rules close a position with it."""
        return self.cause is Reason.RISK

    @property
    def pair(self) -> object:
        """What target and stop of one position have in common; None for an order that stands alone."""
        if self.is_exit:
            return self.group
        return (self.contract, self.spec.oco) if self.spec.oco else None

    @property
    def latency_ns(self) -> int:
        return self.act_ns - self.placed_ns
