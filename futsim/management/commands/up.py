"""`manage.py up`: everything that futsim needs, in one foreground process."""

import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Listed by `manage.py help`. `manage.py up` itself never gets here: see `manage.py`."""

    help = "Starts the servers, the web, the worker and the stand-in gateway; Ctrl-C stops them all."
    requires_system_checks: list[str] = []

    def handle(self, *args: object, **options: object) -> None:
        from futsim.stack.up import main

        sys.exit(main())
