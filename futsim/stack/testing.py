"""Throw-away PostgreSQL and Valkey for tests and benchmarks.

`python -m futsim.stack.testing -- COMMAND` runs a command with them; `start_throwaway_servers()` is for conftest.py.
"""

import argparse
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from futsim.stack import binaries, keys, postgres, valkey
from futsim.stack.children import Child, how_it_ended, wait_until_ready
from futsim.stack.console import Console, StackError, complain
from futsim.stack.logs import Log
from futsim.stack.paths import Places, server_account
from futsim.stack.watch import Guard

DATABASE = "futsim"


class Silent(Console):
    """Test output is not the place for progress lines."""

    def _write(self, line: str) -> None:
        return


@dataclass
class ThrowawayServers:
    """Two servers in a temporary folder. A guard stops them even when the tests are killed."""

    environment: dict[str, str]
    """The variables that futsim's settings need."""
    folder: Path
    _children: list[Child]
    _guard: Guard

    def stop(self) -> None:
        """Stops the servers and removes what they stored."""
        for child in reversed(self._children):
            child.stop(lambda: True)
        self._guard.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def start_throwaway_servers() -> ThrowawayServers:
    """Starts both servers and waits for them: about a second. Raises StackError when they cannot start."""
    places = Places(Path(tempfile.mkdtemp(prefix="futsim-test-")).resolve(), server_account())
    places.create()
    guard = Guard()
    secret = keys.new_keys()
    children: list[Child] = []
    try:
        environment = _start(places, secret, guard, children)
    except (StackError, OSError):
        ThrowawayServers({}, places.folder, children, guard).stop()
        raise
    return ThrowawayServers(environment, places.folder, children, guard)


def _start(places: Places, secret: keys.Keys, guard: Guard, children: list[Child]) -> dict[str, str]:
    found = binaries.find(places)
    database = postgres.embedded(places, found, secret, throwaway=True)
    store = valkey.embedded(places, found, throwaway=True)
    database.prepare()
    store.prepare()
    for program in (store.program(), database.program()):
        child = Child(program, Log(places.logs, program.name), Silent(), guard)
        children.append(child)
        child.start()
    wait_until_ready(children)
    database.ensure_database(DATABASE)
    return {
        "FUTSIM_SECRET_KEY": secrets.token_urlsafe(50),
        "DATABASE_URL": database.url(DATABASE),
        "REDIS_URL": store.url,
        "FUTSIM_DATA_ROOT": str(places.data("tests")),
        "FUTSIM_BOOK_ROOT": str(places.books("tests")),
    }


def main() -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m futsim.stack.testing", description=__doc__)
    parser.add_argument("command", nargs="+", help="what to run with the servers' variables set")
    command = parser.parse_args().command
    try:
        with start_throwaway_servers() as servers:
            return _run(command, servers.environment)
    except StackError as failure:
        complain(str(failure))
        return 1


def _run(command: list[str], environment: dict[str, str]) -> int:
    for number in (signal.SIGINT, signal.SIGTERM):  # the command gets Ctrl-C too; we outlive it to clean up
        signal.signal(number, lambda number, frame: None)
    process = subprocess.Popen(command, env=postgres.without_user_settings(os.environ) | environment)
    signal.signal(signal.SIGTERM, lambda number, frame: process.terminate())
    code = process.wait()
    if code < 0:
        complain(f"{command[0]}: {how_it_ended(code)}")
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
