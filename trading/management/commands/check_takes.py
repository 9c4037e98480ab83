"""Run every take on record again and compare its fills with those that were shown."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from market.store import DamagedPiece
from trading import record
from trading.models import Take
from trading.running import feed_of, run_again
from trading.spans import NoTape


class Command(BaseCommand):
    help = "Run every take on record again: the same commands on the same tapes must give the same fills."

    def handle(self, *args: Any, **options: Any) -> None:
        bad = 0
        for take in Take.objects.select_related("session__asset", "parent").order_by("pk"):
            verdict, is_good = _judge(take)
            bad += not is_good
            self.stdout.write(f"take {take.number} of {take.session.asset} {take.session_id}: {verdict}")
        if bad:
            raise CommandError(f"{bad} takes would not come out the same.")


def _judge(take: Take) -> tuple[str, bool]:
    line = record.line_of(take)
    counts = f"{len(line.commands)} commands, {len(line.fills)} fills"
    if not line.commands:
        return "nothing was traded", True
    try:
        run = run_again(line, feed_of(line), line.last_ns)
    except (NoTape, DamagedPiece) as problem:
        return f"{counts}: cannot be run again: {problem}", False
    if run is None:
        return f"{counts}: other fills come out", False
    return f"{counts}, the same again ({run.broker.digest()[:16]})", True
