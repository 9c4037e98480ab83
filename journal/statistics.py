"""Figures over a set of trades, exact. Only trades that are over count; money is dollars after fees where not said."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Min, Q, QuerySet, Sum

from journal.models import Trade
from trading.engine.roundtrips import LEFT_OPEN
from trading.engine.terms import AMBIGUOUS_BAR

WON, LOST = Q(net__gt=0), Q(net__lt=0)
"""A trade that brings nothing is neither."""
IS_OVER = Q(exit_ns__isnull=False)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums and counts. won, lost: the nets of those that won and lost, lost below 0; gross: before fees.

    largest_loss: None where none lost. ambiguous: those with a fill on a bar that held target and stop. left: those
    that ended where their take was left. open: those that are not over, which nothing else counts.
    """

    count: int
    wins: int
    losses: int
    gross: Decimal
    fees: Decimal
    net: Decimal
    won: Decimal
    lost: Decimal
    largest_loss: Decimal | None
    ambiguous: int
    left: int
    open: int

    @property
    def win_rate(self) -> Decimal | None:
        """Percent of all; None without any."""
        return _ratio(Decimal(100 * self.wins), self.count)

    @property
    def average_win(self) -> Decimal | None:
        return _ratio(self.won, self.wins)

    @property
    def average_loss(self) -> Decimal | None:
        return _ratio(self.lost, self.losses)

    @property
    def expectancy(self) -> Decimal | None:
        """Net per trade."""
        return _ratio(self.net, self.count)

    @property
    def profit_factor(self) -> Decimal | None:
        """won ÷ −lost; None where none lost."""
        return _ratio(self.won, -self.lost)


def totals(trades: QuerySet[Trade]) -> Totals:
    """Figures over these trades, in one query."""
    figures = trades.order_by().aggregate(
        count=Count("pk", filter=IS_OVER),
        wins=Count("pk", filter=IS_OVER & WON),
        losses=Count("pk", filter=IS_OVER & LOST),
        won=Sum("net", filter=IS_OVER & WON, default=ZERO),
        lost=Sum("net", filter=IS_OVER & LOST, default=ZERO),
        largest_loss=Min("net", filter=IS_OVER & LOST),
        ambiguous=Count("pk", filter=IS_OVER & Q(flags__contains=[AMBIGUOUS_BAR])),
        left=Count("pk", filter=IS_OVER & Q(flags__contains=[LEFT_OPEN])),
        open=Count("pk", filter=Q(exit_ns=None)),
        # last: what comes after a sum called net would mean the sum
        gross=Sum("gross", filter=IS_OVER, default=ZERO),
        fees=Sum("fees", filter=IS_OVER, default=ZERO),
        net=Sum("net", filter=IS_OVER, default=ZERO),
    )
    return Totals(**figures)


def _ratio(of: Decimal, by: Decimal | int) -> Decimal | None:
    return of / by if by else None
