"""DBN files of all versions, plain or zstd, of one schema or mixed as a live session records them.

Databento's client reads such files too, but it passes over an end that was cut off, and goes through a mixed file once
for each schema.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

import databento_dbn as dbn
import numba
import numpy as np
import numpy.typing as npt
import zstandard

from market.importing.definitions import FIELDS
from market.importing.parts import DEFINITION, MBO, TAKEN, Definitions, Part, not_used
from market.importing.report import NotImportable, Report, Rows
from market.schemas import Schema

READ_BYTES = 8 << 10
"""Of the file at a time: however well it was packed, what comes out has room in memory."""
FILE_BUFFER = 1 << 20
BLOCK_BYTES = 16 << 20
"""Decoded at a time."""
SHORTEST_RECORD = 16
NEWEST_VERSION = 3
DAY_NS = 86_400 * 10**9

RTYPES = {
    0: "trades", 1: "mbp-1", 10: "mbp-10", 18: "status", 19: DEFINITION, 20: "imbalance", 24: "statistics",
    32: "ohlcv-1s", 33: "ohlcv-1m", 34: "ohlcv-1h", 35: "ohlcv-1d", 36: "ohlcv-eod", 160: MBO.name, 177: "cmbp-1",
    192: "cbbo-1s", 193: "cbbo-1m", 194: "tcbbo", 195: "bbo-1s", 196: "bbo-1m",
}  # fmt: skip
MAPPING_RTYPE = 22
CONTROL_RTYPES = (21, MAPPING_RTYPE, 23)
"""Errors, symbol mappings and messages of the gateway: they are about the data, not data."""

_BARS = dbn.OHLCVMsg
_LAYOUTS = {
    "trades": (dbn.TradeMsg,),
    "mbp-10": (dbn.MBP10Msg,),
    "status": (dbn.StatusMsg,),
    MBO.name: (dbn.MBOMsg,),
    "ohlcv-1s": (_BARS,),
    "ohlcv-1m": (_BARS,),
    DEFINITION: (dbn.InstrumentDefMsg, dbn.InstrumentDefMsgV2, dbn.InstrumentDefMsgV1),
}
_MAPPINGS = (dbn.SymbolMappingMsg, dbn.SymbolMappingMsgV1)

MIXED = ""
"""The schema of a file that has several, as a live session records them."""
CUT_SHORT = "The file is cut short: it ends in the middle of a record. Copy or download it again."


class DbnFile:
    """An open DBN file. Raises NotImportable when it cannot be read at all."""

    def __init__(self, path: Path) -> None:
        self._bytes = path.stat().st_size
        self._file = path.open("rb", buffering=FILE_BUFFER)
        self._stream = _Stream(self._file)
        try:
            metadata = self._metadata()
            self.dataset = str(metadata.dataset)
            self._symbols = _Symbols(metadata)
            self._tail = 8 if metadata.ts_out else 0
            self.schema = MIXED if metadata.schema is None else str(metadata.schema)
            if self.schema not in (MIXED, *_LAYOUTS):
                raise NotImportable(not_used(self.schema))
        except BaseException:
            self.close()
            raise

    def _metadata(self) -> Any:
        head = self._stream.take(8)
        if head[:3] != b"DBN" or len(head) < 8:
            raise NotImportable("This is no DBN file.")
        if head[3] > NEWEST_VERSION:
            raise NotImportable(f"It is DBN version {head[3]}; futsim reads 1 to {NEWEST_VERSION}.")
        body = self._stream.take(int.from_bytes(head[4:], "little"))
        try:
            return dbn.Metadata.decode(head + body)
        except (dbn.DBNError, ValueError) as problem:
            raise NotImportable(f"Its head cannot be read ({problem}). Copy or download it again.") from None

    def close(self) -> None:
        self._file.close()

    def share(self) -> float:
        return self._file.tell() / max(1, self._bytes)

    def parts(self, report: Report) -> Iterator[Part | Definitions]:
        first = 1
        for data, offsets, rtypes in self._stream.blocks():
            numbers = np.arange(first, first + len(offsets))
            first += len(offsets)
            for rtype in _in_order(rtypes):
                mine = rtypes == rtype
                yield from self._of_rtype(int(rtype), data, offsets[mine], numbers[mine], report)

    def _of_rtype(
        self, rtype: int, data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], numbers: Rows, report: Report
    ) -> Iterator[Part | Definitions]:
        schema = RTYPES.get(rtype, f"records of type {rtype}")
        if rtype == MAPPING_RTYPE:
            for records, _ in self._records(_MAPPINGS, data, offsets, numbers):
                self._symbols.learn(records)
        elif rtype in CONTROL_RTYPES:
            return
        elif schema not in _LAYOUTS:
            report.refuse(numbers, not_used(schema))
        elif schema == DEFINITION:
            for records, rows in self._records(_LAYOUTS[schema], data, offsets, numbers):
                yield Definitions({name: records[name] for name in FIELDS}, rows)
        else:
            for records, rows in self._records(_LAYOUTS[schema], data, offsets, numbers):
                yield from self._symbols.split(TAKEN[schema], records, rows)

    def _records(
        self, layouts: tuple[Any, ...], data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], numbers: Rows
    ) -> Iterator[tuple[npt.NDArray[Any], Rows]]:
        """The records at the offsets, for each length that they have."""
        dtypes = {np.dtype(layout._dtypes).itemsize: np.dtype(layout._dtypes) for layout in layouts}
        sizes = data[offsets].astype(np.int64) * 4
        for size in np.unique(sizes):
            dtype = dtypes.get(int(size) - self._tail) or dtypes.get(int(size))
            if dtype is None:
                raise NotImportable(f"It has records of {size} bytes, which no version of DBN has.")
            mine = sizes == size
            yield _gather(data, offsets[mine], int(size))[:, : dtype.itemsize].view(dtype)[:, 0], numbers[mine]


def _gather(data: npt.NDArray[np.uint8], offsets: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.uint8]:
    """The bytes of records of one size, contiguous, a row each."""
    last = int(offsets[-1]) + size
    if last - int(offsets[0]) == len(offsets) * size:
        return np.ascontiguousarray(data[int(offsets[0]) : last].reshape(-1, size))
    gathered: npt.NDArray[np.uint8] = data[offsets[:, None] + np.arange(size)]
    return gathered


def _in_order(rtypes: npt.NDArray[np.uint8]) -> list[int]:
    """The record types of a block: what explains the others comes first."""
    explaining = (MAPPING_RTYPE, 19)
    return sorted(np.unique(rtypes).tolist(), key=lambda rtype: (rtype not in explaining, rtype))


@numba.njit(cache=True, nogil=True)
def _step_through(data, offsets, rtypes):  # type: ignore[no-untyped-def]
    """Where records begin, and their types; how many, and where the first that is not whole begins (−1: damage)."""
    at = count = 0
    while at + SHORTEST_RECORD <= len(data):
        size = int(data[at]) * 4
        if size < SHORTEST_RECORD:
            return count, -1
        if at + size > len(data):
            break
        offsets[count], rtypes[count] = at, data[at + 1]
        at += size
        count += 1
    return count, at


class _Stream:
    """The decompressed bytes of a file. Raises NotImportable where they are damaged or cut off."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._held = bytearray()
        is_zstd = file.read(4) == zstandard.FRAME_HEADER
        file.seek(0)
        self._frame = zstandard.ZstdDecompressor().decompressobj() if is_zstd else None

    def take(self, count: int) -> bytes:
        """The next bytes, fewer at the end."""
        while len(self._held) < count and self._read():
            pass
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def blocks(self) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64], npt.NDArray[np.uint8]]]:
        """Whole records, many at a time: their bytes, where each begins, and its type."""
        more = True
        while more:
            while more and len(self._held) < BLOCK_BYTES:
                more = self._read()
            data = np.frombuffer(bytes(self._held), np.uint8)
            room = len(data) // SHORTEST_RECORD + 1
            offsets, rtypes = np.empty(room, np.int64), np.empty(room, np.uint8)
            count, end = _step_through(data, offsets, rtypes)
            if end < 0:
                raise NotImportable("The file is damaged: a record has no length. Copy or download it again.")
            del self._held[:end]
            if count:
                yield data, offsets[:count], rtypes[:count]
        if self._held:
            raise NotImportable(CUT_SHORT)

    def _read(self) -> bool:
        """Read and decompress some more; False at the end."""
        data = self._file.read(READ_BYTES)
        if self._frame is None:
            self._held += data
            return bool(data)
        if not data and not self._frame.eof:
            raise NotImportable(CUT_SHORT)
        try:
            while data:
                if self._frame.eof:
                    self._frame = zstandard.ZstdDecompressor().decompressobj()
                self._held += self._frame.decompress(data)
                data = self._frame.unused_data
                if not data:
                    return True
        except zstandard.ZstdError as problem:
            raise NotImportable(f"The file is damaged ({problem}). Copy or download it again.") from None
        return False


