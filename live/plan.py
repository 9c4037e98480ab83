"""What a session of the feed does, decided before it begins: contracts, symbols, and where the replay starts."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from django.conf import settings

from live import fronts, history, prints
from live.engine.ledger import Ledger
from live.engine.resume import Beginning, beginning
from live.fronts import Front
from live.history import Position, SessionKey
from live.market_clock import MarketClock
from live.models import FeedEvent
from live.track import Slot, Track
from market.facts import DATASET
from market.models import Asset, Contract
from market.sessions import SECOND_NS, Session

log = logging.getLogger(__name__)

BACK_NS = 60 * SECOND_NS
"""Market time that is so far behind what is held has gone back: a closed day of the synthetic market has begun."""


@dataclass(frozen=True, slots=True)
class Plan:
    """contracts: the asset's track and the contract of each symbol. problems: by root, why it has no contract."""

    dataset: str
    clock: MarketClock
    beginning: Beginning
    position: Position
    tracks: Sequence[Track]
    contracts: dict[str, tuple[Track, int]]
    fronts: Sequence[Front]
    problems: dict[str, str]


def make(clock: MarketClock, assets: Sequence[Asset], found: Sequence[Front], problems: dict[str, str]) -> Plan:
    """The plan of a session that begins now. Raises RedisError."""
    position = _position(clock.now_ns)
    around = {asset.root: fronts.sessions_around(asset, clock.now_ns) for asset in assets}
    held_ns = position.until_ns or None
    begin = beginning(clock.now_ns, held_ns, [session for sessions in around.values() for session in sessions])
    tracks: dict[str, Track] = {}
    for asset in assets:
        mine = [front for front in found if front.root == asset.root]
        if mine:
            tracks[asset.root] = _track(asset, around[asset.root], mine, begin, position)
    contracts = {symbol: (tracks[each.root], each.contract_id) for each in found for symbol in each.symbols}
    contracts = _left(tracks.values()) | contracts
    return Plan(DATASET, clock, begin, position, list(tracks.values()), contracts, found, problems)


def _left(tracks: Iterable[Track]) -> dict[str, tuple[Track, int]]:
    """The contracts that rolls leave: their prints in the opening second tell how far the two are apart."""
    owners = {contract_id: track for track in tracks for contract_id in track.leaves}
    contracts = Contract.objects.filter(pk__in=owners).select_related("asset")
    return {symbol: (owners[each.pk], each.pk) for each in contracts for symbol in fronts.both_symbols(each)}


def goes_on(track: Track, found: Sequence[Front], market_ns: int) -> Front | None:
    """The next session's front where the track can simply go on with it: the same contract, and not open yet.

    None where there is no next session among the fronts. Raises NeedsSession where it takes a new session.
    """
    new = [each for each in found if each.root == track.root and each.trade_date > track.slots[-1].key.day]
    if not new:
        return None
    if len(new) > 1 or new[0].contract_id != track.slots[-1].key.contract_id or market_ns >= track.end_ns:
        raise NeedsSession
    return new[0]


class NeedsSession(Exception):
    """New symbols, or an opening that was missed: the next session of the feed subscribes and replays."""


def slot_of(front: Front, asset: Asset) -> tuple[Slot, int]:
    """A session that has not opened yet, and the opening of the one after it."""
    session = asset.sessions.session(front.trade_date)
    assert session is not None
    opens = session.open_ns
    key = SessionKey(front.root, front.trade_date.isoformat(), front.contract_id, front.symbol, opens, opens)
    return Slot(session, key, Ledger()), asset.sessions.after(front.trade_date, 1)[0].open_ns


def _position(now_ns: int) -> Position:
    """How far the feed has come; from the start where the market's time has gone back."""
    position = history.position()
    if position is None:
        return Position(0, 1)
    if position.until_ns > now_ns + BACK_NS:
        log.info("the market's time has gone back: its bars will come again")
        history.forget()
        return Position(0, position.epoch + 1)
    return position


def _track(
    asset: Asset, sessions: Sequence[Session], found: Sequence[Front], begin: Beginning, position: Position
) -> Track:
    held = {key.trade_date: key for key in history.sessions(asset.root)}
    by_date = {session.trade_date: session for session in sessions}
    keys = [_key(front, by_date[front.trade_date], held, begin, position) for front in found]
    slots = [Slot(by_date[key.day], key, history.ledger(key) if key.trade_date in held else Ledger()) for key in keys]
    following = asset.sessions.after(slots[-1].session.trade_date, 1)[0]
    before = [key for key in held.values() if key.trade_date < keys[0].trade_date]
    track = Track(asset.root, slots, following.open_ns, begin.whole_ns, before[-1] if before else None)
    if settings.LIVE_TRADES:
        track.kept = []
        for slot in slots:
            prints.cut(slot.key, begin.whole_ns)
    return track


def _key(
    front: Front, session: Session, held: dict[str, SessionKey], begin: Beginning, position: Position
) -> SessionKey:
    """since_ns says from when on nothing is missing: a replay that does not reach back to what is held leaves a gap."""
    trade_date = front.trade_date.isoformat()
    known = held.get(trade_date)
    new = SessionKey(front.root, trade_date, front.contract_id, front.symbol, session.open_ns, session.open_ns)
    if known is not None and (begin.whole_ns <= position.until_ns or session.close_ns <= position.until_ns):
        return replace(new, since_ns=known.since_ns)
    if known is not None:
        text = f"{front.root}: no bars of {trade_date} between {known.symbol}'s last one and the replay"
        FeedEvent.objects.create(kind=FeedEvent.Kind.GAP, text=text)
    return replace(new, since_ns=max(session.open_ns, begin.whole_ns))
