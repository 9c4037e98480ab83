"""`make erase`: removes the state folder, with the database and the downloaded market data in it."""

import argparse
import os
import shutil
import sys

from futsim.stack.console import Console, StackError, complain, explain
from futsim.stack.lock import Lock
from futsim.stack.paths import locate


def main() -> int:
    """Removes the folder when told so twice. The exit code is 1 when it did not."""
    parser = argparse.ArgumentParser(prog="python -m futsim.stack.erase", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="do it")
    sure = parser.parse_args().yes
    folder = locate(os.environ).folder
    if not folder.exists():
        print(f"There is nothing in {folder}.")
        return 0
    try:
        return _erase(sure)
    except StackError as failure:
        complain(str(failure))
    except OSError as failure:
        complain(explain(failure, folder))
    return 1


def _erase(sure: bool) -> int:
    places = locate(os.environ)
    if not sure:
        raise StackError(
            f"this would remove {places.folder} with all users, replays, journals and market data in it. "
            "Run `make erase SURE=yes` to do so."
        )
    if not places.keys_file.exists() or not places.servers.exists():
        raise StackError(f"{places.folder} is not a state folder of futsim. Remove it yourself if you mean it.")
    Lock(places.lock_file).take(Console())
    shutil.rmtree(places.folder)
    print(f"Removed {places.folder}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
