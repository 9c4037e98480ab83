"""The batches of a parquet or CSV file as parts."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from market.databento_historical import dataset_of_publisher
from market.importing.definitions import FIELDS
from market.importing.layouts import ANY_BARS, NO_DATASET, Layout, layout_of
from market.importing.naming import FileName
from market.importing.parts import DEFINITION, NO_TIME, TAKEN, UNDEFINED_PRICE, Definitions, Part, not_used
from market.importing.report import NotImportable, Report, Rows
from market.importing.values import Batch, Values
from market.schemas import Schema
from market.sessions import SECOND_NS

BARS_BY_RTYPE = {32: "ohlcv-1s", 33: "ohlcv-1m", 34: "ohlcv-1h", 35: "ohlcv-1d"}
LAG_NS = SECOND_NS
"""Rows without the time of arrival are in its order all the same: the exchange's times may lag so much."""
LETTERS = ("action", "side", "is_trading", "is_quoting", "is_short_sell_restricted")
COUNTS = ("volume", "order_id")
"""int64 columns that are no prices."""
DEFINED_PRICES = ("min_price_increment", "min_price_increment_amount", "display_factor", "unit_of_measure_qty")
BAR_PRICES = ("open", "high", "low", "close")


class Tables:
    """Turns the batches of one file into parts. Raises NotImportable where its columns do not do.

    first: a batch of the file's first rows.
    """

    def __init__(self, name: FileName, first: pa.RecordBatch) -> None:
        self.layout: Layout = layout_of(first.schema.names, name)
        self.dataset = name.dataset or _published(first)
        self._is_fixed: bool | None = None
        self._latest: dict[str | None, int] = {}

    def parts(self, rows_of: pa.RecordBatch, rows: Rows, report: Report) -> Iterator[Part | Definitions]:
        """The parts of a batch whose rows have these numbers."""
        if not len(rows):
            return
        if self._is_fixed is None:
            self._is_fixed = _is_fixed(rows_of, _prices(self.layout.schema))
        batch = Batch(rows_of, rows, report, is_fixed=bool(self._is_fixed))
        if self.layout.schema == DEFINITION:
            columns = {name: self._definition(batch, name) for name in FIELDS}
            yield Definitions({name: values[batch.good] for name, values in columns.items()}, rows[batch.good])
            return
        schema = TAKEN[self._bars_of(batch) if self.layout.schema == ANY_BARS else self.layout.schema]
        yield from self._by_symbol(schema, batch, self._columns(schema, batch))

    def _bars_of(self, batch: Batch) -> str:
        rtypes = np.unique(batch.integers("rtype"))
        schema = BARS_BY_RTYPE.get(int(rtypes[0]), "such bars") if len(rtypes) == 1 else "bars of several intervals"
        if schema not in TAKEN:
            raise NotImportable(not_used(schema))
        return schema

    def _definition(self, batch: Batch, name: str) -> Values:
        """A column of definitions, as DBN has it."""
        if name in ("raw_symbol", "asset", "instrument_class", "exchange", "cfi", "match_algorithm"):
            return batch.texts(name)
        if name in ("activation", "expiration", "ts_recv"):
            return batch.times(name) if name in self.layout.names else np.full(len(batch), NO_TIME)
        if name in ("maturity_year", "maturity_month", "instrument_id"):
            return batch.integers(name)
        return batch.prices(name) if name in self.layout.names else np.full(len(batch), UNDEFINED_PRICE)

    def _columns(self, schema: Schema, batch: Batch) -> dict[str, Values]:
        """The schema's columns; without ts_recv where the file has none."""
        columns: dict[str, Values] = {"ts_event": batch.times(self.layout.time)}
        if "ts_recv" in schema.columns and "ts_recv" in self.layout.names:
            columns["ts_recv"] = batch.times("ts_recv")
        for name, dtype in schema.columns.items():
            if name.startswith("ts_") and dtype is np.int64:
                continue
            if name in LETTERS and dtype is np.uint8:
                columns[name] = batch.letters(name)
            elif dtype is np.int64 and name not in COUNTS:
                columns[name] = batch.prices(name)
            else:
                columns[name] = batch.counts(name, dtype)
        return columns

    def _by_symbol(self, schema: Schema, batch: Batch, columns: Mapping[str, Values]) -> Iterator[Part]:
        codes, names = batch.symbols(self.layout.symbol)
        has_ids = "instrument_id" in self.layout.names
        ids = batch.integers("instrument_id") if has_ids else np.zeros(len(batch), np.int64)
        # a symbol's rows stay together, whatever ids it has had; without symbols the ids tell the rows apart
        groups = np.where(codes >= 0, codes, -1 - ids)
        for group in np.unique(groups[batch.good]):
            mine = np.flatnonzero((groups == group) & batch.good)
            picked = {name: values[mine] for name, values in columns.items()}
            symbol = names[int(group)] if group >= 0 else None
            self._add_arrival(schema, picked, symbol or str(group))
            yield Part(schema, symbol, int(ids[mine[0]]), picked, batch.rows[mine])

    def _add_arrival(self, schema: Schema, columns: dict[str, Values], whose: str) -> None:
        """Where a file has no time of arrival, the order of its rows tells it."""
        if "ts_recv" not in schema.columns or "ts_recv" in columns:
            return
        times = columns["ts_event"]
        arrived = np.maximum.accumulate(np.maximum(times, self._latest.get(whose, 0)))
        columns["ts_recv"] = np.where(times >= arrived - LAG_NS, arrived, times)
        self._latest[whose] = int(arrived[-1])


def _published(batch: pa.RecordBatch) -> str:
    """The dataset of the first row's publisher. Raises NotImportable."""
    dataset = ""
    if "publisher_id" in batch.schema.names and batch.num_rows:
        value: Any = batch.column("publisher_id")[0].as_py()
        dataset = dataset_of_publisher(int(value)) if str(value).isdigit() else ""
    if not dataset:
        raise NotImportable(NO_DATASET)
    return dataset


def _prices(schema: str) -> tuple[str, ...]:
    """The columns that hold prices in tables of a schema."""
    if schema == DEFINITION:
        return DEFINED_PRICES
    if schema == ANY_BARS:
        return BAR_PRICES
    columns = TAKEN[schema].columns.items()
    return tuple(name for name, dtype in columns if dtype is np.int64 and name not in COUNTS and name[:3] != "ts_")


def _is_fixed(batch: pa.RecordBatch, names: Iterable[str]) -> bool | None:
    """Whether prices that come as text are fixed-point: the others are written with a decimal point.

    None where no row has a price.
    """
    texts = [
        batch.column(name)
        for name in names
        if name in batch.schema.names and pa.types.is_string(batch.schema.field(name).type)
    ]
    texts = [text for text in texts if text.null_count < len(text)]
    return not any(pc.any(pc.match_substring(text, ".")).as_py() for text in texts) if texts else None
