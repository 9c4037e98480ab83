"""The live clock: on a closed day it goes back by whole days to days that trade, so that live has something to show.

Closed are the weekend and the holidays of the main calendar, not the daily halt. The shift is one for the whole of a
closed stretch, so the clock runs on evenly: a weekend from Friday 17:00 ET repeats Wednesday 17:00 to Friday 17:00.
"""

from functools import lru_cache
from itertools import pairwise

from market.facts import EQUITY
from market.sessions import SECOND_NS, calendar
from standin.market.bars import DAY_NS, day_of

MAIN_CALENDAR = EQUITY
LONGEST_HALT_NS = 2 * 3_600 * SECOND_NS
"""A longer break is a closed day. The daily halt is one hour, two where a change of the clocks falls between."""
MOST_DAYS = 14
_LONGEST_BREAK_DAYS = 6


def shift_ns(now_ns: int) -> int:
    """Nanoseconds, whole days, by which live is behind `now_ns` (UTC); 0 on a day that trades."""
    closed = next((each for each in _breaks(now_ns // DAY_NS) if each[0] <= now_ns < each[1]), None)
    return 0 if closed is None else _shift_over(*closed)


@lru_cache(maxsize=64)
def _shift_over(start_ns: int, end_ns: int) -> int:
    """The least shift that lays [start_ns, end_ns) over a time without closed days; 0 where there is none."""
    breaks = _breaks(start_ns // DAY_NS)
    for shift in range(DAY_NS, (MOST_DAYS + 1) * DAY_NS, DAY_NS):
        if all(_overlap(each, (start_ns - shift, end_ns - shift)) <= LONGEST_HALT_NS for each in breaks):
            return shift
    return 0


@lru_cache(maxsize=64)
def _breaks(day_number: int) -> tuple[tuple[int, int], ...]:
    """Closed days as UTC ns [close, next open), from three weeks before a day (counted from 1970) to a week after."""
    first = day_of((day_number - MOST_DAYS - _LONGEST_BREAK_DAYS) * DAY_NS)
    last = day_of((day_number + _LONGEST_BREAK_DAYS + 2) * DAY_NS)
    segments = [segment for session in calendar(MAIN_CALENDAR).between(first, last) for segment in session.segments]
    gaps = ((before[1], after[0]) for before, after in pairwise(segments))
    return tuple(gap for gap in gaps if gap[1] - gap[0] > LONGEST_HALT_NS)


def _overlap(left: tuple[int, int], right: tuple[int, int]) -> int:
    return max(0, min(left[1], right[1]) - max(left[0], right[0]))
