"""A file of single orders (`mbo`) becomes mbp-10 and trades."""

from collections.abc import Iterator

import numpy as np

from market.engine.mbo import TRADE, OrderBook
from market.importing.parts import Part
from market.importing.report import Report
from market.schemas import BOOK, LEVELS, TRADES

_TOLD = ("ts_recv", "ts_event", "action", "side", "price", "size", "flags", "ts_in_delta", "sequence")
_FIELDS = ("px", "sz", "ct")


class Books:
    """The books of a file's instruments."""

    def __init__(self) -> None:
        self._books: dict[tuple[str | None, int], OrderBook] = {}
        self._orders = self._rows = self._trades = 0

    def expand(self, part: Part) -> Iterator[Part]:
        """The mbp-10 rows and the trades in the next orders of an instrument."""
        book = self._books.setdefault((part.symbol, part.instrument_id), OrderBook())
        records = dict(part.columns) | {"size": part.columns["size"].astype(np.int64)}
        source, depth, levels = book.add(records)
        columns = {name: part.columns[name][source] for name in _TOLD} | {"depth": depth}
        for side, letter in enumerate(("bid", "ask")):
            for level in range(LEVELS):
                for field, name in enumerate(_FIELDS):
                    columns[f"{letter}_{name}_{level:02}"] = levels[:, side, level, field]
        yield Part(BOOK, part.symbol, part.instrument_id, _typed(BOOK.columns, columns), part.rows[source])
        self._orders += len(part)
        self._rows += len(source)
        trades = np.flatnonzero(part.columns["action"] == TRADE)
        self._trades += len(trades)
        columns = {name: part.columns[name][trades] for name in _TOLD} | {"depth": np.zeros(len(trades), np.uint8)}
        yield Part(TRADES, part.symbol, part.instrument_id, _typed(TRADES.columns, columns), part.rows[trades])

    def tell(self, report: Report) -> None:
        """Say what the orders have become, and where a book could not be whole."""
        if not self._orders:
            return
        if not self._rows:
            report.problem = f"Its {self._orders:,} orders only set up a book; no event of the market follows."
        report.note(f"{self._orders:,} orders made {self._rows:,} rows of mbp-10 and {self._trades:,} trades.")
        unknown = sum(book.unknown for book in self._books.values())
        if unknown:
            report.note(
                f"{unknown:,} orders were placed before the file begins, so the book lacks them; "
                "a file from 00:00 UTC on begins with all of them."
            )


def _typed(dtypes: dict[str, type], columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.ascontiguousarray(columns[name], dtype) for name, dtype in dtypes.items()}
