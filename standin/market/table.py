"""A table of bars as parallel columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standin.noise import Ints


@dataclass(frozen=True, slots=True)
class Bars:
    """int64 columns of equal length.

    who: place of the contract in the list the bars were asked for. start_ns: UTC ns of the interval's begin.
    open, high, low, close: ticks. volume: lots, at least 1.
    """

    who: Ints
    start_ns: Ints
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints

    def __len__(self) -> int:
        return self.start_ns.size

    @property
    def columns(self) -> tuple[Ints, ...]:
        return (self.who, self.start_ns, self.open, self.high, self.low, self.close, self.volume)

    def __getitem__(self, rows: NDArray[Any] | slice) -> "Bars":
        return Bars(*(column[rows] for column in self.columns))

    @staticmethod
    def empty() -> "Bars":
        return Bars(*(np.empty(0, dtype=np.int64) for _ in range(7)))

    @staticmethod
    def joined(tables: Sequence["Bars"]) -> "Bars":
        """The rows of all tables, in their order."""
        if not tables:
            return Bars.empty()
        return Bars(*(np.concatenate(parts) for parts in zip(*(table.columns for table in tables), strict=True)))
