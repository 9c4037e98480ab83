"""The feed's worker: empties the inbox, makes bars, keeps them, and tells the pages.

It runs in a thread with an event loop of its own. What it has processed is its pulse: no timer of its speaks for it.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from live import feed, topics
from live.engine.bars import Bar
from live.engine.coalesce import Coalesced
from live.engine.duplicates import Duplicates
from live.engine.lags import Lags
from live.engine.ledger import Write
from live.engine.market_time import MarketTime
from live.history import History, Position, SessionKey
from live.plan import Plan
from live.track import Slot, Track
from market.sessions import SECOND_NS

MOST_AT_ONCE = 50_000
"""Records between two looks at the clock: a replay must not hold up what is to be told."""
EVERY_REPLAYED_NS = 1_000_000_000
"""While it catches up with the market, work counts more than messages."""
PULSE_NS = 250_000_000
NOTED_NS = 5 * SECOND_NS
"""How far the feed has come is noted so often in market time, also where nothing trades."""
IDLE_SECONDS = 0.1
ERRORS_KEPT = 20

Tell = Callable[[dict[str, Any]], None]


class Outgoing:
    """What an asset has to tell since its last message."""

    def __init__(self) -> None:
        self.pace = Coalesced()
        self.writes: deque[tuple[Slot, Write]] = deque()
        self.is_changed = False

    @property
    def is_waiting(self) -> bool:
        """Whether there is anything to tell."""
        return self.is_changed or bool(self.writes)


class Worker:
    """The worker of one session."""

    def __init__(self, planned: Plan, tell: Tell) -> None:
        self._tracks = planned.tracks
        self._contracts = planned.contracts
        self._position = planned.position
        self._shift_ns = planned.clock.shift_ns
        self._tell = tell
        self._by_id: dict[int, tuple[Track, int]] = {}
        self._outgoing = {track.root: Outgoing() for track in planned.tracks}
        self._duplicates = Duplicates()
        self._writes: list[tuple[Slot, Write]] = []
        self._told: list[topics.Packed] = []
        self._newest: list[int] = []
        self._begun: set[SessionKey] = set()
        self._pulse_ns = 0
        self.coming: deque[tuple[Track, Slot, int]] = deque()
        """Sessions to come, from the thread that decides front months."""
        self.market = MarketTime()
        self.market.is_live = planned.beginning.start_ns is None
        self.lags = Lags()
        self._live_since_ns = 0
        self.mapping: dict[str, str] = {}
        self.said: deque[tuple[int, str]] = deque(maxlen=ERRORS_KEPT)
        self.records = self.prints = self.repeated = 0

    async def run(self, inbox: feed.Inbox, awake: asyncio.Event, stopping: Callable[[], bool]) -> None:
        """Until asked to stop; then what is in the inbox is still processed. Raises RedisError."""
        self._history = History()
        try:
            while True:
                last_round = stopping()
                await self._turn(inbox.take(MOST_AT_ONCE))
                if not len(inbox):
                    if last_round:
                        self._compose(time.monotonic_ns(), at_once=True)
                        await self._keep(self._position.until_ns)
                        return
                    await _sleep(awake, self._due_seconds(time.monotonic_ns()))
        finally:
            await self._history.close()

    async def _turn(self, records: list[Any]) -> None:
        while self.coming:
            track, slot, end_ns = self.coming.popleft()
            track.append(slot, end_ns)
        for event in feed.translate(records):
            self._take(event)
        now = time.monotonic_ns()
        until = self.market.closes_until(now)
        self._close(until)
        await self._begin_sessions()
        self._compose(now)
        await self._keep(until)
        self.records += len(records)
        if records and now - self._pulse_ns >= PULSE_NS:
            self._pulse_ns = now
            self._tell(self.describe())

    # --- taking ---------------------------------------------------------------------------------------------

    def _take(self, event: feed.Event) -> None:
        if isinstance(event, feed.Prints):
            self._take_prints(event.rows)
        elif isinstance(event, feed.Mapping):
            self._map(event)
        else:
            self._hear(event)

    def _take_prints(self, rows: Any) -> None:
        is_new = self._duplicates.new(rows["ts_recv"].astype(np.int64), rows.tobytes())
        if not is_new.all():
            self.repeated += len(rows) - int(is_new.sum())
            rows = rows[is_new]
        if not len(rows):
            return
        for instrument_id in np.unique(rows["instrument_id"]).tolist():
            track, contract_id = self._by_id.get(instrument_id, (None, 0))
            if track is not None and track.take(contract_id, rows[rows["instrument_id"] == instrument_id]):
                self._outgoing[track.root].is_changed = True
        self.prints += len(rows)
        self.market.hear(int(rows["ts_recv"].max()), time.monotonic_ns())

    def _map(self, event: feed.Mapping) -> None:
        known = self._contracts.get(event.symbol)
        if known is not None:
            self._by_id[event.instrument_id] = known
            self.mapping[event.symbol] = event.raw

    def _hear(self, said: feed.Said) -> None:
        if said.kind == "heartbeat":
            self.market.hear(said.ts_ns, time.monotonic_ns())
        elif said.kind == "replayed":
            self.market.is_live = True
            # what has waited meanwhile comes late, whatever the line's health
            self._live_since_ns = time.time_ns() - self._shift_ns
        elif said.kind in ("error", "warning"):
            self.said.append((said.ts_ns, said.text))

    # --- keeping and telling ----------------------------------------------------------------------------------

    def _close(self, until_ns: int) -> None:
        for track in self._tracks:
            for slot, write in track.close(until_ns):
                self._writes.append((slot, write))
                self._outgoing[track.root].writes.append((slot, write))

    async def _begin_sessions(self) -> None:
        """Note each session as soon as its time has come, with or without a print."""
        for track in self._tracks:
            for slot in track.slots:
                if slot.session.open_ns <= self.market.now and slot.key not in self._begun:
                    self._begun.add(slot.key)
                    before = await self._history.begin(slot.key)
                    if before is not None and before.contract_id != slot.key.contract_id:
                        self._say(track.root, topics.roll_body(before, slot.key))

    async def _keep(self, until_ns: int) -> None:
        """Keep, and tell what is kept. How far the feed has come ends where a session opens that nobody follows yet:
        from there on the next session of the feed replays."""
        until_ns = min(until_ns, *(track.end_ns for track in self._tracks))
        prints = [(slot.key, rows.tobytes()) for track in self._tracks for slot, rows in track.take_kept()]
        rolls = [roll for track in self._tracks for roll in track.take_spreads()]
        for before, after, spread in rolls:
            self._say(after.root, topics.roll_body(before, after, spread))
        news = self._writes or prints or self._told
        if not news and until_ns < self._position.until_ns + NOTED_NS:
            return
        self._position = Position(max(self._position.until_ns, until_ns), self._position.epoch)
        bars = [(slot.key, write) for slot, write in self._writes]
        spreads = [(after, spread) for _, after, spread in rolls]
        await self._history.write(bars, prints, spreads, self._position, self._told)
        self._writes.clear()
        self._told.clear()
        told_ns = time.time_ns() - self._shift_ns
        for ts in self._newest:
            self.lags.add(told_ns - ts)
        self._newest.clear()

    def _say(self, root: str, body: dict[str, Any]) -> None:
        """Tell the asset's pages, once what is to be kept is kept."""
        topic = topics.bars(root)
        self._told.append(topics.packed(topic, body))

    def _compose(self, now_ns: int, *, at_once: bool = False) -> None:
        """An asset of which nothing was told for a while is told of at once."""
        for track in self._tracks:
            out = self._outgoing[track.root]
            if out.is_waiting and (at_once or now_ns >= out.pace.due_ns):
                out.pace.sent(now_ns, 0 if self.market.is_live else EVERY_REPLAYED_NS)
                self._tell_of(track, out)

    def _due_seconds(self, now_ns: int) -> float:
        """How long until something is to be told; at most a moment: time closes seconds too."""
        waiting = [out.pace.due_ns for out in self._outgoing.values() if out.is_waiting]
        return min(IDLE_SECONDS, max(0, min(waiting, default=now_ns + SECOND_NS) - now_ns) / SECOND_NS)

    def _tell_of(self, track: Track, out: Outgoing) -> None:
        """One message for each session that has something new; the forming bar goes with the last."""
        forming = track.forming()
        merged = _merge(out.writes)
        if forming is not None and forming[0].key.trade_date not in merged:
            merged[forming[0].key.trade_date] = (forming[0], forming[0].ledger.count, [])
        for slot, index, bars in merged.values():
            bar = forming[1] if forming is not None and forming[0] is slot else None
            body = topics.bars_body(
                slot.key,
                self._position.epoch,
                index=index,
                closed=bars,
                forming=bar,
                last=track.last,
                market_ns=self.market.now,
            )
            self._say(track.root, body)
        if out.is_changed and track.last is not None and self.market.is_live and track.last[0] > self._live_since_ns:
            self._newest.append(track.last[0])
        out.writes.clear()
        out.is_changed = False

    # --- the pulse --------------------------------------------------------------------------------------------

    def describe(self) -> dict[str, Any]:
        """How the session stands, as plain values. Times are UTC ns of the market; lags ns against this machine."""
        now = self.market.now
        if not now:  # where in its sessions an asset is cannot be told yet; what was told before it stays
            return {"phase": "streaming", "records": self.records, "prints": 0, "is_live": self.market.is_live}
        slots = {track.root: track.slot_at(now) for track in self._tracks}
        is_open = {root: slot is not None and slot.session.is_open(now) for root, slot in slots.items()}
        return {
            "phase": "streaming",
            "records": self.records,
            "prints": self.prints,
            "repeated": self.repeated,
            "is_mostly_open": 2 * sum(is_open.values()) >= len(self._tracks) > 0,
            "is_live": self.market.is_live,
            "market_ns": now,
            "epoch": self._position.epoch,
            "lags_ns": self.lags.percentiles(),
            "gateway_said": list(self.said),
            "assets": {track.root: self._describe(track, is_open[track.root]) for track in self._tracks},
        }

    def _describe(self, track: Track, is_open: bool) -> dict[str, Any]:
        slot = track.slot_at(self.market.now) or (track.slots[-1] if track.slots else None)
        return {
            "symbol": slot.key.symbol if slot else None,
            "trade_date": slot.key.trade_date if slot else None,
            "mapped": sorted(raw for symbol, raw in self.mapping.items() if self._contracts[symbol][0] is track),
            "is_open": is_open,
            "opens_ns": track.opens_at(self.market.now),
            "coming": track.coming(self.market.now),
            "bars": slot.ledger.count if slot else 0,
            "prints": track.prints,
            "last": track.last,
            "too_late": track.builder.too_late,
            "strays": track.strays,
        }


def _merge(writes: Sequence[tuple[Slot, Write]] | deque[tuple[Slot, Write]]) -> dict[str, tuple[Slot, int, list[Bar]]]:
    """The writes of each session as one."""
    merged: dict[str, tuple[Slot, int, list[Bar]]] = {}
    for slot, write in writes:
        _, index, bars = merged.get(slot.key.trade_date, (slot, write.index, []))
        first = min(index, write.index)
        # what a later write says from its index on replaces what an earlier one said
        kept = bars[: write.index - index] if write.index >= index else []
        merged[slot.key.trade_date] = (slot, first, [*kept, *write.bars])
    return merged


async def _sleep(awake: asyncio.Event, seconds: float) -> None:
    """Until a record comes, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await awake.wait()
    except TimeoutError:
        return
    finally:
        awake.clear()
