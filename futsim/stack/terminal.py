"""Signals and the terminal: one Ctrl-C stops in order, a second one hurries."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from types import FrameType

BOUNCE_SECONDS = 0.3
"""Some terminals and parents deliver one Ctrl-C twice."""


class Interrupts:
    """Whether the user wants the stack to stop: Ctrl-C, SIGTERM, or SIGHUP of a closed terminal."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._hurried = False

    def listen(self) -> None:
        """From now on the signals are noted and do nothing else."""
        signal.signal(signal.SIGINT, self._note)
        signal.signal(signal.SIGTERM, self._note)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._note)

    def close_ears(self) -> None:
        """All is stopped: a Ctrl-C while Python ends must not look like a failure, and Python drops handlers then."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)

    def stopping(self) -> bool:
        return self._first is not None

    def hurried(self) -> bool:
        """Whether a second Ctrl-C came. A second SIGTERM means nothing: `make` passes on its own."""
        return self._hurried

    def _note(self, number: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = now
        elif number == signal.SIGINT and now - self._first > BOUNCE_SECONDS:
            self._hurried = True


@contextlib.contextmanager
def in_front_of_make() -> Iterator[None]:
    """Under `make run` in a terminal, Ctrl-C reaches us and not `make`, which would end with an error of its own.

    We become the terminal's foreground process group until we end. Ctrl-Z is switched off meanwhile: the shell
    could not see that we stopped."""
    if not _make_shares_our_terminal():
        yield
        return
    before = os.getpgrp()
    os.setpgid(0, 0)
    _give_terminal_to(os.getpgrp())
    signal.signal(signal.SIGTSTP, lambda number, frame: None)
    try:
        yield
    finally:
        _give_terminal_to(before)


def _make_shares_our_terminal() -> bool:
    try:
        return "MAKELEVEL" in os.environ and os.tcgetpgrp(0) == os.getpgrp() != os.getpid()
    except OSError:  # no terminal
        return False


def _give_terminal_to(group: int) -> None:
    previous = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.tcsetpgrp(0, group)
    signal.signal(signal.SIGTTOU, previous)
