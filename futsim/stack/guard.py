"""Stops the children of a supervisor that was killed and could not do it itself.

The supervisor holds the other end of our standard input and writes `+ <pid> <signal>` for each child it starts and
`- <pid>` for each that ended. End of input means that the supervisor is gone, whatever killed it: the children that
are left get their signal, newest first, and their whole process group is killed when that is not enough.

Run as a file, not as a module, with `python -I -S`: it costs 10 MB and imports nothing of ours.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE = 5.0
"""Seconds that a child gets for an orderly end."""


def follow(lines: Iterable[str]) -> dict[int, int]:
    """Reads to the end of the supervisor's reports: the children left over, with the signal that stops each."""
    children: dict[int, int] = {}
    for line in lines:
        words = line.split()
        if words[0] == "+":
            children[int(words[1])] = int(words[2])
        else:
            children.pop(int(words[1]), None)
    return children


def is_running(pid: int) -> bool:
    """Whether the process still runs; one that only waits to be reaped by a careless init does not."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except OSError:  # no /proc on this system, or the process ended in this moment and the next look will tell
        return True


def stop(pid: int, number: int) -> None:
    """Stops one child, then whatever is left of its process group."""
    with contextlib.suppress(OSError):
        os.kill(pid, number)
    deadline = time.monotonic() + PATIENCE
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def main() -> None:
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    for pid, number in reversed(follow(sys.stdin).items()):
        stop(pid, number)


if __name__ == "__main__":
    main()
