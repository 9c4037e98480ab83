"""From live to the store: sessions that are over become pieces like those that are downloaded."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import numpy as np
from django.conf import settings
from django.utils import timezone

from live import fronts, history, prints
from live.history import SessionKey
from live.models import FeedEvent
from market import ingest, store
from market.engine.bars import from_trades
from market.locks import advisory_lock
from market.models import Asset, Contract, Coverage
from market.schemas import SECONDS, TRADES, Schema
from market.services import live_source
from market.sessions import SECOND_NS, Session

log = logging.getLogger(__name__)

SETTLED_NS = 150 * SECOND_NS
"""So long after the close no late print changes a bar any more."""
EVENTS_KEPT = timedelta(days=30)


def store_finished() -> list[str]:
    """Write the sessions that are over and whole, and say which. What is stored already stays as it is.

    A session of which live missed a part is left to the historical gateway. Raises RedisError.
    """
    position = history.position()
    if position is None:
        return []
    stored = []
    for asset in fronts.followed():
        for key, session in _over(asset, position.until_ns):
            if _store(asset, key, session):
                stored.append(f"{key.symbol} {key.trade_date}")
    if stored:
        FeedEvent.objects.create(kind=FeedEvent.Kind.STORED, text=", ".join(stored))
    FeedEvent.objects.filter(at__lt=timezone.now() - EVENTS_KEPT).delete()
    return stored


def _over(asset: Asset, until_ns: int) -> Iterator[tuple[SessionKey, Session]]:
    for key in history.sessions(asset.root):
        session = asset.sessions.session(key.day)
        if session is not None and key.is_whole and session.close_ns + SETTLED_NS <= until_ns:
            yield key, session


def _store(asset: Asset, key: SessionKey, session: Session) -> bool:
    """Whether bars were written now."""
    contract = Contract.objects.select_related("asset").get(pk=key.contract_id)
    if settings.LIVE_TRADES and _agree(key):
        _write(contract, TRADES, session, lambda: prints.columns(key))
    return _write(contract, SECONDS, session, lambda: store.bar_columns(history.read(key)))


def _agree(key: SessionKey) -> bool:
    """Whether the trades that are held make the bars that are held: they were kept all session long."""
    trades = prints.columns(key)
    made = from_trades(trades["ts_recv"], trades["price"], trades["size"].astype(np.int64))
    held = history.read(key)
    return made.ts.tobytes() == held.ts.tobytes() and made.volume.tobytes() == held.volume.tobytes()


def _write(contract: Contract, schema: Schema, session: Session, columns: Callable[[], store.Columns]) -> bool:
    """Have a piece in the store, unless one is there."""
    with advisory_lock("ingest", contract.pk, schema.name):
        if not ingest.missing(contract, schema.name, [session], session.close_ns):
            return False
        name = ingest.piece_name(contract, schema.name, session.trade_date)
        ingest.record(contract, schema, session, store.write(name, columns()), session.close_ns, live_source())
    log.info("stored %s of live", name)
    return True


def ask_again(roots: list[str] | None = None) -> int:
    """Have live pieces of these assets, or of all, replaced by historical ones when they are next wanted; how many.

    What is stored stays until the new piece is there.
    """
    rows = Coverage.objects.filter(source=live_source(), until_ns__gt=0, rows__gt=0)
    if roots is not None:
        rows = rows.filter(contract__asset__root__in=roots)
    return rows.update(until_ns=0, state=Coverage.State.PARTIAL)
