"""Records of several schemas in the order in which they go out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standin.live.control import SCHEMAS
from standin.noise import Ints

GATEWAY = -1
"""In the place of a schema: a record of the gateway's own, not of the market."""
_TS_OUT_BYTES, _TS_OUT_WORDS = 8, 2


@dataclass(frozen=True, slots=True)
class Part:
    """Records of one schema (its place in SCHEMAS, or GATEWAY) and when each is due (UTC ns)."""

    schema: int
    due: Ints
    records: NDArray[Any]


@dataclass(frozen=True, slots=True)
class Parcel:
    """Parallel columns; record number i is data[offset[i]:offset[i + 1]].

    due: UTC ns, ascending. schema: place in SCHEMAS, or GATEWAY. offset: one more than there are records.
    """

    due: Ints
    schema: Ints
    offset: Ints
    data: bytes

    def __len__(self) -> int:
        return self.due.size

    def __getitem__(self, rows: slice) -> "Parcel":
        """Some records in a row."""
        start, stop, _step = rows.indices(len(self))
        stop = max(start, stop)
        return Parcel(self.due[start:stop], self.schema[start:stop], self.offset[start : stop + 1], self.data)

    @property
    def market(self) -> Ints:
        """The places of the market's records."""
        return np.flatnonzero(self.schema != GATEWAY)

    def wire(self) -> bytes:
        """The records as they are sent."""
        return self.data[self.offset[0] : self.offset[-1]]

    def wire_with_ts_out(self, ts_ns: int) -> bytes:
        """The same with a time of sending behind each record, whose length then counts two more words."""
        plain = np.frombuffer(self.wire(), dtype=np.uint8)
        sizes = np.diff(self.offset)
        ends = self.offset[1:] - self.offset[0] + _TS_OUT_BYTES * np.arange(1, len(self) + 1)
        result = np.empty(plain.size + _TS_OUT_BYTES * len(self), dtype=np.uint8)
        result[np.arange(plain.size) + np.repeat(_TS_OUT_BYTES * np.arange(len(self)), sizes)] = plain
        result[ends - sizes - _TS_OUT_BYTES] += _TS_OUT_WORDS
        stamp = np.frombuffer(ts_ns.to_bytes(_TS_OUT_BYTES, "little"), dtype=np.uint8)
        result[ends[:, None] + np.arange(-_TS_OUT_BYTES, 0)] = stamp
        return result.tobytes()

    def without(self, places: Ints) -> "Parcel":
        """All records but those at some places."""
        kept = np.setdiff1d(np.arange(len(self)), places)
        data = b"".join(self.data[self.offset[at] : self.offset[at + 1]] for at in kept)
        return Parcel(self.due[kept], self.schema[kept], _offsets(np.diff(self.offset)[kept]), data)


def merged(parts: Sequence[Part]) -> Parcel:
    """The records of all parts by due time, and of an equal time in the order of the parts."""
    lengths = [len(part.records) for part in parts]
    due = np.concatenate([part.due for part in parts]) if parts else np.empty(0, dtype=np.int64)
    source = np.repeat(np.arange(len(parts)), lengths)
    row = np.concatenate([np.arange(length) for length in lengths]) if parts else np.empty(0, dtype=np.int64)
    order = np.lexsort((source, due))
    source, row = source[order], row[order]
    # runs of one part can be copied at once
    breaks = np.flatnonzero((np.diff(source) != 0) | (np.diff(row) != 1)) + 1
    starts = np.concatenate(([0], breaks)) if source.size else breaks
    stops = np.append(breaks, source.size)
    data = b"".join(
        parts[source[start]].records[row[start] : row[stop - 1] + 1].tobytes()
        for start, stop in zip(starts, stops, strict=False)
    )
    sizes = np.array([part.records.itemsize for part in parts], dtype=np.int64)
    schemas = np.array([part.schema for part in parts], dtype=np.int64)
    return Parcel(due[order], schemas[source], _offsets(sizes[source]), data)


def own(records: NDArray[Any], now_ns: int) -> Parcel:
    """Records of the gateway's own, to be sent now."""
    return merged([Part(GATEWAY, np.full(len(records), now_ns), records)])


def place(schema: str) -> int:
    return SCHEMAS.index(schema)


def _offsets(sizes: Ints) -> Ints:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
