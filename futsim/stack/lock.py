"""One supervisor for each state folder.

Two file locks, which the operating system releases when their last holder is gone: the supervisor alone holds
`lock.supervisor`, its guard holds `lock` with it. So a start that finds only `lock` taken knows that a supervisor was
killed and that its guard is still stopping the children.
"""

import fcntl
import os
import time
from pathlib import Path

from futsim.stack.console import Console, StackError

GUARD_SECONDS = 60.0
"""How long the guard may take: see `guard.PATIENCE`, for each of seven children."""


class Lock:
    """The two locks of one supervisor."""

    def __init__(self, file: Path) -> None:
        self._supervisor = _open(file.with_name(file.name + ".supervisor"))
        self.shared = _open(file)
        """The descriptor that the guard holds too."""

    def take(self, console: Console) -> None:
        """Takes both. Raises StackError when another supervisor runs, or its guard does not come to an end."""
        if not _try(self._supervisor):
            raise StackError(
                f"already running from this state folder (process {self._holder()}). Stop that one first, or set "
                "FUTSIM_STATE and FUTSIM_PORT to run a second one."
            )
        os.ftruncate(self._supervisor, 0)
        os.pwrite(self._supervisor, str(os.getpid()).encode(), 0)
        if not _try(self.shared):
            console.step("waiting for what is left of a killed run to stop")
            self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + GUARD_SECONDS
        while not _try(self.shared):
            if time.monotonic() > deadline:
                raise StackError("processes of a killed run do not end. Find them with `ps -ef` and kill them.")
            time.sleep(0.1)

    def _holder(self) -> str:
        return os.pread(self._supervisor, 32, 0).decode(errors="replace").strip() or "unknown"

    def release(self) -> None:
        os.close(self.shared)
        os.close(self._supervisor)


def is_held(file: Path) -> bool:
    """Whether a supervisor, or the guard of one, runs on this lock file."""
    try:
        descriptor = os.open(file, os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT, 0o600)


def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
