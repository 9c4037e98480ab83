"""Minute bars of the contracts and spreads: the truth that every schema is made from.

A bar must be realisable by whole lots: one lot has one price, and a high or low beyond open and close
needs at least four lots (open, high, low, close).
"""

import math
from datetime import date
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from standin import noise
from standin.market import volume
from standin.market.contracts import Contract, Instrument, Spread
from standin.market.profiles import PROFILES, Profile
from standin.market.table import Bars
from standin.market.underlying import MINUTE_NS, Underlying, underlying
from standin.noise import Floats, Ints

SIZE_SPREAD = 0.5
"""Deviation of the log of a minute's volume around what is expected."""
WICK_LOTS = 6.0
"""A minute of this many lots sees half of the range beyond open and close; thin contracts see little of it."""
WICK_NEEDS = 4
SPREAD_VOLUME = 0.02
"""Lots in a calendar spread for each lot in the thinner of its legs: most while the volume moves on."""
DAYS_PER_YEAR = 365.25
CACHED_SESSIONS = 64
_LOWEST = np.iinfo(np.int64).min


@lru_cache(maxsize=CACHED_SESSIONS)
def minutes(seed: int, root: str, wanted: tuple[Instrument, ...], trade_date: date) -> Bars:
    """The minute bars of some instruments of one asset in one session, prices in ticks.

    Rows are ordered by (place in `wanted`, time); `Bars.who` is that place. A minute without trade has no
    row. What an instrument does never depends on which others are asked for.
    """
    path = underlying(seed, root, trade_date)
    lots = planned_lots(seed, root, wanted, trade_date)
    if path is None or not lots.any():
        return Bars.empty()
    index = path.minute_ns // MINUTE_NS
    streams = np.array([_stream(seed, each) for each in wanted], dtype=np.uint64)[:, None]
    traded = _volumes(streams, index, lots[:, None] * path.weight)
    traded[_expired(wanted, path.minute_ns)] = 0
    who, column = np.nonzero(traded)
    bits = noise.words(streams[who, 0] + np.uint64(2), index[column])
    prices = _Prices(wanted, path, trade_date, who, column)
    return _bars(path, prices, bits, who, column, traded[who, column])


@lru_cache(maxsize=16_384)
def _stream(seed: int, instrument: Instrument) -> int:
    return noise.key(seed, *instrument.name_key, "minute")


def planned_lots(seed: int, root: str, wanted: tuple[Instrument, ...], trade_date: date) -> Floats:
    """Lots that each would trade in a full session; 0 for what is not listed on the trade date."""
    plan = volume.plan(seed, root, trade_date)
    lots: dict[Instrument, float] = dict(zip(plan.listed, plan.lots.tolist(), strict=True))

    def of(each: Instrument) -> float:
        if isinstance(each, Spread):
            return SPREAD_VOLUME * min(lots.get(each.near, 0.0), lots.get(each.far, 0.0))
        assert isinstance(each, Contract)
        return lots.get(each, 0.0)

    return np.array([of(each) for each in wanted])


def _volumes(streams: noise.Words, index: Ints, expected: Floats) -> Ints:
    """Whole lots with the expected mean: log-normal size, rounded up or down at random."""
    size = np.exp(SIZE_SPREAD * noise.rough_normal(noise.words(streams, index)) - SIZE_SPREAD**2 / 2)
    luck = noise.uniform(noise.words(streams + np.uint64(1), index))
    lots: Ints = np.floor(expected * size + luck).astype(np.int64)
    return lots


def _expired(wanted: tuple[Instrument, ...], minute_ns: Ints) -> NDArray[np.bool_]:
    ends = np.array([each.expiration_ns for each in wanted])
    over: NDArray[np.bool_] = minute_ns + MINUTE_NS > ends[:, None]
    return over


class _Prices:
    """The underlying's price, in each bar's own terms: integer ticks with the instrument's basis.

    An outright follows the underlying and stays positive; a spread is the difference of two basis values.
    """

    def __init__(
        self, wanted: tuple[Instrument, ...], path: Underlying, trade_date: date, who: Ints, column: Ints
    ) -> None:
        outright = np.array([isinstance(each, Contract) for each in wanted])
        self._column = column
        self._basis = np.array([basis_ticks(each, path, trade_date) for each in wanted])[who]
        self._slope = outright.astype(np.float64)[who]
        self._lowest = np.where(outright, 1, _LOWEST)[who]

    def at(self, price: Floats) -> Ints:
        return self.shifted(np.rint(price[self._column] * self._slope).astype(np.int64), self._basis)

    def shifted(self, ticks: Ints, by: Ints) -> Ints:
        bounded: Ints = np.maximum(ticks + by, self._lowest)
        return bounded


def basis_ticks(instrument: Instrument, path: Underlying, trade_date: date) -> int:
    """Ticks above the underlying, the same all session long, so that spreads are stable."""
    if isinstance(instrument, Spread):
        legs = (basis_ticks(leg, path, trade_date) for leg in (instrument.near, instrument.far))
        return next(legs) - next(legs)
    assert isinstance(instrument, Contract)
    return round(path.level * math.expm1(_log_basis(PROFILES[instrument.root], path.carry, instrument, trade_date)))


def _log_basis(profile: Profile, carry: float, contract: Contract, trade_date: date) -> float:
    years = (contract.last_trade - trade_date).days / DAYS_PER_YEAR
    season = _season(contract.month) - _season(trade_date.month)
    # the nearest contract stands close to the underlying, whatever the season
    return carry * years + profile.season * season * min(1.0, 4 * years)


def _season(month: int) -> float:
    """1 in January, −1 in July."""
    return math.cos(2 * math.pi * (month - 1) / 12)


def _bars(path: Underlying, prices: _Prices, bits: noise.Words, who: Ints, column: Ints, traded: Ints) -> Bars:
    # the first and the last print hit the bid or the ask: the bounce
    opening = prices.shifted(prices.at(path.start), noise.wobble(bits, 0))
    close = prices.shifted(prices.at(path.end), noise.wobble(bits, 3))
    opening = np.where(traded == 1, close, opening)
    top, bottom = np.maximum(opening, close), np.minimum(opening, close)
    seen = np.where(traded < WICK_NEEDS, 0.0, traded / (traded + WICK_LOTS))
    above = np.rint(np.maximum(prices.at(path.high) - top, 0) * seen).astype(np.int64)
    below = np.rint(np.maximum(bottom - prices.at(path.low), 0) * seen).astype(np.int64)
    return Bars(who, path.minute_ns[column], opening, top + above, bottom - below, close, traded)
