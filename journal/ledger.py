"""A trade's fills as its page shows them."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from journal.derivation import exact
from journal.models import Trade
from market.sessions import to_et
from trading.models import FillRecord
from trading.record import fills_of


@dataclass(frozen=True, slots=True)
class Line:
    """One fill. lots: bought, or sold (below 0), for this trade: less than the fill's where it turned the position.

    position: of the trade after it. fee: of the whole fill, dollars. is_inherited: it stands in a take before.
    """

    fill: FillRecord
    at: datetime
    lots: int
    position: int
    price: Decimal
    fee: Decimal
    is_inherited: bool

    @property
    def turned(self) -> bool:
        """Whether a part of the fill belongs to the trade before or after."""
        return abs(self.lots) < self.fill.quantity


def lines(trade: Trade) -> list[Line]:
    """The trade's fills, in order, wherever in the line they are on record."""
    return list(_lines(trade))


def _lines(trade: Trade) -> Iterator[Line]:
    held = 0
    for fill in fills_of(trade.take):
        if fill.contract != trade.contract:
            continue
        before, held = held, held + fill.side * fill.quantity
        if fill.number not in trade.fills:
            continue
        # what lies on the other side of zero belongs to another trade
        own_before, own_after = (trade.side * max(0, trade.side * lots) for lots in (before, held))
        yield Line(
            fill=fill,
            at=to_et(fill.ns),
            lots=own_after - own_before,
            position=own_after,
            price=exact(fill.price),
            fee=exact(fill.fee),
            is_inherited=fill.take_id != trade.take_id,
        )
