"""Have sessions that were stored from live replaced by the vendor's history."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from live.storing import ask_again


class Command(BaseCommand):
    help = "Have sessions that were stored from live fetched anew from history by the next replay that shows them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--root", action="append", help="an asset such as NQ; may be given again (default: all)")

    def handle(self, *args: Any, **options: Any) -> None:
        roots = [root.upper() for root in options["root"]] if options["root"] else None
        self.stdout.write(f"{ask_again(roots)} sessions will be fetched anew when a replay shows them.")
