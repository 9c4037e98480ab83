"""The metrics board: assets in every timeframe."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from market.engine.tape import Piece
from market.models import Asset
from market.sessions import Session
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


@dataclass(slots=True)
class Line:
    """An asset in its session at the playhead.

    samples: by timeframe, None where there is nothing to compare with; missing while they are being read.
    """

    asset: Asset
    session: Session
    piece: Piece
    samples: dict[str, Sample | None] = field(default_factory=dict)


class Board:
    """A board. All methods run in the event loop.

    find: the assets at a playhead, with their sessions; called in a thread.
    """

    def __init__(self, lookback_days: int, find: Callable[[int], list[Line]]) -> None:
        self._lookback_days = lookback_days
        self._find = find
        self._lines: list[Line] = []
        self._shown_ns = -1
        self._due, self._looked = 0.0, -LOOK_SECONDS
        self._work: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Give up what is being computed."""
        if self._work is not None:
            self._work.cancel()

    def show_again(self) -> None:
        """Somebody looks who has not seen it."""
        self._shown_ns, self._due, self._looked = -1, 0.0, -LOOK_SECONDS

    def is_due(self, playhead_ns: int, now: float) -> bool:
        """Whether it is time for another one."""
        if now < self._due or (self._work is not None and not self._work.done()):
            return False
        return playhead_ns != self._shown_ns or now - self._looked > LOOK_SECONDS

    def look(self, playhead_ns: int, now: float, tell: Callable[[dict[str, Any]], None]) -> None:
        """Compute the board for the playhead and tell it."""
        self._due, self._shown_ns = now + EVERY_SECONDS, playhead_ns
        search = now - self._looked > LOOK_SECONDS or any(
            not line.session.open_ns <= playhead_ns < line.session.close_ns for line in self._lines
        )
        if search:
            self._looked = now
        self._work = asyncio.create_task(self._compute(playhead_ns, tell, search=search))

    async def _compute(self, playhead_ns: int, tell: Callable[[dict[str, Any]], None], *, search: bool) -> None:
        try:
            if search:
                self._lines = await patiently(self._find, playhead_ns)
            for line in self._lines:
                missing = TIMEFRAMES.keys() - line.samples.keys()
                for name in missing:
                    line.samples[name] = await patiently(_sample, line, name, self._lookback_days)
                if missing:
                    tell(await asyncio.to_thread(_body, self._lines, playhead_ns))
            tell(await asyncio.to_thread(_body, self._lines, playhead_ns))
        except Exception:
            log.exception("the metrics board failed")


def _sample(line: Line, timeframe: str, lookback_days: int) -> Sample | None:
    try:
        return access.table(line.asset, timeframe, line.session.trade_date, lookback_days)
    except access.NoRanks:
        return None


def _body(lines: list[Line], playhead_ns: int) -> dict[str, Any]:
    rows = [
        {
            "root": line.asset.root,
            "name": line.asset.name,
            "cells": {name: _cell(line, name, playhead_ns) for name in TIMEFRAMES},
        }
        for line in lines
    ]
    return {"rows": rows}


def _cell(line: Line, timeframe: str, playhead_ns: int) -> dict[str, Any] | None:
    sample, bar = line.samples.get(timeframe), forming(line.piece, timeframe, playhead_ns, line.asset.tick_size)
    if sample is None or bar is None:
        return None
    found = measure(sample, bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)
    return wire.metrics_body(bar, found)
