"""Columns of equal length, as every kind of record is held."""

from collections.abc import Sequence
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt


class Table:
    """Rows as numpy columns, never changed once made. A subclass is a dataclass of its columns, in order.

    COLUMNS: name and dtype of each.
    """

    __slots__ = ()
    COLUMNS: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        for name in self.COLUMNS:
            column = getattr(self, name)
            if column.flags.writeable:
                column.setflags(write=False)

    def __len__(self) -> int:
        return len(getattr(self, next(iter(self.COLUMNS))))

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_]) -> Self:
        return type(self)(*(getattr(self, name)[rows] for name in self.COLUMNS))

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return sum(getattr(self, name).nbytes for name in self.COLUMNS)

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        return cls(*(np.empty(0, dtype) for dtype in cls.COLUMNS.values()))

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Rows one after the other; the parts must follow each other in time."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.COLUMNS))
