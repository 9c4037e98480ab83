"""The feed process: one session with the gateway, then an end. `python -m live.process`, started by the supervisor.

Its standard output is the pulse: lines of JSON, written by whoever has processed something. It ends when the session
does, when it is asked to (SIGTERM), or when the supervisor is gone (its standard input closes), and always releases
the session.
"""

import json
import logging
import os
import signal
import sys
import threading
from typing import Any

import django

from live.ending import FAILED, OK, Ending

log = logging.getLogger(__name__)


def tell(pulse: dict[str, Any]) -> None:
    """Write a pulse. A supervisor that is gone hears nothing."""
    try:
        sys.stdout.write(json.dumps(pulse) + "\n")
        sys.stdout.flush()
    except (BrokenPipeError, ValueError):
        return


def main() -> int:
    """Its exit code is that of `live.ending`."""
    ending = Ending()
    signal.signal(signal.SIGTERM, lambda *_: ending.because(OK, "stopped"))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_supervisor, args=[ending], daemon=True, name="supervisor").start()
    tell({"phase": "starting"})
    try:
        django.setup()
        # it would log an error for one symbol of each pair; what the gateway says goes into the state
        logging.getLogger("databento").setLevel(logging.CRITICAL)
        from live.serving import serve  # models can be imported only now

        serve(ending, tell)
    except Exception as problem:
        log.exception("the feed failed")
        ending.because(FAILED, f"{type(problem).__name__}: {problem}")
    tell({"phase": "ended", "why": ending.why, "kind": ending.kind})
    return ending.code


def _watch_supervisor(ending: Ending) -> None:
    sys.stdin.buffer.read()
    ending.because(OK, "the supervisor is gone")


if __name__ == "__main__":
    code = main()
    # the client's thread may be stuck in the network: nobody waits for it
    os._exit(code)
