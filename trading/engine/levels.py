"""The displayed book at a row, and what own orders have taken of it."""

from dataclasses import dataclass

import numpy as np

from market.engine.book import ASK, BID, KEYFRAME_ROWS, LEVELS, BookTape
from trading.engine.scan import levels_after
from trading.engine.terms import Side

OWN = {Side.BUY: BID, Side.SELL: ASK}
OPPOSITE = {Side.BUY: ASK, Side.SELL: BID}


@dataclass(frozen=True, slots=True)
class Ladder:
    """One side of the book, the best first: prices (1e-9 units) and sizes (lots)."""

    prices: list[int]
    sizes: list[int]
    is_known: bool = True
    """False before the session's first row."""

    @property
    def best(self) -> int | None:
        return self.prices[0] if self.prices else None

    def size_at(self, price: int, side: Side) -> int | None:
        """The displayed size at a price of this side; None where the tenth level lies before it, or all is unknown."""
        if price in self.prices:
            return self.sizes[self.prices.index(price)]
        hidden = len(self.prices) == LEVELS and not side.opposite.reached(price, self.prices[-1])
        return None if hidden or not self.is_known else 0


UNKNOWN = Ladder([], [], is_known=False)


def ladders(tape: BookTape, row: int) -> tuple[Ladder, Ladder]:
    """Bids and offers after a row; unknown for −1."""
    if row < 0:
        return UNKNOWN, UNKNOWN
    columns = (tape.change_end, tape.change_price, tape.change_size, tape.change_side)
    prices, sizes, counts = levels_after(row, KEYFRAME_ROWS, tape.keyframes, *columns)
    made = [
        Ladder(prices[side, :count].tolist(), sizes[side, :count].tolist())
        for side, count in enumerate(np.minimum(counts, LEVELS).tolist())
    ]
    return made[BID], made[ASK]


@dataclass(slots=True)
class _Taken:
    lots: int
    shown: int
    row: int


class Consumption:
    """What own orders took of displayed levels; it lapses when the level's size changes."""

    def __init__(self, tape: BookTape) -> None:
        self._tape = tape
        self._taken: dict[tuple[int, int], _Taken] = {}

    def at(self, side: int, price: int, row: int) -> int:
        """Lots of this level that are taken, as it stands after the row."""
        taken = self._taken.get((side, price))
        if taken is None:
            return 0
        if self._changed(side, price, taken, row):
            del self._taken[side, price]
            return 0
        taken.row = row
        return taken.lots

    def take(self, side: int, price: int, row: int, lots: int, shown: int) -> None:
        """Remember that so many lots of the `shown` are gone."""
        self._taken[side, price] = _Taken(self.at(side, price, row) + lots, shown, row)

    def _changed(self, side: int, price: int, taken: _Taken, row: int) -> bool:
        tape = self._tape
        span = slice(int(tape.change_end[taken.row]), int(tape.change_end[row]))
        same = (tape.change_price[span] == price) & (tape.change_side[span] == side)
        return bool((same & (tape.change_size[span] != taken.shown)).any())
