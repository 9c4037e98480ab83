#!/usr/bin/env python
"""futsim's command line. `manage.py up` starts everything; `manage.py help` lists the rest."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "futsim.settings")
    from futsim.stack.environment import adopt_running_stack

    adopt_running_stack()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
