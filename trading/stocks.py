"""What the rules need to know of a stock's session: the last close, for SSR, and whether a locate is needed."""

from collections.abc import Mapping
from dataclasses import dataclass

from market import tapes
from market.facts import PRICE_SCALE
from market.models import Asset, Contract
from market.schemas import BAR_SCHEMAS
from market.sessions import Session
from market.store import DamagedPiece


@dataclass(frozen=True, slots=True)
class StockFacts:
    """By symbol: the last regular close (1e-9) where it is known, and the locate fee a share (1e-9 dollars) where one
    is needed. until_ns: the session's close. unknown: what cannot be judged, in words."""

    previous_close: Mapping[str, int]
    locate_fee: Mapping[str, int]
    until_ns: int
    unknown: str


def facts_of(asset: Asset, ns: int) -> StockFacts:
    """Of a stock's session in progress, or the next one."""
    session = asset.sessions.first_closing_after(ns)
    contract = asset.contracts.get()
    symbol, close = contract.raw_symbol, _close_before(contract, session)
    unknown = f"The close of {symbol} before {session.trade_date} is not stored: SSR cannot be judged in this session."
    return StockFacts(
        previous_close={} if close is None else {symbol: close},
        locate_fee={} if asset.locate_fee is None else {symbol: int(asset.locate_fee * PRICE_SCALE)},
        until_ns=session.close_ns,
        unknown=unknown if close is None else "",
    )


def _close_before(contract: Contract, session: Session) -> int | None:
    """The last price of the regular hours before a session; None unless that very session's bars are stored."""
    before = contract.asset.sessions.before(session.trade_date, 1)
    return next((close for last in before for schema in BAR_SCHEMAS if (close := _close(contract, last, schema))), None)


def _close(contract: Contract, session: Session, schema: str) -> int | None:
    assert session.regular is not None
    try:
        piece = tapes.stored_piece(contract, session, schema)
    except DamagedPiece:
        return None
    if piece is None:
        return None
    start, end = session.regular
    within = piece.stored.close[(piece.stored.ts >= start) & (piece.stored.ts < end)]
    return int(within[-1]) if len(within) else None
