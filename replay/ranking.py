"""How unusual the bars of a replay are: samples come in threads, frames use what is there.

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

from market.engine.bars import Int64s
from market.engine.tape import Part, Piece, Tape
from ranks import access
from ranks.engine.buckets import buckets_of
from ranks.engine.metrics import Forming, Metrics, forming, measure
from ranks.engine.percentile import Floats
from ranks.engine.sample import Sample, final_ranks
from replay.following import patiently
from replay.models import ReplaySession

log = logging.getLogger(__name__)

AGAIN_SECONDS = 5.0
"""After a failure."""


@dataclass(frozen=True, slots=True)
class Finals:
    """The ranks that bars end with.

    start, over: UTC ns, ascending. volume, range: percentile ranks, NaN where n, the size of the sample, is 0.
    """

    start: Int64s
    over: Int64s
    volume: Floats
    range: Floats
    n: Int64s

    def told(self, since_ns: int, playhead_ns: int) -> "Finals":
        """Those that begin after `since_ns` and are over at the playhead."""
        chosen = slice(
            int(self.start.searchsorted(since_ns, side="right")), int(self.over.searchsorted(playhead_ns, side="right"))
        )
        return Finals(self.start[chosen], self.over[chosen], self.volume[chosen], self.range[chosen], self.n[chosen])


class Ranking:
    """The ranks of one replay; all methods are called in the event loop.

    version: another one means that ranks which were told would be others now.
    """

    def __init__(self, replay: ReplaySession, wake: Callable[[], None]) -> None:
        self.version = 0
        self._replay = replay
        self._wake = wake
        self._samples: dict[str, tuple[date, Sample | None]] = {}
        self._finals: dict[tuple[str, date], Finals] = {}
        self._loading: dict[tuple[object, ...], asyncio.Task[None]] = {}

    def stop(self) -> None:
        """Let go of what is being loaded."""
        for task in self._loading.values():
            task.cancel()

    def forget(self) -> None:
        """There is more to compare with now."""
        self._finals.clear()
        self._samples.clear()
        self.version += 1
        self._wake()

    def metrics(self, tape: Tape, timeframe: str, playhead_ns: int) -> tuple[Forming, Metrics] | None:
        """The bar in progress and its metrics.

        None between two bars, at the instant in which one begins, and before its sample is here.
        """
        piece = tape.part_at(playhead_ns).piece
        known = self._samples.get(timeframe)
        if known is None or known[0] != piece.session.trade_date:
            self._begin(("sample", timeframe), self._load_sample, piece, timeframe)
            return None
        bar = forming(piece, timeframe, playhead_ns, self._replay.asset.tick_size)
        if known[1] is None or bar is None or not 0.0 < bar.elapsed < 1.0:
            return None
        return bar, measure(known[1], bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)

    def closed(self, tape: Tape, timeframe: str, since_ns: int, playhead_ns: int) -> list[Finals] | None:
        """The final ranks of the bars that begin after `since_ns` and are over; None before all are here."""
        parts = tape.parts[tape.index_at(since_ns) : tape.index_at(playhead_ns) + 1]
        missing = [part for part in parts if self._key(part, timeframe) not in self._finals]
        if missing:
            self._begin(("finals", timeframe), self._load_finals, missing, timeframe)
            return None
        return [self._finals[self._key(part, timeframe)].told(since_ns, playhead_ns) for part in parts]

    def _key(self, part: Part, timeframe: str) -> tuple[str, date]:
        return timeframe, part.piece.session.trade_date

    # --- loading ----------------------------------------------------------------------------------------

    def _begin(self, key: tuple[object, ...], load: Callable[..., Any], *arguments: Any) -> None:
        if key not in self._loading:
            self._loading[key] = asyncio.create_task(self._attempt(key, load, *arguments))

    async def _attempt(self, key: tuple[object, ...], load: Callable[..., Any], *arguments: Any) -> None:
        try:
            await load(self.version, *arguments)
        except Exception:
            log.exception("replay %s: no ranks", self._replay.pk)
            await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._loading.pop(key, None)
        self._wake()

    async def _load_sample(self, version: int, piece: Piece, timeframe: str) -> None:
        day = piece.session.trade_date
        sample = await patiently(self._sample, timeframe, day)
        if version == self.version:
            self._samples[timeframe] = day, sample

    async def _load_finals(self, version: int, parts: list[Part], timeframe: str) -> None:
        for part in reversed(parts):
            finals = await patiently(self._compute, part.piece, timeframe)
            if version != self.version:
                return
            self._finals[self._key(part, timeframe)] = finals

    def _sample(self, timeframe: str, day: date) -> Sample | None:
        try:
            return access.table(self._replay.asset, timeframe, day, self._replay.lookback_days)
        except access.NoRanks:
            return None

    def _compute(self, piece: Piece, timeframe: str) -> Finals:
        """The ranks of all bars of a session; it may take a while, in a thread."""
        sample = self._sample(timeframe, piece.session.trade_date)
        bars, over = piece.bars(timeframe)
        if sample is None:
            nothing = np.full(len(bars), np.nan)
            return Finals(bars.ts, over, nothing, nothing, np.zeros(len(bars), np.int64))
        buckets = buckets_of(piece.session, timeframe)
        at = buckets.begin.searchsorted(bars.ts)
        ticks = (bars.high - bars.low) // self._replay.asset.tick_size
        found = final_ranks(sample, buckets.start[at], buckets.length[at], bars.volume, ticks)
        return Finals(bars.ts, over, found.volume, found.range, found.n)
