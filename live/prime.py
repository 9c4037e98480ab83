"""What a page begins with: the last and the current session of an asset, in the prices of today's contract.

The bars are those that the feed holds. Where it was not there for the session before, a stored one of the same
contract takes its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from live import history
from live.engine.growing import Growing
from live.history import SessionKey
from market import tapes
from market.engine.bars import Bars
from market.engine.tape import Part, Piece, RollMark, Tape
from market.models import Asset, Contract
from market.store import DamagedPiece

KIND = "live"
"""How a roll is called that the feed has decided."""


@dataclass(frozen=True, slots=True)
class Prime:
    """growing: the pieces of the tape that more may be told of, by trade date. epoch: of the feed that told them."""

    tape: Tape
    growing: dict[str, Growing]
    epoch: int


def read(asset: Asset) -> Prime | None:
    """What is held now; None where the feed holds nothing of the asset. Raises RedisError."""
    while True:
        epoch = _epoch()
        keys = history.sessions(asset.root)
        if not keys:
            return None
        growing = {key.trade_date: _growing(asset, key, history.read(key)) for key in keys}
        spreads = [history.spread(key) for key in keys[1:]]
        if _epoch() == epoch:
            break
    pieces: list[Piece] = list(growing.values())
    stored = _stored(asset, keys[0], instead=_is_cut_and_over(asset, keys[0]))
    if stored is not None and stored.session.trade_date == keys[0].day:
        pieces[0] = stored
    elif stored is not None and len(keys) == 1:
        pieces.insert(0, stored)
    return Prime(Tape(tuple(_parts(pieces, spreads)), keys[-1].symbol), growing, epoch)


def _epoch() -> int:
    position = history.position()
    return position.epoch if position else 0


def _growing(asset: Asset, key: SessionKey, bars: Bars) -> Growing:
    session = asset.sessions.session(key.day)
    assert session is not None
    return Growing(session, key.symbol, bars)


def _is_cut_and_over(asset: Asset, key: SessionKey) -> bool:
    """Whether live missed the beginning of a session that has closed since, so that a stored one shows more of it."""
    session, position = asset.sessions.session(key.day), history.position()
    return not key.is_whole and session is not None and position is not None and position.until_ns >= session.close_ns


def _stored(asset: Asset, first: SessionKey, *, instead: bool) -> Piece | None:
    """What is stored of the key's session, or else of the one before it."""
    session = asset.sessions.session(first.day) if instead else asset.sessions.before(first.day, 1)[-1]
    contract = Contract.objects.filter(pk=first.contract_id).select_related("asset").first()
    if session is None or contract is None:
        return None
    try:
        piece = tapes.stored_piece(contract, session)
    except DamagedPiece:
        return None
    return piece if piece is not None and len(piece.stored) else None


def _parts(pieces: Sequence[Piece], spreads: Sequence[int | None]) -> list[Part]:
    """Each with what its prices need to stand in those of the last."""
    known = [*([0] * (len(pieces) - 1 - len(spreads))), *spreads]
    parts = [Part(pieces[-1], 0)]
    for (before, after), spread in reversed(list(zip(pairwise(pieces), known, strict=True))):
        is_roll = before.contract != after.contract
        if is_roll:
            parts[0] = Part(after, parts[0].shift, _mark(before, after, spread))
        parts.insert(0, Part(before, parts[0].shift + (spread or 0 if is_roll else 0)))
    return parts


def _mark(before: Piece, after: Piece, spread: int | None) -> RollMark:
    at_ns = after.session.open_ns
    return RollMark(
        at_ns=at_ns,
        known_ns=at_ns,
        kind=KIND,
        from_contract=before.contract,
        to_contract=after.contract,
        complete=spread is not None,
        spread=spread or 0,
        from_volume=None,
        to_volume=None,
    )
