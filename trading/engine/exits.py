"""What leaves a position: targets and a stop for what the entry has filled, and a stop that moves.

Exits exist only for the filled quantity; what one leg fills, the other loses; the quantity that no target covers has
the stop alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Protocol

from trading.engine.commands import Exits, OrderSpec
from trading.engine.orders import Order
from trading.engine.scan import NO_HIGH, NO_LOW
from trading.engine.terms import OrderType, Reason, Side, TimeInForce


class House(Protocol):
    """What exits need of the broker."""

    def open_exit(self, group: "ExitGroup", spec: OrderSpec, name: str) -> Order:
        """Make an exit; it reaches the market after the event in progress."""

    def grow(self, order: Order, quantity: int) -> None: ...
    def shrink(self, order: Order, quantity: int, text: str) -> None: ...
    def move_stop(self, order: Order, price: int, reason: Reason) -> None: ...


@dataclass(slots=True, eq=False)
class ExitGroup:
    """The exits of one entry. base: the price of its first fill. best: the best print for the position since then.

    covered: the entry's lots that targets were made for; exited: lots that exits have closed; made: targets and stops
    made so far, which names them.
    """

    entry: Order
    exits: Exits
    tick: int
    base: int = 0
    best: int = 0
    covered: int = 0
    exited: int = 0
    made: int = 0
    stop: Order | None = None
    targets: list[Order | None] = field(default_factory=list)
    given: list[int] = field(default_factory=list)
    is_even: bool = False

    @property
    def side(self) -> Side:
        return self.entry.side

    @property
    def orders(self) -> list[Order]:
        """All exits that are not over, the stop last."""
        return _open((*self.targets, self.stop))

    def entered(self, house: House, quantity: int, price: int) -> None:
        """The entry has filled so much more."""
        if not self.covered:
            self.base = self.best = price
            self.targets, self.given = [None] * len(self.exits.targets), [0] * len(self.exits.targets)
        self.covered += quantity
        left = quantity
        for number, target in enumerate(self.exits.targets):
            room = left if target.quantity is None else min(left, target.quantity - self.given[number])
            if room > 0:
                self.given[number] += room
                left -= room
                self.targets[number] = self._target(house, number, target.ticks, room)
        if self.exits.stop is not None:
            self.stop = self._stop(house, self.exits.stop, quantity)

    @property
    def legs(self) -> tuple[list[Order], list[Order]]:
        """The stop, and the targets as they lose: the farthest first; none that is over."""
        stops, targets = ([self.stop], self.targets[::-1])
        return _open(stops), _open(targets)

    def left_by(self, house: House, order: Order, quantity: int, *, is_first_edition: bool) -> None:
        """An exit has filled so much: the other leg loses what exceeds the lots that are left.

        In the first edition it lost as much as was filled, however little it was for.
        """
        self.exited += quantity
        stops, targets = self.legs
        legs = targets if order is self.stop else stops
        excess = quantity if is_first_edition else lots_of(legs) - (self.covered - self.exited)
        cut(house, legs, excess, f"its {'stop' if order is self.stop else 'target'} filled {quantity}")

    def alarms(self) -> tuple[int, int]:
        """Print prices (at or under, at or over) at which the stop moves."""
        at = self._next_move()
        if at is None:
            return NO_LOW, NO_HIGH
        return (NO_LOW, at) if self.side is Side.BUY else (at, NO_HIGH)

    def seen(self, house: House, low: int, high: int) -> None:
        """Prices were printed between these two: move the stop where it follows."""
        if self.stop is None or not self.stop.is_stop or self.stop.is_over:
            return
        self.best = max(self.best, high) if self.side is Side.BUY else min(self.best, low)
        for price, reason in self._moves():
            assert self.stop.stop is not None
            if (price - self.stop.stop) * self.side > 0:
                house.move_stop(self.stop, price, reason)

    def _target(self, house: House, number: int, ticks: int, quantity: int) -> Order:
        order = self.targets[number]
        if order is not None and not order.is_over:
            house.grow(order, quantity)
            return order
        price = self.base + self.side * ticks * self.tick
        spec = self._spec(quantity, type=OrderType.LIMIT, limit=price)
        return house.open_exit(self, spec, self._name("target"))

    def _stop(self, house: House, ticks: int, quantity: int) -> Order:
        if self.stop is not None and not self.stop.is_over:
            house.grow(self.stop, quantity)
            return self.stop
        spec = self._spec(quantity, type=OrderType.STOP, stop=self.base - self.side * ticks * self.tick)
        return house.open_exit(self, spec, self._name("stop"))

    def _spec(self, quantity: int, *, type: OrderType, limit: int | None = None, stop: int | None = None) -> OrderSpec:
        entry = self.entry.spec
        plain = replace(
            entry, type=OrderType.MARKET, limit=None, stop=None, offset=None, exits=None, triggers=(), post_only=False
        )
        tif = entry.tif if entry.tif is TimeInForce.GTC else TimeInForce.DAY
        changed = replace(plain, side=entry.side.opposite, quantity=quantity, oco=None, tif=tif)
        return replace(changed, type=type, limit=limit, stop=stop)

    def _name(self, kind: str) -> str:
        self.made += 1
        return f"{self.entry.client_id}.{kind}{self.made}"

    def _ticks_from_base(self, ticks: int) -> int:
        return self.base + self.side * ticks * self.tick

    def _next_move(self) -> int | None:
        if self.stop is None or not self.stop.is_stop or self.stop.is_over:
            return None
        assert self.stop.stop is not None
        found = []
        if self.exits.breakeven and not self.is_even:
            found.append(self._ticks_from_base(self.exits.breakeven.after))
        if self.exits.trail:
            trail = self.exits.trail
            follows = self.stop.stop + self.side * (trail.distance + trail.step) * self.tick
            found.append(max(follows * self.side, self._ticks_from_base(trail.trigger) * self.side) * self.side)
        return min(found, key=lambda price: price * self.side) if found else None

    def _moves(self) -> list[tuple[int, Reason]]:
        assert self.stop is not None and self.stop.stop is not None
        found = []
        even, trail = self.exits.breakeven, self.exits.trail
        if even and not self.is_even and (self.best - self._ticks_from_base(even.after)) * self.side >= 0:
            self.is_even = True
            found.append((self._ticks_from_base(even.plus), Reason.BREAKEVEN))
        if trail and (self.best - self._ticks_from_base(trail.trigger)) * self.side >= 0:
            price = self.best - self.side * trail.distance * self.tick
            if (price - self.stop.stop) * self.side >= trail.step * self.tick:
                found.append((price, Reason.TRAIL))
        return found


def lots_of(legs: Iterable[Order]) -> int:
    """What is left of orders."""
    return sum(leg.left for leg in legs)


def cut(house: House, legs: Iterable[Order], excess: int, text: str) -> None:
    """Take so many lots off these orders, one after the other; text: why, for their history."""
    for leg in legs:
        if excess > 0:
            lost = min(excess, leg.left)
            excess -= lost
            house.shrink(leg, lost, text)


def _open(legs: Iterable[Order | None]) -> list[Order]:
    return [leg for leg in legs if leg is not None and not leg.is_over]
