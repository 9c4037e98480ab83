"""The bars of the current and the last session of each asset, in Valkey.

A session is one string of records of 40 bytes: a page's catch-up is one read from an index on, and writing the same
bars twice ends in the same string. The feed process writes; everybody else reads.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
import redis
from django.conf import settings
from django.db import connection
from redis import asyncio as aioredis

from live.engine.bars import SECOND_NS, Bar
from live.engine.ledger import TAIL, Ledger, Write
from market.engine.bars import Bars

PRICES = ("open", "high", "low", "close")
RECORD = np.dtype([("second", "<u4"), ("volume", "<u4"), *((price, "<i8") for price in PRICES)])
"""second: since the session's opening. Prices: 1e-9 units."""
KEPT_SESSIONS = 2
EXPIRE_SECONDS = 8 * 86_400
"""Bars of a feed that is gone for good leave by themselves; the longest holidays are shorter."""
ANSWER_SECONDS = 5.0


def name(*parts: str) -> str:
    """The key of something in Valkey, which several installations may share."""
    return ":".join(["live", str(connection.settings_dict["NAME"]), *parts])


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Which session of which asset, and what it shows.

    since_ns: its bars are whole from here on (UTC ns), the opening if nothing is missing. open_ns: the opening.
    """

    root: str
    trade_date: str
    contract_id: int
    symbol: str
    open_ns: int
    since_ns: int

    @property
    def bars(self) -> str:
        return name("bars", self.root, self.trade_date)

    @property
    def prints(self) -> str:
        return name("prints", self.root, self.trade_date)

    @property
    def is_whole(self) -> bool:
        return self.since_ns <= self.open_ns

    @property
    def day(self) -> date:
        return date.fromisoformat(self.trade_date)


@dataclass(frozen=True, slots=True)
class Position:
    """How far the feed has come: all bars before until_ns (UTC ns) are held. epoch: changes when time went back."""

    until_ns: int
    epoch: int


@lru_cache(maxsize=1)
def client() -> Any:
    """Valkey, for processes that may wait for it a little. The library's types do not tell waiting from async."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
    )


# --- reading ----------------------------------------------------------------------------------------------


def sessions(root: str) -> list[SessionKey]:
    """The sessions that are held of an asset, ascending; at most the current and the last one. Raises RedisError."""
    return _keys(client().hvals(name("sessions", root)))


def read(key: SessionKey, index: int = 0) -> Bars:
    """A session's bars from an index on. Raises RedisError."""
    return decode(client().getrange(key.bars, index * RECORD.itemsize, -1), key.open_ns)


def sessions_of(roots: Sequence[str]) -> dict[str, list[SessionKey]]:
    """`sessions` of several assets, in one turn with Valkey. Raises RedisError."""
    pipe = client().pipeline(transaction=False)
    for root in roots:
        pipe.hvals(name("sessions", root))
    return {root: _keys(values) for root, values in zip(roots, pipe.execute(), strict=True)}


def read_all(wanted: Sequence[tuple[SessionKey, int]]) -> list[Bars]:
    """`read` of several sessions, each from an index on, in one turn with Valkey. Raises RedisError."""
    pipe = client().pipeline(transaction=False)
    for key, index in wanted:
        pipe.getrange(key.bars, index * RECORD.itemsize, -1)
    return [decode(body, key.open_ns) for (key, _), body in zip(wanted, pipe.execute(), strict=True)]


def spread(key: SessionKey) -> int | None:
    """What the session's contract opened above the one before it (1e-9 units); None where it is not known, or there
    was no roll. Raises RedisError."""
    held = client().hget(name("spreads", key.root), key.trade_date)
    return None if held is None else int(held)


def ledger(key: SessionKey) -> Ledger:
    """What is held of a session, to go on from. Raises RedisError."""
    count = client().strlen(key.bars) // RECORD.itemsize
    tail = read(key, max(0, count - TAIL))
    return Ledger(count, list(zip(*(getattr(tail, each).tolist() for each in Bars.COLUMNS), strict=True)))


