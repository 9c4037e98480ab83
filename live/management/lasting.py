"""A command that works until it is asked to stop."""

import signal
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand


class LastingCommand(BaseCommand):
    """Says that it is there, and runs until SIGTERM or SIGINT. name: for that word."""

    name: str
    # they load every page of the product, which such a process never shows
    requires_system_checks = ()

    @abstractmethod
    def run(self, stopping: Callable[[], bool]) -> None:
        """Work until asked to stop."""

    def handle(self, *args: Any, **options: Any) -> None:
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: asked.append(number))
        self.stdout.write(f"{self.name}: ready")
        self.stdout.flush()
        self.run(lambda: bool(asked))
