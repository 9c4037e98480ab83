"""A running `manage.py up` that tests watch from outside: its lines, its processes, its end."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import datetime
from datetime import time as time_of_day
from pathlib import Path

from futsim.stack.checks import free_loopback_port
from market.sessions import ET

CLONE = Path(__file__).resolve().parents[1]
OURS = re.compile(r"^(FUTSIM_|DATABENTO_|DATABASE_URL$|REDIS_URL$|DJANGO_|PYTEST_|MAKE|MFLAGS)")
PATIENCE = 90.0
"""A start on a machine that has much else to do takes a minute."""


HALT = time_of_day(15, 30), time_of_day(18, 5)
"""Eastern Time: within it the market halts, or would while a test looks at it."""


def clean_environment(state: Path, **extra: str) -> dict[str, str]:
    """The environment of somebody who configured nothing but the place and the port, at an hour that trades."""
    inherited = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    if HALT[0] <= datetime.now(ET).time() <= HALT[1]:
        inherited["FUTSIM_STANDIN_LIVE_HOURS_BACK"] = "4"
    return inherited | {"FUTSIM_STATE": str(state), "FUTSIM_PORT": str(free_loopback_port())} | extra


class Up:
    """One `manage.py up`."""

    def __init__(self, environment: dict[str, str], *, python: str = sys.executable, user: int | None = None) -> None:
        self.state = Path(environment["FUTSIM_STATE"])
        self.url = f"http://127.0.0.1:{environment['FUTSIM_PORT']}"
        self.environment = environment
        self.lines: list[str] = []
        self.started = time.monotonic()
        account = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self.process = subprocess.Popen(
            [python, "manage.py", "up"],
            cwd=CLONE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **account,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_for(self, words: str) -> float:
        """Waits until a line holds the words; returns the seconds since the start."""
        wait_until(lambda: words in self.output or self.process.poll() is not None, lambda: self.output)
        time.sleep(0.05)
        assert words in self.output, self.output
        return time.monotonic() - self.started

    def ready(self) -> "Up":
        self.wait_for("futsim runs at")
        return self

    def ended(self) -> int:
        """Waits for the end; the exit code."""
        code = self.process.wait(PATIENCE)
        self._reader.join(5)
        return code

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.ended()

    def processes(self) -> dict[int, str]:
        """Every living process of this stack: pid and command line."""
        return processes_of(self.state)

    def pid_of(self, words: str) -> int:
        """The oldest process whose command line holds the words."""
        found = [pid for pid, command in self.processes().items() if words in command]
        assert found, f"no {words} in {self.processes()}"
        return min(found)


def processes_of(state: Path) -> dict[int, str]:
    """Living processes that have the state folder in their environment, command line or working directory."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command = entry.joinpath("cmdline").read_bytes()
                traces = (
                    command + entry.joinpath("environ").read_bytes() + os.fsencode(entry.joinpath("cwd").readlink())
                )
                is_zombie = entry.joinpath("stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
            except OSError:
                continue
            if os.fsencode(state) in traces and not is_zombie:
                found[int(entry.name)] = command.replace(b"\0", b" ").decode(errors="replace").strip()
    return found


def wait_until(condition: Callable[[], bool], story: Callable[[], object], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, story()
        time.sleep(0.05)


def finish(up: Up) -> None:
    """Stops a stack that its test left running."""
    if up.process.poll() is None:
        up.process.send_signal(signal.SIGTERM)
        try:
            up.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            up.process.kill()


def remove(state: Path) -> None:
    """Leaves no process and no file of a state folder behind, whatever its tests did."""
    for pid in processes_of(state):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    shutil.rmtree(state, ignore_errors=True)
