"""Trades: refine each second bar into prints that rebuild it exactly.

A second has as many prints as its lots make of the instrument's mean size; they open where it opens, touch its
high and its low once at least, end where it ends and never leave its range. Between these marks the price
follows a straight line on the tick grid with a bounce. An upward print is bought at the ask, a downward one
sold at the bid, and a side lasts for a while. Times come in bursts, as orders hit several others at once.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.facts import BY_ROOT
from market.sessions import SECOND_NS
from standin import noise
from standin.market.contracts import Instrument
from standin.market.table import Bars
from standin.market.underlying import MINUTE_NS
from standin.micro.jit import compiled, exponential, place, uniform
from standin.micro.liquidity import DEPTHS
from standin.micro.words import (
    ASK,
    BID,
    DELTA,
    EVENT,
    HEAD,
    NO_SIDE,
    PRICE,
    RECV,
    TRADED,
    WHAT,
    delta_and_sequence,
    header,
    what,
    width,
)
from standin.noise import Floats, Ints, Words

FIRST_NS, LAST_NS = 400_000, 985_000_000
"""A second's prints lie between these: the book needs the rest to come to its next minute."""
LONGEST_LATENCY_NS = 1_300_000
"""Less than what lies between a minute's last row and the next one's first, so that ts_event never goes back."""

_ONE_LOT, _ONE_LOT_SLOPE = 0.42, 0.5
"""Share of prints of one lot: the first, and the second divided by the mean size."""
_TAIL = 1.8
"""Power of an exponential that the larger sizes follow: its mean is that of the gamma function below."""
_TAIL_MEAN = math.gamma(1 + _TAIL)
_NEW_LEVEL = 0.1
"""Odds of each print to draw anew on which side of the line it trades."""
_TURN = 0.1
"""Odds that the side changes at one price."""
_JOIN = 0.85
"""Odds that a print on the same side belongs to the burst before it."""
_SHORTEST_GAP, _GAP_SPAN = 5_000.0, 4.6
"""Between two prints of a burst: 5 µs to 0.5 ms, in ns and as a logarithm."""


class _Seconds(NamedTuple):
    """Second bars, prices in ticks."""

    start_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints


def prints(seed: int, instrument: Instrument, seconds: Bars, middle: Floats, opening: NDArray[np.bool_]) -> Ints:
    """The trades of some second bars of one instrument, whole minutes of them, as rows of words (n, 6).

    middle: price between the quotes at the begin of each second's minute, in ticks. opening: seconds whose
    first print is that of the opening auction and has no side.
    """
    if not len(seconds):
        return np.empty((0, width(0)), dtype=np.int64)
    stream = _stream(seed, instrument)
    counts = print_counts(seed, instrument, seconds)
    rows = np.empty((int(counts.sum()), width(0)), dtype=np.int64)
    mean = DEPTHS[instrument.root].lots
    head, tick = header(0, instrument.instrument_id), BY_ROOT[instrument.root].tick_size
    _fill(rows, head, tick, stream, mean, _Seconds(*seconds.columns[1:]), counts, middle, opening)
    return rows


def print_counts(seed: int, instrument: Instrument, seconds: Bars) -> Ints:
    """How many trades each second has, without making them."""
    return _counts(_stream(seed, instrument), DEPTHS[instrument.root].lots, _Seconds(*seconds.columns[1:]))


def _stream(seed: int, instrument: Instrument) -> np.uint64:
    return np.uint64(noise.key(seed, *instrument.name_key, "prints"))


