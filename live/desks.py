"""What a web process shows of live: a desk for each asset that is looked at, one state, one metrics board."""

import asyncio
import logging
import time
from collections import defaultdict
from typing import Any

from channels.db import database_sync_to_async

from live import fronts, status, topics
from live.desk import Desk
from live.standing import Feed
from market.access import NotOffered, get_asset
from market.bus import Bus
from market.models import Asset
from ranks import services
from ranks.models import DEFAULT_LOOKBACK
from workspace.board import Board, Line
from workspace.viewer import Viewer

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0


class Desks:
    """Desks by root: begun when first looked at, let go when nobody has looked for a while."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feed = Feed(self._hear_state)
        self._desks: dict[str, Desk] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._board = Board(DEFAULT_LOOKBACK, self._lines)
        self._boarded = False
        self._sweeper: asyncio.Task[None] | None = None

    async def get(self, root: str) -> Desk:
        """The desk of an asset. Raises NotOffered for one that live does not have."""
        asset = await database_sync_to_async(_asset)(root)
        await self._begin()
        return await self._desk(asset)

    async def _desk(self, asset: Asset) -> Desk:
        async with self._locks[asset.root]:
            desk = self._desks.get(asset.root)
            if desk is None:
                desk = self._desks[asset.root] = Desk(asset, self._bus, self._feed)
                await desk.start()
            return desk

    async def _begin(self) -> None:
        if self._sweeper is not None and not self._sweeper.done():
            return
        self._sweeper = asyncio.create_task(self._sweep(), name="live desks")
        await self._bus.subscribe(topics.STATE, self._feed.hear)
        # the next state is up to a second away
        self._feed.hear(await asyncio.to_thread(status.for_all))

    async def stop(self) -> None:
        """Let go of everything."""
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        self._board.stop()
        await self._bus.unsubscribe(topics.STATE, self._feed.hear)
        for desk in self._desks.values():
            await desk.stop()
        self._desks.clear()

    def _hear_state(self) -> None:
        for desk in self._desks.values():
            desk.hear_state()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._show_board()
                await self._close_idle()
            except Exception:
                log.exception("live's desks stumbled")

    async def _close_idle(self) -> None:
        for root, desk in list(self._desks.items()):
            if desk.is_idle and not self._boarded:
                async with self._locks[root]:
                    if desk.is_idle:
                        del self._desks[root]
                        await desk.stop()

    # --- the board ------------------------------------------------------------------------------------

    def show_board(self) -> None:
        """Somebody looks at the board who has not seen it."""
        self._board.show_again()

    async def _show_board(self) -> None:
        """Compute the board for those who look at it; it takes every asset."""
        self._boarded = any(viewer.wants_board for viewer in self._viewers)
        if not self._boarded:
            return
        for asset in await database_sync_to_async(fronts.followed)():
            await self._desk(asset)
        now = max(desk.playhead_ns for desk in self._desks.values())
        if now > 0 and self._board.is_due(now, time.monotonic()):
            self._board.look(now, time.monotonic(), self._tell_board)

    def _lines(self, _playhead_ns: int) -> list[Line]:
        found = [(desk.asset, desk.piece) for _, desk in sorted(self._desks.items())]
        return [Line(asset, piece.session, piece) for asset, piece in found if piece is not None]

    def _tell_board(self, body: dict[str, Any]) -> None:
        for desk in self._desks.values():
            for viewer in desk.viewers:
                viewer.show_board(body)
            desk.wake()

    @property
    def _viewers(self) -> list[Viewer]:
        return [viewer for desk in self._desks.values() for viewer in desk.viewers]

    async def fetch_board(self, user_id: int) -> int:
        """Have the lookbacks of all assets made ready; of how many that was asked."""
        count: int = await database_sync_to_async(self._fetch_all)(user_id)
        return count

    def _fetch_all(self, user_id: int) -> int:
        lines = self._lines(0)
        for line in lines:
            services.ready_for(
                asset=line.asset,
                until=line.session.trade_date,
                lookback_days=DEFAULT_LOOKBACK,
                asked_by_id=user_id,
            )
        return len(lines)


def _asset(root: str) -> Asset:
    asset = get_asset(root)
    if asset not in fronts.followed():
        raise NotOffered(f"{asset.root} comes from files; there is no live market of it.")
    return asset
