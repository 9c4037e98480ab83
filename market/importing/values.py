"""The values of a table as those of the store.

Prices are floats, fixed-point integers in 1e-9 or decimal text; times are timestamps, integers (UTC ns) or ISO 8601;
actions and sides are letters. A CSV file's values all arrive as text.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from market.importing.layouts import DEFAULTS
from market.importing.parts import NO_TIME, UNDEFINED_PRICE
from market.importing.report import NotImportable, Report, Rows

DECIMAL = pa.decimal128(38, 9)
DATE_AND_TIME = len("2025-06-02T09:30:00")
TRADE = ord("T")

Values = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


class Batch:
    """The columns of some rows as numpy arrays. A row with a value that cannot be read is refused and no more `good`.

    is_fixed: prices that come as text are fixed-point.
    """

    def __init__(self, batch: pa.RecordBatch, rows: Rows, report: Report, *, is_fixed: bool) -> None:
        self.rows = rows
        self.good: Mask = np.ones(batch.num_rows, bool)
        self._batch = batch
        self._names = frozenset(batch.schema.names)
        self._report = report
        self._is_fixed = is_fixed

    def __len__(self) -> int:
        return len(self.rows)

    def _array(self, name: str) -> pa.Array:
        array = self._batch.column(name)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        return pc.cast(array, pa.string()) if pa.types.is_large_string(array.type) else array

    def _refuse(self, wrong: Mask, reason: str) -> None:
        newly = wrong & self.good
        if newly.any():
            self._report.refuse(self.rows[newly], reason)
            self.good &= ~wrong

    def _read(self, array: pa.Array, target: pa.DataType, name: str, what: str) -> pa.Array:
        """Text as something else; a row that cannot be read is refused, and null."""
        try:
            return pc.cast(array, target)
        except pa.ArrowInvalid:
            readable = np.array([_can_be_read(text, target) for text in array.to_pylist()], bool)
        self._refuse(~readable, f"The {name} cannot be read as {what}.")
        return pc.cast(pc.if_else(pa.array(readable), array, pa.scalar(None, array.type)), target)

    def counts(self, name: str, dtype: Any) -> Values:
        """Sizes, sequence numbers and the like; the default where the file has none."""
        if name not in self._names:
            return np.full(len(self), DEFAULTS.get(name, 0), dtype)
        values = self.integers(name)
        limits = np.iinfo(dtype)
        if limits.min == 0:
            self._refuse(values < 0, f"The {name} is negative.")
        self._refuse((values < limits.min) | (values > limits.max), f"The {name} is too large.")
        return np.where(self.good, values, 0).astype(dtype)

    def integers(self, name: str) -> npt.NDArray[np.int64]:
        """Whole numbers; a row without one is refused where it has no default."""
        array = self._array(name)
        if pa.types.is_string(array.type):
            array = self._read(array, pa.int64(), name, "a whole number")
        elif pa.types.is_floating(array.type):
            is_whole = _filled(pc.equal(pc.floor(array), array), True)
            self._refuse(~is_whole, f"The {name} is no whole number.")
            array = pc.if_else(pa.array(is_whole), array, pa.scalar(None, array.type))
        elif not pa.types.is_integer(array.type) and not pa.types.is_null(array.type):
            raise NotImportable(f"Its column {name} holds {array.type}, not whole numbers.")
        if name not in DEFAULTS:
            self._refuse(np.asarray(array.is_null()), f"The {name} is missing.")
        return _filled(pc.cast(array, pa.int64(), safe=False), DEFAULTS.get(name, 0))

    def letters(self, name: str) -> npt.NDArray[np.uint8]:
        """One-letter codes; the default where the file has none, T for an action: then all rows are trades."""
        nothing = DEFAULTS.get(name, TRADE)
        if name not in self._names:
            return np.full(len(self), nothing, np.uint8)
        array = self._array(name)
        if pa.types.is_integer(array.type):
            return _filled(pc.cast(array, pa.uint8(), safe=False), nothing)
        encoded = pc.fill_null(pc.cast(array, pa.string()), "").dictionary_encode()
        texts = [text or chr(nothing) for text in encoded.dictionary.to_pylist()]
        codes = np.array([ord(text) if len(text) == 1 and text.isascii() else 0 for text in texts], np.uint8)
        values: npt.NDArray[np.uint8] = codes[np.asarray(encoded.indices)]
        self._refuse(values == 0, f"The {name} is no letter such as A or B.")
        return values

    def prices(self, name: str) -> npt.NDArray[np.int64]:
        """Prices in 1e-9; UNDEFINED_PRICE where there is none."""
        array = self._array(name)
        if pa.types.is_integer(array.type):
            return _filled(pc.cast(array, pa.int64()), UNDEFINED_PRICE)
        if pa.types.is_floating(array.type):
            return self._from_floats(_filled(pc.cast(array, pa.float64()), np.nan), name)
        if pa.types.is_string(array.type):
            if self._is_fixed:
                return _filled(self._read(array, pa.int64(), name, "a price"), UNDEFINED_PRICE)
            array = self._read(array, DECIMAL, name, "a price")
        elif not pa.types.is_decimal(array.type) and not pa.types.is_null(array.type):
            raise NotImportable(f"Its column {name} holds {array.type}, not prices.")
        return self._from_decimals(pc.cast(array, DECIMAL), name)

    def _from_floats(self, values: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.int64]:
        scaled = np.rint(values * 1e9)
        undefined = np.isnan(values)
        beyond = ~undefined & ~(np.abs(scaled) < 2.0**63)
        self._refuse(beyond, f"The {name} is no price.")
        fixed = np.where(undefined | beyond, 0, scaled).astype(np.int64)
        return np.where(undefined, UNDEFINED_PRICE, fixed)

    def _from_decimals(self, array: pa.Array, name: str) -> npt.NDArray[np.int64]:
        whole = pc.fill_null(array, 0)
        words = np.frombuffer(whole.buffers()[1], np.int64)[2 * whole.offset : 2 * (whole.offset + len(whole))]
        low, high = words[::2], words[1::2]
        self._refuse(high != low >> 63, f"The {name} is no price.")
        return np.where(np.asarray(array.is_null()), UNDEFINED_PRICE, low)

    def times(self, name: str) -> npt.NDArray[np.int64]:
        """UTC ns; NO_TIME where there is none."""
        array = self._array(name)
        if pa.types.is_string(array.type):
            array = self._read(array, _time_type(array), name, "a time")
        if pa.types.is_timestamp(array.type):
            array = pc.cast(pc.cast(array, pa.timestamp("ns", array.type.tz)), pa.int64())
        if not pa.types.is_integer(array.type) and not pa.types.is_null(array.type):
            raise NotImportable(f"Its column {name} holds {array.type}, not times.")
        return _filled(pc.cast(array, pa.int64(), safe=False), NO_TIME)

    def symbols(self, name: str | None) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Each row's symbol as an index, −1 for none, and the symbols."""
        if name is None:
            return np.full(len(self), -1), []
        array = self._array(name)
        if not pa.types.is_string(array.type) and not pa.types.is_null(array.type):
            raise NotImportable(f"Its column {name} holds {array.type}, not symbols.")
        encoded = pc.cast(array, pa.string()).dictionary_encode()
        return _filled(pc.cast(encoded.indices, pa.int64()), -1), encoded.dictionary.to_pylist()

    def texts(self, name: str) -> Values:
        """Text as DBN has it: bytes; empty where the file has none."""
        if name not in self._names:
            return np.full(len(self), b"", "S71")
        texts = pc.fill_null(pc.cast(self._array(name), pa.string()), "").to_pylist()
        return np.array([text.encode()[:71] for text in texts], "S71")


def _time_type(array: pa.Array) -> pa.DataType:
    """How times are written: as integers, with a zone, or without one, which means UTC."""
    first = next((text for text in array.to_pylist() if text), "")
    if first.isdigit():
        return pa.int64()
    zone = first[DATE_AND_TIME:]
    return pa.timestamp("ns", "UTC") if "Z" in zone or "+" in zone or "-" in zone else pa.timestamp("ns")


def _can_be_read(text: str | None, target: pa.DataType) -> bool:
    try:
        pc.cast(pa.array([text], pa.string()), target)
    except pa.ArrowInvalid:
        return False
    return True


def _filled(array: pa.Array, nothing: Any) -> Values:
    """A numpy array with something in place of null."""
    return np.asarray(pc.fill_null(array, nothing) if array.null_count else array)
