"""What the three models have in common: who they serve, and what they answer."""

from collections.abc import Sequence
from typing import Protocol

from trading.engine.feed import Span
from trading.engine.orders import Order
from trading.engine.records import Explanation
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import Reason


class Desk(Protocol):
    """Where a model brings what it finds."""

    instrument: Instrument
    settings: FillSettings

    @property
    def now(self) -> int: ...

    def fill(self, order: Order, quantity: int, price: int, why: Explanation) -> None:
        """Book an execution; the order may be over, or smaller, afterwards."""

    def cancel(self, order: Order, reason: Reason, text: str = "") -> None: ...
    def reject(self, order: Order, reason: Reason, text: str = "") -> None: ...
    def trigger(self, order: Order, print_size: int) -> None:
        """A print of this size has reached a stop."""

    def seen(self, low: int, high: int) -> None:
        """Prices were printed between these two: whatever follows the market moves."""

    def stops(self) -> Sequence[Order]:
        """Stops that wait, by number."""


class Matcher(Protocol):
    """Orders of one contract against the tape of one session. Rows before `row` are past."""

    span: Span
    row: int

    def enter(self, order: Order, print_size: int = 0) -> None:
        """The order reaches the market, after the rows that are past. print_size: lots of the print that triggered it,
        which have left the opposite side."""

    def leave(self, order: Order) -> None:
        """The order is over."""

    def shrunk(self, order: Order) -> None:
        """The order's quantity fell; it keeps its place."""

    def scan(self, stop: int, under: int, over: int) -> int:
        """Go on to the first row that matters, at most to `stop`. Sets `row` to it.

        under, over: prices at which a print matters to somebody else.
        """

    def settle(self) -> None:
        """Carry out the row that `scan` found, and go past it."""

    def last_print(self) -> int | None:
        """The price of the last print that is past; None before the first."""

    def snapshot(self) -> object:
        """What `scan` changes."""

    def restore(self, snapshot: object) -> None: ...
