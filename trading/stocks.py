"""What the rules need to know of a stock's session: the last close and what was before it, for SSR, and locates."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from market import tapes
from market.engine.bars import Bars
from market.facts import PRICE_SCALE
from market.models import Asset, Contract
from market.schemas import BAR_SCHEMAS
from market.sessions import Session
from market.store import DamagedPiece
from trading.engine.risk import is_restricted


@dataclass(frozen=True, slots=True)
class StockFacts:
    """By symbol: the last regular close (1e-9) where it is known, and the locate fee a share (1e-9 dollars) where one
    is needed. restricted: symbols in which SSR began in the session before. until_ns: the session's close. unknown:
    what cannot be judged, in words."""

    previous_close: Mapping[str, int]
    restricted: tuple[str, ...]
    locate_fee: Mapping[str, int]
    until_ns: int
    unknown: str


def facts_of(asset: Asset, ns: int) -> StockFacts:
    """Of a stock's session in progress, or the next one."""
    session = asset.sessions.first_closing_after(ns)
    contract = asset.contracts.get()
    symbol, before = contract.raw_symbol, _before(contract, session)
    close = None if before is None else _close(contract, before)
    began = None if before is None or close is None else _began(contract, before)
    return StockFacts(
        previous_close={} if close is None else {symbol: close},
        restricted=(symbol,) if began else (),
        locate_fee={} if asset.locate_fee is None else {symbol: int(asset.locate_fee * PRICE_SCALE)},
        until_ns=session.close_ns,
        unknown=_unknown(contract, session, close, began),
    )


def _unknown(contract: Contract, session: Session, close: int | None, began: bool | None) -> str:
    if close is None:
        words = "SSR cannot be judged in this session."
        return f"The close of {contract.raw_symbol} before {session.trade_date} is not stored: {words}"
    before = _before(contract, session)
    if began is not None or before is None:
        return ""
    words = "whether SSR goes on from there cannot be judged."
    return f"The close of {contract.raw_symbol} before {before.trade_date} is not stored: {words}"


def _began(contract: Contract, session: Session) -> bool | None:
    """Whether SSR began in a session that is over; None where the close before it is not known."""
    before, bars = _before(contract, session), _bars(contract, session)
    close = None if before is None else _close(contract, before)
    if close is None or bars is None or not len(bars):
        return None
    return is_restricted(int(bars.low.min()), close)


def _before(contract: Contract, session: Session) -> Session | None:
    return next(iter(contract.asset.sessions.before(session.trade_date, 1)), None)


def _close(contract: Contract, session: Session) -> int | None:
    """The last price of a session's regular hours; None where its bars are not stored, or there was none."""
    bars = _bars(contract, session)
    if bars is None:
        return None
    assert session.regular is not None
    start, end = session.regular
    within = bars.close[(bars.ts >= start) & (bars.ts < end)]
    return int(within[-1]) if len(within) else None


def _bars(contract: Contract, session: Session) -> Bars | None:
    """What is stored of a session, of the finest interval; None where nothing is, or it is damaged."""
    for schema in BAR_SCHEMAS:
        with suppress(DamagedPiece):
            piece = tapes.stored_piece(contract, session, schema)
            if piece is not None:
                return piece.stored
    return None
