"""What a trader may ask of the broker: messages, never changed once made.

Prices are int64 in 1e-9 units, times int64 UTC ns, quantities contracts or shares. A command's `id` is the client's and
makes it idempotent: a second one with the same id does nothing.
"""

from dataclasses import dataclass, field

from trading.engine.rules import Rules
from trading.engine.settings import FillSettings
from trading.engine.terms import OrderType, Side, TimeInForce

MAX_TRIGGERS = 5


@dataclass(frozen=True, slots=True)
class Target:
    """One profit target. ticks: its distance from the entry. quantity: None for all that is left."""

    ticks: int
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Breakeven:
    """After `after` ticks in favour the stop goes to the entry plus `plus` ticks, once."""

    after: int
    plus: int = 0


@dataclass(frozen=True, slots=True)
class Trail:
    """From `trigger` ticks in favour on, the stop follows the best print at `distance` ticks, in steps of `step`."""

    trigger: int
    distance: int
    step: int = 1


@dataclass(frozen=True, slots=True)
class Exits:
    """How an entry is left: a bracket, or an ATM strategy with several targets and a stop that moves.

    All distances are in ticks from the price of the entry's first fill.
    """

    targets: tuple[Target, ...] = ()
    stop: int | None = None
    breakeven: Breakeven | None = None
    trail: Trail | None = None

    def __post_init__(self) -> None:
        if any(target.ticks < 1 for target in self.targets) or (self.stop is not None and self.stop < 1):
            raise ValueError("Targets and stops are at least one tick away.")
        if any(target.quantity is None for target in self.targets[:-1]):
            raise ValueError("Only the last target may take all that is left.")
        if self.stop is None and (self.breakeven or self.trail):
            raise ValueError("Breakeven and trail move a stop: give one.")


@dataclass(frozen=True, slots=True)
class OrderSpec:
    """An order as it was asked for.

    limit: of limit and stop_limit. stop: of stop and stop_limit. offset, step: ticks, of a trailing_stop.
    oco: the name of a pair; what fills one shrinks the other. triggers: orders sent when this one is filled.
    origin: ticket, ladder, chart, hotkey, a script's name.
    """

    contract: str
    side: Side
    quantity: int
    type: OrderType = OrderType.MARKET
    limit: int | None = None
    stop: int | None = None
    offset: int | None = None
    step: int = 1
    tif: TimeInForce = TimeInForce.DAY
    exits: Exits | None = None
    oco: str | None = None
    triggers: tuple["OrderSpec", ...] = ()
    post_only: bool = False
    reduce_only: bool = False
    route: str = ""
    origin: str = "ticket"

    def __post_init__(self) -> None:
        wrong = self._wrong()
        if wrong:
            raise ValueError(wrong)

    def _wrong(self) -> str | None:
        if self.quantity < 1:
            return f"A quantity is at least 1, not {self.quantity}."
        if (self.limit is not None) != (self.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)):
            return f"A {self.type} order has {'no' if self.limit is not None else 'a'} limit."
        if (self.stop is not None) != (self.type in (OrderType.STOP, OrderType.STOP_LIMIT)):
            return f"A {self.type} order has {'no' if self.stop is not None else 'a'} stop price."
        if (self.offset is not None) != (self.type is OrderType.TRAILING_STOP):
            return f"A {self.type} order has {'no' if self.offset is not None else 'an'} offset."
        if (self.offset is not None and self.offset < 1) or self.step < 1:
            return "A trailing stop's offset and step are at least one tick."
        if self.post_only and (self.type is not OrderType.LIMIT or self.tif.is_immediate):
            return "Only a resting limit order can be post-only."
        return f"At most {MAX_TRIGGERS} trigger orders." if len(self.triggers) > MAX_TRIGGERS else None


def _check_name(name: str) -> None:
    """Names with a dot are those of orders that the broker makes itself: "entry.stop2"."""
    if not name or "." in name:
        raise ValueError(f"{name!r} is no id: one has at least a letter, and no dots.")


@dataclass(frozen=True, slots=True)
class Submit:
    """Send an order; `id` is its client order id."""

    id: str
    order: OrderSpec

    def __post_init__(self) -> None:
        _check_name(self.id)


@dataclass(frozen=True, slots=True)
class Replace:
    """Change a pending or working order; None leaves a field as it is. quantity: the new total, filled part included.

    Less quantity at the same price keeps the place in the queue; anything else loses it.
    """

    id: str
    order: str
    quantity: int | None = None
    limit: int | None = None
    stop: int | None = None
    offset: int | None = None

    def __post_init__(self) -> None:
        if self.quantity is not None and self.quantity < 1:
            raise ValueError(f"A quantity is at least 1, not {self.quantity}.")


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel the order with this client order id."""

    id: str
    order: str


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel all orders of a contract, or of the account where it is None."""

    id: str
    contract: str | None = None


@dataclass(frozen=True, slots=True)
class Flatten:
    """Cancel all orders of a contract (None: of all) and close its position at the market."""

    id: str
    contract: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.id)


@dataclass(frozen=True, slots=True)
class Reverse:
    """Cancel the contract's orders and turn the position round: one market order of twice its size."""

    id: str
    contract: str

    def __post_init__(self) -> None:
        _check_name(self.id)


@dataclass(frozen=True, slots=True)
class ClosePart:
    """Close so much of the position at the market; refused where it is more than there is."""

    id: str
    contract: str
    quantity: int

    def __post_init__(self) -> None:
        _check_name(self.id)
        if self.quantity < 1:
            raise ValueError(f"A quantity is at least 1, not {self.quantity}.")


@dataclass(frozen=True, slots=True)
class Lock:
    """No new positions until the end of the market day (17:00 ET). hard: nobody lifts it before."""

    id: str
    reason: str
    hard: bool = False


@dataclass(frozen=True, slots=True)
class Unlock:
    """Lift a soft lock; the written reason is kept."""

    id: str
    reason: str = field(default="")

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise ValueError("A lock is lifted with a written reason.")


@dataclass(frozen=True, slots=True)
class Adopt:
    """Other rules from now on; locks stay."""

    id: str
    rules: Rules


@dataclass(frozen=True, slots=True)
class Assume:
    """Other assumptions of fills from now on; what is on its way arrives as it was sent, and queues stay."""

    id: str
    settings: FillSettings


@dataclass(frozen=True, slots=True)
class Locate:
    """Borrow shares of a hard-to-borrow stock for this market day, for a fee."""

    id: str
    contract: str
    shares: int

    def __post_init__(self) -> None:
        if self.shares < 1:
            raise ValueError(f"At least one share is located, not {self.shares}.")


Command = (
    Submit | Replace | Cancel | CancelAll | Flatten | Reverse | ClosePart | Lock | Unlock | Adopt | Assume | Locate
)
