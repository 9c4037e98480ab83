"""How unusual the bars of a replay are: samples come in threads, the frames use what is there.

A session's final ranks are computed for all of its bars at once and kept; a frame is given those whose bars are over
at the playhead, so nothing of the future leaves the server.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from channels.db import database_sync_to_async

from market.engine.tape import Part, Tape
from market.sessions import SECOND_NS
from ranks import access
from ranks.engine.buckets import buckets_of
from ranks.engine.metrics import forming, measure
from ranks.engine.sample import Sample, final_ranks
from replay import wire
from replay.models import ReplaySession

log = logging.getLogger(__name__)

Key = tuple[str, date]
"""A timeframe and a trade date."""


@dataclass(frozen=True, slots=True)
class Finals:
    """The ranks that a session's bars end with. start, over: UTC ns, ascending; volume, range: NaN without a sample."""

    start: Any
    over: Any
    volume: Any
    range: Any
    n: Any


class Ranking:
    """The ranks of one replay. All methods but the loading are called in the event loop."""

    def __init__(self, replay: ReplaySession, wake: Callable[[], None]) -> None:
        self._replay = replay
        self._wake = wake
        self._finals: dict[Key, Finals] = {}
        self._samples: dict[str, tuple[date, Sample | None]] = {}
        self._loading: dict[Key, asyncio.Task[None]] = {}
        self.version = 0
        """Changes when ranks that were told are not what they would be now."""

    def stop(self) -> None:
        """Let go of what is being loaded."""
        for task in self._loading.values():
            task.cancel()

    def forget(self) -> None:
        """The samples have changed: more sessions are stored."""
        self._finals.clear()
        self._samples.clear()
        self.version += 1
        self._wake()

    def metrics(self, tape: Tape, timeframe: str, playhead_ns: int) -> dict[str, Any] | None:
        """The metrics of the bar that forms at the playhead; None before its sample is here, and without a bar."""
        part = tape.part_at(playhead_ns)
        trade_date, sample = self._samples.get(timeframe, (None, None))
        if trade_date != part.piece.session.trade_date:
            self._want(part, timeframe)
            return None
        bar = forming(part.piece, timeframe, playhead_ns, self._replay.asset.tick_size)
        if bar is None or bar.elapsed >= 1.0:
            return None
        found = measure(sample, bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)
        return wire.metrics_body(bar, found)

    def closed(self, tape: Tape, timeframe: str, since_ns: int, playhead_ns: int) -> dict[str, list[Any]] | None:
        """The final ranks of the bars that begin after `since_ns` and are over; None before all are here."""
        parts = tape.parts[tape.index_at(since_ns) : tape.index_at(playhead_ns) + 1]
        missing = [part for part in parts if (timeframe, part.piece.session.trade_date) not in self._finals]
        for part in missing:
            self._want(part, timeframe)
        if missing:
            return None
        found = [self._finals[timeframe, part.piece.session.trade_date] for part in parts]
        return wire.rank_columns(found, since_ns, playhead_ns)

    # --- loading ----------------------------------------------------------------------------------------

    def _want(self, part: Part, timeframe: str) -> None:
        key = timeframe, part.piece.session.trade_date
        if key not in self._loading:
            self._loading[key] = asyncio.create_task(self._load(part, key))

    async def _load(self, part: Part, key: Key) -> None:
        timeframe, trade_date = key
        try:
            sample, finals = await database_sync_to_async(self._compute)(part, timeframe)
        except Exception:
            log.exception("replay %s: no ranks of %s %s", self._replay.pk, *key)
            await asyncio.sleep(5)
        else:
            self._finals[key] = finals
            self._samples[timeframe] = trade_date, sample
        finally:
            self._loading.pop(key, None)
        self._wake()
