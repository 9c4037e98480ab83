"""Taking times, and what a measurement says: the median of its samples, their range, and the ratio to a peer."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Act = Callable[[], object]


def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Work:
    """What is timed, and what puts everything back into its place before each time."""

    run: Act
    before: Act = _nothing


def times(work: Work, repetitions: int, *, warm_ups: int = 1) -> list[float]:
    """Seconds of each repetition, after the warm-ups."""
    return in_turn([work], repetitions, warm_ups=warm_ups)[0]


def in_turn(works: Sequence[Work], repetitions: int, *, warm_ups: int = 1) -> list[list[float]]:
    """Seconds of each repetition of each work. They take turns, so that other load on the machine meets all alike."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(warm_ups + repetitions):
        for work, seconds in zip(works, taken, strict=True):
            elapsed = _time(work)
            if number >= warm_ups:
                seconds.append(elapsed)
    return taken


def _time(work: Work) -> float:
    """Old garbage is collected first; what the work itself leaves behind is its own cost."""
    work.before()
    gc.collect()
    start = time.perf_counter()
    work.run()
    return time.perf_counter() - start


def scaled(samples: Sequence[float], factor: float) -> list[float]:
    """The samples in another unit."""
    return [sample * factor for sample in samples]


@dataclass(frozen=True)
class Peer:
    """Somebody else's way to the same end, measured on the same data in the same run and in the same unit."""

    name: str
    samples: Sequence[float]


@dataclass(frozen=True)
class Result:
    """One figure. `bench` names the module; more_is_better: a rate; otherwise a time or a size."""

    bench: str
    name: str
    unit: str
    samples: Sequence[float]
    target: float | None = None
    more_is_better: bool = False
    peer: Peer | None = None
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def verdict(self) -> str:
        """ "met", "missed", or nothing where there is no target."""
        if self.target is None:
            return ""
        return "met" if (self.median >= self.target) == self.more_is_better else "missed"

    @property
    def ratio(self) -> float | None:
        """How many times better than the peer; None without one."""
        if self.peer is None:
            return None
        ratio = self.median / statistics.median(self.peer.samples)
        return ratio if self.more_is_better else 1 / ratio


def percentile(samples: Sequence[float], percent: float) -> float:
    """The sample below which so many percent lie."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]
