"""Brings the database up to date: migrations, then futsim's own facts and users, in one process.

Runs as `python -m futsim.stack.first_steps`; loading Django twice would cost a second of each start. Migrations
report to standard error, which is the log; what `prepare` prints is for the user.
"""

import sys

import django
from django.core.management import CommandError, call_command

from futsim.stack.console import REFUSED


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, stdout=sys.stderr)
    try:
        call_command("prepare")
    except CommandError as problem:
        sys.stderr.write(f"{problem}\n")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
