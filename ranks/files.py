"""Summaries as parquet files: one for each timeframe of a contract's month.

A row is a bar: start, length (seconds), day (its trade date as a proleptic ordinal), all int32, and its two curves,
ordered by bucket and then by day. Of the sixty knots every fifth is in the column `few`, so that a sample of short bars
reads no more than these, and the others are in `rest`, as growths since the knot before. Both are bytes of
little-endian int32, first those of the volume (contracts), then those of the range (ticks). A column for each knot
would be easier to look at, and opening 120 of them takes longer than all the rest.

A file is named after its content and never altered.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from market import store
from market.engine.jit import compiled
from ranks.engine.buckets import Int32s
from ranks.engine.stack import FEW_KNOTS, SHORT, Rows, code
from ranks.engine.summary import KNOTS, Curves
from ranks.models import SummaryMonth

ROOT = "ranks"
EACH = KNOTS // FEW_KNOTS
LITTLE = np.dtype("<i4")


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of several sessions with all knots. day: trade dates as ordinals; volume, range: [bars, KNOTS]; int32."""

    start: Int32s
    length: Int32s
    day: Int32s
    volume: Int32s
    range: Int32s

    def __getitem__(self, rows: npt.NDArray[Any]) -> "Bars":
        return Bars(self.start[rows], self.length[rows], self.day[rows], self.volume[rows], self.range[rows])

    def of(self, days: Sequence[date]) -> "Bars":
        """Those of these days."""
        kept = _are_of(self.day, days)
        return self if kept.all() else self[kept]


def bars_of(curves: Curves, day: date) -> Bars:
    """The bars of one session."""
    days = np.full(len(curves), day.toordinal(), np.int32)
    return Bars(curves.start, curves.length, days, curves.volume, curves.range)


def joined(parts: Sequence[Bars]) -> Bars:
    """All bars, ordered by bucket and then by day; each day must be in one part only."""
    names = ("start", "length", "day", "volume", "range")
    bars = Bars(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return bars[np.lexsort((bars.day, code(bars.start, bars.length)))]


def folder(month: SummaryMonth) -> str:
    """Where a month's files lie below the store's root."""
    contract = month.contract
    return f"{ROOT}/{contract.asset.dataset}/{contract.code}/{month.month:%Y-%m}"


def path(month: SummaryMonth, timeframe: str) -> str:
    """The file of one timeframe."""
    return f"{folder(month)}/{timeframe}.{month.files[timeframe][:16]}.parquet"


# --- writing ----------------------------------------------------------------------------------------------


def encode(bars: Bars) -> bytes:
    """The file with these bars."""
    keys = {"start": pa.array(bars.start), "length": pa.array(bars.length), "day": pa.array(bars.day)}
    few, rest = zip(*map(_split, (bars.volume, bars.range)), strict=True)
    table = pa.table(keys | {"few": _packed(few), "rest": _packed(rest)})
    body = io.BytesIO()
    pq.write_table(
        table,
        body,
        row_group_size=max(1, table.num_rows),
        # what tables read is packed less tightly, and opened in two thirds of the time
        compression=dict.fromkeys((*keys, "rest"), "zstd") | {"few": "lz4"},
        use_dictionary=False,
        # growths are small: their high bytes are zeros, and lie side by side so
        column_encoding=dict.fromkeys(keys, "DELTA_BINARY_PACKED")
        | dict.fromkeys(("few", "rest"), "BYTE_STREAM_SPLIT"),
        write_statistics=False,
    )
    return body.getvalue()


def _split(curves: Int32s) -> tuple[Int32s, Int32s]:
    """Every fifth knot of a metric, and the growths up to the knots between them."""
    growth = np.diff(curves, axis=1, prepend=0).reshape(-1, FEW_KNOTS, EACH)
    return curves[:, EACH - 1 :: EACH], growth[:, :, :-1].reshape(len(curves), -1)


def _packed(parts: Sequence[Int32s]) -> pa.Array:
    values = np.ascontiguousarray(np.hstack(parts), LITTLE)
    return pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(values.shape[1] * LITTLE.itemsize), len(values), [None, pa.py_buffer(values)]
    )


def write(month: SummaryMonth, timeframe: str, body: bytes) -> None:
    """Put a file in its place and its checksum into the month, which is not saved."""
    month.files[timeframe] = hashlib.sha256(body).hexdigest()
    store.put(path(month, timeframe), body)


# --- reading ----------------------------------------------------------------------------------------------


def read(month: SummaryMonth, timeframe: str) -> Bars:
    """All bars of a file. Raises store.DamagedPiece."""
    table = _table(month, timeframe, ["start", "length", "day", "few", "rest"])
    few, rest = _unpacked(table, "few"), _unpacked(table, "rest")
    curves = (_filled_in(few[:, half], rest[:, half]) for half in range(2))
    return Bars(*(table[name].combine_chunks().to_numpy() for name in ("start", "length", "day")), *curves)


def read_rows(month: SummaryMonth, timeframe: str, days: Sequence[date]) -> Rows:
    """The bars of these days with the knots that samples use. Raises store.DamagedPiece."""
    if timeframe not in SHORT:
        bars = read(month, timeframe).of(days)
        return Rows(bars.start, bars.length, bars.volume, bars.range)
    table = _table(month, timeframe, ["start", "length", "day", "few"])
    kept = _are_of(table["day"].combine_chunks().to_numpy(), days)
    start, length = (table[name].combine_chunks().to_numpy()[kept] for name in ("start", "length"))
    few = _unpacked(table, "few")
    few = few if kept.all() else few[kept]
    return Rows(start, length, few[:, 0], few[:, 1])


def _table(month: SummaryMonth, timeframe: str, names: list[str]) -> pa.Table:
    body = store.get(path(month, timeframe), month.files[timeframe])
    # not read_table, whose way over a data set takes longer than a small file
    return pq.ParquetFile(pa.BufferReader(body)).read(columns=names, use_threads=False)


def _unpacked(table: pa.Table, name: str) -> Int32s:
    """A column of bytes as int32 [bars, metric, FEW_KNOTS or more]."""
    packed = table[name].combine_chunks()
    values = np.frombuffer(packed.buffers()[1], LITTLE).astype(np.int32, copy=False)
    return values.reshape(len(packed), 2, -1)


def _filled_in(few: Int32s, rest: Int32s) -> Int32s:
    """The whole curve from the two parts that `_split` made of it."""
    curves = np.empty((len(few), KNOTS), np.int32)
    _fill(few, rest, curves)
    return curves


@compiled
def _fill(few: Int32s, rest: Int32s, curves: Int32s) -> None:
    # a quarter of the time of reading a year, in numpy's own steps
    for bar in range(len(few)):
        value, at = np.int32(0), 0
        for knot in range(curves.shape[1]):
            if knot % EACH == EACH - 1:
                value = few[bar, knot // EACH]
            else:
                value += rest[bar, at]
                at += 1
            curves[bar, knot] = value


def _are_of(day: Int32s, days: Sequence[date]) -> npt.NDArray[np.bool_]:
    return np.isin(day, [each.toordinal() for each in days])
