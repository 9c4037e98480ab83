"""The evaluator of alerts on the live market. SIGTERM ends it."""

from collections.abc import Callable

from live import alerting
from live.management.lasting import LastingCommand


class Command(LastingCommand):
    name = "alerts"
    help = (
        "Evaluate all users' alerts on the bars of the live feed. A second one on the same database waits and takes "
        "over when the first one is gone. docs/alerts.md explains it."
    )

    def run(self, stopping: Callable[[], bool]) -> None:
        alerting.run(stopping)
