"""Rows that cannot be right are refused, each with its reason; the others go on."""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache

import numpy as np
import numpy.typing as npt

from market.facts import PRICE_SCALE
from market.importing.contracts import Instrument
from market.importing.parts import MBO, UNDEFINED_PRICE, Part
from market.importing.report import LISTED_ROWS, Report
from market.schemas import BOOK, LEVELS, TRADES
from market.sessions import FIRST_DAY, LAST_DAY, SECOND_NS, Session, calendar, to_et

YEAR_NS = 365 * 86_400 * SECOND_NS
LATE_NS = 4 * 3_600 * SECOND_NS
"""So long after the calendar's close a row still belongs to the session: calendars err about early closes."""
ACTIONS = tuple(ord(letter) for letter in "ACMRTFN")
PRICED_ACTIONS = tuple(ord(letter) for letter in "AMT")
"""Those that say nothing without a price."""
TRADE = ord("T")

Mask = npt.NDArray[np.bool_]


def sound(part: Part, instrument: Instrument, last_ns: int, now_ns: int, report: Report) -> Part:
    """The rows that can be right. last_ns: the time of the symbol's row before them, 0 for none."""
    sieve = _Sieve(part, report)
    times = part.columns[part.schema.time]
    sieve.drop(times <= 0, "A row has no time.")
    sieve.drop(times < YEAR_NS, "A row's time is in 1970: times must be UTC nanoseconds.")
    sieve.drop(times >= now_ns, "The row is of the future: times must be UTC nanoseconds.")
    if part.schema in (BOOK, MBO):
        sieve.drop(~np.isin(part.columns["action"], ACTIONS), "The action is none of A, C, M, R, T, F and N.")
    elif part.schema is TRADES:
        sieve.drop(part.columns["action"] != TRADE, "The action is not T, so it is no trade.")
    for name in _priced(part):
        values = part.columns[name]
        known = values != UNDEFINED_PRICE
        if name in _required(part):
            sieve.drop(~known & _has_price(part), f"The {name} is missing.")
        off = known & (values % instrument.grid != 0)
        sieve.drop(off, _off_tick(instrument, values[known]), values)
        if not instrument.can_be_negative:
            sieve.drop(known & (values <= 0), f"{instrument.label}: a price is not above zero.", values)
    if part.schema.bar_seconds:
        _drop_crooked_bars(part, sieve)
    # what is refused for another reason says nothing of the order of the rest
    before = np.maximum.accumulate(np.where(sieve.kept, times, 0))
    sieve.drop(times < np.maximum(last_ns, before), "The row is earlier than the one before it.")
    return sieve.rest()


class _Sieve:
    """Drops rows of a part, each for the first reason that holds."""

    def __init__(self, part: Part, report: Report) -> None:
        self._part = part
        self._report = report
        self.kept: Mask = np.ones(len(part), bool)

    def drop(self, wrong: Mask, reason: str, prices: npt.NDArray[np.int64] | None = None) -> None:
        """prices: those of all rows, where they are the reason."""
        dropped = self.kept & wrong
        if dropped.any():
            values = None if prices is None else [price_text(int(price)) for price in prices[dropped][:LISTED_ROWS]]
            self._report.refuse(self._part.rows[dropped], reason, values)
            self.kept &= ~wrong

    def rest(self) -> Part:
        return self._part if self.kept.all() else self._part.only(self.kept)


def _off_tick(instrument: Instrument, prices: npt.NDArray[np.int64]) -> str:
    reason = f"{instrument.label}: a price is off the tick of {price_text(instrument.grid)}"
    # no market is quoted in less than its tick; 38000 that was meant as such is 0.000038
    if len(prices) and np.abs(prices).max() < instrument.grid:
        return f"{reason}: prices without a decimal point are taken for multiples of 1e-9."
    return f"{reason}."


def _priced(part: Part) -> tuple[str, ...]:
    if part.schema.bar_seconds:
        return "open", "high", "low", "close"
    if part.schema is BOOK:
        return "price", *(f"{side}_px_{level:02}" for level in range(LEVELS) for side in ("bid", "ask"))
    return ("price",) if part.schema in (TRADES, MBO) else ()


def _required(part: Part) -> tuple[str, ...]:
    """An empty level has no price."""
    return ("price",) if part.schema is BOOK else _priced(part)


def _has_price(part: Part) -> Mask:
    if part.schema in (BOOK, MBO):
        return np.isin(part.columns["action"], PRICED_ACTIONS)
    return np.ones(len(part), bool)


def _drop_crooked_bars(part: Part, sieve: _Sieve) -> None:
    open_, high, low, close = (part.columns[name] for name in ("open", "high", "low", "close"))
    sieve.drop(high < low, "The high is below the low.")
    sieve.drop((np.maximum(open_, close) > high) | (np.minimum(open_, close) < low), "Open or close is beyond the bar.")
    sieve.drop(part.columns["volume"] < 0, "The volume is negative.")
    seconds = part.schema.bar_seconds
    begins = part.columns["ts_event"] % (seconds * SECOND_NS) != 0
    sieve.drop(begins, f"A bar of {part.schema.name} begins at a whole multiple of {seconds} s.")


def price_text(price: int) -> str:
    """A price (1e-9) for people: 0.25."""
    return f"{Decimal(price) / PRICE_SCALE:f}".rstrip("0").rstrip(".") or "0"


def cut(part: Part, name: str, report: Report) -> Iterator[tuple[Session, Part]]:
    """The rows of each session, as `ingest.cut_at_openings` has them; rows far from any session are refused.

    name: of the calendar.
    """
    sessions, opens, closes = _bounds(name)
    times = part.columns[part.schema.time]
    numbers = opens.searchsorted(times, side="right") - 1
    for number in np.unique(numbers):
        mine = numbers == number
        late = mine & (times >= closes[number] + LATE_NS) if number >= 0 else mine
        if late.any():
            report.refuse(part.rows[late], _closed(sessions, int(number)))
        mine &= ~late
        if mine.all():
            yield sessions[int(number)], part
        elif mine.any():
            yield sessions[int(number)], part.only(mine)


def _closed(sessions: list[Session], number: int) -> str:
    """Why a row after that session and before the next one is refused."""
    if number < 0:
        return f"It is before {FIRST_DAY}, where the calendars begin; times must be UTC nanoseconds."
    if number + 1 == len(sessions):
        return f"It is after {LAST_DAY}, where the calendars end."
    close, opening = to_et(sessions[number].close_ns), to_et(sessions[number + 1].open_ns)
    return f"The market was closed from {close:%a %Y-%m-%d %H:%M} to {opening:%a %Y-%m-%d %H:%M} ET."


@cache
def _bounds(name: str) -> tuple[list[Session], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    sessions = calendar(name).between(FIRST_DAY, LAST_DAY)
    opens = np.array([session.open_ns for session in sessions], np.int64)
    return sessions, opens, np.array([session.close_ns for session in sessions], np.int64)
