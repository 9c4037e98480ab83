"""What a web process shows of live: a screen for each asset that is looked at, one state, one metrics board."""

import asyncio
import logging
import time
from collections import defaultdict
from typing import Any

from channels.db import database_sync_to_async

from live import fronts, status, topics
from live.screen import Screen
from live.standing import Feed
from market.access import NotOffered, get_asset
from market.bus import Bus
from market.engine.tape import Piece
from market.models import Asset, Job
from ranks import services
from ranks.models import DEFAULT_LOOKBACK
from workspace.board import Board, Line, job_of
from workspace.viewer import Viewer

log = logging.getLogger(__name__)

SWEEP_SECONDS = 1.0


class Screens:
    """Screens by root: begun when first looked at, let go when nobody has looked for a while."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._feed = Feed(self._hear_state)
        self._screens: dict[str, Screen] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._board = Board("", DEFAULT_LOOKBACK, self._lines)
        self._boarded = False
        self._sweeper: asyncio.Task[None] | None = None

    async def get(self, root: str) -> Screen:
        """The screen of an asset. Raises NotOffered for one that live does not have."""
        asset = await database_sync_to_async(_asset)(root)
        await self._begin()
        return await self._screen(asset)

    async def _screen(self, asset: Asset) -> Screen:
        async with self._locks[asset.root]:
            screen = self._screens.get(asset.root)
            if screen is None:
                screen = self._screens[asset.root] = Screen(asset, self._bus, self._feed)
                await screen.start()
            return screen

    async def _begin(self) -> None:
        if self._sweeper is not None and not self._sweeper.done():
            return
        self._sweeper = asyncio.create_task(self._sweep(), name="live screens")
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
        for screen in self._screens.values():
            await screen.stop()
        self._screens.clear()

    def _hear_state(self) -> None:
        for screen in self._screens.values():
            screen.hear_state()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            try:
                await self._show_board()
                await self._close_idle()
            except Exception:
                log.exception("live's screens stumbled")

    async def _close_idle(self) -> None:
        for root, screen in list(self._screens.items()):
            if screen.is_idle and not self._boarded:
                async with self._locks[root]:
                    if screen.is_idle:
                        del self._screens[root]
                        await screen.stop()

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
            await self._screen(asset)
        now = max(screen.playhead_ns for screen in self._screens.values())
        if now > 0 and self._board.is_due(now, time.monotonic()):
            self._board.look(now, time.monotonic(), self._tell_board)

    def _lines(self, playhead_ns: int) -> list[Line]:
        """All that are looked at, by root, each with the job that is at its ranks."""
        going = services.going()
        return [
            _line(screen.asset, screen.piece, going.get(root), playhead_ns)
            for root, screen in sorted(self._screens.items())
        ]

    def _tell_board(self, body: dict[str, Any]) -> None:
        for screen in self._screens.values():
            for viewer in screen.viewers:
                viewer.show_board(body)
            screen.wake()

    @property
    def _viewers(self) -> list[Viewer]:
        return [viewer for screen in self._screens.values() for viewer in screen.viewers]

    async def fetch_board(self, user_id: int) -> int:
        """Have the lookbacks of all assets made ready; of how many that was asked."""
        count: int = await database_sync_to_async(self._fetch_all)(user_id)
        return count

    def _fetch_all(self, user_id: int) -> int:
        pieces = {screen.asset: screen.piece for screen in self._screens.values() if screen.piece is not None}
        for asset, piece in pieces.items():
            services.ready_for(
                asset=asset, until=piece.session.trade_date, lookback_days=DEFAULT_LOOKBACK, asked_by_id=user_id
            )
        return len(pieces)


def _asset(root: str) -> Asset:
    asset = get_asset(root)
    if asset not in fronts.followed():
        raise NotOffered(f"{asset.root} comes from files; there is no live market of it.")
    return asset


def _line(asset: Asset, piece: Piece | None, job: Job | None, playhead_ns: int) -> Line:
    session = asset.sessions.at(playhead_ns) if piece is None else piece.session
    is_over = piece is not None and playhead_ns >= piece.session.close_ns
    return Line(asset, session, piece, **job_of(job), is_over=is_over, is_live=True)
