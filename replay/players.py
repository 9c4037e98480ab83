"""The replays that this web process runs."""

import asyncio
import uuid
from collections import defaultdict

from market.bus import Bus
from replay.models import ReplaySession
from replay.player import Player
from replay.record import Writer

SWEEP_SECONDS = 5.0


class Players:
    """Players by replay id: started when first watched, stopped when nobody has watched for a while."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._writer = Writer()
        self._players: dict[uuid.UUID, Player] = {}
        self._locks: dict[uuid.UUID, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._sweeper: asyncio.Task[None] | None = None

    async def get(self, replay: ReplaySession, shown_ns: int | None) -> Player:
        """The replay's player. shown_ns: the playhead the browser last showed, if it reconnects."""
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep(), name="players")
        async with self._locks[replay.pk]:
            player = self._players.get(replay.pk)
            if player is None or player.taken_over:
                player = Player(replay, self._bus, self._writer)
                if shown_ns is not None:
                    player.resume_at(shown_ns)
                await player.start()
                self._players[replay.pk] = player
            return player

    async def stop(self) -> None:
        """Stop all players; each writes down where it stands."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for player in self._players.values():
            await player.stop()
        self._players.clear()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            for key, player in list(self._players.items()):
                if player.is_idle or player.taken_over:
                    async with self._locks[key]:
                        if player.is_idle or player.taken_over:
                            del self._players[key]
                            await player.stop()
                    del self._locks[key]
