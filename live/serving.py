"""One session of the feed from its plan to its end."""

import asyncio
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from django.conf import settings
from django.db import connections

from live import feed, fronts, market_clock, plan
from live.ending import AGAIN, FAILED, REFUSED, Ending
from live.fronts import Front
from live.plan import Plan
from live.worker import Worker
from market.models import Asset

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.2
SWITCH_SECONDS = 0.000_5
"""While the client decodes a replay, the worker waits so long for its turn after each answer of Valkey; by default it
would wait ten times as long, and fall behind."""
AGAIN_SECONDS = 600.0
"""How often the front months that could not be decided are asked for again."""

Tell = Callable[[dict[str, Any]], None]


def serve(ending: Ending, tell: Tell) -> None:
    """Until either side ends the session; `ending` says why."""
    clock = market_clock.read()
    assets = fronts.followed()
    found, problems = fronts.resolve(assets, clock.now_ns)
    planned = plan.make(clock, assets, found, problems)
    if not planned.contracts:
        ending.because(FAILED, "\n".join(["no asset has a front month", *problems.values()][:2]))
        return
    connections.close_all()
    known = {"shift_ns": clock.shift_ns, "problems": problems, "replay_from_ns": planned.beginning.start_ns}
    worker = Worker(planned, lambda pulse: tell(pulse | known))
    with Running(worker, ending) as running:
        _follow(planned, worker, assets, ending)
        tell({"phase": "connecting"} | known)
        _stream(planned, running.inbox, ending, lambda: tell({"phase": "streaming"} | known))


def _stream(planned: Plan, inbox: feed.Inbox, ending: Ending, begun: Callable[[], None]) -> None:
    """The client is built and driven here, on one thread."""
    address = settings.DATABENTO_LIVE_GATEWAY
    session = feed.Session(settings.DATABENTO_API_KEY, address, planned.dataset, inbox)
    try:
        session.open(sorted(planned.contracts), planned.beginning.start_ns)
    except feed.Refused as refused:
        ending.because(REFUSED, str(refused), refused.kind)
        return
    begun()
    ending.because(FAILED, session.wait(lambda: ending.is_near) or "stopped")


class Running:
    """The worker's thread, for as long as the block lasts; then what has come is still processed."""

    def __init__(self, worker: Worker, ending: Ending) -> None:
        self._worker, self._ending = worker, ending
        self._is_over = False
        self._loop = asyncio.new_event_loop()
        self._awake = asyncio.Event()
        self.inbox = feed.Inbox(self._wake)
        self._thread = threading.Thread(target=self._run, name="worker")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._wake()
        self._thread.join()
        self._loop.close()

    def _wake(self) -> None:
        self._loop.call_soon_threadsafe(self._awake.set)

    def _run(self) -> None:
        sys.setswitchinterval(SWITCH_SECONDS)
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._worker.run(self.inbox, self._awake, self._is_stopping))
        except Exception as problem:
            log.exception("the worker failed")
            self._ending.because(FAILED, f"{type(problem).__name__}: {problem}")

    def _is_stopping(self) -> bool:
        if self.inbox.lost:
            # never a silent loss: the next session replays from the last bar that is held
            self._ending.because(FAILED, f"the inbox was full: {self.inbox.lost} records were not taken")
        return self._is_over


def _follow(planned: Plan, worker: Worker, assets: Sequence[Asset], ending: Ending) -> None:
    """In a thread of its own, decide front months when their time comes, and have the worker go on with them."""

    def follow() -> None:
        at, again = fronts.next_decision(assets, planned.clock.now_ns), _again(planned.problems)
        while not ending.is_near:
            time.sleep(LOOK_SECONDS)
            now = max(planned.clock.now_ns, worker.market.now)
            if now < at and time.monotonic() < again:
                continue
            at, again = fronts.next_decision(assets, now), _again({"": "as long as it fails"})
            try:
                found, problems = fronts.resolve(assets, now)
                again = _again(problems)
                _go_on(planned, worker, assets, found)
            except plan.NeedsSession:
                ending.because(AGAIN, "new front months")
            except Exception:
                log.exception("front months could not be decided")
            finally:
                connections.close_all()

    threading.Thread(target=follow, name="front months", daemon=True).start()


def _again(problems: Mapping[str, str]) -> float:
    """When to ask again (monotonic seconds) for what could not be decided."""
    return time.monotonic() + AGAIN_SECONDS if problems else math.inf


def _go_on(planned: Plan, worker: Worker, assets: Sequence[Asset], found: Sequence[Front]) -> None:
    """Hand the worker the sessions to come. Raises plan.NeedsSession, also for an asset that had no contract."""
    tracks = {track.root: track for track in planned.tracks}
    if any(each.root not in tracks for each in found):
        raise plan.NeedsSession
    by_root = {asset.root: asset for asset in assets}
    going = [(track, plan.goes_on(track, found, worker.market.now)) for track in planned.tracks]
    for track, front in going:
        if front is not None:
            worker.coming.append((track, *plan.slot_of(front, by_root[track.root])))
