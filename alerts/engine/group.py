"""The alerts of one asset that are ranked with one sample, side by side for the fold."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np

from alerts.engine.edges import BAR, CLOSE, EDGE, NEVER, NO_BAR, ONCE, UNKNOWN, Int8s, Watch
from alerts.engine.trace import Bools
from ranks.engine.buckets import Int64s

Key = tuple[str, int]
"""Which sample: a timeframe and a lookback in days."""
METRICS = ("vol_rank", "vol_pending", "range_rank", "range_pending")
"""By their names in the order of a trace's columns."""
FORGOTTEN = 9
"""In place of a saved state: the record has one that is true no more."""
REPEATS = {"edge": EDGE, "bar": BAR, "close": CLOSE, "once": ONCE}


@dataclass(frozen=True, slots=True)
class Definition:
    """An alert as it is watched. asset_id: None for all assets. until_ns: it has expired after this (UTC ns)."""

    id: int
    revision: int
    asset_id: int | None
    metric: str
    is_gte: bool
    threshold: float
    timeframe: str
    lookback_days: int
    repeat: str
    until_ns: int = NEVER

    @property
    def key(self) -> Key:
        """Which sample it is ranked with."""
        return self.timeframe, self.lookback_days


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands at an asset. since_ns: what came up to here is evaluated (UTC ns)."""

    since_ns: int
    state: int = UNKNOWN
    fired_bar: int = NO_BAR
    count: int = 0


@dataclass(slots=True)
class Group:
    """Arrays of equal length, a place for each alert. count: firings. saved, saved_count: what is in the record."""

    ids: Int64s
    revisions: Int64s
    count: Int64s
    saved: Int8s
    saved_count: Int64s
    watch: Watch

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def is_dirty(self) -> Bools:
        """Which of them the record does not have as they are. That nothing is known of a thin bar is not worth a row:
        the next instant says the same."""
        is_worth = (self.watch.state != UNKNOWN) | (self.saved == FORGOTTEN)
        changed: Bools = (self.watch.state != self.saved) & is_worth | (self.count != self.saved_count)
        return changed

    def forget(self) -> None:
        """Nothing is known of any of them, and the record must say so."""
        self.saved[self.saved != UNKNOWN] = FORGOTTEN
        self.watch.state[:] = UNKNOWN

    def is_saved(self) -> None:
        """The record has them as they are."""
        self.saved, self.saved_count = np.where(self.is_dirty, self.watch.state, self.saved), self.count.copy()

    def only(self, kept: Bools) -> "Group":
        """These places."""
        return _group_of(lambda column: column(self)[kept])

    def joined(self, other: "Group") -> "Group":
        """With those of another one after these."""
        return _group_of(lambda column: np.concatenate([column(self), column(other)]))


_OWN = ("ids", "revisions", "count", "saved", "saved_count")


def group(members: Sequence[tuple[Definition, Standing]]) -> Group:
    """Alerts with how they stand."""

    what, how = [each for each, _ in members], [each for _, each in members]
    states = [each.state for each in how]
    watch = Watch(
        metric=_ints([METRICS.index(each.metric) for each in what]),
        is_gte=np.array([each.is_gte for each in what], np.bool_),
        threshold=np.array([each.threshold for each in what], np.float64),
        repeat=np.array([REPEATS[each.repeat] for each in what], np.int8),
        since_ns=_ints([each.since_ns for each in how]),
        until_ns=_ints([each.until_ns for each in what]),
        state=np.array(states, np.int8),
        fired_bar=_ints([each.fired_bar for each in how]),
    )
    return Group(
        _ints([each.id for each in what]),
        _ints([each.revision for each in what]),
        _ints([each.count for each in how]),
        np.array(states, np.int8),
        _ints([each.count for each in how]),
        watch,
    )


class Groups(dict[Key, Group]):
    """The alerts of one asset, by what they are ranked with."""

    def drop(self, ids: Iterable[int]) -> None:
        """Watch these no more."""
        gone = np.array(list(ids), np.int64)
        if not len(gone):
            return
        for key, members in list(self.items()):
            self[key] = members.only(~np.isin(members.ids, gone))
            if not len(self[key]):
                del self[key]

    def add(self, members: Sequence[tuple[Definition, Standing]]) -> None:
        """Watch these too."""
        for key, some in by_key(members).items():
            self[key] = self[key].joined(group(some)) if key in self else group(some)

    def forget(self) -> None:
        """Nothing is known of any alert: bars are missing."""
        for members in self.values():
            members.forget()


def by_key(members: Iterable[tuple[Definition, Standing]]) -> dict[Key, list[tuple[Definition, Standing]]]:
    """The same, by what they are ranked with."""
    found: dict[Key, list[tuple[Definition, Standing]]] = {}
    for member in members:
        found.setdefault(member[0].key, []).append(member)
    return found


def _group_of(make: Callable[[Callable[[Group], Any]], Any]) -> Group:
    """make: from what reads a column of a group, that column of the new one."""
    watch = {each.name: make(attrgetter(f"watch.{each.name}")) for each in fields(Watch)}
    return Group(**{name: make(attrgetter(name)) for name in _OWN}, watch=Watch(**watch))


def _ints(values: Sequence[int]) -> Int64s:
    return np.array(values, np.int64)
