"""Which bars are compared with each other: those that start at the same ET time of day and last equally long."""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market.sessions import SECOND_NS, Session, to_et
from market.timeframes import bucket_bounds

MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS
DAY_SECONDS = 86_400
KEPT = 1_024
"""Sessions times timeframes whose buckets are remembered; the nine of a session are 74 kB."""

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]


class Bucket(NamedTuple):
    """What bars have in common that are compared with each other.

    start: seconds from ET midnight on the wall clock. length: seconds, whole minutes.
    """

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Buckets:
    """The bars that a session can have in a timeframe, ascending; arrays of equal length.

    begin, end: UTC ns [begin, end), as `market.timeframes.bucket_bounds` cuts them. start, length: the `Bucket` of
    each. A bar of less than half a minute has length 0: it is the rest that a print after the close leaves behind, and
    is compared with nothing.
    """

    begin: Int64s
    end: Int64s
    start: Int32s
    length: Int32s

    def __len__(self) -> int:
        return len(self.begin)

    def bucket(self, index: int) -> Bucket:
        """The bucket of one bar."""
        return Bucket(int(self.start[index]), int(self.length[index]))

    def index_at(self, ns: int) -> int | None:
        """The bar that forms at an instant, else the one that was the last to form; None before the first."""
        index = int(self.begin.searchsorted(ns, side="right")) - 1
        return None if index < 0 else index


@lru_cache(KEPT)
def buckets_of(session: Session, timeframe: str) -> Buckets:
    """The buckets of a session, its closes as traded (`market.engine.tape.as_traded`).

    Lengths are told in whole minutes: a print two seconds after the close must not make the last hour of that day a
    bucket of its own. Raises KeyError for an unknown timeframe.
    """
    begin, end = bucket_bounds(session, timeframe)
    length = (end - begin + MINUTE_NS // 2) // MINUTE_NS * 60
    found = Buckets(begin, end, _seconds_of_day(begin), length.astype(np.int32))
    for column in (found.begin, found.end, found.start, found.length):
        column.setflags(write=False)
    return found


def _seconds_of_day(ns: Int64s) -> Int32s:
    """Seconds from ET midnight on the wall clock. ET is whole hours from UTC, and changes at whole hours."""
    hours, place = np.unique(ns // HOUR_NS, return_inverse=True)
    offsets = np.array([_utc_offset(int(hour) * HOUR_NS) for hour in hours], np.int64)
    return ((ns // SECOND_NS + offsets[place]) % DAY_SECONDS).astype(np.int32)


def _utc_offset(ns: int) -> int:
    offset = to_et(ns).utcoffset()
    assert offset is not None
    return int(offset.total_seconds())
