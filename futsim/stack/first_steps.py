"""Brings the database up to date: migrations, then futsim's own facts and users, in one process.

Runs as `python -m futsim.stack.first_steps`; loading Django twice would cost a second of each start. Migrations
report to standard error, which is the log; what `prepare` prints is for the user.
"""

import sys

import django
from django.core.management import call_command


def main() -> None:
    django.setup()
    call_command("migrate", interactive=False, stdout=sys.stderr)
    call_command("prepare")


if __name__ == "__main__":
    main()
