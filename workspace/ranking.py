"""How unusual the bars of a tape are: samples come in threads, frames use what is there.

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
from market.engine.tape import Piece, Tape
from market.models import Asset
from ranks import access
from ranks.engine.buckets import buckets_of
from ranks.engine.metrics import Forming, Metrics, forming, measure
from ranks.engine.percentile import Floats
from ranks.engine.sample import Sample, final_ranks
from workspace.following import patiently

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
    """The ranks of one asset's tape; all methods are called in the event loop.

    version: another one means that ranks which were told would be others now.
    """

    def __init__(self, asset: Asset, lookback_days: int, wake: Callable[[], None]) -> None:
        self.version = 0
        self._asset = asset
        self._lookback_days = lookback_days
        self._wake = wake
        self._samples: dict[str, tuple[date, Sample | None]] = {}
        self._finals: dict[tuple[str, date], tuple[int, Finals]] = {}
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
        bar = forming(piece, timeframe, playhead_ns, self._asset.tick_size)
        if known[1] is None or bar is None or not 0.0 < bar.elapsed < 1.0:
            return None
        return bar, measure(known[1], bar.bucket, bar.elapsed, bar.volume, bar.range_ticks)

    def closed(self, tape: Tape, timeframe: str, since_ns: int, playhead_ns: int) -> list[Finals] | None:
        """The final ranks of the bars that begin after `since_ns` and are over; None before all are here."""
        parts = tape.parts[tape.index_at(since_ns) : tape.index_at(playhead_ns) + 1]
        missing = [part.piece for part in parts if not self._is_known(part.piece, timeframe, playhead_ns)]
        if missing:
            self._begin(("finals", timeframe), self._load_finals, missing, timeframe, playhead_ns)
            return None
        return [self._finals[self._key(part.piece, timeframe)][1].told(since_ns, playhead_ns) for part in parts]

    def amended(self) -> None:
        """Bars that were over have become others."""
        self.version += 1

    def _is_known(self, piece: Piece, timeframe: str, playhead_ns: int) -> bool:
        stamp, _ = self._finals.get(self._key(piece, timeframe), (None, None))
        return stamp == piece.stamp(timeframe, playhead_ns)

    def _key(self, piece: Piece, timeframe: str) -> tuple[str, date]:
        return timeframe, piece.session.trade_date

    # --- loading ----------------------------------------------------------------------------------------

    def _begin(self, key: tuple[object, ...], load: Callable[..., Any], *arguments: Any) -> None:
        if key not in self._loading:
            self._loading[key] = asyncio.create_task(self._attempt(key, load, *arguments))

    async def _attempt(self, key: tuple[object, ...], load: Callable[..., Any], *arguments: Any) -> None:
        try:
            await load(self.version, *arguments)
        except Exception:
            log.exception("%s: no ranks", self._asset)
            await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._loading.pop(key, None)
        self._wake()

    async def _load_sample(self, version: int, piece: Piece, timeframe: str) -> None:
        day = piece.session.trade_date
        sample = await patiently(self._sample, timeframe, day)
        if version == self.version:
            self._samples[timeframe] = day, sample

    async def _load_finals(self, version: int, pieces: list[Piece], timeframe: str, playhead_ns: int) -> None:
        for piece in reversed(pieces):
            stamp = piece.stamp(timeframe, playhead_ns)
            finals = await patiently(self._compute, piece.frozen(), timeframe)
            if version != self.version:
                return
            self._finals[self._key(piece, timeframe)] = stamp, finals

    def _sample(self, timeframe: str, day: date) -> Sample | None:
        known = self._samples.get(timeframe)
        if known is not None and known[0] == day:
            return known[1]
        try:
            return access.table(self._asset, timeframe, day, self._lookback_days)
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
        ticks = (bars.high - bars.low) // self._asset.tick_size
        found = final_ranks(sample, buckets.start[at], buckets.length[at], bars.volume, ticks)
        return Finals(bars.ts, over, found.volume, found.range, found.n)
