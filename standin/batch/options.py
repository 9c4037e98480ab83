"""How the files of a batch job are to be written."""

from collections.abc import Mapping
from dataclasses import dataclass

from standin.errors import BadField

ENCODINGS = ("dbn", "csv", "json")
COMPRESSIONS = ("zstd", "none")
SPLITS = ("day", "week", "month", "year", "none")
SPLITTABLE = ("raw_symbol", "parent")
"""Symbol types whose mappings are raw symbols, by which files can be split."""


@dataclass(frozen=True, slots=True)
class Options:
    """pretty_px, pretty_ts, map_symbols: of the text encodings only."""

    encoding: str
    compression: str
    pretty_px: bool
    pretty_ts: bool
    map_symbols: bool
    split_symbols: bool
    split_duration: str


def parse_options(fields: Mapping[str, str]) -> Options:
    """Raises BadField, also for what Databento can and this gateway cannot."""
    encoding = _choice(fields, "encoding", ENCODINGS)
    _choice(fields, "delivery", ("download",))
    if fields.get("split_size"):
        raise BadField("split_size", "this gateway does not split files by size")
    splits_symbols = _flag(fields, "split_symbols")
    if splits_symbols and fields.get("stype_in", "raw_symbol") not in SPLITTABLE:
        raise BadField("split_symbols", f"this gateway splits only by symbols of type {' or '.join(SPLITTABLE)}")
    return Options(
        encoding=encoding,
        compression=_choice(fields, "compression", COMPRESSIONS),
        pretty_px=_flag(fields, "pretty_px"),
        pretty_ts=_flag(fields, "pretty_ts"),
        map_symbols=_flag(fields, "map_symbols", default=encoding != "dbn"),
        split_symbols=splits_symbols,
        split_duration=_choice(fields, "split_duration", SPLITS),
    )


def _choice(fields: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = fields.get(name, allowed[0])
    if value not in allowed:
        raise BadField(name, f"value {value[:40]!r} is not one of {', '.join(allowed)}")
    return value


def _flag(fields: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    text = fields.get(name, str(default)).lower()
    if text not in {"true", "false", "1", "0"}:
        raise BadField(name, "value could not be parsed to a boolean")
    return text in {"true", "1"}
