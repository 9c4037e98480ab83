"""What a session has to send, made a little ahead in a thread, so that it is there when it is due."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from standin.live import messages
from standin.live.control import SCHEMAS
from standin.live.parcel import GATEWAY, Parcel, Part, merged, place
from standin.market.bars import INTERVALS_NS
from standin.market.contracts import Instrument
from standin.market.underlying import MINUTE_NS
from standin.noise import Ints
from standin.records import records

SPAN_NS = MINUTE_NS
"""So much is made at once at the pace of the clock, as the market makes it; more to catch up with it, at most:"""
MOST_SPAN_NS = {"mbp-10": MINUTE_NS, "mbp-1": MINUTE_NS, "trades": 5 * MINUTE_NS}
MOST_SPAN_OF_OTHERS_NS = 60 * MINUTE_NS
LAG_SPANS = 4


@dataclass(frozen=True, slots=True)
class Feed:
    """Instruments of one schema that a session gets from some time on (UTC ns).

    Records due before `due_from_ns` are left out, and so are those of events before `event_from_ns`.
    """

    schema: str
    instruments: tuple[Instrument, ...]
    due_from_ns: int
    event_from_ns: int = 0


class Timeline:
    """The records of some feeds in the order of their due times. Used from one task only."""

    def __init__(self, seed: int, start_ns: int) -> None:
        self._seed = seed
        self._feeds: tuple[Feed, ...] = ()
        self._at_ns = start_ns  # everything due before is out
        self._block: tuple[Parcel, int] | None = None  # what is left of it, and its end
        self._next: asyncio.Future[tuple[Parcel, int]] | None = None

    @property
    def schemas(self) -> set[str]:
        return {feed.schema for feed in self._feeds}

    def add(self, feed: Feed) -> None:
        """Include more records. What was made ahead without them is made again."""
        self._feeds = (*self._feeds, feed)
        self._block = self._next = None

    def skip(self, schema: str, now_ns: int) -> None:
        """Leave out what is due of a schema."""
        self._feeds = tuple(
            replace(feed, due_from_ns=max(feed.due_from_ns, now_ns + 1)) if feed.schema == schema else feed
            for feed in self._feeds
        )
        self._block = self._next = None

    async def take(self, now_ns: int) -> Parcel | None:
        """Some more of the records that are due; None when all of them are out."""
        while self._at_ns <= now_ns:
            if self._block is None:
                self._block = await (self._next or self._make(self._at_ns, now_ns))
                self._next = None
            parcel, end_ns = self._block
            count = int(np.searchsorted(parcel.due, now_ns, side="right"))
            self._at_ns = min(end_ns, now_ns + 1)
            self._block = (parcel[count:], end_ns) if self._at_ns < end_ns else None
            if count:
                return parcel[:count]
        return None

    def make_ahead(self, now_ns: int) -> None:
        """Begin with the next records when half of the made ones are out."""
        if self._block is not None and self._next is None and now_ns >= self._block[1] - SPAN_NS // 2:
            self._next = self._make(self._block[1], now_ns)

    def _make(self, start_ns: int, now_ns: int) -> asyncio.Future[tuple[Parcel, int]]:
        end_ns = start_ns + self._span(now_ns - start_ns)
        end_ns -= end_ns % MINUTE_NS
        return asyncio.ensure_future(asyncio.to_thread(_block, self._seed, self._feeds, start_ns, end_ns))

    def _span(self, lag_ns: int) -> int:
        most = min((MOST_SPAN_NS.get(schema, MOST_SPAN_OF_OTHERS_NS) for schema in self.schemas), default=SPAN_NS)
        return min(max(SPAN_NS, LAG_SPANS * lag_ns), most)


def _block(seed: int, feeds: Sequence[Feed], start_ns: int, end_ns: int) -> tuple[Parcel, int]:
    """All records due in [start_ns, end_ns), and that end."""
    return merged(list(_parts(seed, feeds, start_ns, end_ns))), end_ns


def _parts(seed: int, feeds: Sequence[Feed], start_ns: int, end_ns: int) -> Iterator[Part]:
    for schema in SCHEMAS:
        wanted = [feed for feed in feeds if feed.schema == schema]
        for feed in wanted:
            yield _market_part(seed, feed, start_ns, end_ns)
        if wanted and schema in INTERVALS_NS:
            yield _interval_part(schema, wanted, start_ns, end_ns)


def _market_part(seed: int, feed: Feed, start_ns: int, end_ns: int) -> Part:
    begin, interval = max(start_ns, feed.due_from_ns), INTERVALS_NS.get(feed.schema, 0)
    since = begin - interval  # a bar is due when it is over
    if interval:
        since = -(-since // interval) * interval
    made = records(seed, feed.schema, feed.instruments, since, max(since, end_ns - interval))
    due = _due(feed.schema, made)
    kept = (due >= begin) & (due < end_ns) & (made["ts_event"].astype(np.int64) >= feed.event_from_ns)
    return Part(place(feed.schema), due[kept], made[kept])


def _due(schema: str, made: NDArray[Any]) -> Ints:
    if schema in INTERVALS_NS:
        bars: Ints = made["ts_event"].astype(np.int64) + INTERVALS_NS[schema]
        return bars
    received: Ints = made["ts_recv"].astype(np.int64)
    return received


def _interval_part(schema: str, feeds: Sequence[Feed], start_ns: int, end_ns: int) -> Part:
    """One message at each interval's end, also where no bar was printed."""
    interval = INTERVALS_NS[schema]
    first = min(max(feed.due_from_ns, feed.event_from_ns + interval) for feed in feeds)
    begin = -(-max(start_ns, first) // interval) * interval
    ends = np.arange(begin, end_ns, interval, dtype=np.int64)
    return Part(GATEWAY, ends, messages.end_of_interval(schema, ends))
