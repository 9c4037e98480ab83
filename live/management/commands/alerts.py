"""The evaluator of alerts on the live market. SIGTERM ends it."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from live import alerting

READY = "alerts: ready"


class Command(BaseCommand):
    help = (
        "Evaluate all users' alerts on the bars of the live feed. A second one on the same database waits and takes "
        "over when the first one is gone. docs/alerts.md explains it."
    )

    # they load every page of the product, which this process never shows
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: asked.append(number))
        self.stdout.write(READY)
        self.stdout.flush()
        alerting.run(lambda: bool(asked))
