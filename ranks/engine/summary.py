"""The summary of a session: how every bar of it grew, in all timeframes, from its one-second bars in one go."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from market.engine.bars import Bars
from market.engine.jit import compiled
from market.engine.tape import as_traded
from market.sessions import SECOND_NS, Session
from market.timeframes import TIMEFRAMES
from ranks.engine.buckets import Buckets, Int32s, Int64s, buckets_of

KNOTS = 60
"""Points of a bar at which its growth is kept, evenly spaced, the last one its end. A bar has at least 60 seconds."""
LATEST = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Curves:
    """How the bars of one timeframe grew; a row for each, in order of time. Arrays of int32.

    start, length: the bucket (`ranks.engine.buckets.Bucket`). volume: contracts traded up to each knot. range: high
    minus low up to each knot, in ticks, 0 before the first trade. Both [bars, KNOTS], never falling along a row; the
    last column is the final value. Knot k (from 1) is the instant `begin + length · k / KNOTS`; a second counts once
    it is over, and what comes late, after the end, belongs to the last knot.
    """

    start: Int32s
    length: Int32s
    volume: Int32s
    range: Int32s

    def __len__(self) -> int:
        return len(self.start)


Summary = Mapping[str, Curves]
"""Curves by timeframe, all nine."""


def summarise(session: Session, seconds: Bars, tick: int, knots: int = KNOTS) -> Summary:
    """The summary of a session from all its one-second bars (prices 1e-9 units, unshifted or not).

    tick: 1e-9 units. knots: another number than what is stored is for whoever wants to look closer. Without bars all
    values are 0: the market was open and nobody traded.
    """
    session = as_traded(session, seconds.ts, SECOND_NS)
    return {timeframe: _curves(buckets_of(session, timeframe), seconds, tick, knots) for timeframe in TIMEFRAMES}


def _curves(buckets: Buckets, seconds: Bars, tick: int, knots: int) -> Curves:
    volume, range_ = (np.empty((len(buckets), knots), np.int32) for _ in range(2))
    length_ns = buckets.length.astype(np.int64) * SECOND_NS
    columns = seconds.ts, seconds.high, seconds.low, seconds.volume
    _grow(*columns, buckets.begin, length_ns, tick, volume, range_)
    real = buckets.length > 0
    if real.all():
        return Curves(buckets.start, buckets.length, volume, range_)
    return Curves(buckets.start[real], buckets.length[real], volume[real], range_[real])


@compiled
def _grow(
    ts: Int64s,
    high: Int64s,
    low: Int64s,
    volume: Int64s,
    begin: Int64s,
    length_ns: Int64s,
    tick: int,
    volume_out: Int32s,
    range_out: Int32s,
) -> None:
    """Fill the curves of all bars in one pass over the seconds."""
    knots = volume_out.shape[1]
    row = np.searchsorted(ts, begin[0])
    for bar in range(len(begin)):
        following = begin[bar + 1] if bar + 1 < len(begin) else LATEST
        traded, top, bottom = 0, 0, 0
        empty = True
        for knot in range(knots):
            # a second that starts at `known` is over at the knot
            known = begin[bar] + length_ns[bar] * (knot + 1) // knots - SECOND_NS
            while row < len(ts) and ts[row] < following and (ts[row] <= known or knot == knots - 1):
                if empty:
                    top, bottom = high[row], low[row]
                    empty = False
                top, bottom = max(top, high[row]), min(bottom, low[row])
                traded += volume[row]
                row += 1
            volume_out[bar, knot] = traded
            range_out[bar, knot] = (top - bottom) // tick
