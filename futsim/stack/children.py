"""A process that the supervisor starts, watches, restarts and stops."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

from futsim.stack.backoff import Backoff
from futsim.stack.console import Console, StackError, disk_is_full, speaks_of_full_disk
from futsim.stack.logs import Log
from futsim.stack.paths import CLONE, Account, as_account
from futsim.stack.watch import Guard

READY_SECONDS = 90.0
"""A cold first start of the web process takes 10 s on a slow disk."""
LAST_LINES = 6
TICK = 0.05


@dataclass(frozen=True)
class Program:
    """What to run and how to tell that it works."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    is_ready: Callable[[Log], bool]
    before_start: Callable[[], None] = lambda: None
    """Runs before each start: repairs what a crash left behind."""
    account: Account | None = None
    folder: Path = CLONE
    stop_signal: signal.Signals = signal.SIGTERM
    hurry_signal: signal.Signals = signal.SIGKILL
    grace: float = 10.0
    """Seconds for an orderly end before the hurry signal."""


class Phase(Enum):
    IDLE = auto()
    STARTING = auto()
    RUNNING = auto()
    WAITING = auto()


@dataclass
class Child:
    """One program's process, over all its restarts. Driven by `tick`, several times a second."""

    program: Program
    log: Log
    console: Console
    guard: Guard
    clock: Callable[[], float] = time.monotonic
    phase: Phase = Phase.IDLE
    process: subprocess.Popen[bytes] | None = None
    _backoff: Backoff = field(default_factory=Backoff)
    _since: float = 0.0
    _retry_at: float = 0.0
    _was_ready: bool = False

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def is_running(self) -> bool:
        """Whether the process has answered its health check since its last start."""
        return self.phase is Phase.RUNNING

    def start(self) -> None:
        """Starts the process without waiting for it. Raises StackError when it cannot even be executed."""
        self.program.before_start()
        self.log.mark()
        self._since = self.clock()
        self.process = self._spawn()
        self.guard.add(self.process.pid, self.program.stop_signal)
        self.phase = Phase.STARTING

    def _spawn(self) -> subprocess.Popen[bytes]:
        program = self.program
        with self.log.open() as output:
            try:
                return subprocess.Popen(
                    program.command,
                    env=dict(program.environment),
                    cwd=program.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C in the terminal reaches only the supervisor
                    **as_account(program.account),
                )
            except OSError as failure:
                raise StackError(f"{self.name} cannot be started: {failure}") from None

    def tick(self) -> None:
        """Notices a death, a health check that passes, a restart that is due.

        Raises StackError when a child fails before it ever was ready: that is no accident to recover from."""
        if self.phase is Phase.WAITING:
            self._restart_when_due()
        elif self.phase is not Phase.IDLE and self.process and self.process.poll() is not None:
            self._note_death(how_it_ended(self.process.returncode))
        elif self.phase is Phase.STARTING:
            self._note_progress()

    def _restart_when_due(self) -> None:
        if self.clock() < self._retry_at:
            return
        try:
            self.start()
        except (StackError, OSError) as failure:
            self._wait_after(f"{self.name} cannot be started: {failure}")

    def _note_progress(self) -> None:
        if self.program.is_ready(self.log):
            self.phase = Phase.RUNNING
            self.console.step(f"{self.name} is back" if self._was_ready else f"{self.name} is ready")
            self._was_ready = True
        elif self.clock() - self._since > READY_SECONDS and self.process:
            kill_group(self.process.pid)
            self.process.wait()
            self._note_death(f"not ready after {READY_SECONDS:.0f} s")

    def _note_death(self, how: str) -> None:
        self._forget_process()
        lines = self.log.last_lines(LAST_LINES)
        if not self._was_ready:
            for line in lines:
                self.console.detail(f"{self.name}: {line}")
            raise StackError(self._why_it_never_started(how, lines))
        self._wait_after(f"{self.name} stopped ({how})")
        for line in lines:
            self.console.detail(f"{self.name}: {line}")

    def _why_it_never_started(self, how: str, lines: Iterable[str]) -> str:
        if speaks_of_full_disk("\n".join(lines)):
            return disk_is_full(self.log.file.parent)
        return f"{self.name} does not start ({how}). Its last words are above, all of them in {self.log.file}"

    def _wait_after(self, what: str) -> None:
        delay = self._backoff.after(self.clock() - self._since)
        self._retry_at = self.clock() + delay
        self.phase = Phase.WAITING
        self.console.step(f"{what}; restarting in {delay:.0f} s")

    def _forget_process(self) -> None:
        """Kills what is left of the process group, such as a worker's pool."""
        if self.process:
            kill_group(self.process.pid)
            self.guard.remove(self.process.pid)
            self.process = None

    def stop(self, hurried: Callable[[], bool]) -> None:
        """Ends the process and waits for it: kindly, then with the hurry signal, then by force.

        `hurried`: whether the user lost patience meanwhile."""
        self.phase = Phase.IDLE
        if not self.process:
            return
        steps = [
            (self.program.stop_signal, self.program.grace),
            (self.program.hurry_signal, 3.0),
            (signal.SIGKILL, 3.0),
        ]
        for number, seconds in steps:
            self._send(number)
            impatient = hurried if number is self.program.stop_signal else lambda: False
            if self._ended_within(seconds, impatient):
                break
        self._forget_process()

    def _send(self, number: signal.Signals) -> None:
        if not self.process:
            return
        if number is signal.SIGKILL:
            kill_group(self.process.pid)
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def _ended_within(self, seconds: float, impatient: Callable[[], bool]) -> bool:
        deadline = self.clock() + seconds
        while self.process and self.process.poll() is None:
            if self.clock() >= deadline or impatient():
                return False
            time.sleep(TICK)
        return True


def kill_group(pid: int) -> None:
    """Kills the process group that the child led, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def how_it_ended(code: int) -> str:
    """A process's end in words: `exit code 1` or `killed by signal 9`."""
    return f"killed by signal {-code}" if code < 0 else f"exit code {code}"


def wait_until_ready(children: Iterable[Child], interrupted: Callable[[], bool] = lambda: False) -> None:
    """Drives the children until all are ready or the user wants to stop. Raises StackError when one fails."""
    waiting = list(children)
    while not all(child.is_running for child in waiting) and not interrupted():
        for child in waiting:
            child.tick()
        time.sleep(TICK)
