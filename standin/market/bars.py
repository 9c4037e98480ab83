"""OHLCV bars of any instruments over one UTC day, in every schema, made from the minutes.

Databento's intervals are UTC: a daily bar is [00:00, 24:00) UTC, not a session. No interval is longer
than a day and none crosses midnight, so a day can be made alone.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from market.facts import BY_ROOT
from market.sessions import SECOND_NS
from standin.market.contracts import Instrument
from standin.market.hours import sessions_over
from standin.market.minutes import minutes
from standin.market.seconds import seconds
from standin.market.table import Bars
from standin.market.underlying import MINUTE_NS
from standin.noise import Ints

DAY_NS = 86_400 * SECOND_NS
INTERVALS_NS = {
    "ohlcv-1s": SECOND_NS,
    "ohlcv-1m": MINUTE_NS,
    "ohlcv-1h": 60 * MINUTE_NS,
    "ohlcv-1d": DAY_NS,
}


def day_ns(day: date) -> int:
    """UTC midnight at which a day begins."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * SECOND_NS


def day_of(ns: int) -> date:
    """The UTC day of an instant."""
    return date(1970, 1, 1) + timedelta(days=ns // DAY_NS)


def day_bars(seed: int, wanted: Sequence[Instrument], schema: str, day: date, start_ns: int, end_ns: int) -> Bars:
    """Bars that begin on a UTC day and in [start_ns, end_ns), prices in 1e-9 units, ordered by (time, who).

    `Bars.who` is the place in `wanted`. Raises KeyError for a schema that is no OHLCV schema.
    """
    start_ns, end_ns = max(start_ns, day_ns(day)), min(end_ns, day_ns(day) + DAY_NS)
    if start_ns >= end_ns:
        return Bars.empty()
    parts = []
    for root, places in _by_root(wanted).items():
        group = tuple(wanted[place] for place in places)
        table = _root_bars(seed, root, group, schema, day, start_ns, end_ns)
        parts.append(_placed(table, np.array(places), BY_ROOT[root].tick_size))
    merged = Bars.joined(parts)
    return merged[np.lexsort((merged.who, merged.start_ns))]


def aggregated(table: Bars, interval_ns: int) -> Bars:
    """Fewer, longer bars; the rows must be ordered by (who, time) and are grouped by UTC interval."""
    if not len(table):
        return table
    bucket = table.start_ns // interval_ns
    first = np.flatnonzero((np.diff(bucket, prepend=-1) != 0) | (np.diff(table.who, prepend=-1) != 0))
    last = np.append(first[1:], len(table)) - 1
    return Bars(
        who=table.who[first],
        start_ns=bucket[first] * interval_ns,
        open=table.open[first],
        high=np.maximum.reduceat(table.high, first),
        low=np.minimum.reduceat(table.low, first),
        close=table.close[last],
        volume=np.add.reduceat(table.volume, first),
    )


def session_minutes(seed: int, root: str, wanted: tuple[Instrument, ...], day: date) -> Bars:
    """Minute bars in ticks that begin on a UTC day, ordered by (who, time)."""
    begin, end = day_ns(day), day_ns(day) + DAY_NS
    parts = [
        _within(minutes(seed, root, wanted, session.trade_date), begin, end)
        for session in sessions_over(BY_ROOT[root].calendar, begin, end)
    ]
    merged = Bars.joined(parts)
    # a stable sort: the sessions come in order, so time stays ascending within each contract
    return merged[np.argsort(merged.who, kind="stable")] if len(parts) > 1 else merged


def _root_bars(
    seed: int, root: str, wanted: tuple[Instrument, ...], schema: str, day: date, start_ns: int, end_ns: int
) -> Bars:
    interval = INTERVALS_NS[schema]
    table = session_minutes(seed, root, wanted, day)
    if schema == "ohlcv-1s":
        table = _within(table, start_ns - start_ns % MINUTE_NS, end_ns)
        table = Bars.joined([seconds(seed, each, table[table.who == place]) for place, each in enumerate(wanted)])
    elif schema != "ohlcv-1m":
        table = aggregated(table, interval)
    return _within(table, start_ns, end_ns)


def _within(table: Bars, start_ns: int, end_ns: int) -> Bars:
    return table[(table.start_ns >= start_ns) & (table.start_ns < end_ns)]


def _by_root(wanted: Sequence[Instrument]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = {}
    for place, each in enumerate(wanted):
        groups.setdefault(each.root, []).append(place)
    return groups


def _placed(table: Bars, places: Ints, tick: int) -> Bars:
    return Bars(
        places[table.who],
        table.start_ns,
        table.open * tick,
        table.high * tick,
        table.low * tick,
        table.close * tick,
        table.volume,
    )
