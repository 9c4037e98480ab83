#!/usr/bin/env python
"""futsim's command line. `manage.py up` starts everything; `manage.py help` lists the rest."""

import os
import sys


def main() -> None:
    if os.name != "posix":
        sys.exit("futsim: does not run on Windows. Use the Windows Subsystem for Linux (WSL 2).")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "futsim.settings")
    if sys.argv[1:2] == ["up"]:
        # The supervisor makes the environment that Django needs, and itself needs no Django.
        from futsim.stack.up import main as up

        sys.exit(up(sys.argv[2:]))
    from futsim.stack.environment import adopt_running_stack

    adopt_running_stack()
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
