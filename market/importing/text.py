"""CSV files as Databento writes them, plain or zstd."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.csv

from market.importing.layouts import layout_of
from market.importing.naming import FileName
from market.importing.parts import Definitions, Part
from market.importing.report import NotImportable, Report, Rows
from market.importing.tables import Tables

BLOCK_BYTES = 8 << 20
HEAD_LINES = 1
NO_TABLE = "It is no market data as Databento writes them. futsim takes DBN (.dbn, .dbn.zst), parquet and CSV."


class TextFile:
    """An open CSV file. head: its first bytes, unpacked. Raises NotImportable when it cannot be read at all."""

    def __init__(self, path: Path, name: FileName, head: bytes, *, is_zstd: bool) -> None:
        names = _header(head)
        layout_of(names, name)
        self._bytes = path.stat().st_size
        self._is_zstd = is_zstd
        self._names = names
        self._tables = Tables(name, _first_rows(head, names))
        self.dataset, self.schema = self._tables.dataset, self._tables.layout.schema
        self._file = path.open("rb")

    def share(self) -> float:
        return self._file.tell() / max(1, self._bytes)

    def close(self) -> None:
        self._file.close()

    def parts(self, report: Report) -> Iterator[Part | Definitions]:
        """Row numbers are those of lines: the first row after the header is 2."""
        skipped: list[int] = []

        def skip(row: pa.csv.InvalidRow) -> str:
            columns = "1 column" if row.actual_columns == 1 else f"{row.actual_columns} columns"
            reason = f"The line has {columns} instead of {row.expected_columns}."
            report.refuse([row.number], reason)
            skipped.append(row.number)
            return "skip"

        source = pa.CompressedInputStream(self._file, "zstd") if self._is_zstd else self._file
        batches = _open(source, self._names, skip)
        line = HEAD_LINES + 1
        while (batch := _next(batches)) is not None:
            rows = _lines(line, batch.num_rows, skipped)
            line = int(rows[-1]) + 1 if len(rows) else line
            yield from self._tables.parts(batch, rows, report)


def _next(batches: pa.csv.CSVStreamingReader) -> pa.RecordBatch | None:
    try:
        return next(batches, None)
    except (pa.ArrowException, OSError) as problem:
        raise NotImportable(f"The file is damaged ({str(problem)[:120]}). Copy or download it again.") from None


def _header(head: bytes) -> list[str]:
    try:
        first = head.decode("utf-8-sig", errors="strict" if len(head) < 100 else "ignore").split("\n", 1)[0].strip()
    except UnicodeDecodeError:
        raise NotImportable(NO_TABLE) from None
    names = [name.strip().strip('"') for name in first.split(",")]
    if first.startswith(("{", "[")):
        raise NotImportable("It is JSON. futsim takes DBN (.dbn, .dbn.zst), parquet and CSV.")
    if len(names) < 3 or not all(name.isidentifier() for name in names if name):
        raise NotImportable(NO_TABLE)
    return names


def _first_rows(head: bytes, names: list[str]) -> pa.RecordBatch:
    whole = head[: head.rfind(b"\n") + 1] or head
    batch = next(iter(_open(io.BytesIO(whole), names, lambda row: "skip")), None)
    if batch is None or not batch.num_rows:
        raise NotImportable("It holds no rows.")
    return batch


def _open(source: BinaryIO | pa.NativeFile, names: list[str], skip: object) -> pa.csv.CSVStreamingReader:
    """All columns as text, null where empty."""
    try:
        return pa.csv.open_csv(
            source,
            read_options=pa.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES),
            parse_options=pa.csv.ParseOptions(invalid_row_handler=skip),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowException, OSError) as problem:
        raise NotImportable(f"The file is damaged or no CSV ({str(problem)[:120]}).") from None


def _lines(first: int, count: int, skipped: list[int]) -> Rows:
    """The numbers of `count` lines from `first` on that were not skipped."""
    gaps = np.array(sorted(number for number in skipped if number >= first), np.int64)
    lines = np.arange(first, first + count + len(gaps))
    return lines[~np.isin(lines, gaps)][:count]
