"""How liquid an instrument is, minute by minute: what its trades and its book are drawn from.

All follows from its lots a minute relative to the asset's usual minute: a back month, a night and a holiday
are thin in the same way.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from standin.market.contracts import Contract, Instrument
from standin.market.minutes import basis_ticks, planned_lots
from standin.market.profiles import PROFILES
from standin.market.underlying import MINUTE_NS, Underlying, underlying
from standin.noise import Floats, Ints

MINUTES = 1_380
"""Of a full session."""
BUSY = 2.0
"""Times the usual minute: the main hours of a front contract, which DEPTHS describes."""


@dataclass(frozen=True, slots=True)
class Depth:
    """A front contract's main hours, roughly, in 2024–2026.

    size: lots at a price some ticks from the touch. spread: in ticks, on average. lots: mean size of a trade.
    """

    size: float
    spread: float
    lots: float


DEPTHS: dict[str, Depth] = {
    "NG": Depth(15.0, 1.1, 1.8),
    "CL": Depth(14.0, 1.05, 1.6),
    "HO": Depth(3.0, 4.0, 1.4),
    "NQ": Depth(6.0, 1.6, 1.5),
    "YM": Depth(6.0, 1.6, 1.4),
    "NKD": Depth(6.0, 1.4, 1.4),
    "GC": Depth(8.0, 1.4, 1.5),
    "SI": Depth(6.0, 1.5, 1.5),
    "HG": Depth(7.0, 1.3, 1.5),
    "PL": Depth(4.0, 3.0, 1.3),
    "MBT": Depth(10.0, 2.0, 2.2),
    "6E": Depth(45.0, 1.02, 2.6),
    "6B": Depth(35.0, 1.1, 2.4),
    "6C": Depth(40.0, 1.1, 2.4),
    "6S": Depth(12.0, 1.4, 2.0),
    "6J": Depth(45.0, 1.05, 2.4),
    "6N": Depth(20.0, 1.2, 2.2),
    "6A": Depth(40.0, 1.1, 2.4),
    "ZN": Depth(1_600.0, 1.01, 14.0),
}
"""By root."""

LEAST = 1e-5
"""Relative lots below which nothing gets any thinner."""
STEPS_PER_OCTAVE = 2
"""Liquidity moves in steps, so that a thin book does not stir at every minute's boundary."""
SPREAD_POWER, DEPTH_POWER = 0.35, 0.35
"""How fast the touch widens and the book thins with less trading."""
WIDEST, LEAST_EXTRA_SPREAD = 60.0, 0.03
CROWDED, LEAST_DENSITY = 1.3, 0.08
"""A price has orders with probability 1 − exp(−1.3 · lots expected there): thin books have gaps."""
LEVELS, LEVELS_POWER, ENDLESS_LEVELS = 30.0, 0.15, 14.0
"""Levels on a side of a usual book; from 14 on it is taken to have no end."""
ENDLESS = 1e9
EVENTS, EVENTS_POWER = 42.0, 0.62
"""Book events a minute, beside trades and what they force, at one trade a minute: some ten for each trade in
a quiet hour of ES, fewer for each the busier it is."""
PERIODS = ((0.1, 3), (0.01, 8), (0.0, 30))
"""(a session's relative lots, minutes for which a resting size lasts)."""


@dataclass(frozen=True, slots=True)
class Liquidity:
    """One instrument in one session, by minute (arrays of length M; prices in ticks).

    minute_ns: UTC ns at which the minute begins. start, end: the middle of the market, not rounded. spread: on
    average. size: lots expected at a price; density: share of prices that have orders; reach: from the middle to
    the last order. events: book events expected in the minute. period: minutes for which a resting size lasts.
    """

    minute_ns: Ints
    start: Floats
    end: Floats
    spread: Floats
    size: Floats
    density: Floats
    reach: Floats
    events: Floats
    period: int


@lru_cache(maxsize=256)
def liquidity(seed: int, instrument: Instrument, trade_date: date) -> Liquidity | None:
    """The minutes of a session in which the instrument can trade; None where there are none."""
    path = underlying(seed, instrument.root, trade_date)
    if path is None or not instrument.listed(trade_date):
        return None
    alive = path.minute_ns + MINUTE_NS <= instrument.expiration_ns
    if not alive.any():
        return None
    depth = DEPTHS[instrument.root]
    lots = planned_lots(seed, instrument.root, (instrument,), trade_date)[0]
    usual = PROFILES[instrument.root].volume / MINUTES
    relative = _stepped(np.maximum(lots * path.weight[alive] / usual, LEAST))
    busy = relative / BUSY
    size = depth.size * busy**DEPTH_POWER
    density = np.maximum(1 - np.exp(-CROWDED * size), LEAST_DENSITY)
    levels = LEVELS * relative**LEVELS_POWER
    start, end = _middle(instrument, path, trade_date)
    return Liquidity(
        minute_ns=path.minute_ns[alive],
        start=start[alive],
        end=end[alive],
        spread=np.minimum(1 + (depth.spread - 1 + LEAST_EXTRA_SPREAD) * busy**-SPREAD_POWER, WIDEST),
        size=size,
        density=density,
        reach=np.where(levels < ENDLESS_LEVELS, np.ceil(levels / density), ENDLESS),
        events=EVENTS * (lots * path.weight[alive] / depth.lots) ** EVENTS_POWER,
        period=next(minutes for least, minutes in PERIODS if lots / PROFILES[instrument.root].volume >= least),
    )


def _stepped(relative: Floats) -> Floats:
    stepped: Floats = np.exp2(np.rint(np.log2(relative) * STEPS_PER_OCTAVE) / STEPS_PER_OCTAVE)
    return stepped


def _middle(instrument: Instrument, path: Underlying, trade_date: date) -> tuple[Floats, Floats]:
    """At the beginning and at the end of each minute: the underlying and the basis; a spread is all basis."""
    basis = basis_ticks(instrument, path, trade_date)
    if not isinstance(instrument, Contract):
        flat = np.full(path.start.size, float(basis))
        return flat, flat
    return np.maximum(path.start + basis, 1.0), np.maximum(path.end + basis, 1.0)
