"""How a day's volume spreads over the listed contracts, and how it moves on before expiry.

Around its roll day a contract hands its volume to the next active month along a logistic curve, over
several days and with noise, so that the two cross as they do in reality.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from standin import noise
from standin.market import contracts, days
from standin.market.contracts import Contract
from standin.market.profiles import PROFILES
from standin.noise import Floats

ROLL_DAYS_SCALE = 1.15
"""Calendar days in which the odds between old and new contract change by e: three days from 10 % to 93 %."""
ROLL_JITTER_DAYS = 1.0
CONTRACT_NOISE = 0.15
"""Deviation of the log of one contract's volume on one day."""
OPEN_INTEREST_DAYS = 1.2
"""Open interest of an asset, in usual days of volume."""
POSITIONS_LAG = timedelta(days=3)
"""Positions move on to the next contract so long after trading does."""
SERIAL_SHARE = 6e-5
"""A listed month that is not active: some ten lots a day in gold, none at all in many."""
SERIAL_FADE_MONTHS = 5.0
_DAYS_PER_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class Plan:
    """One trade date of one asset: its listed contracts by expiry, and lots of each.

    Of `plan` those that it would trade in a full session, of `open_interest` those that are held at the end.
    """

    listed: tuple[Contract, ...]
    lots: Floats

    def ranked(self) -> tuple[Contract, ...]:
        """Most lots first."""
        return tuple(self.listed[place] for place in np.argsort(-self.lots, kind="stable"))


@lru_cache(maxsize=8_192)
def plan(seed: int, root: str, trade_date: date) -> Plan:
    """Raises KeyError for a root that is not in the market."""
    listed = contracts.contracts(root, trade_date, trade_date)
    shares = _shares(seed, listed, trade_date)
    streams = np.array([_stream(seed, each) for each in listed], dtype=np.uint64)
    wobble = noise.normal(noise.words(streams, np.array(trade_date.toordinal())))
    total = days.day(seed, root, trade_date).volume
    return Plan(listed, total * shares * np.exp(CONTRACT_NOISE * wobble))


@lru_cache(maxsize=8_192)
def open_interest(seed: int, root: str, trade_date: date) -> Plan:
    """What is held at the end of a trade date, in whole lots. Raises KeyError for a root that is not in the market."""
    listed = contracts.contracts(root, trade_date, trade_date)
    held = OPEN_INTEREST_DAYS * PROFILES[root].volume * _shares(seed, listed, trade_date - POSITIONS_LAG)
    return Plan(listed, np.rint(held))


def _shares(seed: int, listed: tuple[Contract, ...], trade_date: date) -> Floats:
    """Each contract's part of the asset's volume, before the day's noise; `listed` are one asset's, by expiry."""
    shares = np.array([0.0 if each.is_active_month else _serial_share(each, trade_date) for each in listed])
    active = np.array([place for place, each in enumerate(listed) if each.is_active_month], dtype=np.int64)
    if active.size:
        shares[active] = _active_shares(seed, [listed[place] for place in active], trade_date)
    return shares


@lru_cache(maxsize=16_384)
def _stream(seed: int, contract: Contract) -> int:
    return noise.key(seed, contract.root, contract.year, contract.month, "share")


def _serial_share(contract: Contract, trade_date: date) -> float:
    months = (contract.last_trade - trade_date).days / _DAYS_PER_MONTH
    return SERIAL_SHARE * float(np.exp(-months / SERIAL_FADE_MONTHS))


def _active_shares(seed: int, active: list[Contract], trade_date: date) -> Floats:
    """Shares that sum to about 1.

    With m[i] the part of contract i's volume that has moved on, contract i holds (1 − m[i]) · Π m[earlier];
    a month further out than the front has at least next_share of the one before it.
    """
    next_share = PROFILES[active[0].root].family.next_share
    since_roll = np.array([(trade_date - _roll_day(seed, each)).days + _jitter(seed, each) for each in active])
    moved = 1 / (1 + np.exp(-since_roll / ROLL_DAYS_SCALE))
    arrived = np.concatenate(([1.0], np.cumprod(moved)[:-1]))
    shares = (1 - moved) * arrived
    for place in range(1, len(shares)):
        shares[place] += next_share * shares[place - 1] * (1 - moved[place])
    return shares


def _roll_day(seed: int, contract: Contract) -> date:
    return contract.last_trade - timedelta(days=round(PROFILES[contract.root].family.roll_days))


def _jitter(seed: int, contract: Contract) -> float:
    draw = noise.normal(noise.words(_stream(seed, contract), np.array(0)))
    return ROLL_JITTER_DAYS * float(np.clip(draw, -1.5, 1.5))
