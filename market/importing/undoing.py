"""Taking back what an imported file brought."""

from dataclasses import dataclass, field

from django.db import transaction

from market import ingest, store
from market.locks import advisory_lock
from market.models import Coverage, ImportedFile, ImportedPiece


@dataclass(slots=True)
class Undone:
    """removed: how many pieces are gone; kept: a sentence for each that stays."""

    removed: int = 0
    kept: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """For people."""
        pieces = "1 piece was" if self.removed == 1 else f"{self.removed:,} pieces were"
        return [f"{pieces} removed.", *self.kept]


def undo(file: ImportedFile) -> Undone:
    """Remove the pieces that a file alone has brought, and write in its report what became of each.

    A piece with rows of others cannot be unmixed and stays. Doing it again goes on where a crash ended it.
    """
    undone = Undone()
    pieces = ImportedPiece.objects.filter(file=file).select_related("coverage", "file")
    for piece in pieces.order_by("coverage__trade_date", "coverage__contract", "coverage__schema"):
        with advisory_lock("ingest", piece.coverage.contract_id, piece.coverage.schema):
            _take_back(piece, undone)
    with transaction.atomic():
        row = ImportedFile.objects.select_for_update().get(pk=file.pk)
        row.report |= {"undone": undone.lines}
        row.save(update_fields=["report"])
    file.report = row.report
    return undone


def _take_back(piece: ImportedPiece, undone: Undone) -> None:
    row = Coverage.objects.filter(pk=piece.coverage_id).select_related("contract__asset").first()
    if row is None:
        return
    others = [each.file for each in row.brought_by.exclude(pk=piece.pk).select_related("file")]
    if row.source != Coverage.FROM_FILE:
        undone.kept.append(f"{_title(row)} stays: it is from {row.source}.")
        piece.delete()
    elif others:
        undone.kept.append(f"{_title(row)} stays: {_named(others, piece.file)} brought rows of it too.")
        piece.delete()
    else:
        # the row first: a file that no row speaks of does no harm
        row.delete()
        store.remove(str(ingest.piece_name(row.contract, row.schema, row.trade_date)))
        undone.removed += 1


def _title(row: Coverage) -> str:
    return f"{row.contract} {row.trade_date} {row.schema}"


def _named(others: list[ImportedFile], file: ImportedFile) -> str:
    """Files of other users are counted and not named: the report is its owner's."""
    names = sorted({other.name for other in others if other.user_id == file.user_id})
    hidden = sum(other.user_id != file.user_id for other in others)
    if hidden:
        names.append("a file of another user" if hidden == 1 else f"{hidden} files of other users")
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
