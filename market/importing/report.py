"""What became of a file: how many rows came in, were here already, were refused, and why."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

LISTED_ROWS = 100
SHOWN_ROWS = 10
"""On a terminal."""
LISTED_PIECES = 400
LISTED_REASONS = 40

Rows = npt.NDArray[np.int64]
"""Numbers of a file's rows, the first one is 1."""


class NotImportable(Exception):
    """A file cannot be imported at all; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class StoredPiece:
    """A piece of the store that the file has rows of.

    accepted, known, refused: the file's rows. first_ns, last_ns: the time of the first and last row in the store.
    """

    asset: str
    contract: str
    schema: str
    trade_date: date
    accepted: int
    known: int
    refused: int
    first_ns: int
    last_ns: int
    made_from: str = ""


@dataclass
class Report:
    """Counts rows while a file is imported. accepted: rows stored. known: rows that were here already."""

    accepted: int = 0
    known: int = 0
    schemas: set[str] = field(default_factory=set)
    pieces: list[StoredPiece] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problem: str = ""
    _reasons: dict[str, int] = field(default_factory=dict)
    _listed: list[tuple[int, str]] = field(default_factory=list)

    @property
    def refused(self) -> int:
        """How many rows were refused."""
        return sum(self._reasons.values())

    @property
    def is_refused(self) -> bool:
        """Whether nothing of the file was taken."""
        return bool(self.problem)

    def refuse(self, rows: Rows | Iterable[int], reason: str, values: Sequence[str] | None = None) -> None:
        """Count rows as refused; the first of all are listed.

        values: what stood in the first of the rows (LISTED_ROWS at most), which ascend then.
        """
        numbers = np.asarray(rows, np.int64)
        if not len(numbers):
            return
        if reason not in self._reasons and len(self._reasons) >= LISTED_REASONS:
            reason = "Other reasons; the rows above show the first ones."
        self._reasons[reason] = self._reasons.get(reason, 0) + len(numbers)
        # the hundred lowest numbers, whatever order the rows were looked at in
        said = [f" It is {value}." for value in values] if values else [""] * LISTED_ROWS
        self._listed.extend((int(row), reason + each) for row, each in zip(np.sort(numbers), said, strict=False))
        if len(self._listed) > 10 * LISTED_ROWS:
            self._listed = sorted(self._listed)[:LISTED_ROWS]

    def note(self, text: str) -> None:
        """Say something of the whole file, once."""
        if text not in self.notes:
            self.notes.append(text)

    def close(self) -> None:
        """After the last row: a file of which nothing was taken is refused as a whole."""
        if self.problem or self.accepted or self.known:
            return
        reasons = list(self._reasons)
        if not reasons:
            self.problem = "It holds no rows."
        elif len(reasons) == 1:
            self.problem = self._only(reasons[0])
        else:
            self.problem = f"None of its {self.refused:,} rows could be taken; the reasons are below."

    def _only(self, reason: str) -> str:
        """The one reason for all rows, with what stood in the first of them."""
        row, text = min(self._listed)
        return text if text == reason else f"Row {row:,}: {text}"

    def as_json(self) -> dict[str, Any]:
        """For `ImportedFile.report`."""
        return {
            "problem": self.problem,
            "schemas": sorted(self.schemas),
            "accepted": self.accepted,
            "known": self.known,
            "refused": self.refused,
            "reasons": [{"reason": reason, "rows": rows} for reason, rows in self._sorted_reasons()],
            "rows": [{"row": row, "reason": reason} for row, reason in sorted(self._listed)[:LISTED_ROWS]],
            "pieces": [_piece_json(piece) for piece in self._sorted_pieces()[:LISTED_PIECES]],
            "more_pieces": max(0, len(self.pieces) - LISTED_PIECES),
            "unplaced": max(0, self.refused - sum(piece.refused for piece in self.pieces)),
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """For a terminal."""
        told = [f"refused: {self.problem}"] if self.problem else []
        told += [f"{self.accepted:,} accepted, {self.known:,} already there, {self.refused:,} refused"]
        told += [_piece_line(piece) for piece in self._sorted_pieces()]
        if any(text != self.problem for _, text in self._listed):
            told += [f"refused {rows:,}: {reason}" for reason, rows in self._sorted_reasons()]
            told += [f"  row {row}: {reason}" for row, reason in sorted(self._listed)[:SHOWN_ROWS]]
        return [*told, *self.notes]

    def _sorted_reasons(self) -> list[tuple[str, int]]:
        return sorted(self._reasons.items(), key=lambda item: -item[1])

    def _sorted_pieces(self) -> list[StoredPiece]:
        return sorted(self.pieces, key=lambda piece: (piece.asset, piece.contract, piece.trade_date, piece.schema))


def _piece_json(piece: StoredPiece) -> dict[str, Any]:
    names = ("asset", "contract", "schema", "accepted", "known", "refused", "first_ns", "last_ns", "made_from")
    return {name: getattr(piece, name) for name in names} | {"trade_date": piece.trade_date.isoformat()}


def _piece_line(piece: StoredPiece) -> str:
    counts = [f"{piece.accepted:,} accepted", f"{piece.known:,} already there", f"{piece.refused:,} refused"]
    told = ", ".join(text for text in counts if not text.startswith("0 ")) or "nothing new"
    made = f", made from {piece.made_from}" if piece.made_from else ""
    return f"{piece.asset} {piece.contract} {piece.trade_date} {piece.schema}: {told}{made}"
