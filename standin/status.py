"""Trading status as DBN records: what the session calendar says, and the state of things at each UTC midnight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

import numpy as np
from databento_dbn import StatusMsg
from numpy.typing import NDArray

from market.facts import BY_ROOT
from market.sessions import SECOND_NS, calendar
from standin import noise
from standin.market.bars import day_ns, day_of
from standin.market.contracts import Instrument

DTYPE = np.dtype(StatusMsg._dtypes)
PRE_OPEN, TRADING, HALT, CLOSE = 1, 7, 8, 12
SCHEDULED, ACTIVATION, EXPIRATION = 1, 4, 5
NO_EVENT, NO_CANCEL, NEW_SESSION = 0, 1, 2

PRE_OPEN_NS, LONG_PRE_OPEN_NS = 15 * 60 * SECOND_NS, 60 * 60 * SECOND_NS
"""Orders are taken so long before trading; the second after a weekend or a holiday."""
LONG_BREAK_NS = 6 * 3_600 * SECOND_NS
NO_CANCEL_NS = 30 * SECOND_NS
"""In the last seconds before trading orders cannot be taken back."""
LEAST_DELAY_NS, DELAY_NS = 60_000, 40_000
"""From ts_event to ts_recv: the first, and up to the second more. An opening is known before its first book row."""
LONGEST_BREAK = timedelta(days=6)
_RTYPE, _PUBLISHER_GLBX, _SATURDAY = 18, 1, 5


@dataclass(frozen=True, slots=True)
class Change:
    """A new status from `at_ns` (UTC) on."""

    at_ns: int
    action: int
    reason: int = SCHEDULED
    event: int = NO_EVENT


def status_records(seed: int, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> NDArray[Any]:
    """StatusMsg with ts_recv in [start_ns, end_ns), ordered by it."""
    rows = [_row(each, *change) for each in wanted for change in _received(seed, each, start_ns, end_ns)]
    records = np.array(rows, dtype=DTYPE)
    return records[np.argsort(records["ts_recv"], kind="stable")]


def _received(seed: int, instrument: Instrument, start_ns: int, end_ns: int) -> Iterator[tuple[int, Change]]:
    """(ts_recv, change), the state at each midnight among them; not ordered."""
    first, last = day_of(start_ns), day_of(end_ns)
    changes = list(_changes(instrument, first - LONGEST_BREAK, last + timedelta(days=1)))
    for change in changes:
        recv_ns = change.at_ns + _delay_ns(seed, instrument, change)
        if start_ns <= recv_ns < end_ns:
            yield recv_ns, change
    for number in range((last - first).days + 1):
        midnight = day_ns(first + timedelta(days=number))
        before = [change for change in changes if change.at_ns < midnight]
        if before and start_ns <= midnight < end_ns and _snapshot_on(first + timedelta(days=number), instrument):
            yield midnight, before[-1]


def _snapshot_on(day: date, instrument: Instrument) -> bool:
    return day.weekday() != _SATURDAY and day <= instrument.last_trade


def _changes(instrument: Instrument, first: date, last: date) -> Iterator[Change]:
    """The changes of the sessions of some trade dates and the next, as far as the instrument is listed."""
    name = BY_ROOT[instrument.root].calendar
    sessions = calendar(name).between(
        max(first, instrument.first_trade), min(last + LONGEST_BREAK, instrument.last_trade)
    )
    for session in sessions:
        for change in _session_changes(name, session.trade_date):
            if change.at_ns >= instrument.expiration_ns:
                break
            begins = change.action == PRE_OPEN and session.trade_date == instrument.first_trade
            yield replace(change, reason=ACTIVATION) if begins else change
    if sessions and sessions[-1].trade_date == instrument.last_trade:
        yield Change(instrument.expiration_ns, CLOSE, EXPIRATION)


@lru_cache(maxsize=16_384)
def _session_changes(name: str, trade_date: date) -> tuple[Change, ...]:
    """From the session's first pre-open to its close; where it follows the one before at once, neither is there."""
    sessions = calendar(name)
    session = sessions.session(trade_date)
    assert session is not None
    before, after = sessions.before(trade_date, 1), sessions.after(trade_date, 1)
    closes = [before[0].close_ns if before else 0, *(close for _open, close in session.segments)]
    changes: list[Change] = []
    for (opening, close), closed in zip(session.segments, closes, strict=False):
        changes += _opening(opening, opening - closed)
        changes.append(Change(close, HALT))
    changes[-1] = replace(changes[-1], action=CLOSE)
    return tuple(changes[:-1] if after and after[0].open_ns == session.close_ns else changes)


def _opening(at_ns: int, pause_ns: int) -> Iterator[Change]:
    if pause_ns == 0:
        yield Change(at_ns, TRADING, event=NEW_SESSION)
        return
    yield Change(at_ns - (LONG_PRE_OPEN_NS if pause_ns > LONG_BREAK_NS else PRE_OPEN_NS), PRE_OPEN)
    yield Change(at_ns - NO_CANCEL_NS, PRE_OPEN, event=NO_CANCEL)
    yield Change(at_ns, TRADING)


def _delay_ns(seed: int, instrument: Instrument, change: Change) -> int:
    stream = noise.key(seed, *instrument.name_key, "status")
    return LEAST_DELAY_NS + int(DELAY_NS * noise.uniform(noise.words(stream, np.array(change.at_ns // SECOND_NS))))


def _row(instrument: Instrument, recv_ns: int, change: Change) -> tuple[Any, ...]:
    trading, quoting = change.action == TRADING, change.action in (TRADING, PRE_OPEN)
    flags = (b"Y" if trading else b"N", b"Y" if quoting else b"N", b"~")
    head = (DTYPE.itemsize // 4, _RTYPE, _PUBLISHER_GLBX, instrument.instrument_id, change.at_ns, recv_ns)
    return (*head, change.action, change.reason, change.event, *flags, b"")
