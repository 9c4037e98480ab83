"""What the contract that a roll leaves traded for at the roll, and so how far apart the two are."""

from dataclasses import dataclass

from live.engine.bars import SECOND_NS, Bar


@dataclass(slots=True)
class Opening:
    """The opening of a session whose front month is another one than before (docs/splice.md, the spread).

    open_ns: UTC ns. left: the contract that is left. price: of its first print in the opening second (1e-9 units),
    None before one; first_ns: when that was.
    """

    open_ns: int
    left: int
    price: int | None = None
    first_ns: int = 0

    def add(self, contract_id: int, ts_recv: int, price: int) -> None:
        """A print of any contract."""
        if contract_id != self.left or not self.open_ns <= ts_recv < self.open_ns + SECOND_NS:
            return
        if self.price is None or ts_recv < self.first_ns:
            self.price, self.first_ns = price, ts_recv

    def spread(self, bar: Bar) -> int | None:
        """New minus old (1e-9 units), from the bar of the opening second; None for another one, or without a price."""
        return bar[1] - self.price if bar[0] == self.open_ns and self.price is not None else None
