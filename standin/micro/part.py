"""One instrument in some consecutive minutes of a session: its trades, and its book around them."""

import numpy as np
from numpy.typing import NDArray

from market.facts import BY_ROOT
from standin import noise
from standin.market.contracts import Contract, Instrument
from standin.market.seconds import seconds
from standin.market.table import Bars
from standin.market.underlying import MINUTE_NS
from standin.micro.book import Minutes, simulate
from standin.micro.liquidity import Liquidity
from standin.micro.prints import print_counts, prints
from standin.micro.resting import Source
from standin.micro.words import RECV, header, width
from standin.noise import Floats, Ints

FIRST_ROOM = 1 << 15
"""Rows that the book is given room for at a time: how many there are shows only in the end."""
_SPREADS, _LEVELS, _TICKS = 3.0, 30.0, 8
"""The ladder reaches beyond a minute's prices by so many mean spreads, levels and ticks."""
_NO_FLOOR = -(1 << 40)


class Part:
    """The minutes [first, past) of a session's liquidity, and the session's minute bars."""

    def __init__(self, seed: int, instrument: Instrument, liquid: Liquidity, bars: Bars, first: int, past: int) -> None:
        self._seed, self._instrument, self._liquid = seed, instrument, liquid
        self._place = slice(first, past)
        self._minute_ns = liquid.minute_ns[first:past]
        begin, end = np.searchsorted(bars.start_ns, (self._minute_ns[0], self._minute_ns[-1] + MINUTE_NS))
        self._bars = bars[begin:end]
        self._seconds = seconds(seed, instrument, self._bars)

    def trades(self) -> Ints:
        """Rows of words, shape (n, 6)."""
        start_ns = self._seconds.start_ns
        minute = np.searchsorted(self._minute_ns, start_ns, side="right") - 1
        opening = self._opening()[minute] & (start_ns == self._minute_ns[minute])
        return prints(self._seed, self._instrument, self._seconds, self._liquid.start[self._place][minute], opening)

    def trade_count(self) -> int:
        return int(print_counts(self._seed, self._instrument, self._seconds).sum()) if len(self._seconds) else 0

    def book(self, levels: int) -> Ints:
        """Rows of words of a book with so many levels, trades among them."""
        pieces, done, room = [], 0, FIRST_ROOM
        given = self._given(levels)
        while done < self._minute_ns.size:
            rows = np.empty((room, width(levels)), dtype=np.int64)
            written, reached = simulate(rows, done, False, *given)
            if reached == done:
                room *= 4  # for one minute with more rows than that
            pieces.append(rows[:written])
            done = reached
        return np.concatenate(pieces)

    def book_count(self, levels: int) -> int:
        nowhere = np.empty((0, width(levels)), dtype=np.int64)
        return simulate(nowhere, 0, True, *self._given(levels))[0]

    def _given(self, levels: int) -> tuple[int, int, Source, Minutes]:
        """What the simulation takes: a row's first word, the tick size, where orders come from, the minutes."""
        instrument, trades = self._instrument, self.trades()
        begins, ends = self._conditions()
        lowest, window = self._window(begins, ends)
        minutes = Minutes(
            begin_ns=self._minute_ns,
            opening=self._opening(),
            begins=begins,
            ends=ends,
            events=self._liquid.events[self._place],
            lowest=lowest,
            window=window,
            trades=trades,
            trade_from=np.searchsorted(trades[:, RECV], np.append(self._minute_ns, self._minute_ns[-1] + MINUTE_NS)),
        )
        source = Source(
            stream=np.uint64(noise.key(self._seed, *instrument.name_key, "book")),
            lowest=1 if isinstance(instrument, Contract) else _NO_FLOOR,
            period=self._liquid.period,
        )
        return header(levels, instrument.instrument_id), BY_ROOT[instrument.root].tick_size, source, minutes

    def _opening(self) -> NDArray[np.bool_]:
        """The minutes that follow no other."""
        opening: NDArray[np.bool_] = (np.diff(self._liquid.minute_ns, prepend=0) != MINUTE_NS)[self._place]
        return opening

    def _conditions(self) -> tuple[Floats, Floats]:
        """Of the boundaries before and after each minute, shape (minutes, 5): see `resting`."""
        liquid = self._liquid
        begins = np.stack([liquid.start, liquid.spread, liquid.size, liquid.density, liquid.reach], axis=1)
        ends = np.roll(begins, -1, axis=0)
        closing = np.append(np.diff(liquid.minute_ns) != MINUTE_NS, True)
        ends[closing] = begins[closing]
        ends[closing, 0] = liquid.end[closing]
        return begins[self._place], ends[self._place]

    def _window(self, begins: Floats, ends: Floats) -> tuple[Ints, Ints]:
        """First price and number of prices of each minute's ladder."""
        low = np.floor(np.minimum(begins[:, 0], ends[:, 0])).astype(np.int64)
        high = np.ceil(np.maximum(begins[:, 0], ends[:, 0])).astype(np.int64)
        traded = np.searchsorted(self._minute_ns, self._bars.start_ns)
        low[traded] = np.minimum(low[traded], self._bars.low)
        high[traded] = np.maximum(high[traded], self._bars.high)
        margin = np.maximum(_margin(begins), _margin(ends))
        return low - margin, high - low + 2 * margin + 1


def _margin(conditions: Floats) -> Ints:
    spread, density, reach = conditions[:, 1], conditions[:, 3], conditions[:, 4]
    ticks = _SPREADS * spread + np.minimum(reach, _LEVELS / density) + _TICKS
    margin: Ints = np.ceil(ticks).astype(np.int64)
    return margin
