"""The compiled walks over a tape: from one row to the next that matters to somebody.

The book kernel keeps the queue of every resting order. One row of its `queue` array is one order:
"""

import numpy as np
import numpy.typing as npt

from market.engine.bars import Int64s
from market.engine.jit import compiled

SIDE, PRICE, LEFT, AHEAD, SHOWN, PRINTED, CARRY, TRADED, CANCELLED, SWEEPS, FILL, WHY, BEFORE, OWN = range(14)
"""SIDE 0 buys, 1 sells. AHEAD: lots in front, −1 unknown. SHOWN: displayed size at the price, −1 out of view. PRINTED:
lots since SHOWN changed. CARRY: millionths of a lot that neutral cancels left over. TRADED, CANCELLED: what left the
front. SWEEPS: 1 while the opposite side still shows prices within the limit, 2 while there is no limit yet. The last
four are the answer for one row: lots filled, why, lots ahead before, and what own orders took of the same print."""
WIDTH = 14
BY_QUEUE, BY_THROUGH, BY_BEST, BY_SWEEP = 1, 2, 3, 4
MILLION = 1_000_000
NO_LOW, NO_HIGH = -(2**63), 2**63 - 1


@compiled
def first_outside(low: Int64s, high: Int64s, start: int, stop: int, under: int, over: int) -> int:
    """The first row with a low at or under, or a high at or over the alarms; `stop` where there is none."""
    for row in range(start, stop):
        if low[row] <= under or high[row] >= over:
            return row
    return stop


