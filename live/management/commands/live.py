"""The live feed: one session with the gateway for all assets, supervised. SIGTERM ends it and releases the session."""

import signal
from typing import Any

from django.core.management.base import BaseCommand

from live.supervisor import Supervisor

READY = "live: ready"


class Command(BaseCommand):
    help = (
        "Follow the market through the live gateway, for all users. A second one on the same database waits and takes "
        "over when the first one is gone. docs/live.md explains it; `manage.py probe` looks for what is wrong."
    )

    # they load every page of the product, which this process never shows
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: asked.append(number))
        self.stdout.write(READY)
        self.stdout.flush()
        Supervisor(lambda: bool(asked)).run()
