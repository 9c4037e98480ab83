"""Whether a file's prices are of the size of those that are stored of the same session: some are written in cents."""

from itertools import islice
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market import ingest, store
from market.facts import PRICE_SCALE
from market.importing.parts import UNDEFINED_PRICE, Part
from market.importing.report import Report
from market.models import Contract, Coverage
from market.schemas import BAR_SCHEMAS, BOOK, BY_NAME, TRADES, Schema
from market.sessions import Session

FACTOR = 5
"""No contract rises or falls so much within a session."""
COMPARED = (*BAR_SCHEMAS, TRADES.name, BOOK.name)
"""Those with prices, the smallest pieces first."""


class _Range(NamedTuple):
    """The lowest and the highest price (1e-9) of what is stored."""

    low: int
    high: int


class Scales:
    """Refuses rows whose prices are far from those of their session in the store."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._stored: dict[tuple[int, Session], _Range | None] = {}
        self._reasons: dict[tuple[int, Session], str] = {}
        """With the first price that was met: one reason for all rows of a session."""

    def fitting(self, part: Part, contract: Contract, session: Session) -> Part:
        """The rows that can stand beside what is stored; all of them where nothing is."""
        if part.schema.name not in COMPARED:
            return part
        key = contract.pk, session
        if key not in self._stored:
            self._stored[key] = _stored(contract, session)
        stored = self._stored[key]
        if stored is None:
            return part
        prices = _prices(part)
        far = _far(prices, stored)
        if not far.any():
            return part
        reason = self._reasons.setdefault(key, _reason(contract, int(prices[far][0]), stored))
        self._report.refuse(part.rows[far], reason)
        return part.only(~far)


def _stored(contract: Contract, session: Session) -> _Range | None:
    """None where nothing is stored of a session."""
    rows = Coverage.objects.filter(
        contract=contract, trade_date=session.trade_date, schema__in=COMPARED, rows__gt=0
    ).select_related("contract__asset")
    for row in sorted(rows, key=lambda row: COMPARED.index(row.schema)):
        try:
            found = _range(row)
        except store.DamagedPiece:
            continue
        if found is not None:
            return found
    return None


def _range(row: Coverage) -> _Range | None:
    """Of a book, whose single orders lie anywhere, both are the usual price."""
    name = ingest.piece_name(row.contract, row.schema, row.trade_date)
    parts = store.read_in_parts(name, row.checksum)
    if row.schema == BOOK.name:
        parts = islice(parts, 1)
    prices = np.concatenate([_known(columns[_column(BY_NAME[row.schema])]) for columns in parts])
    if not len(prices):
        return None
    if row.schema == BOOK.name:
        prices = np.array([np.median(prices)], np.int64)
    return _Range(int(prices.min()), int(prices.max()))


def _column(schema: Schema) -> str:
    return "close" if schema.bar_seconds else "price"


def _known(prices: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    known: npt.NDArray[np.int64] = prices[prices != UNDEFINED_PRICE]
    return known


def _prices(part: Part) -> npt.NDArray[np.int64]:
    """Each row's price; of a book the usual one for all rows."""
    prices: npt.NDArray[np.int64] = part.columns[_column(part.schema)]
    known = _known(prices)
    if part.schema is BOOK and len(known):
        return np.full(len(part), np.median(known), np.int64)
    return prices


def _far(prices: npt.NDArray[np.int64], stored: _Range) -> npt.NDArray[np.bool_]:
    """Where the session went to zero and below, no price is too low."""
    above = (prices // FACTOR > stored.high) & (stored.high > 0)
    below = (prices > 0) & (prices < stored.low // FACTOR)
    far: npt.NDArray[np.bool_] = (prices != UNDEFINED_PRICE) & (above | below)
    return far


def _reason(contract: Contract, price: int, stored: _Range) -> str:
    near = stored.high if price > stored.high else stored.low
    times = f"{price / near:,.0f} times" if price > near else f"1/{near / price:,.0f} of"
    text, beside = (f"{each / PRICE_SCALE:,.{contract.asset.decimals}f}" for each in (price, near))
    return f"{contract}: {text} is {times} the price that is stored of this session ({beside})."
