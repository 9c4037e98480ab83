"""The supervisor's end of the guard: see `guard.py`."""

import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from futsim.stack import guard


class Guard:
    """A process that stops our children when we die without doing so."""

    def __init__(self, keep_open: tuple[int, ...] = ()) -> None:
        """`keep_open`: descriptors that the guard shares, so that our lock outlives us until it has finished."""
        command = [sys.executable, "-I", "-S", str(Path(guard.__file__))]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
            pass_fds=keep_open,
            cwd="/",
        )

    def add(self, pid: int, stop_signal: signal.Signals) -> None:
        """From now on the guard stops this child if we cannot."""
        self._tell(f"+ {pid} {int(stop_signal)}\n")

    def remove(self, pid: int) -> None:
        """The child has ended."""
        self._tell(f"- {pid}\n")

    def close(self) -> None:
        """Ends the guard, who stops whatever is left."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            self._process.stdin.flush()
        except (
            OSError
        ):  # somebody killed the guard; the stack runs on, only a kill of the supervisor would leave orphans
            return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
