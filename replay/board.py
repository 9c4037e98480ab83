"""The metrics board: every asset whose session at the playhead is stored, in every timeframe."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef

from market import tapes
from market.access import offered
from market.engine.tape import Piece
from market.models import Asset, Coverage
from market.schemas import SECONDS
from market.sessions import Session, to_et
from market.store import DamagedPiece
from market.timeframes import TIMEFRAMES
from ranks import access, series, services
from ranks.engine.metrics import forming, measure
from ranks.engine.sample import Sample
from replay import wire
from replay.following import patiently

log = logging.getLogger(__name__)

EVERY_SECONDS = 1.0
LOOK_SECONDS = 10.0
"""How often to look for assets that have come in, or whose samples have grown."""
ONE_DAY, LONGEST_SESSION = timedelta(days=1), timedelta(days=5)
"""A session that holidays make longer is named by its last day."""


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
    """The board of one replay. All but `_look` and what it calls run in the event loop."""

    def __init__(self, lookback_days: int) -> None:
        self._lookback_days = lookback_days
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
                self._lines = await patiently(_lines, playhead_ns)
            for line in self._lines:
                missing = TIMEFRAMES.keys() - line.samples.keys()
                for name in missing:
                    line.samples[name] = await patiently(_sample, line, name, self._lookback_days)
                if missing:
                    tell(await asyncio.to_thread(_body, self._lines, playhead_ns))
            tell(await asyncio.to_thread(_body, self._lines, playhead_ns))
        except Exception:
            log.exception("the metrics board failed")


def _lines(playhead_ns: int) -> list[Line]:
    """The assets whose session at the playhead is stored."""
    day = to_et(playhead_ns).date()
    near = Coverage.objects.filter(
        contract__asset=OuterRef("pk"), schema=SECONDS.name, trade_date__range=(day - ONE_DAY, day + LONGEST_SESSION)
    )
    lines = (_line_at(asset, playhead_ns) for asset in offered().filter(Exists(near)))
    return [line for line in lines if line is not None]


def _line_at(asset: Asset, playhead_ns: int) -> Line | None:
    session = asset.sessions.at(playhead_ns)
    return None if session is None else _line(asset, session)


def _line(asset: Asset, session: Session) -> Line | None:
    contract = series.front_contracts(asset, [session]).get(session.trade_date)
    if contract is None:
        return None
    try:
        piece = tapes.stored_piece(contract, session)
    except DamagedPiece:
        return None
    return None if piece is None else Line(asset, session, piece)


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


def fetch_all(playhead_ns: int, lookback_days: int, owner_id: int) -> int:
    """Have the sessions at a moment, and their lookbacks, of all assets made ready; of how many that was asked."""
    count = 0
    here = {line.asset.pk for line in _lines(playhead_ns)}
    for asset in offered().filter(from_files=False).exclude(pk__in=here):
        session = asset.sessions.at(playhead_ns)
        if session is None:
            continue
        until = session.trade_date + ONE_DAY
        services.ready_for(asset=asset, until=until, lookback_days=lookback_days, asked_by_id=owner_id)
        count += 1
    return count
