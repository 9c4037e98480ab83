"""Percentiles of the newest samples, at a fixed cost."""

from collections import deque

KEPT = 4_096


class Lags:
    """How long prints took, in ns, from the vendor's capture to the message that tells of them."""

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=KEPT)

    def add(self, ns: int) -> None:
        self._samples.append(ns)

    def percentiles(self) -> tuple[int, int] | None:
        """p50 and p99 in ns; None without samples."""
        if not self._samples:
            return None
        ordered = sorted(self._samples)
        return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]