class _Symbols:
    """Which symbol an instrument id is when: from the file's head, or from a live session's mapping records."""

    def __init__(self, metadata: Any) -> None:
        self._intervals: dict[int, list[tuple[int, int, str]]] = {}
        for symbol, intervals in metadata.mappings.items():
            for interval in intervals:
                self._add(symbol, interval)

    def _add(self, symbol: str, interval: Any) -> None:
        named = interval["symbol"]
        if not named.isdigit():
            # asked by instrument id: the symbol is the answer
            symbol, named = named, symbol
        if named.isdigit():
            span = (_midnight(interval["start_date"]), _midnight(interval["end_date"]), symbol)
            self._intervals.setdefault(int(named), []).append(span)

    def learn(self, records: npt.NDArray[Any]) -> None:
        """Take a live session's mappings; they hold for all of its records."""
        for instrument_id, symbol in {
            (int(record["instrument_id"]), record["stype_out_symbol"].decode()) for record in records
        }:
            self._intervals[instrument_id] = [(0, 2**63 - 1, symbol)]

    def split(self, schema: Schema, records: npt.NDArray[Any], rows: Rows) -> Iterator[Part]:
        """The records of each symbol."""
        ids = records["instrument_id"]
        for instrument_id in np.unique(ids):
            mine = np.flatnonzero(ids == instrument_id) if ids[0] != ids[-1] or (ids != ids[0]).any() else slice(None)
            yield from self._of_instrument(schema, int(instrument_id), records[mine], rows[mine])

    def _of_instrument(
        self, schema: Schema, instrument_id: int, records: npt.NDArray[Any], rows: Rows
    ) -> Iterator[Part]:
        times = records[schema.time].astype(np.int64)
        left = np.ones(len(records), bool)
        columns = schema.columns_of(records)
        whole = Part(schema, None, instrument_id, columns, rows)
        for start, end, symbol in self._intervals.get(instrument_id, ()):
            # a record without a time is refused later, under its symbol
            mine = left & ((times >= start) & (times < end) | (times <= 0))
            left &= ~mine
            named = Part(schema, symbol, instrument_id, columns, rows)
            if mine.all():
                yield named
            elif mine.any():
                yield named.only(mine)
        if left.any():
            yield whole.only(left)


def _midnight(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_NS
