"""The metrics board: every asset in every timeframe.

Samples are read in the background, asset by asset, and stay; once a second the rows of those that are here are computed
for the playhead. A row whose samples are being read stays as it was, and tells of which moment it is.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from market.engine.tape import Piece
from market.models import Asset, Job
from market.sessions import SECOND_NS, Session
from market.timeframes import TIMEFRAMES
from ranks import access
from ranks.engine.metrics import forming, measure
from ranks.engine.sample import Sample
from workspace import wire
from workspace.following import patiently

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LOOK_SECONDS = 10.0
"""How often to look for assets that have come in, or whose samples have grown."""

Row = dict[str, Any]
Tell = Callable[[Row], None]


@dataclass(slots=True)
class Line:
    """An asset at a playhead. session: None while its market is closed; piece: None where that is not stored.

    is_live: its bars come from the feed, not from the store. is_over: the session has closed, and its last bars are
    shown as they ended. fetching: percent of the job that is at its ranks, None without one. waits: "queued" or
    "asking" (for a yes to its cost) where that job has not begun. samples: by timeframe, all nine or none yet; None
    where there is nothing to compare with. stamp: of the summaries they are from.
    """

    asset: Asset
    session: Session | None
    piece: Piece | None
    fetching: int | None = None
    waits: str = ""
    is_over: bool = False
    is_live: bool = False
    samples: dict[str, Sample | None] = field(default_factory=dict)
    stamp: tuple[object, ...] | None = None

    @property
    def state(self) -> str:
        """How the row stands, as the protocol has it."""
        if self.session is None:
            return "closed"
        if self.piece is None or not any(self.samples.values()):
            if self.fetching is not None:
                return self.waits or "fetching"
            if self.piece is None:
                return "silent" if self.is_live else "absent"
            if self.samples:
                return "unranked"
        if not self.samples:
            return "computing"
        return "closed" if self.is_over else "ready"

    def is_open(self, playhead_ns: int) -> bool:
        """Whether its session is the one at a playhead."""
        return self.session is not None and self.session.open_ns <= playhead_ns < self.session.close_ns


class Board:
    """A board. All methods run in the event loop. own: the root of the asset that is shown, which comes first.

    find: the assets at a playhead; called in a thread.
    """

    def __init__(self, own: str, lookback_days: int, find: Callable[[int], list[Line]]) -> None:
        self._own, self._lookback_days, self._find = own, lookback_days, find
        self._lines: list[Line] = []
        self._rows: dict[str, Row] = {}
        self._playhead_ns = self._shown_ns = -1
        self._has_news = False
        self._due, self._looked = 0.0, -LOOK_SECONDS
        self._loading: asyncio.Task[None] | None = None
        self._telling: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Give up what is being computed."""
        for task in (self._loading, self._telling):
            if task is not None:
                task.cancel()

    def show_again(self) -> None:
        """Somebody looks who has not seen it, or there may be more to see."""
        self._shown_ns, self._due, self._looked = -1, 0.0, -LOOK_SECONDS

    def is_due(self, playhead_ns: int, now: float) -> bool:
        """Whether it is time for another one."""
        if now < self._due or _goes_on(self._telling):
            return False
        return self._has_news or playhead_ns != self._shown_ns or now - self._looked > LOOK_SECONDS

    def look(self, playhead_ns: int, now: float, tell: Tell) -> None:
        """Compute the rows for the playhead and tell them; see that samples are read where there are none."""
        self._due, self._has_news = now + EVERY_SECONDS, False
        self._playhead_ns = self._shown_ns = playhead_ns
        if not _goes_on(self._loading) and (now - self._looked > LOOK_SECONDS or self._is_past()):
            self._looked = now
            self._loading = asyncio.create_task(self._load())
        if self._lines:
            self._telling = asyncio.create_task(self._tell(playhead_ns, tell))

    def _is_past(self) -> bool:
        """Whether the playhead has left a session that is shown."""
        lines = (line for line in self._lines if line.session and not line.is_over)
        return any(not line.is_open(self._playhead_ns) for line in lines)

    # --- reading ----------------------------------------------------------------------------------------

    async def _load(self) -> None:
        try:
            found = await patiently(self._find, self._playhead_ns)
            self._take_over(found)
            for line in sorted(found, key=lambda line: line.asset.root != self._own):
                await self._read(line)
                if self._is_past():
                    return  # of another session other samples are wanted
        except Exception:
            log.exception("the metrics board failed")

    def _take_over(self, found: list[Line]) -> None:
        """Show these lines from now on, with what was read for them before."""
        before = {line.asset.pk: line for line in self._lines}
        for line in found:
            known = before.get(line.asset.pk)
            if known is not None and known.session == line.session:
                line.samples, line.stamp = known.samples, known.stamp
        self._lines, self._has_news = found, True

    async def _read(self, line: Line) -> None:
        """Read the samples of a line, unless those that it has are of the summaries that there are."""
        if line.session is None or line.piece is None:
            return
        stamp = await patiently(access.stamp, line.asset)
        if line.stamp == stamp:
            return
        # one at a time: whatever else uses the database waits for the same thread
        samples = {name: await patiently(self._sample, line.asset, line.session, name) for name in TIMEFRAMES}
        line.samples, line.stamp = samples, stamp
        self._has_news = True

    def _sample(self, asset: Asset, session: Session, timeframe: str) -> Sample | None:
        try:
            return access.table(asset, timeframe, session.trade_date, self._lookback_days)
        except access.NoRanks:
            return None

    # --- telling ----------------------------------------------------------------------------------------

    async def _tell(self, playhead_ns: int, tell: Tell) -> None:
        try:
            tell({"rows": await asyncio.to_thread(self._compute, list(self._lines), playhead_ns)})
        except Exception:
            log.exception("the metrics board failed")

    def _compute(self, lines: list[Line], playhead_ns: int) -> list[Row]:
        self._rows = {line.asset.root: self._row(line, playhead_ns) for line in lines}
        return list(self._rows.values())

    def _row(self, line: Line, playhead_ns: int) -> Row:
        about = {
            "root": line.asset.root,
            "name": line.asset.name,
            "state": line.state,
            "percent": line.fetching,
        }
        if line.piece is not None and line.samples and line.is_open(playhead_ns):
            cells = {name: _cell(line, name, playhead_ns) for name in TIMEFRAMES}
            return about | {"at": playhead_ns // SECOND_NS, "cells": cells}
        if line.piece is not None and line.samples and line.is_over:
            assert line.session is not None
            cells = {name: _last_cell(line, name, line.session.close_ns) for name in TIMEFRAMES}
            return about | {"at": line.session.close_ns // SECOND_NS, "cells": cells}
        before = self._rows.get(line.asset.root, {"at": None, "cells": {}})
        # the playhead may have gone back: nothing of what comes after it is told
        if before["at"] is None or before["at"] > playhead_ns // SECOND_NS:
            return about | {"at": None, "cells": {}}
        return about | {"at": before["at"], "cells": before["cells"]}


def _goes_on(task: asyncio.Task[None] | None) -> bool:
    return task is not None and not task.done()


def _cell(line: Line, timeframe: str, playhead_ns: int) -> dict[str, Any] | None:
    assert line.piece is not None
    sample, bar = line.samples[timeframe], forming(line.piece, timeframe, playhead_ns, line.asset.tick_size)
    if sample is None or bar is None:
        return None
    return wire.metrics_body(bar, measure(sample, bar.bucket, bar.elapsed, bar.volume, bar.range_ticks))


def _last_cell(line: Line, timeframe: str, close_ns: int) -> dict[str, Any] | None:
    """Of the bar that the close ended: nothing of it is to come, so its forecast is its rank."""
    cell = _cell(line, timeframe, close_ns)
    return None if cell is None else cell | {"vp": cell["vr"], "rp": cell["rr"], "vpe": 0.0, "rpe": 0.0}


def job_of(job: Job | None) -> dict[str, Any]:
    """What a line tells of the job that is at its ranks: its `fetching` and its `waits`."""
    if job is None:
        return {"fetching": None, "waits": ""}
    waits = job.state if job.state in (Job.State.QUEUED, Job.State.ASKING) else ""
    return {"fetching": job.percent, "waits": str(waits)}
