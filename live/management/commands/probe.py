"""Is it us, the network or the vendor? Three live sessions, each asking a little more, and a plain diagnosis."""

import logging
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from live import feed, fronts, market_clock, probe, status


def _is_unexpected(record: logging.LogRecord) -> bool:
    """One symbol of each pair is refused, and each session ends by our own wish: the client logs both as errors."""
    words = record.getMessage()
    return feed.UNRESOLVED not in words and words != "gateway error: None"


class Command(BaseCommand):
    help = (
        "Try the live gateway in three steps (one symbol, one with replay, all assets), say what is wrong and what to "
        "do. Ends with 1 where something is."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--wait", type=float, default=probe.WAIT_SECONDS, help="seconds for each step (12)")

    def handle(self, *args: Any, **options: Any) -> None:
        client_log = logging.getLogger("databento.live.protocol")
        client_log.addFilter(_is_unexpected)
        try:
            self._probe(options["wait"])
        finally:
            client_log.removeFilter(_is_unexpected)

    def _probe(self, wait: float) -> None:
        try:
            clock = market_clock.read()
        except OSError as problem:
            raise CommandError(f"The synthetic market's gateway does not answer: {problem}") from None
        assets = fronts.followed()
        found, problems = fronts.resolve(assets, clock.now_ns)
        for root, why in problems.items():
            self.stdout.write(f"{root}: no front month: {why}")
        pairs = [probe.Pair(each.root, each.symbols) for each in found]
        if not pairs:
            raise CommandError("No asset has a front month: the historical gateway does not tell daily volumes.")
        self._climb(pairs, assets, clock, wait)

    def _climb(self, pairs: list[probe.Pair], assets: Any, clock: market_clock.MarketClock, wait: float) -> None:
        steps = []
        for step in probe.climb(pairs, clock.now_ns, wait):
            steps.append(step)
            self.stdout.write(str(step))
        sessions = [asset.sessions.at(clock.now_ns) for asset in assets]
        is_open = any(session is not None and session.is_open(clock.now_ns) for session in sessions)
        words = str(status.read()["words"])
        self.stdout.write(probe.diagnose(steps, pairs, is_open=is_open, feed_words=words))
        if not all(step.is_well for step in steps):
            sys.exit(1)
