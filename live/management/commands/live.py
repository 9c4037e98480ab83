"""The live feed: one session with the gateway for all assets, supervised. SIGTERM ends it and releases the session."""

from collections.abc import Callable

from live.management.lasting import LastingCommand
from live.supervisor import Supervisor


class Command(LastingCommand):
    name = "live"
    help = (
        "Follow the market through the live gateway, for all users. A second one on the same database waits and takes "
        "over when the first one is gone. docs/live.md explains it; `manage.py probe` looks for what is wrong."
    )

    def run(self, stopping: Callable[[], bool]) -> None:
        Supervisor(stopping).run()
