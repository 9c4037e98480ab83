"""Summarises what is stored: `python -m tests.summarising DATABASE`, for tests that kill it."""

import sys

import django
from django.db import connections


def main() -> None:
    django.setup()
    connections["default"].settings_dict["NAME"] = sys.argv[1]
    from tests.ranking import summarise_all

    sys.stdout.write("begun\n")
    sys.stdout.flush()
    summarise_all()


if __name__ == "__main__":
    main()
