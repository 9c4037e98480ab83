"""Lists, and on request deletes, what lies in the store and is of no use."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from market.tidying import litter, throw_away


class Command(BaseCommand):
    help = (
        "List damaged files, files that no row speaks of, rows whose file is gone, and pieces cut by another calendar. "
        "Nothing is changed without --delete. What is still wanted is fetched again when a replay needs it; "
        "users' own files are to be imported again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--delete", action="store_true", help="delete what is listed")

    def handle(self, *args: Any, **options: Any) -> None:
        found = litter()
        for each in found:
            self.stdout.write(f"{each.path}  {each.reason}  {each.bytes:,} bytes")
        if not found:
            self.stdout.write("The store is tidy.")
            return
        size = f"{sum(each.bytes for each in found) / 1e6:,.1f} MB"
        if options["delete"]:
            gone = list(throw_away(found))
            self.stdout.write(f"Deleted {len(gone)} of {len(found)}, {size}.")
        else:
            self.stdout.write(f"{len(found)} to delete, {size}. Run it with --delete to do so.")
