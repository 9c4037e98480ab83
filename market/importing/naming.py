"""What the name of a file says, as Databento names files.

`XNAS.ITCH.2025-06-02.mbp-10.parquet` and `glbx-mdp3-20231225.mbo.dbn.zst` both do.
"""

import re
from dataclasses import dataclass

KNOWN_SCHEMAS = (
    "ohlcv-10s", "ohlcv-1s", "ohlcv-1m", "ohlcv-5m", "ohlcv-1h", "ohlcv-1d", "ohlcv-eod",
    "mbp-10", "cmbp-1", "mbp-1", "mbo", "tbbo", "bbo-1s", "bbo-1m", "trades", "definition", "statistics", "status",
    "imbalance",
)  # fmt: skip
"""Longer names before those they contain."""
_DATASET = re.compile(r"^([A-Za-z]{4})[.-]([A-Za-z0-9]{2,10})[.-](?=\d)")


@dataclass(frozen=True, slots=True)
class FileName:
    """dataset: as Databento writes it, e.g. XNAS.ITCH; schema: e.g. mbp-10; empty where the name does not say."""

    dataset: str
    schema: str


def parse(name: str) -> FileName:
    """Read a file's name."""
    match = _DATASET.match(name)
    words = re.split(r"[._]", name.lower())
    schema = next((schema for schema in KNOWN_SCHEMAS if schema in words), "")
    return FileName(f"{match[1]}.{match[2]}".upper() if match else "", schema)


STOCK_VENUES = frozenset(
    {
        "XNAS", "XBOS", "XPSX", "XNYS", "XASE", "XCHI", "XCIS", "ARCX", "BATS", "BATY", "EDGA", "EDGX", "IEXG", "EPRL",
        "MEMX", "EQUS", "DBEQ",
    }
)  # fmt: skip
"""First halves of the datasets of US stocks."""


def is_of_stocks(dataset: str) -> bool:
    """Whether a dataset has US stocks."""
    return dataset.partition(".")[0] in STOCK_VENUES