def read_prints(key: SessionKey) -> bytes:
    """A session's prints in order of arrival, as DBN has them; empty where they are not kept. Raises RedisError."""
    body: bytes = client().get(key.prints) or b""
    return body


def replace_prints(key: SessionKey, body: bytes) -> None:
    """Hold these prints instead. Raises RedisError."""
    client().set(key.prints, body, ex=EXPIRE_SECONDS)


def position() -> Position | None:
    """How far the feed has come; None before the first bar. Raises RedisError."""
    return _position(client().get(name("position")))


def encode(bars: Sequence[Bar], open_ns: int) -> bytes:
    """Bars of a session as they are held."""
    columns = np.array(bars, np.int64).reshape(-1, 6).T
    rows = np.empty(columns.shape[1], RECORD)
    rows["second"] = (columns[0] - open_ns) // SECOND_NS
    for column_name, column in zip((*PRICES, "volume"), columns[1:], strict=True):
        rows[column_name] = column
    return rows.tobytes()


def decode(body: bytes, open_ns: int) -> Bars:
    rows = np.frombuffer(body, RECORD)
    ts = open_ns + rows["second"].astype(np.int64) * SECOND_NS
    open_, high, low, close = (np.ascontiguousarray(rows[each]) for each in PRICES)
    return Bars(ts, open_, high, low, close, rows["volume"].astype(np.int64))


def _keys(values: list[bytes]) -> list[SessionKey]:
    return sorted((SessionKey(**json.loads(value)) for value in values), key=_by_date)


def _by_date(key: SessionKey) -> str:
    return key.trade_date


def _position(value: bytes | None) -> Position | None:
    return Position(**json.loads(value)) if value else None


# --- writing ----------------------------------------------------------------------------------------------


class History:
    """The feed's own hand on it, for one event loop."""

    def __init__(self) -> None:
        self._redis: Any = aioredis.Redis.from_url(
            settings.REDIS_URL, socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS
        )

    async def begin(self, key: SessionKey) -> SessionKey | None:
        """Note a session, and keep the one before it, which is returned; older ones go."""
        listed = name("sessions", key.root)
        held = [each for each in _keys(await self._redis.hvals(listed)) if each.trade_date != key.trade_date]
        pipe = self._redis.pipeline()
        for old in held[: max(0, len(held) + 1 - KEPT_SESSIONS)]:
            pipe.delete(old.bars, old.prints).hdel(listed, old.trade_date)
            pipe.hdel(name("spreads", key.root), old.trade_date)
        await pipe.hset(listed, key.trade_date, json.dumps(asdict(key))).execute()
        return max((each for each in held if each.trade_date < key.trade_date), key=_by_date, default=None)

    async def write(
        self,
        writes: Sequence[tuple[SessionKey, Write]],
        prints: Sequence[tuple[SessionKey, bytes]],
        spreads: Sequence[tuple[SessionKey, int]],
        at: Position,
        told: Sequence[tuple[str, bytes]] = (),
    ) -> None:
        """Have the bars, more prints where they are kept, the spreads of rolls, and how far it reaches, and tell it:
        all of it or nothing, in one turn with Valkey. told: channels, and what is said on each after the writing."""
        pipe = self._redis.pipeline(transaction=True)
        for key, write in writes:
            pipe.setrange(key.bars, write.index * RECORD.itemsize, encode(write.bars, key.open_ns))
            pipe.expire(key.bars, EXPIRE_SECONDS)
        for key, rows in prints:
            pipe.append(key.prints, rows)
            pipe.expire(key.prints, EXPIRE_SECONDS)
        for key, spread in spreads:
            pipe.hset(name("spreads", key.root), key.trade_date, spread)
        pipe.set(name("position"), json.dumps(asdict(at)))
        for channel, message in told:
            pipe.publish(channel, message)
        await pipe.execute()

    async def close(self) -> None:
        """Let go of the connections."""
        await self._redis.aclose()


def forget() -> None:
    """Drop everything: the market's time has gone back, and what was held will come again."""
    for kind in ("bars", "prints", "sessions", "spreads"):
        for key in client().scan_iter(name(kind, "*")):
            client().delete(key)
