"""Parquet files with Databento's columns."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from market.importing.naming import FileName
from market.importing.parts import Definitions, Part
from market.importing.report import NotImportable, Report
from market.importing.tables import Tables

BATCH_ROWS = 65_536
UNREADABLE = (pa.ArrowException, OSError)


class ParquetFile:
    """An open parquet file. Raises NotImportable when it cannot be read at all."""

    def __init__(self, path: Path, name: FileName) -> None:
        try:
            self._file = pq.ParquetFile(path)
        except UNREADABLE as problem:
            raise NotImportable(
                f"The file is damaged or cut short ({_short(problem)}). Copy or download it again."
            ) from None
        self._done = 0
        try:
            first = next(self._batches(), None)
            if first is None:
                raise NotImportable("It holds no rows.")
            self._tables = Tables(name, first)
        except BaseException:
            self.close()
            raise
        self.dataset, self.schema = self._tables.dataset, self._tables.layout.schema

    def share(self) -> float:
        rows: int = self._file.metadata.num_rows
        return self._done / max(1, rows)

    def parts(self, report: Report) -> Iterator[Part | Definitions]:
        for batch in self._batches():
            rows = np.arange(self._done + 1, self._done + batch.num_rows + 1)
            yield from self._tables.parts(batch, rows, report)
            self._done += batch.num_rows

    def _batches(self) -> Iterator[pa.RecordBatch]:
        batches = self._file.iter_batches(batch_size=BATCH_ROWS)
        while True:
            try:
                batch = next(batches, None)
            except UNREADABLE as problem:
                raise NotImportable(f"The file is damaged ({_short(problem)}). Copy or download it again.") from None
            if batch is None:
                return
            yield batch

    def close(self) -> None:
        self._file.close()


def _short(problem: Exception) -> str:
    return str(problem).splitlines()[0][:120].rstrip(".")
