"""Whether a file's prices are of the size of those that are stored of the same session: some are written in cents."""

from collections.abc import Iterator

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


class Scales:
    """Refuses rows whose prices are far from those of their session in the store."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._typical: dict[tuple[int, Session], int | None] = {}
        self._reasons: dict[tuple[int, Session], str] = {}
        """With the first price that was met: one reason for all rows of a session."""

    def fitting(self, part: Part, contract: Contract, session: Session) -> Part:
        """The rows that can stand beside what is stored; all of them where nothing is."""
        if part.schema.name not in COMPARED:
            return part
        key = contract.pk, session
        if key not in self._typical:
            self._typical[key] = _typical(contract, session)
        typical = self._typical[key]
        prices = _prices(part)
        far = np.zeros(len(part), bool) if typical is None else _far(prices, typical)
        if typical is None or not far.any():
            return part
        reason = self._reasons.setdefault(key, _reason(contract, int(prices[far][0]), typical))
        self._report.refuse(part.rows[far], reason)
        return part.only(~far)


def _typical(contract: Contract, session: Session) -> int | None:
    """A usual price of what is stored of a session; None where nothing is, or none above zero."""
    rows = Coverage.objects.filter(
        contract=contract, trade_date=session.trade_date, schema__in=COMPARED, rows__gt=0
    ).select_related("contract__asset")
    for row in sorted(rows, key=lambda row: COMPARED.index(row.schema)):
        try:
            columns = next(_stored(row), None)
        except store.DamagedPiece:
            continue
        if columns is not None:
            prices = columns[_column(BY_NAME[row.schema])]
            prices = prices[prices != UNDEFINED_PRICE]
            if len(prices) and (typical := int(np.median(prices))) > 0:
                return typical
    return None


def _stored(row: Coverage) -> Iterator[store.Columns]:
    return store.read_in_parts(ingest.piece_name(row.contract, row.schema, row.trade_date), row.checksum)


def _column(schema: Schema) -> str:
    return "close" if schema.bar_seconds else "price"


def _prices(part: Part) -> npt.NDArray[np.int64]:
    """Each row's price; of a book the usual one of all rows, since single orders lie anywhere."""
    prices: npt.NDArray[np.int64] = part.columns[_column(part.schema)]
    known = prices[prices != UNDEFINED_PRICE]
    if part.schema is BOOK and len(known):
        return np.full(len(part), int(np.median(known)), np.int64)
    return prices


def _far(prices: npt.NDArray[np.int64], typical: int) -> npt.NDArray[np.bool_]:
    known = (prices != UNDEFINED_PRICE) & (prices > 0)
    far: npt.NDArray[np.bool_] = known & ((prices // FACTOR > typical) | (prices < typical // FACTOR))
    return far


def _reason(contract: Contract, price: int, typical: int) -> str:
    times = f"{price / typical:,.0f} times" if price > typical else f"1/{typical / price:,.0f} of"
    text, stored = (f"{each / PRICE_SCALE:,.{contract.asset.decimals}f}" for each in (price, typical))
    return f"{contract}: {text} is {times} the price that is stored of this session ({stored})."
