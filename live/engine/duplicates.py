"""Telling prints that were sent twice from prints that are alike.

Two real prints can be equal in every field: one packet of the exchange with two orders of one lot at one price. So a
print counts as sent twice only where the stream has gone back in time, or goes on with what it repeats.
"""

from collections.abc import Hashable

REMEMBERED = 20_000
"""Prints that are compared with: seconds of the wildest market, and more than a gateway was ever seen to repeat."""


class Duplicates:
    """Of one session's prints in order of arrival, which were here before?"""

    def __init__(self) -> None:
        self._recent: set[Hashable] = set()
        self._older: set[Hashable] = set()
        self._newest_ns = 0
        self._is_repeating = False

    def is_new(self, ts_recv: int, whole: Hashable) -> bool:
        """Whether a print is to be counted. whole: all of its fields."""
        if ts_recv > self._newest_ns:
            self._newest_ns = ts_recv
            self._is_repeating = False
        elif ts_recv < self._newest_ns or self._is_repeating:
            self._is_repeating = whole in self._recent or whole in self._older
            if self._is_repeating:
                return False
        self._recent.add(whole)
        if len(self._recent) >= REMEMBERED:
            self._recent, self._older = set(), self._recent
        return True
