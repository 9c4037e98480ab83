"""Trades and book rows of any instruments over a range of time."""

from collections.abc import Sequence
from operator import itemgetter

import numpy as np

from market.facts import BY_ROOT
from standin.market.contracts import Instrument
from standin.market.hours import sessions_over
from standin.market.minutes import minutes
from standin.market.underlying import MINUTE_NS
from standin.micro.liquidity import liquidity
from standin.micro.part import Part
from standin.micro.words import LEVELS, RECV, width
from standin.noise import Ints


def event_rows(seed: int, schema: str, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> Ints:
    """The rows of words of `trades`, `mbp-1` or `mbp-10` with ts_recv in [start_ns, end_ns), ordered by it.

    Makes the whole minutes that the range touches, whatever part of them it asks for.
    """
    made = (_made(schema, part) for part in _parts(seed, wanted, start_ns, end_ns))
    parts = [rows[slice(*np.searchsorted(rows[:, RECV], (start_ns, end_ns)))] for rows in made]
    if not parts:
        return np.empty((0, width(LEVELS[schema])), dtype=np.int64)
    if len(parts) == 1:
        return parts[0]
    rows = np.concatenate(parts)
    return rows[np.argsort(rows[:, RECV], kind="stable")]


def count_rows(seed: int, schema: str, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> int:
    """How many rows `event_rows` has; whole minutes are counted without writing them."""
    whole_from, whole_to = -(-start_ns // MINUTE_NS) * MINUTE_NS, end_ns // MINUTE_NS * MINUTE_NS
    if whole_from >= whole_to:
        return len(event_rows(seed, schema, wanted, start_ns, end_ns))
    count = sum(_count(schema, part) for part in _parts(seed, wanted, whole_from, whole_to))
    for edge in ((start_ns, whole_from), (whole_to, end_ns)):
        if edge[0] < edge[1]:
            count += len(event_rows(seed, schema, wanted, *edge))
    return count


def _made(schema: str, part: Part) -> Ints:
    return part.trades() if schema == "trades" else part.book(LEVELS[schema])


def _count(schema: str, part: Part) -> int:
    return part.trade_count() if schema == "trades" else part.book_count(LEVELS[schema])


def _parts(seed: int, wanted: Sequence[Instrument], start_ns: int, end_ns: int) -> list[Part]:
    """One for each instrument and session, the minutes that [start_ns, end_ns) touches, in the order of `wanted`."""
    parts: list[tuple[int, Part]] = []
    for root in dict.fromkeys(each.root for each in wanted):
        places = [place for place, each in enumerate(wanted) if each.root == root]
        group = tuple(wanted[place] for place in places)
        for session in sessions_over(BY_ROOT[root].calendar, start_ns, end_ns):
            bars = minutes(seed, root, group, session.trade_date)
            edges = np.searchsorted(bars.who, np.arange(len(group) + 1))
            for who, instrument in enumerate(group):
                liquid = liquidity(seed, instrument, session.trade_date)
                if liquid is None:
                    continue
                first, past = np.searchsorted(liquid.minute_ns, (start_ns - start_ns % MINUTE_NS, end_ns))
                if first < past:
                    own = bars[edges[who] : edges[who + 1]]
                    parts.append((places[who], Part(seed, instrument, liquid, own, int(first), int(past))))
    return [part for _place, part in sorted(parts, key=itemgetter(0))]
