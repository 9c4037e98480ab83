"""The feed process as its supervisor sees it: a pipe of pulses, a way to stop it."""

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings

COMMAND = (sys.executable, "-m", "live.process")
READ_BYTES = 1 << 16
TICK = 0.05
PIPE_BYTES = 1 << 20
"""Most of a minute of pulses: a supervisor that waits for its database must not hold up the feed."""


class FeedProcess:
    """One run of the feed process. Its standard input stays open as long as we live: it ends without us."""

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=settings.BASE_DIR, start_new_session=False
        )
        assert self._process.stdout is not None
        os.set_blocking(self._process.stdout.fileno(), False)
        _widen(self._process.stdout.fileno())
        self._rest = b""
        self.last: dict[str, Any] = {}

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def pulses(self) -> Iterator[dict[str, Any]]:
        """What it has said since the last time."""
        assert self._process.stdout is not None
        while chunk := self._process.stdout.read(READ_BYTES):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            for line in lines:
                with contextlib.suppress(ValueError):  # something else wrote to its standard output
                    self.last = json.loads(line)
                    yield self.last

    def stop(self, grace: float) -> None:
        """Have it release the session; kill it where it does not end in time."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        until = time.monotonic() + grace
        while self.code is None and time.monotonic() < until:
            time.sleep(TICK)
        self.kill()

    def kill(self) -> None:
        """End it at once, and wait for it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


def _widen(pipe: int) -> None:
    """Where the system can; elsewhere a pipe holds some seconds of pulses."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
