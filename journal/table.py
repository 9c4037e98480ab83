"""Trades as CSV: every figure exact, times in UTC ns and in ET."""

import csv
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol

from journal.models import Trade
from market.sessions import to_et

COLUMNS: dict[str, Callable[[Trade], object]] = {
    "trade": lambda trade: trade.pk,
    "trade_date": lambda trade: trade.trade_date,
    "asset": lambda trade: trade.asset.root,
    "contract": lambda trade: trade.contract,
    "side": lambda trade: trade.get_side_display().lower(),
    "quantity": lambda trade: trade.quantity,
    "entry_et": lambda trade: _et(trade.entry_ns),
    "exit_et": lambda trade: _et(trade.exit_ns),
    "entry_ns": lambda trade: trade.entry_ns,
    "exit_ns": lambda trade: trade.exit_ns,
    "entry": lambda trade: _plain(trade.entry),
    "exit": lambda trade: _plain(trade.exit),
    "gross": lambda trade: _plain(trade.gross),
    "fees": lambda trade: _plain(trade.fees),
    "net": lambda trade: _plain(trade.net),
    "mae": lambda trade: _plain(trade.worst),
    "mfe": lambda trade: _plain(trade.best),
    "grade": lambda trade: trade.grade,
    "flags": lambda trade: " ".join(trade.flags),
    "take": lambda trade: trade.take.number,
    "session": lambda trade: trade.session_id,
    "account": lambda trade: trade.session.account.name,
    "tags": lambda trade: ", ".join(trade.tags),
    "note": lambda trade: trade.note,
}


class Writable(Protocol):
    def write(self, text: str, /) -> object: ...


def write(trades: Iterable[Trade], to: Writable) -> None:
    """A line of names, then one for each trade; what is not known is empty."""
    lines = csv.writer(to)
    lines.writerow(COLUMNS)
    lines.writerows([read(trade) for read in COLUMNS.values()] for trade in trades)


def _et(ns: int | None) -> str:
    return "" if ns is None else to_et(ns).isoformat(timespec="microseconds")


def _plain(number: Decimal | None) -> str:
    """Without zeros at the end, never as 1E+2."""
    return "" if number is None else f"{number.normalize():f}"
