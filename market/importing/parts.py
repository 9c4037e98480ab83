"""What readers give: rows of one schema and one symbol, in the order of the file."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from market.importing.report import Report, Rows
from market.schemas import BY_NAME, Schema

UNDEFINED_PRICE = 2**63 - 1
NO_TIME = -1
"""A time that the file leaves open."""

MBO = Schema(
    "mbo",
    {
        "ts_recv": np.int64,
        "ts_event": np.int64,
        "order_id": np.int64,
        "action": np.uint8,
        "side": np.uint8,
        "price": np.int64,
        "size": np.uint32,
        "flags": np.uint8,
        "ts_in_delta": np.int32,
        "sequence": np.uint32,
    },
)
"""Taken from files, never stored: it becomes mbp-10 and trades."""
DEFINITION = "definition"
TAKEN: Mapping[str, Schema] = {**BY_NAME, MBO.name: MBO}
"""Schemas of rows that are taken from files; definitions come beside them."""

TAKEN_NAMES = "mbp-10, mbo, trades, ohlcv-1s, ohlcv-10s, ohlcv-1m, ohlcv-5m, definition and status"


def not_used(schema: str) -> str:
    """Why rows of another schema are refused."""
    return f"futsim does not use {schema}. It takes {TAKEN_NAMES}."


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of one schema and symbol.

    symbol: as the file says it, None where it names none. instrument_id: 0 where the file has none. columns: those of
    the schema. rows: their numbers in the file.
    """

    schema: Schema
    symbol: str | None
    instrument_id: int
    columns: Mapping[str, npt.NDArray[Any]]
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, kept: npt.NDArray[Any]) -> "Part":
        """The part with some of its rows."""
        columns = {name: values[kept] for name, values in self.columns.items()}
        return Part(self.schema, self.symbol, self.instrument_id, columns, self.rows[kept])


@dataclass(frozen=True, slots=True)
class Definitions:
    """Instruments as their exchange defines them; `market.importing.definitions` lists the columns."""

    columns: Mapping[str, npt.NDArray[Any]]
    rows: Rows


class Reader(Protocol):
    """An open file.

    dataset: Databento's name of where the rows are from. schema: that of all rows; empty where it stands in each.
    """

    dataset: str
    schema: str

    def parts(self, report: Report) -> Iterator[Part | Definitions]:
        """All rows; those that cannot be read are refused in the report. Raises NotImportable."""

    def share(self) -> float:
        """How much of the file has been read, 0 to 1."""

    def close(self) -> None:
        """Let go of the file."""
