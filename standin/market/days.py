"""Day level: a mean-reverting walk of session closes, and how busy each day is.

The walk steps on weekdays from the epoch, whatever the calendar says: a holiday shows as a larger gap.
"""

import math
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import numpy as np

from standin import noise
from standin.market.profiles import PROFILES, Profile
from standin.noise import Floats

EPOCH = date(2010, 6, 4)
"""The Friday before Databento's history begins; weekday number 0."""
TRADING_DAYS = 252.0
HALF_LIFE_DAYS = 260
"""After this many days half of a deviation from the usual price is gone; keeps decades in a lifelike band."""
_PERSISTENCE = 0.5 ** (1 / HALF_LIFE_DAYS)
_ACTIVITY_PERSISTENCE = 0.93
_ACTIVITY_SPREAD = 0.32
_CARRY_PERSISTENCE = 0.985
_CARRY_SPREAD = 0.004
_VOLUME_SPREAD = 0.12


@dataclass(frozen=True, slots=True)
class Day:
    """One weekday of one asset.

    previous, close: log price at the end of the day before and of this day. sigma: deviation of the day's
    log return. carry: log basis per year of maturity. volume: lots of a full session, all contracts.
    """

    previous: float
    close: float
    sigma: float
    carry: float
    volume: float


@dataclass(frozen=True, slots=True)
class _Walk:
    """Arrays by weekday number."""

    log_price: Floats
    sigma: Floats
    carry: Floats
    volume: Floats


def weekday_number(day: date) -> int:
    """Weekdays since EPOCH; Saturday and Sunday count as the Friday before."""
    weeks, weekday = divmod((day - EPOCH).days + EPOCH.weekday(), 7)
    return weeks * 5 + min(weekday, 4) - EPOCH.weekday()


def day(seed: int, root: str, trade_date: date) -> Day:
    """The figures of a trade date, any from EPOCH on into the future."""
    walk = _walk(seed, root, trade_date.year)
    number = weekday_number(trade_date)
    return Day(
        previous=float(walk.log_price[number - 1]),
        close=float(walk.log_price[number]),
        sigma=float(walk.sigma[number]),
        carry=float(walk.carry[number]),
        volume=float(walk.volume[number]),
    )


@lru_cache(maxsize=256)
def _walk(seed: int, root: str, through_year: int) -> _Walk:
    """The walk from EPOCH to a year's end. A longer walk repeats the shorter one: each step has its own noise."""
    profile = PROFILES[root]
    count = weekday_number(date(through_year, 12, 31)) + 1
    mood = _recursion(_draws(seed, profile.family.name, "mood", count), _ACTIVITY_PERSISTENCE)
    own_mood = _recursion(_draws(seed, root, "mood", count), _ACTIVITY_PERSISTENCE)
    activity = np.exp(_ACTIVITY_SPREAD * _mix(profile, mood, own_mood))
    sigma = profile.volatility / math.sqrt(TRADING_DAYS) * activity
    steps = sigma * _mix(profile, _draws(seed, profile.family.name, "day", count), _draws(seed, root, "day", count))
    carry = profile.carry + _CARRY_SPREAD * _recursion(_draws(seed, root, "carry", count), _CARRY_PERSISTENCE)
    busy = np.exp(_VOLUME_SPREAD * _draws(seed, root, "volume", count))
    return _Walk(
        log_price=np.log(profile.price) + _recursion(steps, _PERSISTENCE, unit=False),
        sigma=sigma,
        carry=carry,
        volume=profile.volume * activity**0.8 * busy,
    )


def _draws(seed: int, name: str, purpose: str, count: int) -> Floats:
    return noise.normal(noise.words(noise.key(seed, name, purpose), np.arange(count)))


def _mix(profile: Profile, common: Floats, own: Floats) -> Floats:
    shared = profile.family.shared
    mixed: Floats = shared * common + math.sqrt(1 - shared**2) * own
    return mixed


def _recursion(steps: Floats, persistence: float, *, unit: bool = True) -> Floats:
    """x[n] = persistence · x[n−1] + steps[n], scaled to deviation 1 when the steps have it."""
    scale = math.sqrt(1 - persistence**2) if unit else 1.0
    result, value = np.empty_like(steps), 0.0
    for number, step in enumerate((steps * scale).tolist()):
        value = persistence * value + step
        result[number] = value
    return result
