"""Positions and money, exact: quantities are int, money is int in 1e-9 dollars, averages are fractions."""

from dataclasses import dataclass, field
from fractions import Fraction

from trading.engine.settings import Instrument
from trading.engine.terms import Side


@dataclass(slots=True)
class Position:
    """What the account holds of one contract.

    quantity: signed. cost: price units × quantity that the open position was paid with, so that the average price is
    cost ÷ quantity. gained: price units × quantity realised against the average; fees: 1e-9 dollars paid.
    """

    instrument: Instrument
    quantity: int = 0
    cost: Fraction = field(default_factory=Fraction)
    gained: Fraction = field(default_factory=Fraction)
    fees: int = 0

    @property
    def average(self) -> Fraction | None:
        """The average price of what is open, in 1e-9 units; None while flat."""
        return self.cost / self.quantity if self.quantity else None

    @property
    def realised(self) -> Fraction:
        """1e-9 dollars, before fees. A fraction only while an average that is none of the tick grid is open."""
        return self._money(self.gained)

    def open_money(self, mark: int) -> Fraction:
        """1e-9 dollars that the open position would bring at the mark (1e-9 price units), before fees."""
        return self._money(mark * self.quantity - self.cost)

    def take(self, side: Side, quantity: int, price: int, fee: int) -> None:
        """Book a fill."""
        self.fees += fee
        signed = side * quantity
        closed = min(quantity, abs(self.quantity)) if self.quantity * signed < 0 else 0
        if closed:
            leaving = self.cost * closed / abs(self.quantity)
            self.gained += -side * closed * price - leaving
            self.cost -= leaving
        self.cost += side * (quantity - closed) * price
        self.quantity += signed

    def _money(self, units: Fraction) -> Fraction:
        return units * self.instrument.tick_value / self.instrument.tick


@dataclass(slots=True)
class Account:
    """All positions of one account. cash: the starting balance, 1e-9 dollars."""

    cash: int = 0
    positions: dict[str, Position] = field(default_factory=dict)

    def of(self, instrument: Instrument) -> Position:
        """The contract's position, flat where there was none."""
        return self.positions.setdefault(instrument.name, Position(instrument))

    def quantity(self, contract: str) -> int:
        position = self.positions.get(contract)
        return position.quantity if position else 0

    @property
    def realised(self) -> Fraction:
        """1e-9 dollars over all contracts, fees taken off."""
        return sum((held.realised - held.fees for held in self.positions.values()), Fraction())
