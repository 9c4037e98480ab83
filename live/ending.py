"""Why the feed process ends, for all of its threads."""

import threading

OK, FAILED, REFUSED, AGAIN = 0, 1, 3, 4
"""How it ends: as asked; the session or the process failed; the gateway refused it; at once anew, for new symbols."""


class Ending:
    """The first reason counts. kind: of a refusal, see `feed.Refused`."""

    def __init__(self) -> None:
        self.code, self.why, self.kind = OK, "", ""
        self.is_near = False
        self._lock = threading.RLock()  # a signal's handler may come while its thread holds it

    def because(self, code: int, why: str, kind: str = "") -> None:
        """End, for this reason unless there was one before."""
        with self._lock:
            if not self.is_near:
                self.code, self.why, self.kind = code, why, kind
            self.is_near = True
