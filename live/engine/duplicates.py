"""Telling prints that were sent twice from prints that are alike.

Two real prints can be equal in every field: one packet of the exchange with two orders of one lot at one price. So a
print counts as sent twice only where the stream has gone back in time, or goes on with what it repeats.
"""

from collections import deque
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

REMEMBERED = 20_000
"""Prints that are compared with: seconds of the wildest market, and more than a gateway was ever seen to repeat."""


class Duplicates:
    """Of one session's prints in order of arrival, which were here before?"""

    def __init__(self) -> None:
        self._recent: set[bytes] = set()
        self._older: set[bytes] = set()
        self._unsorted: deque[tuple[bytes, int]] = deque()
        self._waiting = 0
        self._newest_ns = 0
        self._is_repeating = False

    def new(self, ts_recv: npt.NDArray[np.int64], body: bytes) -> npt.NDArray[np.bool_]:
        """Which of some prints are to be counted. body: their records, one after the other."""
        size = len(body) // len(ts_recv)
        if self._goes_on(ts_recv):
            self._newest_ns, self._is_repeating = int(ts_recv[-1]), False
            self._put_off(body, size)
            return np.ones(len(ts_recv), np.bool_)
        self._catch_up()
        rows = zip(ts_recv.tolist(), _rows(body, size), strict=True)
        return np.array([self._is_new(ts, row) for ts, row in rows], np.bool_)

    def _goes_on(self, ts: npt.NDArray[np.int64]) -> bool:
        """Whether time does not go back: nearly always, and then nothing needs to be looked up."""
        first = int(ts[0])
        follows = first > self._newest_ns if self._is_repeating else first >= self._newest_ns
        return follows and bool((ts[1:] >= ts[:-1]).all())

    def _put_off(self, body: bytes, size: int) -> None:
        """Remember prints, without the work of it as long as nobody asks."""
        self._unsorted.append((body, size))
        self._waiting += len(body) // size
        while self._waiting - len(self._unsorted[0][0]) // size >= REMEMBERED:
            self._waiting -= len(self._unsorted.popleft()[0]) // size

    def _catch_up(self) -> None:
        for body, size in self._unsorted:
            for row in _rows(body, size):
                self._remember(row)
        self._unsorted.clear()
        self._waiting = 0

    def _is_new(self, ts_recv: int, row: bytes) -> bool:
        if ts_recv > self._newest_ns:
            self._newest_ns = ts_recv
            self._is_repeating = False
        elif ts_recv < self._newest_ns or self._is_repeating:
            self._is_repeating = row in self._recent or row in self._older
            if self._is_repeating:
                return False
        self._remember(row)
        return True

    def _remember(self, row: bytes) -> None:
        self._recent.add(row)
        if len(self._recent) >= REMEMBERED:
            self._recent, self._older = set(), self._recent


def _rows(body: bytes, size: int) -> Iterator[bytes]:
    return (body[at : at + size] for at in range(0, len(body), size))
