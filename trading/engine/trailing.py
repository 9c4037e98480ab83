"""A trailing stop: its anchor is the best print since it works, and the stop moves only in its favour."""

from trading.engine.orders import Order
from trading.engine.scan import NO_HIGH, NO_LOW
from trading.engine.terms import Side


def follow(order: Order, price: int, tick: int) -> int | None:
    """The new stop once `price` has printed, sets the anchor; None where it stays.

    stop = anchor ∓ offset; it moves when that is at least `step` ticks better than what it is.
    """
    assert order.offset is not None
    # a sell stop lies under the market and follows it up
    up = -order.side
    if order.anchor is None or (price - order.anchor) * up > 0:
        order.anchor = price
    stop = order.anchor - up * order.offset * tick
    if order.stop is None or (stop - order.stop) * up >= order.spec.step * tick:
        return stop
    return None


def alarms(order: Order, tick: int) -> tuple[int, int]:
    """Print prices (at or under, at or over) that matter to a waiting stop: its own, and where it would move."""
    if order.stop is None:
        return NO_HIGH, NO_HIGH
    under, over = (NO_LOW, order.stop) if order.side is Side.BUY else (order.stop, NO_HIGH)
    if order.offset is None:
        return under, over
    move = order.stop - order.side * (order.offset + order.spec.step) * tick
    return (move, over) if order.side is Side.BUY else (under, move)
