"""The samples that alerts are ranked with: loaded in a thread, so that no asset waits for another's."""

import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import Error as DatabaseError
from django.db import connection

from market.models import Asset
from ranks import access
from ranks.engine.sample import Sample

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""How often it is asked whether an asset has other summaries by now."""
AGAIN_SECONDS = 1.0
"""After a failure."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sample."""

    asset: Asset
    timeframe: str
    trade_date: date
    lookback_days: int


class Samples:
    """Those that were asked for. A sample that cannot be had, for want of sessions, is None."""

    def __init__(self) -> None:
        self._held: dict[Wanted, tuple[object, Sample | None]] = {}
        self._asked: dict[Wanted, None] = {}
        self._changed = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="samples")
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        self._thread.join()

    def is_here(self, wanted: Wanted) -> bool:
        """Whether it is loaded; else it will be."""
        if wanted in self._held:
            return True
        with self._changed:
            self._asked.setdefault(wanted)
            self._changed.notify()
        return False

    def get(self, wanted: Wanted) -> Sample | None:
        """One that is here."""
        return self._held[wanted][1]

    def keep(self, wanted: Iterable[Wanted]) -> None:
        """Forget all others."""
        kept = set(wanted)
        with self._changed:
            for each in [each for each in self._held if each not in kept]:
                del self._held[each]
            for each in [each for each in self._asked if each not in kept]:
                del self._asked[each]

    # --- in the thread ------------------------------------------------------------------------------------

    def _run(self) -> None:
        looked = time.monotonic()
        try:
            while not self._is_stopping:
                wanted = self._next(looked + LOOK_SECONDS)
                try:
                    if wanted is not None:
                        self._load(wanted)
                    elif time.monotonic() >= looked + LOOK_SECONDS:
                        self._look()
                        looked = time.monotonic()
                except (DatabaseError, OSError) as problem:
                    log.warning("a sample was not loaded this time: %s", problem)
                    connection.close()
                    time.sleep(AGAIN_SECONDS)
        finally:
            connection.close()

    def _next(self, until: float) -> Wanted | None:
        """What was asked for first; None at the latest at that time."""
        with self._changed:
            if not self._asked and not self._is_stopping:
                # what samples were made of is not needed until the next session
                access.forget_cached()
                self._changed.wait(max(0.0, until - time.monotonic()))
            return next(iter(self._asked), None)

    def _load(self, wanted: Wanted) -> None:
        stamp = access.stamp(wanted.asset)
        try:
            sample = access.table(wanted.asset, wanted.timeframe, wanted.trade_date, wanted.lookback_days)
        except access.NoRanks:
            sample = None
        with self._changed:
            self._held[wanted] = stamp, sample
            self._asked.pop(wanted, None)

    def _look(self) -> None:
        """Have what was made of other summaries loaded again; until then it stays in use."""
        stale = [wanted for wanted, (stamp, _) in list(self._held.items()) if access.stamp(wanted.asset) != stamp]
        with self._changed:
            self._asked |= dict.fromkeys(each for each in stale if each in self._held)
