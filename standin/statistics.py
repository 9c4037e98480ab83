"""Official figures of each session as DBN records: opening, high and low, settlement, volume, open interest."""

from collections.abc import Iterator, Sequence
from datetime import date, time
from typing import Any

import numpy as np
from databento_dbn import UNDEF_PRICE, StatMsg
from numpy.typing import NDArray

from market.facts import BY_ROOT
from market.sessions import SECOND_NS, Session, et_ns
from standin import noise
from standin.market.bars import day_ns
from standin.market.contracts import Contract, Instrument
from standin.market.hours import sessions_over
from standin.market.minutes import minutes
from standin.market.seconds import seconds
from standin.market.table import Bars
from standin.market.underlying import MINUTE_NS
from standin.market.volume import open_interest
from standin.micro.liquidity import Liquidity, liquidity
from standin.micro.packets import sequence_of
from standin.noise import Ints

DTYPE = np.dtype(StatMsg._dtypes)
OPENING_PRICE, SETTLEMENT_PRICE, LOW_PRICE, HIGH_PRICE, CLEARED_VOLUME, OPEN_INTEREST = 1, 3, 4, 5, 6, 9
PRELIMINARY, FINAL, NO_FLAGS, OFFICIAL = 2, 3, 255, 128
"""stat_flags as CME's records carry them."""

SETTLED_ET = {
    **dict.fromkeys(("NQ", "YM", "NKD", "MBT"), time(16)),
    **dict.fromkeys(("NG", "CL", "HO"), time(14, 30)),
    **dict.fromkeys(("6E", "6B", "6C", "6S", "6J", "6N", "6A", "ZN"), time(15)),
    "GC": time(13, 30),
    "SI": time(13, 25),
    "HG": time(13),
    "PL": time(13, 5),
}
"""The time whose price is the settlement, by root; the close where a session ends earlier."""
PRELIMINARY_AFTER_NS, FINAL_AFTER_NS, FIGURES_AFTER_NS = (15 * MINUTE_NS, 150 * MINUTE_NS, 260 * MINUTE_NS)
"""The settlement is told so long after its time, and once more so long after the close; volume and open interest
so long after the close."""
JITTER_NS = 40 * SECOND_NS
"""Official figures come at another moment within this, each day."""
SOON_NS = 50_000_000
"""An opening, high or low is told so long after the second or the minute in which it was made."""
LATENCY_NS, DELTA_NS = 110_000, 16_000
_RTYPE, _PUBLISHER_GLBX, _NEW = 24, 1, 1
_NONE = int(np.iinfo(np.int64).max)

_Row = tuple[int, int, int, int, int]
"""ts_recv, stat_type, price in ticks or _NONE, quantity or _NONE, stat_flags."""


def statistics_records(seed: int, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> NDArray[Any]:
    """StatMsg with ts_recv in [start_ns, end_ns), ordered by it; ts_ref is the trade date."""
    places, rows = [], []
    for root in dict.fromkeys(each.root for each in wanted):
        group = {place: each for place, each in enumerate(wanted) if each.root == root}
        for session in sessions_over(BY_ROOT[root].calendar, start_ns - FIGURES_AFTER_NS - JITTER_NS, end_ns):
            bars = minutes(seed, root, tuple(group.values()), session.trade_date)
            for who, (place, each) in enumerate(group.items()):
                for row in _session_rows(seed, each, session, bars[bars.who == who]):
                    if start_ns <= row[0] < end_ns:
                        places.append(place)
                        rows.append(_record(each, session, row))
    records = np.array(rows, dtype=DTYPE)
    return records[np.lexsort((np.array(places, dtype=np.int64), records["ts_recv"]))]


def _session_rows(seed: int, instrument: Instrument, session: Session, bars: Bars) -> Iterator[_Row]:
    """The figures of one session, not ordered; `bars` are its minutes."""
    liquid = liquidity(seed, instrument, session.trade_date)
    if liquid is None:
        return
    jitter = _jitter_ns(seed, instrument, session)
    if len(bars):
        first = seconds(seed, instrument, bars[:1])
        yield int(first.start_ns[0]) + SECOND_NS + SOON_NS, OPENING_PRICE, int(bars.open[0]), _NONE, NO_FLAGS
        yield from _extremes(bars, HIGH_PRICE, np.maximum.accumulate(bars.high))
        yield from _extremes(bars, LOW_PRICE, np.minimum.accumulate(bars.low))
    settled_ns, settlement = _settlement(instrument, session, liquid)
    yield settled_ns + PRELIMINARY_AFTER_NS + jitter, SETTLEMENT_PRICE, settlement, _NONE, PRELIMINARY
    yield session.close_ns + FINAL_AFTER_NS + jitter, SETTLEMENT_PRICE, settlement, _NONE, FINAL
    figures_ns = session.close_ns + FIGURES_AFTER_NS + jitter
    if isinstance(instrument, Contract):
        yield figures_ns, OPEN_INTEREST, _NONE, _held(seed, instrument, session.trade_date), OFFICIAL
    yield figures_ns, CLEARED_VOLUME, _NONE, int(bars.volume.sum()), OFFICIAL


def _extremes(bars: Bars, kind: int, so_far: Ints) -> Iterator[_Row]:
    """A row after each minute in which the session's high or low moved."""
    moved = np.flatnonzero(np.diff(so_far, prepend=so_far[0] - 1))
    for at in moved.tolist():
        yield int(bars.start_ns[at]) + MINUTE_NS + SOON_NS, kind, int(so_far[at]), _NONE, NO_FLAGS


def _settlement(instrument: Instrument, session: Session, liquid: Liquidity) -> tuple[int, int]:
    """UTC ns and price in ticks: the middle of the market at the settlement's time, whether it traded or not."""
    at_ns = min(et_ns(session.trade_date, SETTLED_ET[instrument.root]), session.close_ns)
    minute = max(int(np.searchsorted(liquid.minute_ns, at_ns)) - 1, 0)
    return at_ns, round(float(liquid.end[minute]))


def _held(seed: int, contract: Contract, trade_date: date) -> int:
    held = open_interest(seed, contract.root, trade_date)
    return int(held.lots[held.listed.index(contract)])


def _jitter_ns(seed: int, instrument: Instrument, session: Session) -> int:
    stream = noise.key(seed, *instrument.name_key, "statistics")
    return int(JITTER_NS * noise.uniform(noise.words(stream, np.array(session.trade_date.toordinal()))))


def _record(instrument: Instrument, session: Session, row: _Row) -> tuple[Any, ...]:
    recv_ns, kind, price, quantity, flags = row
    head = (DTYPE.itemsize // 4, _RTYPE, _PUBLISHER_GLBX, instrument.instrument_id)
    times = (recv_ns - LATENCY_NS, recv_ns, day_ns(session.trade_date))
    shown = UNDEF_PRICE if price == _NONE else price * BY_ROOT[instrument.root].tick_size
    return (*head, *times, shown, quantity, sequence_of(recv_ns), DELTA_NS, kind, 0, _NEW, flags, b"")