@compiled
def next_book_row(
    start: int,
    stop: int,
    price: Int64s,
    size: npt.NDArray[np.uint32],
    action: npt.NDArray[np.uint8],
    side: npt.NDArray[np.uint8],
    change_end: Int64s,
    change_price: Int64s,
    change_size: npt.NDArray[np.uint32],
    change_side: npt.NDArray[np.uint8],
    change_kind: npt.NDArray[np.uint8],
    queue: Int64s,
    preset: int,
    under: int,
    over: int,
) -> int:
    """Carries all queues through the rows, up to the first that fills, sweeps or reaches an alarm.

    That row has been carried out, its answer stands in the queue; `stop` where there is none. The formulas are those of
    docs/fills.md.
    """
    count = queue.shape[0]
    # What can matter: the own prices of each side, and all that is beyond the best of the other side's.
    buys_from, buys_to = np.int64(2**63 - 1), np.int64(-(2**63))
    sells_from, sells_to = buys_from, buys_to
    for i in range(count):
        queue[i, FILL] = queue[i, WHY] = 0
        if queue[i, SIDE] == 1:
            sells_from, sells_to = min(sells_from, queue[i, PRICE]), max(sells_to, queue[i, PRICE])
        else:
            buys_from, buys_to = min(buys_from, queue[i, PRICE]), max(buys_to, queue[i, PRICE])
    first = np.int64(change_end[start - 1]) if start else np.int64(0)
    for row in range(start, stop):
        hit = False
        last = change_end[row]
        if action[row] == 84 and size[row] > 0:
            at, aggressor, lots = price[row], side[row], np.int64(size[row])
            hit = at <= under or at >= over
            taken = np.int64(0)
            for i in range(count):
                sells = queue[i, SIDE] == 1
                against = aggressor == (66 if sells else 65)
                through = at > queue[i, PRICE] if sells else at < queue[i, PRICE]
                if queue[i, SWEEPS] == 2:
                    continue
                if queue[i, SWEEPS]:
                    if against and (through or at == queue[i, PRICE]) and lots > taken:
                        fill = min(lots - taken, queue[i, LEFT])
                        queue[i, FILL], queue[i, WHY], queue[i, OWN] = fill, 2, taken
                        taken += fill
                        hit = True
                elif through:
                    queue[i, FILL], queue[i, WHY], queue[i, OWN] = queue[i, LEFT], 2, 0
                    queue[i, BEFORE] = queue[i, AHEAD]
                    hit = True
                elif at == queue[i, PRICE] and against:
                    queue[i, PRINTED] += lots
                    if queue[i, AHEAD] < 0:
                        continue
                    queue[i, BEFORE], queue[i, OWN] = queue[i, AHEAD], taken
                    ahead = min(queue[i, AHEAD], lots - taken)
                    queue[i, AHEAD] -= ahead
                    queue[i, TRADED] += ahead
                    fill = min(lots - taken - ahead, queue[i, LEFT])
                    if fill > 0:
                        queue[i, FILL], queue[i, WHY] = fill, 1
                        taken += fill
                        hit = True
        for change in range(first, last):
            at = change_price[change]
            asks = change_side[change] == 1
            if asks:
                if at > buys_to and (at < sells_from or at > sells_to):
                    continue
            elif at < sells_from and (at < buys_from or at > buys_to):
                continue
            for i in range(count):
                sells = queue[i, SIDE] == 1
                if sells == asks:
                    if at != queue[i, PRICE]:
                        continue
                    if change_kind[change] == 2:
                        queue[i, SHOWN], queue[i, PRINTED] = -1, 0
                        continue
                    now = np.int64(change_size[change])
                    if queue[i, AHEAD] < 0:
                        queue[i, AHEAD] = now
                    elif queue[i, SHOWN] >= 0:
                        cancels = queue[i, SHOWN] - now - queue[i, PRINTED]
                        if cancels > 0 and queue[i, AHEAD] > 0:
                            gone = np.int64(0)
                            if preset == 1:
                                rest = queue[i, SHOWN] - queue[i, PRINTED]
                                parts = queue[i, CARRY] + cancels * queue[i, AHEAD] * 1_000_000 // rest
                                gone = min(parts // 1_000_000, queue[i, AHEAD])
                                queue[i, CARRY] = parts - gone * 1_000_000
                            elif preset == 2:
                                gone = min(cancels, queue[i, AHEAD])
                            queue[i, AHEAD] -= gone
                            queue[i, CANCELLED] += gone
                    if queue[i, AHEAD] > now:
                        queue[i, CANCELLED] += queue[i, AHEAD] - now
                        queue[i, AHEAD] = now
                    queue[i, SHOWN], queue[i, PRINTED] = now, 0
                elif at <= queue[i, PRICE] if asks else at >= queue[i, PRICE]:
                    if queue[i, SWEEPS]:
                        queue[i, WHY] = 4 if queue[i, WHY] == 0 else queue[i, WHY]
                        hit = True
                    elif change_kind[change] == 0 and queue[i, FILL] < queue[i, LEFT]:
                        queue[i, BEFORE], queue[i, OWN] = queue[i, AHEAD], 0
                        queue[i, FILL], queue[i, WHY] = queue[i, LEFT], 3
                        hit = True
        first = last
        if hit:
            return row
    return stop


@compiled
def levels_after(
    row: int,
    every: int,
    keyframes: Int64s,
    change_end: Int64s,
    change_price: Int64s,
    change_size: npt.NDArray[np.uint32],
    change_side: npt.NDArray[np.uint8],
) -> tuple[Int64s, Int64s, Int64s]:
    """The book after a row: int64 prices (2, 10), sizes (2, 10), the best first, and how many levels each side has."""
    prices, sizes = np.zeros((2, 64), np.int64), np.zeros((2, 64), np.int64)
    counts = np.zeros(2, np.int64)
    frame = row // every
    for s in range(2):
        for level in range(10):
            at = (s * 10 + level) * 3
            if keyframes[frame, at + 1] > 0:
                prices[s, counts[s]], sizes[s, counts[s]] = keyframes[frame, at], keyframes[frame, at + 1]
                counts[s] += 1
    for change in range(change_end[frame * every], change_end[row]):
        s, price, size = change_side[change], change_price[change], np.int64(change_size[change])
        n = counts[s]
        i = 0
        while i < n and (prices[s, i] > price if s == 0 else prices[s, i] < price):
            i += 1
        same = i < n and prices[s, i] == price
        if size == 0:
            if same:
                for j in range(i, n - 1):
                    prices[s, j], sizes[s, j] = prices[s, j + 1], sizes[s, j + 1]
                counts[s] = n - 1
        elif same:
            sizes[s, i] = size
        else:
            for j in range(n, i, -1):
                prices[s, j], sizes[s, j] = prices[s, j - 1], sizes[s, j - 1]
            prices[s, i], sizes[s, i] = price, size
            counts[s] = n + 1
    return prices[:, :10].copy(), sizes[:, :10].copy(), counts
