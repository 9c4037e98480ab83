"""Minute level of an asset: one price path per session, which all its contracts follow.

A Brownian bridge from the open (the last close plus an overnight gap) to the day's close, with a
variance and a volume that follow the asset's day and its data releases.
"""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from market.facts import BY_ROOT
from market.sessions import SECOND_NS, Session, calendar, to_et
from standin import noise
from standin.market import days
from standin.market.profiles import PROFILES, Profile, Release
from standin.noise import Floats, Ints

MINUTE_NS = 60 * SECOND_NS
MINUTES_PER_DAY = 1440
OPEN_MINUTE, CLOSE_MINUTE = 18 * 60, 17 * 60
GAP_SHARE = 0.12
"""Deviation of the gap over the daily halt, as a share of the day's; over a weekend sqrt(days) times that."""
VARIANCE_POWER = 0.8
"""Variance grows a little less than volume: a busy minute has more prints per tick of movement."""
RELEASE_DECAY_MINUTES = 6.0


@dataclass(frozen=True, slots=True)
class Underlying:
    """One session's path, by minute (arrays of length M).

    minute_ns: UTC ns at which the minute begins. start, end, high, low: price in ticks, not rounded.
    weight: expected volume as a part of a full session's (1380 minutes sum to about 1).
    level: price in ticks at the last close, from which the contracts' basis is counted. carry: see `days.Day`.
    """

    minute_ns: Ints
    start: Floats
    end: Floats
    high: Floats
    low: Floats
    weight: Floats
    level: float
    carry: float


@lru_cache(maxsize=256)
def underlying(seed: int, root: str, trade_date: date) -> Underlying | None:
    """The session of a trade date; None on a day without one."""
    facts, profile = BY_ROOT[root], PROFILES[root]
    session = calendar(facts.calendar).session(trade_date)
    if session is None:
        return None
    today = days.day(seed, root, trade_date)
    minute_ns, et_minute = _clock(session)
    weight = _weights(seed, profile, trade_date, et_minute)
    variance = today.sigma**2 * weight**VARIANCE_POWER / _full_day(profile, VARIANCE_POWER)
    opening = _last_log_close(seed, root, trade_date) + _gap(seed, root, trade_date, today)
    edges = _bridge(seed, profile, root, minute_ns, variance, opening, today.close)
    start, end = edges[:-1], edges[1:]
    high, low = _extremes(seed, root, minute_ns, start, end, variance)
    scale = facts.tick_size / 1e9
    return Underlying(
        minute_ns=minute_ns,
        start=np.exp(start) / scale,
        end=np.exp(end) / scale,
        high=np.exp(high) / scale,
        low=np.exp(low) / scale,
        weight=weight / _full_day(profile, 1.0),
        level=float(np.exp(today.previous)) / scale,
        carry=today.carry,
    )


def _clock(session: Session) -> tuple[Ints, Ints]:
    """Begin (UTC ns) and ET minute of the day of each whole minute of a session."""
    starts, et_minutes = [], []
    for opening, close in session.segments:
        starts.append(np.arange(-(-opening // MINUTE_NS), close // MINUTE_NS, dtype=np.int64))
        et = to_et(opening)
        first = et.hour * 60 + et.minute + (et.second > 0)
        et_minutes.append((first + np.arange(starts[-1].size)) % MINUTES_PER_DAY)
    return np.concatenate(starts) * MINUTE_NS, np.concatenate(et_minutes)


@lru_cache(maxsize=64)
def _intensity(anchors: tuple[tuple[str, float], ...]) -> Floats:
    """The usual day by ET minute, length 1440."""
    minutes = [_minute_of(text) for text, _level in anchors]
    levels = [level for _text, level in anchors]
    return np.interp(np.arange(MINUTES_PER_DAY), minutes, levels, period=MINUTES_PER_DAY)


@lru_cache(maxsize=64)
def _full_day(profile: Profile, power: float) -> float:
    """Sum of intensity ** power over a full session, from 18:00 to 17:00 ET."""
    usual = _intensity(profile.family.day) ** power
    return float(usual.sum() - usual[CLOSE_MINUTE:OPEN_MINUTE].sum())


def _weights(seed: int, profile: Profile, trade_date: date, et_minute: Ints) -> Floats:
    """Intensity by minute, with the day's data releases."""
    weight = _intensity(profile.family.day)[et_minute]
    for release in profile.family.releases:
        if _happens(seed, release, trade_date):
            since = et_minute - _minute_of(release.at)
            burst = release.strength * np.exp(-since / RELEASE_DECAY_MINUTES)
            weight = weight * (1 + np.where((since >= 0) & (since < 60), burst, 0.0))
    return weight


def _happens(seed: int, release: Release, trade_date: date) -> bool:
    """The same answer for every asset: a release is an event of the whole market."""
    if release.weekday not in (None, trade_date.weekday()):
        return False
    bits = noise.words(noise.key(seed, "release", release.at), np.array(trade_date.toordinal()))
    return bool(noise.uniform(bits) < release.share)


def _minute_of(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _last_log_close(seed: int, root: str, trade_date: date) -> float:
    """Log price at the close of the session before; a holiday's step of the walk falls into the gap."""
    last = calendar(BY_ROOT[root].calendar).before(trade_date, 1)
    return days.day(seed, root, last[0].trade_date if last else trade_date - timedelta(days=1)).close


def _gap(seed: int, root: str, trade_date: date, today: days.Day) -> float:
    bits = noise.words(noise.key(seed, root, "gap"), np.array(trade_date.toordinal()))
    nights = 3 if trade_date.weekday() == 0 else 1
    return GAP_SHARE * math.sqrt(nights) * today.sigma * float(noise.normal(bits))


def _bridge(
    seed: int, profile: Profile, root: str, minute_ns: Ints, variance: Floats, opening: float, close: float
) -> Floats:
    """Log price at the minutes' edges, length M + 1."""
    minute = minute_ns // MINUTE_NS
    shared = profile.family.shared
    common = noise.normal(noise.words(noise.key(seed, profile.family.name, "minute"), minute))
    own = noise.normal(noise.words(noise.key(seed, root, "minute"), minute))
    walk = np.cumsum(np.sqrt(variance) * (shared * common + math.sqrt(1 - shared**2) * own))
    elapsed = np.cumsum(variance) / variance.sum()
    path = opening + walk + elapsed * (close - opening - walk[-1])
    return np.concatenate(([opening], path))


def _extremes(
    seed: int, root: str, minute_ns: Ints, start: Floats, end: Floats, variance: Floats
) -> tuple[Floats, Floats]:
    """Highest and lowest log price within each minute.

    The maximum of a Brownian bridge from a to b with variance v is (a + b + sqrt((b − a)² − 2 v ln U)) / 2
    for a uniform U (reflection principle); the minimum mirrors it.
    """
    above, below = noise.two_uniforms(noise.words(noise.key(seed, root, "range"), minute_ns // MINUTE_NS))
    middle, square = (start + end) / 2, (end - start) ** 2
    high = middle + np.sqrt(square - 2 * variance * np.log(above)) / 2
    low = middle - np.sqrt(square - 2 * variance * np.log(below)) / 2
    return high, low