@compiled
def _counts(stream: np.uint64, mean: float, seconds: _Seconds) -> Ints:
    counts = np.empty(seconds.start_ns.size, dtype=np.int64)
    dice = np.empty(1, dtype=np.uint64)
    for second in range(counts.size):
        dice[0] = place(stream, -seconds.start_ns[second] // SECOND_NS)
        opening, high, low = seconds.open[second], seconds.high[second], seconds.low[second]
        close, volume = seconds.close[second], seconds.volume[second]
        needed = 1 if high == low else 2 + (high > max(opening, close)) + (low < min(opening, close))
        size = 1 + (mean - 1) * (0.4 + 0.6 * exponential(dice))
        counts[second] = min(max(int(volume / size + uniform(dice)), needed), volume)
    return counts


@compiled
def _fill(
    rows: Ints,
    head: int,
    tick: int,
    stream: np.uint64,
    mean: float,
    seconds: _Seconds,
    counts: Ints,
    middle: Floats,
    opening: NDArray[np.bool_],
) -> None:
    longest = counts.max()
    price, size = np.empty(longest, dtype=np.int64), np.empty(longest, dtype=np.int64)
    side, at = np.empty(longest, dtype=np.int64), np.empty(longest, dtype=np.int64)
    dice = np.empty(1, dtype=np.uint64)
    row, event, last_side, last_price, minute = 0, 0, 0, 0, -1
    for second in range(counts.size):
        start_ns, count, first = seconds.start_ns[second], counts[second], seconds.open[second]
        dice[0] = place(stream, start_ns // SECOND_NS)
        if start_ns // MINUTE_NS != minute:
            minute, last_price = start_ns // MINUTE_NS, first
            last_side = BID if first > middle[second] else ASK
            event = start_ns if opening[second] else 0
        _sizes(size, count, seconds.volume[second], mean, dice)
        _prices(price, count, first, seconds.high[second], seconds.low[second], seconds.close[second], dice)
        _sides(side, price, count, last_side, last_price, dice)
        _times(at, side, count, opening[second], dice)
        last_side, last_price = side[count - 1], price[count - 1]
        for k in range(count):
            recv = start_ns + at[k]
            event = max(event, recv - latency(dice))
            shown = NO_SIDE if k == 0 and opening[second] else side[k]
            rows[row, HEAD] = head
            rows[row, EVENT] = event
            rows[row, PRICE] = price[k] * tick
            rows[row, WHAT] = what(size[k], TRADED, shown, 0, 0)
            rows[row, RECV] = recv
            rows[row, DELTA] = delta_and_sequence(send_delta(dice), recv)
            row += 1


@compiled
def latency(dice: Words) -> int:
    """From the exchange's clock to the capture's, in ns: a tenth of a millisecond, sometimes one."""
    late = 82_000 + 40_000 * uniform(dice)
    if uniform(dice) < 0.2:
        late += 250_000 * exponential(dice)
    return min(int(late), LONGEST_LATENCY_NS)


@compiled
def send_delta(dice: Words) -> int:
    """ts_in_delta, ns."""
    return 13_000 + int(3_600 * uniform(dice))


@compiled
def _sizes(size: Ints, count: int, volume: int, mean: float, dice: Words) -> None:
    """Whole lots that sum to the volume: mostly one, and a long tail; what is left over goes to one of them."""
    spare = volume - count
    one_lot = _ONE_LOT + _ONE_LOT_SLOPE / mean
    scale = max((mean - 1) / (1 - one_lot) - 1, 0.2) / _TAIL_MEAN
    for k in range(count):
        more = 0
        if uniform(dice) >= one_lot:
            more = min(1 + int(scale * exponential(dice) ** _TAIL), spare)
        size[k] = 1 + more
        spare -= more
    size[int(uniform(dice) * count)] += spare


@compiled
def _prices(price: Ints, count: int, opening: int, high: int, low: int, close: int, dice: Words) -> None:
    """Ticks: straight lines from mark to mark, with a bounce."""
    highest, lowest = high > max(opening, close), low < min(opening, close)
    upward = uniform(dice) < (0.7 if close < opening else 0.3)
    first, second = count - 1, count - 1
    if highest or lowest:
        first = 1 + int(uniform(dice) * (count - 2 - (highest and lowest)))
    if highest and lowest:
        second = first + 1 + int(uniform(dice) * (count - 2 - first))
    first_price = high if highest and (upward or not lowest) else low if lowest else close
    second_price = (low if upward else high) if highest and lowest else close
    begin, begin_price, end, end_price = 0, opening, first, first_price
    level = uniform(dice)
    for k in range(count):
        if k > end:
            begin, begin_price = end, end_price
            if end < second:
                end, end_price = second, second_price
            else:
                end, end_price = count - 1, close
        if uniform(dice) < _NEW_LEVEL:
            level = uniform(dice)
        if k == begin:
            price[k] = begin_price
        elif k == end:
            price[k] = end_price
        else:
            line = begin_price + (end_price - begin_price) * ((k - begin) / (end - begin))
            price[k] = min(max(math.floor(line + level), low), high)


@compiled
def _sides(side: Ints, price: Ints, count: int, last_side: int, last_price: int, dice: Words) -> None:
    for k in range(count):
        if price[k] > last_price:
            last_side = BID
        elif price[k] < last_price:
            last_side = ASK
        elif uniform(dice) < _TURN:
            last_side = BID if last_side == ASK else ASK
        side[k], last_price = last_side, price[k]


@compiled
def _times(at: Ints, side: Ints, count: int, opening: bool, dice: Words) -> None:
    """ns within the second, ascending: bursts at random times, short gaps within them."""
    room = (LAST_NS - FIRST_NS) * 0.5 / count
    total, short = 0.0, 0.0
    waits = np.empty(count, dtype=np.float64)
    for k in range(count):
        if k > 0 and side[k] == side[k - 1] and uniform(dice) < _JOIN:
            waits[k] = -min(_SHORTEST_GAP * math.exp(_GAP_SPAN * uniform(dice)), room)
            short -= waits[k]
        else:
            waits[k] = exponential(dice)
            if k == 0 and opening:
                waits[k] *= 0.002
            total += waits[k]
    scale = (LAST_NS - FIRST_NS - short) / (total + exponential(dice))
    now = float(FIRST_NS)
    for k in range(count):
        now += -waits[k] if waits[k] < 0 else waits[k] * scale
        at[k] = int(now)
