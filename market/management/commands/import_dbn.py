"""Import market data files of one's own: DBN, and parquet or CSV as Databento writes them."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.importing.batches import checksum
from market.importing.importer import Tell, holds_definitions, import_file
from market.importing.undoing import undo
from market.models import ImportedFile


class Command(BaseCommand):
    help = (
        "Import files, or all files of folders, into the store, and tell what became of each. "
        "Definition files go first. Ends with exit code 1 when a file was refused as a whole. "
        "With --undo, remove again what a file has brought."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="*", type=Path, metavar="PATH")
        parser.add_argument("--undo", type=int, metavar="FILE_ID", help="the number that its import has told")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["undo"] is not None:
            self._undo(options["undo"])
            return
        if not options["paths"]:
            raise CommandError("Name files or folders to import, or a file to --undo.")
        files = list(_files(options["paths"]))
        if not files:
            raise CommandError("There are no files in these folders.")
        files.sort(key=lambda path: not holds_definitions(path, path.name))
        refused = [path for path in files if not self._import(path)]
        total = "1 file" if len(files) == 1 else f"{len(files)} files"
        self.stdout.write(f"{total}, {len(refused)} refused")
        if refused:
            sys.exit(1)

    def _import(self, path: Path) -> bool:
        """Whether anything of the file was taken."""
        self.stdout.write(f"{path}")
        row = ImportedFile.objects.create(name=path.name, bytes=path.stat().st_size, checksum=checksum(path))
        report = import_file(path, path.name, self._teller(), row)
        row.report = report.as_json()
        row.save(update_fields=["report"])
        for line in report.lines():
            self.stdout.write(f"  {line}")
        if row.pieces.exists():
            self.stdout.write(f"  to remove what it brought: import_dbn --undo {row.pk}")
        return not report.is_refused

    def _undo(self, file_id: int) -> None:
        row = ImportedFile.objects.filter(pk=file_id).first()
        if row is None:
            raise CommandError(f"There is no imported file {file_id}; the admin lists them.")
        if not row.pieces.exists():
            raise CommandError(f"Nothing is stored that {row.name} has brought.")
        self.stdout.write(row.name)
        for line in undo(row).lines:
            self.stdout.write(f"  {line}")

    def _teller(self) -> Tell:
        """Shows the share that is done in place, where there is a terminal to do so."""
        shown = -1

        def tell(share: float) -> None:
            nonlocal shown
            if self.stdout.isatty() and int(share * 100) != shown:
                shown = int(share * 100)
                self.stdout.write(f"\r  {shown} %" if shown < 100 else "\r       \r", ending="")
                self.stdout.flush()

        return tell


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file() and not each.name.startswith("."))
        elif path.is_file():
            yield path
        else:
            raise CommandError(f"There is no file {path}.")
