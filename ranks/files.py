"""Summaries as parquet files: one for each timeframe of a contract's month.

A row is a bar: start, length (seconds), day (its trade date as a proleptic ordinal), and the curves knot by knot, v01
to v60 (contracts) and r01 to r60 (ticks), all int32, ordered by bucket and then by day. Knots are columns, so that a
sample reads only those that it takes. A file is named after its content and never altered.
"""

import hashlib
import io
from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from market import store
from ranks.engine.buckets import Int32s, Int64s
from ranks.engine.stack import Rows, code
from ranks.engine.summary import KNOTS, Curves
from ranks.models import SummaryMonth

ROOT = "ranks"
KEYS = ("start", "length", "day")
VOLUME, RANGE = ([f"{letter}{knot + 1:02}" for knot in range(KNOTS)] for letter in "vr")
COLUMNS = (*KEYS, *VOLUME, *RANGE)

Columns = dict[str, Int32s]


def folder(month: SummaryMonth) -> str:
    """Where a month's files lie below the store's root."""
    contract = month.contract
    return f"{ROOT}/{contract.asset.dataset}/{contract.code}/{month.month:%Y-%m}"


def path(month: SummaryMonth, timeframe: str) -> str:
    """The file of one timeframe."""
    return f"{folder(month)}/{timeframe}.{month.files[timeframe][:16]}.parquet"


def columns_of(curves: Curves, day: date) -> Columns:
    """The rows of one session."""
    days = np.full(len(curves), day.toordinal(), np.int32)
    keys = dict(zip(KEYS, (curves.start, curves.length, days), strict=True))
    return keys | dict(zip(VOLUME, curves.volume.T, strict=True)) | dict(zip(RANGE, curves.range.T, strict=True))


def encode(sessions: Sequence[Columns]) -> bytes:
    """A file with the rows of these sessions, each given once."""
    joined = {name: np.concatenate([session[name] for session in sessions]) for name in COLUMNS}
    order = np.lexsort((joined["day"], code(joined["start"], joined["length"])))
    table = pa.table({name: pa.array(values[order]) for name, values in joined.items()})
    body = io.BytesIO()
    pq.write_table(
        table,
        body,
        row_group_size=max(1, table.num_rows),
        compression="zstd",
        # deltas: a third of the time that dictionaries take to write, and read at the same speed
        use_dictionary=False,
        column_encoding=dict.fromkeys(COLUMNS, "DELTA_BINARY_PACKED"),
        write_statistics=False,
    )
    return body.getvalue()


def write(month: SummaryMonth, timeframe: str, body: bytes) -> None:
    """Put a file in its place and its checksum into the month, which is not saved."""
    month.files[timeframe] = hashlib.sha256(body).hexdigest()
    store.put(path(month, timeframe), body)


def read(month: SummaryMonth, timeframe: str, names: Sequence[str] = COLUMNS) -> Columns:
    """Columns of a file. Raises store.DamagedPiece."""
    body = store.get(path(month, timeframe), month.files[timeframe])
    table = pq.read_table(io.BytesIO(body), columns=list(names), use_threads=False)
    return {name: table.column(name).combine_chunks().to_numpy() for name in names}


def only(columns: Columns, days: Sequence[date]) -> Columns:
    """The rows of these days."""
    kept = np.isin(columns["day"], [day.toordinal() for day in days])
    return {name: values[kept] for name, values in columns.items()}


def read_rows(month: SummaryMonth, timeframe: str, days: Sequence[date], knots: Int64s) -> Rows:
    """The bars of these days, with these knots (from 0). Raises store.DamagedPiece."""
    volume, range_ = [VOLUME[knot] for knot in knots], [RANGE[knot] for knot in knots]
    columns = only(read(month, timeframe, [*KEYS, *volume, *range_]), days)
    return Rows(
        columns["start"],
        columns["length"],
        np.stack([columns[name] for name in volume]),
        np.stack([columns[name] for name in range_]),
    )
