"""What a browser may ask of the broker (docs/protocol.md), validated once, at the door.

Prices are whole ticks of the contract's own prices. `id` is the browser's and makes a command idempotent.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from trading.engine import commands
from trading.engine.commands import Command, OrderSpec
from trading.engine.terms import OrderType, Side, TimeInForce

MOST = 1_000_000
"""Contracts or shares of one order, and ticks of a distance."""
MOST_TICKS = 10**10

Id = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
OrderId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_.-]{1,80}$")]
"""Of an order that may be the broker's own: those have dots."""
Contract = Annotated[str, Meta(min_length=1, max_length=12)] | None
Quantity = Annotated[int, Meta(ge=1, le=MOST)]
Ticks = Annotated[int, Meta(ge=-MOST_TICKS, le=MOST_TICKS)]
Distance = Annotated[int, Meta(ge=1, le=MOST)]
Label = Annotated[str, Meta(max_length=40)]
Words = Annotated[str, Meta(min_length=1, max_length=400)]
Ref = Annotated[str, Meta(max_length=64)] | None


class Target(Struct, frozen=True, forbid_unknown_fields=True):
    ticks: Distance
    quantity: Quantity | None = None


class Breakeven(Struct, frozen=True, forbid_unknown_fields=True):
    after: Distance
    plus: Annotated[int, Meta(ge=-MOST, le=MOST)] = 0


class Trail(Struct, frozen=True, forbid_unknown_fields=True):
    trigger: Distance
    distance: Distance
    step: Distance = 1


class Exits(Struct, frozen=True, forbid_unknown_fields=True):
    targets: Annotated[list[Target], Meta(max_length=8)] = []
    stop: Distance | None = None
    breakeven: Breakeven | None = None
    trail: Trail | None = None


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """See `trading.engine.commands.OrderSpec`. contract: the front month where none is named."""

    side: Literal["buy", "sell"]
    quantity: Quantity
    type: OrderType = OrderType.MARKET
    contract: Contract = None
    limit: Ticks | None = None
    stop: Ticks | None = None
    offset: Distance | None = None
    step: Distance = 1
    tif: TimeInForce = TimeInForce.DAY
    exits: Exits | None = None
    oco: Annotated[str, Meta(min_length=1, max_length=40)] | None = None
    triggers: Annotated[list["Order"], Meta(max_length=commands.MAX_TRIGGERS)] = []
    post_only: bool = False
    reduce_only: bool = False
    route: Label = ""
    origin: Label = "ticket"


class Submit(Struct, frozen=True, forbid_unknown_fields=True, tag="order.submit"):
    id: Id
    order: Order
    ref: Ref = None


class Replace(Struct, frozen=True, forbid_unknown_fields=True, tag="order.replace"):
    id: Id
    order: OrderId
    quantity: Quantity | None = None
    limit: Ticks | None = None
    stop: Ticks | None = None
    offset: Distance | None = None
    ref: Ref = None


class Cancel(Struct, frozen=True, forbid_unknown_fields=True, tag="order.cancel"):
    id: Id
    order: OrderId
    ref: Ref = None


class CancelAll(Struct, frozen=True, forbid_unknown_fields=True, tag="order.cancel_all"):
    id: Id
    ref: Ref = None


class Flatten(Struct, frozen=True, forbid_unknown_fields=True, tag="flatten"):
    id: Id
    contract: Contract = None
    ref: Ref = None


class Reverse(Struct, frozen=True, forbid_unknown_fields=True, tag="reverse"):
    id: Id
    contract: Contract = None
    ref: Ref = None


class ClosePart(Struct, frozen=True, forbid_unknown_fields=True, tag="position.close"):
    id: Id
    quantity: Quantity
    contract: Contract = None
    ref: Ref = None


class Lock(Struct, frozen=True, forbid_unknown_fields=True, tag="lock"):
    id: Id
    reason: Words
    hard: bool = False
    ref: Ref = None


class Unlock(Struct, frozen=True, forbid_unknown_fields=True, tag="unlock"):
    id: Id
    reason: Words
    ref: Ref = None


class Locate(Struct, frozen=True, forbid_unknown_fields=True, tag="locate"):
    id: Id
    shares: Quantity
    contract: Contract = None
    ref: Ref = None


Message = Submit | Replace | Cancel | CancelAll | Flatten | Reverse | ClosePart | Lock | Unlock | Locate


def command_of(message: Message, contract: str, tick: int) -> Command:
    """What the engine is asked. contract: the front month, tick: 1e-9 units. Raises ValueError with words."""
    match message:
        case Submit():
            return commands.Submit(message.id, _spec(message.order, contract, tick))
        case Replace():
            limit, stop = _price(message.limit, tick), _price(message.stop, tick)
            return commands.Replace(message.id, message.order, message.quantity, limit, stop, message.offset)
        case Cancel():
            return commands.Cancel(message.id, message.order)
        case CancelAll():
            return commands.CancelAll(message.id)
        case Flatten():
            return commands.Flatten(message.id, message.contract)
        case Reverse():
            return commands.Reverse(message.id, message.contract or contract)
        case ClosePart():
            return commands.ClosePart(message.id, message.contract or contract, message.quantity)
        case Lock():
            return commands.Lock(message.id, message.reason, message.hard)
        case Unlock():
            return commands.Unlock(message.id, message.reason)
        case Locate():
            return commands.Locate(message.id, message.contract or contract, message.shares)


def _spec(order: Order, contract: str, tick: int) -> OrderSpec:
    return OrderSpec(
        contract=order.contract or contract,
        side=Side.BUY if order.side == "buy" else Side.SELL,
        quantity=order.quantity,
        type=order.type,
        limit=_price(order.limit, tick),
        stop=_price(order.stop, tick),
        offset=order.offset,
        step=order.step,
        tif=order.tif,
        exits=None if order.exits is None else msgspec.convert(msgspec.to_builtins(order.exits), commands.Exits),
        oco=order.oco,
        triggers=tuple(_spec(each, order.contract or contract, tick) for each in order.triggers),
        post_only=order.post_only,
        reduce_only=order.reduce_only,
        route=order.route,
        origin=order.origin,
    )


def _price(ticks: int | None, tick: int) -> int | None:
    return None if ticks is None else ticks * tick
