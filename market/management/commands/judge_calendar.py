"""Which stored days contradict the calendar: openings, closes and halts as the tape has them."""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.judging import Contradiction, Verdict, judge_asset
from market.management.arguments import day
from market.models import Asset
from market.sessions import FIRST_DAY, LAST_DAY

HEADINGS = ("trade date", "contract", "calendar (ET)", "tape (ET)", "verdict", "line for session_overrides.csv")


class Command(BaseCommand):
    help = (
        "Hold the stored prints of the front months, and status records where stored, against the session calendar. "
        "Ends with 1 where a day contradicts it. docs/sessions.md tells what to do then."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--root", action="append", help="an asset such as NQ; may be given again (default: all)")
        parser.add_argument("--from", dest="first", type=day, default=FIRST_DAY, help="first trade date, 2026-03-18")
        parser.add_argument("--to", dest="last", type=day, default=LAST_DAY, help="last trade date")

    def handle(self, *args: Any, **options: Any) -> None:
        assets = list(_assets(options["root"]))
        verdicts = [judge_asset(asset, options["first"], options["last"]) for asset in assets]
        stored = [verdict for verdict in verdicts if verdict.judged]
        if not stored:
            self.stdout.write("Nothing is stored that could be judged. Load a replay, or use download_day --store.")
            return
        for verdict in stored:
            self._tell(verdict)
        if any(verdict.contradictions for verdict in stored):
            sys.exit(1)

    def _tell(self, verdict: Verdict) -> None:
        days, found = verdict.judged, verdict.contradictions
        said = f"{len(found)} contradict it" if found else "all as it says"
        self.stdout.write(
            f"{verdict.asset} ({verdict.asset.calendar}): {len(days)} sessions from {days[0]} to {days[-1]}, {said}."
        )
        for line in _table(found):
            self.stdout.write(f"  {line}")
        for problem in verdict.damaged:
            self.stderr.write(f"  not judged: {problem}")


def _assets(roots: list[str] | None) -> Iterable[Asset]:
    if roots is None:
        yield from Asset.objects.all()
        return
    for root in roots:
        asset = Asset.objects.filter(root=root.upper()).first()
        if asset is None:
            raise CommandError(f"There is no asset {root!r}; the admin lists them.", returncode=2)
        yield asset


def _table(found: list[Contradiction]) -> Iterable[str]:
    if not found:
        return
    rows = [
        (str(each.trade_date), each.contract, each.calendar, each.tape, each.verdict, each.override or "—")
        for each in found
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *rows, strict=True)]
    for row in (HEADINGS, *rows):
        yield "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
