"""Second bars: refine each minute so that its seconds add up to it exactly.

Each minute draws a path over its 60 seconds, bent so that it runs from open to close and just touches
high and low, and whole lots over those seconds. A second bar is always realisable by its lots: one lot
is one price, two or three lots have no price beyond open and close, the touching seconds have two lots.
"""

import numpy as np

from market.sessions import SECOND_NS
from standin import noise
from standin.market.contracts import Instrument
from standin.market.profiles import PROFILES
from standin.market.table import Bars
from standin.noise import Floats, Ints

SECONDS = 60
TOUCH_LOTS = 2
"""Lots kept for the second that touches the high, and for that of the low: open or close, and the extreme."""
WICK_NEEDS = 4
PATH_WIDTH = 0.7
"""Spread of the drawn path as a share of the minute's range, before it is bent to the range."""
QUIET_SHARE = 1e-7
"""Lots of a second in which nothing should trade, relative to one in which something does: a tie-break."""

OPENINGS = (22 * 3_600, 23 * 3_600)
"""Seconds of the UTC day at which the market opens, in summer and in winter."""
OPENING_WEIGHT = 4.0
"""The opening auction prints in the first second, with this many times the lots of a usual second."""

_PLACE = np.arange(SECONDS)
_PROGRESS = (_PLACE + 1) / SECONDS


def seconds(seed: int, instrument: Instrument, minutes: Bars) -> Bars:
    """The second bars of some minute bars of one instrument, in their order."""
    if not len(minutes):
        return minutes
    index = minutes.start_ns[:, None] // SECOND_NS + _PLACE
    path, high_at, low_at = _path(seed, instrument, minutes, index)
    lots = _lots(seed, instrument, minutes, index, high_at, low_at)
    return _assemble(seed, instrument, minutes, path, lots, high_at, low_at)


def _path(seed: int, instrument: Instrument, minutes: Bars, index: Ints) -> tuple[Ints, Ints, Ints]:
    """Price in ticks at each second's end, shape (M, 60), and the seconds that touch high and low, (M,).

    The noise belongs to the asset, so that all its contracts move together within the minute too.
    """
    steps = noise.rough_normal(noise.words(noise.key(seed, instrument.root, "second"), index))
    bridge = np.cumsum(steps, axis=1) / SECONDS**0.5
    bridge -= bridge[:, -1:] * _PROGRESS
    opening, close = minutes.open[:, None], minutes.close[:, None]
    width = PATH_WIDTH * (minutes.high - minutes.low + 1)[:, None]
    drawn = opening + (close - opening) * _PROGRESS + bridge * width
    high_at, low_at = drawn.argmax(axis=1), drawn.argmin(axis=1)
    path = np.rint(_bent(drawn, minutes)).astype(np.int64)
    rows = np.arange(len(minutes))
    path[rows, high_at] = minutes.high
    path[rows, low_at] = minutes.low
    return path, high_at, low_at


def _bent(drawn: Floats, minutes: Bars) -> Floats:
    """Scale what lies above open and close to end at the high, and what lies below to end at the low."""
    top = np.maximum(minutes.open, minutes.close)[:, None]
    bottom = np.minimum(minutes.open, minutes.close)[:, None]
    above, below = np.maximum(drawn - top, 0.0), np.maximum(bottom - drawn, 0.0)
    up = (minutes.high[:, None] - top) / np.maximum(above.max(axis=1, keepdims=True), 1e-9)
    down = (bottom - minutes.low[:, None]) / np.maximum(below.max(axis=1, keepdims=True), 1e-9)
    bent: Floats = np.clip(drawn, bottom, top) + above * up - below * down
    return bent


def _lots(seed: int, instrument: Instrument, minutes: Bars, index: Ints, high_at: Ints, low_at: Ints) -> Ints:
    """Lots by second, shape (M, 60); rows sum to the minutes' volume."""
    rows = np.arange(len(minutes))
    kept = np.zeros(index.shape, dtype=np.int64)
    kept[rows, high_at] += TOUCH_LOTS * (minutes.high > np.maximum(minutes.open, minutes.close))
    kept[rows, low_at] += TOUCH_LOTS * (minutes.low < np.minimum(minutes.open, minutes.close))
    stream = noise.key(seed, *instrument.name_key, "lots")
    size, luck = noise.two_uniforms(noise.words(stream, index))
    quiet = np.exp(-minutes.volume / (SECONDS * PROFILES[instrument.root].clump))[:, None]
    weight = -np.log(size) * np.where(luck < quiet, QUIET_SHARE, 1.0)
    opening = np.isin(minutes.start_ns // SECOND_NS % 86_400, OPENINGS) & (kept.sum(axis=1) < minutes.volume)
    kept[opening, 0] += 1
    weight[opening, 0] += OPENING_WEIGHT
    up_to = np.cumsum(weight, axis=1)
    spread = np.rint(up_to * ((minutes.volume - kept.sum(axis=1))[:, None] / up_to[:, -1:])).astype(np.int64)
    lots: Ints = kept + np.diff(spread, axis=1, prepend=0)
    return lots


def _assemble(
    seed: int, instrument: Instrument, minutes: Bars, path: Ints, lots: Ints, high_at: Ints, low_at: Ints
) -> Bars:
    row, place = np.nonzero(lots)
    volume = lots[row, place]
    first = np.diff(row, prepend=-1) != 0
    last = np.diff(row, append=len(minutes)) != 0
    start_ns = minutes.start_ns[row] + place * SECOND_NS
    bits = noise.words(noise.key(seed, *instrument.name_key, "bounce"), start_ns // SECOND_NS)
    ceiling, floor = minutes.high[row], minutes.low[row]

    close = np.where(last, minutes.close[row], path[row, place])
    close = np.where(first & (volume == 1), minutes.open[row], close)
    opening = np.clip(np.roll(close, 1) + noise.wobble(bits, 0), floor, ceiling)
    # the last second closes where the minute does; if it is also the one that touches, it opens there
    opening = np.where(last & (place == high_at[row]) & (ceiling > close), ceiling, opening)
    opening = np.where(last & (place == low_at[row]) & (floor < close), floor, opening)
    opening = np.where(volume == 1, close, opening)
    opening = np.where(first, minutes.open[row], opening)

    wide = volume >= WICK_NEEDS
    high = np.minimum(np.maximum(opening, close) + noise.coin(bits, 4) * wide, ceiling)
    low = np.maximum(np.minimum(opening, close) - noise.coin(bits, 5) * wide, floor)
    alone = first & last
    high, low = np.where(alone, ceiling, high), np.where(alone, floor, low)
    return Bars(minutes.who[row], start_ns, opening, high, low, close, volume)
