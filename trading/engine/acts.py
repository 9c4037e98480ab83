"""What commands do when they reach the exchange."""

from dataclasses import replace

from trading.engine.commands import Cancel, CancelAll, ClosePart, Command, Flatten, OrderSpec, Replace, Reverse, Submit
from trading.engine.ledger import Ledger
from trading.engine.orders import Order
from trading.engine.records import price_text
from trading.engine.risk import words
from trading.engine.settings import Instrument
from trading.engine.terms import Change, OrderType, Reason, Side, Status

RULES_OWN = "the account's rules close the position with it, and it stays as it is"


def act(ledger: Ledger, command: Command, placed_ns: int) -> None:
    """Carry out a command that was given at `placed_ns`."""
    match command:
        case Submit():
            order = ledger.orders[command.id]
            if not order.is_over:
                ledger.admit(order)
        case Cancel():
            _cancel(ledger, command)
        case Replace():
            _replace(ledger, command)
        case CancelAll():
            ledger.cancel_all(command.contract, Reason.CANCEL_ALL)
        case Flatten():
            ledger.flatten(command.id, command.contract, placed_ns, Reason.FLATTEN)
        case Reverse():
            _reverse(ledger, command, placed_ns)
        case ClosePart():
            _close_part(ledger, command, placed_ns)


def wrong_price(instrument: Instrument, *prices: int | None) -> str | None:
    """Which of the prices is none of the tick grid; None where all are."""
    off = [price_text(price) for price in prices if price is not None and price % instrument.tick]
    return f"{off[0]} is not a multiple of the tick {price_text(instrument.tick)}" if off else None


def far_price(ledger: Ledger, contract: str, *prices: int | None) -> str | None:
    """Which of the prices is less than half or more than twice the last one; None where none is, or none is known."""
    last = ledger.mark(contract)
    if last is None or last <= 0:
        return None
    far = [price_text(price) for price in prices if price is not None and not last <= 2 * price <= 4 * last]
    return f"{far[0]} is too far from the last price {price_text(last)}" if far else None


def wrong_order(ledger: Ledger, spec: OrderSpec) -> str | None:
    """What no exchange would take; None where nothing is wrong."""
    instrument = ledger.instruments.get(spec.contract)
    if instrument is None:
        return f"unknown contract {spec.contract}"
    found = (wrong_order(ledger, each) for each in spec.triggers)
    prices = spec.limit, spec.stop
    wrong = wrong_price(instrument, *prices) or far_price(ledger, spec.contract, *prices)
    return wrong or next(filter(None, found), None)


def _cancel(ledger: Ledger, command: Cancel) -> None:
    order = _known(ledger, command)
    if order is not None:
        ledger.end(order, Change.CANCELLED, Reason.USER)


def _replace(ledger: Ledger, command: Replace) -> None:
    order = _known(ledger, command)
    if order is None:
        return
    wrong = _wrong_change(ledger, order, command)
    if wrong:
        ledger.refuse(command.order, *wrong)
        return
    limit = order.limit if command.limit is None else command.limit
    stop = order.stop if command.stop is None else command.stop
    quantity = order.quantity if command.quantity is None else command.quantity
    keeps = limit == order.limit and stop == order.stop and quantity <= order.quantity
    order.limit, order.stop, order.quantity = limit, stop, quantity
    order.offset = order.offset if command.offset is None else command.offset
    if order.left <= 0:
        order.quantity = order.filled
        ledger.end(order, Change.CANCELLED, Reason.USER, "replaced by no more than is filled")
        return
    ledger.say(order, Change.REPLACED, Reason.USER)
    market = ledger.market(order.contract)
    (market.shrunk if keeps else market.requeue)(order)


def _reverse(ledger: Ledger, command: Reverse, placed_ns: int) -> None:
    held = _held(ledger, command)
    if not held:
        return
    side = Side.SELL if held > 0 else Side.BUY
    forbidden = words(ledger.guard.objections(OrderSpec(command.contract, side, 2 * abs(held))))
    if ledger.closing(command.contract):
        forbidden = "the account's rules are closing the position"
    if forbidden:
        ledger.refuse(command.id, Reason.RISK, forbidden)
    else:
        ledger.cancel_all(command.contract, Reason.REVERSE)
        ledger.at_market(f"{command.id}.turn", command.contract, -2 * held, placed_ns, Reason.REVERSE)


def _close_part(ledger: Ledger, command: ClosePart, placed_ns: int) -> None:
    held = _held(ledger, command)
    if command.quantity > abs(held) > 0:
        text = f"{command.quantity} cannot be closed: the position in {command.contract} is {held}"
        ledger.refuse(command.id, Reason.NOTHING_TO_DO, text)
    elif held:
        quantity = command.quantity * (-1 if held > 0 else 1)
        name = f"{command.id}.part"
        ledger.at_market(name, command.contract, quantity, placed_ns, Reason.CLOSE_PART, reduce_only=True)


def _held(ledger: Ledger, command: Reverse | ClosePart) -> int:
    """The position; refuses the command where there is none."""
    held = ledger.account.quantity(command.contract)
    if not held:
        ledger.refuse(command.id, Reason.NOTHING_TO_DO, f"there is no position in {command.contract}")
    return held


def _known(ledger: Ledger, command: Cancel | Replace) -> Order | None:
    """The order that a command is about; refuses the command where it is unknown or over."""
    order = ledger.orders.get(command.order)
    if order is None:
        ledger.refuse(command.order, Reason.UNKNOWN_ORDER, f"there is no order {command.order}")
    elif order.is_over:
        ledger.refuse(command.order, Reason.ORDER_IS_OVER, f"order {command.order} is {order.status}")
    elif order.is_rules_own and ledger.rules_keep_their_orders:
        ledger.refuse(command.order, Reason.RISK, RULES_OWN)
    else:
        return order
    return None


def _as_changed(order: Order, command: Replace) -> OrderSpec:
    """What is left of an order as it would be, as if it were sent now."""
    quantity = order.quantity if command.quantity is None else command.quantity
    limit = order.spec.limit if command.limit is None else command.limit
    return replace(order.spec, quantity=max(1, quantity - order.filled), limit=limit)


def _wrong_change(ledger: Ledger, order: Order, command: Replace) -> tuple[Reason, str] | None:
    has_limit = order.spec.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    has_stop = order.spec.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not order.triggered
    if command.limit is not None and not has_limit:
        return Reason.USER, f"a {order.spec.type} order has no limit to change"
    if command.stop is not None and not has_stop:
        return Reason.USER, f"this {order.spec.type} order has no stop price to change"
    if command.offset is not None and order.offset is None:
        return Reason.USER, f"a {order.spec.type} order has no offset to change"
    prices = command.limit, command.stop
    wrong = wrong_price(ledger.instruments[order.contract], *prices) or far_price(ledger, order.contract, *prices)
    if wrong:
        return Reason.USER, wrong
    forbidden = words(ledger.guard.objections(_as_changed(order, command), order.client_id))
    if forbidden and not order.is_exit:
        return Reason.RISK, forbidden
    market = ledger.market(order.contract)
    if command.stop is not None and order.status is not Status.PENDING and market.is_passed(order, command.stop):
        return Reason.STOP_PASSED, f"the last print is already at or beyond {price_text(command.stop)}"
    return None
