"""What a person in front of the terminal sees: one line per step, with the seconds since the start."""

import contextlib
import errno
import os
import sys
import time
from pathlib import Path


class StackError(Exception):
    """The stack cannot run; the text is one line that says why and what to do about it."""


REFUSED = 3
"""Exit code of a step that ends with one line, fit for the user, as the last of its words."""


class Console:
    """Writes progress to standard output and goes silent, not wrong, once the terminal is gone."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def step(self, text: str) -> None:
        """A line at the moment at which a step begins or ends."""
        self._write(f"{self.elapsed:6.1f} s  {text}")

    def detail(self, text: str) -> None:
        """A line that belongs to the step above it."""
        self._write(f"          {text}")

    def _write(self, line: str) -> None:
        try:
            print(line, flush=True)
        except OSError:  # a closed terminal or pipe: the stack goes on without one
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(text: str) -> None:
    """The one line of an error, on standard error."""
    with contextlib.suppress(OSError):
        print(f"futsim: {' '.join(text.split())}", file=sys.stderr, flush=True)


def explain(failure: OSError, folder: Path) -> str:
    """One line for a file operation that failed while the stack used `folder`."""
    where = failure.filename or folder
    if failure.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_is_full(folder)
    if failure.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"cannot write to {where}. Set FUTSIM_STATE to a folder that you own."
    return f"{where}: {failure.strerror or failure}"


def speaks_of_full_disk(text: str) -> bool:
    """Whether a program's output complains about a full disk. PostgreSQL hints only, after a write that fell short."""
    return "No space left on device" in text or "Check free disk space" in text


def disk_is_full(folder: Path) -> str:
    """One line for a disk without room."""
    return f"the disk that holds {folder} is full. Free some space, or set FUTSIM_STATE to a folder on another disk."
