"""When a session's trading was halted, by the exchange's own status messages."""

import numpy as np

from market import ingest, store
from market.engine.judge import trading
from market.models import Coverage
from market.sessions import Session

Interval = tuple[int, int]


def halts_of(row: Coverage | None, session: Session) -> tuple[Interval, ...]:
    """The halts [start, end) of a session, UTC ns of their capture, by its stored status; none where it is not stored.

    Before a segment's first trading status the calendar decides: the messages of a session need not begin with it.
    Raises store.DamagedPiece.
    """
    if row is None or not row.rows:
        return ()
    columns = store.read(ingest.piece_name(row.contract, row.schema, row.trade_date), row.checksum)
    order = np.argsort(columns["ts_recv"], kind="stable")
    stretches = list(trading(columns["ts_recv"][order], columns["is_trading"][order]))
    return tuple(halt for segment in session.segments for halt in _between(stretches, segment))


def _between(stretches: list[tuple[int, int | None]], segment: Interval) -> list[Interval]:
    start, end = segment
    here = [each for each in stretches if each[0] < end and (each[1] is None or each[1] > start)]
    resumed = [first for first, _ in here[1:]] + [end]
    found = [(halt, again) for (_, halt), again in zip(here, resumed, strict=True) if halt is not None]
    return [(halt, again) for halt, again in found if start <= halt < again]
