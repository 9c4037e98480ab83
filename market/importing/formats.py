"""What a file is: by its first bytes, not by its name."""

from pathlib import Path

import zstandard

from market.importing.dbn import CUT_SHORT, DbnFile
from market.importing.naming import parse
from market.importing.parquet import ParquetFile
from market.importing.parts import Reader
from market.importing.report import NotImportable
from market.importing.text import TextFile

HEAD_BYTES = 64 << 10
TAKEN = "futsim takes DBN (.dbn, .dbn.zst), and parquet or CSV as Databento writes them."
NOT_TAKEN = {
    b"PK\x03\x04": "It is a zip archive, as QuantConnect's are. ",
    b"\x1f\x8b": "It is packed with gzip: unpack it first. ",
    b"Rar!": "It is a rar archive. ",
    b"7z\xbc\xaf": "It is a 7z archive. ",
    b"\x89HDF": "It is an HDF5 file. ",
    b"SQLi": "It is an SQLite database. ",
    b"ARRO": "It is an Arrow file: write it as parquet. ",
    b"%PDF": "It is a PDF. ",
}
LEGACY = (
    "It is a legacy DBZ file, which futsim does not read. Databento's own tool makes a DBN file of it: "
    "dbn old.dbz --dbn --zstd -o new.dbn.zst"
)


def open_file(path: Path, name: str) -> Reader:
    """Open a file with the reader for what it holds. Raises NotImportable."""
    head = _head(path)
    if _is_legacy(head):
        raise NotImportable(LEGACY)
    for magic, what in NOT_TAKEN.items():
        if head.startswith(magic):
            raise NotImportable(f"{what}{TAKEN}")
    if head.startswith(b"PAR1"):
        return ParquetFile(path, parse(name))
    is_zstd = head.startswith(zstandard.FRAME_HEADER)
    if is_zstd:
        head = _unpacked(head)
    if head.startswith(b"DBN"):
        return DbnFile(path)
    if name.lower().endswith(".dbz"):
        raise NotImportable(LEGACY)
    return TextFile(path, parse(name), head, is_zstd=is_zstd)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        raise NotImportable("The file is empty.")
    return head


def _is_legacy(head: bytes) -> bool:
    """A zstd frame to be skipped, with DBZ's own head in it."""
    return head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F


def _unpacked(head: bytes) -> bytes:
    try:
        unpacked: bytes = zstandard.ZstdDecompressor().stream_reader(head).read(HEAD_BYTES)
    except zstandard.ZstdError:
        raise NotImportable("The file is damaged: it cannot be unpacked. Copy or download it again.") from None
    if not unpacked:
        raise NotImportable(CUT_SHORT)
    return unpacked
