"""One asset of live as a web process shows it: what the feed tells, followed for all its pages at once.

docs/live.md tells how the messages are followed. What was missed is read from the history; meanwhile messages wait in
a bounded line, and one that does not fit on what is held has the rest read again. So a page's bars are in order,
without a hole, and none twice, whatever was lost on the way.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import time as time_of_day
from typing import Any

from redis.exceptions import RedisError

from live import history, prime, topics
from live.engine.bars import Bar
from live.engine.growing import Growing
from live.engine.market_time import BEHIND_NS
from live.prime import Prime
from live.standing import Feed
from market.bus import Bus
from market.engine.bars import Bars
from market.engine.tape import Piece, Tape
from market.models import Asset, Coverage
from market.schemas import SECONDS
from market.sessions import SECOND_NS, BadTime, et_ns, to_et
from ranks.models import DEFAULT_LOOKBACK
from trading.services import plain_instrument
from workspace import wire
from workspace.following import patiently
from workspace.lookback import Lookback
from workspace.ranking import Ranking
from workspace.viewer import Viewer, log_line

log = logging.getLogger(__name__)

WAITING = 100
"""Messages that wait while the history is read: ten seconds' worth."""
AGAIN_SECONDS = 1.0
"""How soon what could not be read is tried again."""
UNWATCHED_SECONDS = 30.0
"""A page that comes back within this finds everything in place."""
STORED_SECONDS = 5.0
"""How often to look whether a session that is over has been stored."""
LOG_LINES = 100
REGULAR_OPEN = time_of_day(9, 30)


class Screen:
    """The asset's market up to now. All methods are called in the event loop of the web process."""

    def __init__(self, asset: Asset, bus: Bus, feed: Feed) -> None:
        self.asset = asset
        self.tape: Tape | None = None
        self.tick = asset.tick_size
        self.instrument = plain_instrument(asset)
        self.ranking = Ranking(asset, DEFAULT_LOOKBACK, self.wake)
        self.last: list[Any] | None = None
        self.over: dict[str, Any] | None = None
        self._prime: Prime | None = None
        self._bus, self._feed = bus, feed
        self._lookback: Lookback | None = None
        self._market_ns = self._told_ns = 0
        self._viewers: dict[Viewer, asyncio.Event] = {}
        self._waiting: deque[dict[str, Any]] = deque(maxlen=WAITING)
        self._wants_all = True
        self._wants_more: dict[str, int] = {}
        self._reading: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._lacking = 0
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LINES)
        self._unwatched_since = time.monotonic()
        self.version = 0
        self._made: dict[tuple[object, ...], Any] = {}

    # --- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Follow the feed, and read what it has told."""
        await self._bus.subscribe(topics.bars(self.asset.root), self._hear)
        self._read()
        self._looking = asyncio.create_task(self._look_for_stored(), name=f"live {self.asset}: stored")

    async def stop(self) -> None:
        """Let go."""
        await self._bus.unsubscribe(topics.bars(self.asset.root), self._hear)
        for task in (self._reading, self._looking):
            if task is not None:
                task.cancel()
        if self._lookback is not None:
            self._lookback.stop()
        self.ranking.stop()

    @property
    def is_idle(self) -> bool:
        """Nobody has watched for a while."""
        return not self._viewers and time.monotonic() - self._unwatched_since > UNWATCHED_SECONDS

    # --- following ------------------------------------------------------------------------------------

    def _hear(self, body: dict[str, Any]) -> None:
        if body["kind"] == "roll":
            self._hear_roll(body)
        elif self._is_reading or self._prime is None:
            # what leaves the line may have told of a bar that became another one: nothing after it would tell that
            self._wants_all = self._wants_all or len(self._waiting) == WAITING
            self._waiting.append(body)
        else:
            self._take(body)

    def _hear_roll(self, body: dict[str, Any]) -> None:
        if body["spread"] is None:
            self.say("info", f"The front month is {body['to']} from here on, before {body['from']}.")
            return
        apart = wire.plain_price(body["spread"], self.asset.decimals)
        self.say("info", f"{body['to']} opened at {apart} to {body['from']}; what was before is shown in its prices.")
        self._read_all()

    def _take(self, body: dict[str, Any]) -> None:
        assert self._prime is not None
        piece = self._prime.growing.get(body["trade_date"])
        if piece is None or body["epoch"] != self._prime.epoch:
            self._read_all()
            return
        if body["bars"] is None or body["index"] > piece.count:
            known = self._wants_more.get(body["trade_date"], piece.count)
            self._wants_more[body["trade_date"]] = min(known, body["index"])
            self._read()
            return
        self._put(piece, body["index"], body["bars"], body["forming"])
        self._told_ns = max(self._told_ns, body["market_ns"])
        self.last = body["last"] or self.last
        self.wake()

    def _put(self, piece: Growing, index: int, bars: Bars | Sequence[Bar], forming: Bar | None) -> None:
        """Take seconds, and have each viewer send again what it has sent of them otherwise."""
        amendments = piece.amendments
        changed = piece.put(index, bars, forming)
        self._changed()
        if piece.amendments != amendments:
            self.ranking.amended()
        if changed is not None:
            for viewer in self._viewers:
                viewer.amend(changed)

    def hear_state(self) -> None:
        """The state is there: time goes on without a print, and it tells whether a message was lost."""
        state = self._feed.state
        if state.get("feed") != "replaying":  # such a feed tells its bars a second of ours later, minutes of the market
            self._market_ns = max(self._market_ns, state.get("market_ns", 0))
        held, told = self._held(), state.get("assets", {}).get(self.asset.root, {})
        lacks = told and (told["trade_date"] not in held or told["bars"] > held[told["trade_date"]])
        # a page that was opened in a quiet market, or a closed one, has heard no print
        self.last = self.last or told.get("last")
        # once may be a message that is on its way
        self._lacking = self._lacking + 1 if lacks or self._is_of_another_epoch(state) else 0
        if self._lacking > 1:
            self._lacking = 0
            self._read_all()
        self.wake()

    def _held(self) -> dict[str, int]:
        return {} if self._prime is None else {day: piece.count for day, piece in self._prime.growing.items()}

    def _is_of_another_epoch(self, state: dict[str, Any]) -> bool:
        return self._prime is not None and state.get("epoch", self._prime.epoch) != self._prime.epoch

    # --- reading --------------------------------------------------------------------------------------

    @property
    def _is_reading(self) -> bool:
        return self._reading is not None and not self._reading.done()

    def _read_all(self) -> None:
        self._wants_all = True
        self._read()

    def _read(self) -> None:
        if not self._is_reading:
            self._reading = asyncio.create_task(self._read_on(), name=f"live {self.asset}")

    async def _read_on(self) -> None:
        """Until nothing is wanted any more; then what has waited is taken."""
        while self._wants_all or self._wants_more:
            try:
                await (self._read_everything() if self._wants_all else self._read_rest())
            except (RedisError, OSError):
                await asyncio.sleep(AGAIN_SECONDS)
            except Exception:
                log.exception("live %s: its bars cannot be read", self.asset)
                await asyncio.sleep(AGAIN_SECONDS)
            while self._prime is not None and self._waiting and not (self._wants_all or self._wants_more):
                self._take(self._waiting.popleft())
        self.wake()

    async def _read_everything(self) -> None:
        self._wants_all = False
        self._wants_more.clear()
        try:
            found = await patiently(prime.read, self.asset)
        except BaseException:
            self._wants_all = True
            raise
        if found is not None:
            self._use(found)

    async def _read_rest(self) -> None:
        """The bars of the sessions that are held, from those on that are, or that are said to be others."""
        assert self._prime is not None
        wanted, self._wants_more = self._wants_more, {}
        try:
            await self._read_from(self._prime, wanted)
        except BaseException:
            self._wants_all = True
            raise

    async def _read_from(self, found: Prime, wanted: Mapping[str, int]) -> None:
        keys = {key.trade_date: key for key in await asyncio.to_thread(history.sessions, self.asset.root)}
        for day, piece in found.growing.items():
            if day not in keys:
                continue
            index = min(piece.count, wanted.get(day, piece.count))
            bars = await asyncio.to_thread(history.read, keys[day], index)
            if len(bars):
                self._put(piece, index, bars, None)
                self._told_ns = max(self._told_ns, int(bars.ts[-1]) + SECOND_NS + BEHIND_NS)

    def _use(self, found: Prime) -> None:
        before = self._prime
        self._prime, self.tape = found, found.tape
        self._changed()
        if before is not None and found.epoch != before.epoch:
            self._market_ns = self._told_ns = 0  # the market's time has gone back
        newest = max((int(each.stored.ts[-1]) for each in found.growing.values() if len(each.stored)), default=0)
        self._told_ns = max(self._told_ns, newest + SECOND_NS + BEHIND_NS)
        self.ranking.forget()
        if self._lookback is not None:
            self._lookback.start()
        is_other = before is None or before.tape.entry_contract != found.tape.entry_contract
        for viewer in self._viewers:
            if is_other:
                viewer.resync()
            else:
                viewer.redraw()

    # --- what a viewer sees ---------------------------------------------------------------------------

    @property
    def playhead_ns(self) -> int:
        """Up to here all is told that has traded: later seconds may still be on their way."""
        return max(self._told_ns - BEHIND_NS, self._market_ns - SECOND_NS)

    def _changed(self) -> None:
        """What was made for the viewers is not true any more."""
        self.version += 1
        self._made.clear()

    def shared(self, key: tuple[object, ...], make: Callable[[], Any]) -> Any:
        """What several viewers want is made once, until something is new; nobody changes it."""
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    def clock_body(self) -> dict[str, Any]:
        """The `clock` of the protocol."""
        clock: dict[str, Any] = self.shared(("clock",), self._clock)
        return clock

    def _clock(self) -> dict[str, Any]:
        part = self.tape.part_at(self.playhead_ns) if self.tape else None
        return {
            "playhead": str(max(self._told_ns, self._market_ns)),
            "playing": True,
            "speed": 1,
            "contract": part.piece.contract if part else None,
            "trade_date": part.piece.session.trade_date.isoformat() if part else None,
            "grade": None,
        }

    def snapshot_body(self) -> dict[str, Any]:
        """The parts of a `snapshot` that are the same for all viewers."""
        session = wire.asset_body(self.asset, self.instrument) | {
            "entry_contract": self.tape.entry_contract if self.tape else None,
            "lookback_days": DEFAULT_LOOKBACK,
            "state": "ready" if self.tape else "loading",
        }
        lookback = self._lookback.body if self._lookback else None
        return {"session": session, "job": None, "lookback": lookback, "log": list(self._log)}

    def feed_body(self) -> dict[str, Any]:
        """How the feed stands for this asset."""
        return self._feed.of(self.asset.root) | {"over": self.over}

    @property
    def piece(self) -> Piece | None:
        """The newest session."""
        return None if self.tape is None else self.tape.parts[-1].piece

    # --- viewers --------------------------------------------------------------------------------------

    def watch(self, viewer: Viewer, news: asyncio.Event, user_id: int) -> None:
        """Add a viewer; the event is set whenever there may be something new for it."""
        self._viewers[viewer] = news
        if self._lookback is None:
            self._lookback = Lookback(self.asset, DEFAULT_LOOKBACK, user_id, self._bus, self, self.ranking.forget)
        if self.tape is not None:
            self._lookback.start()
        news.set()

    def unwatch(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._viewers.pop(viewer, None)
        self._unwatched_since = time.monotonic()

    @property
    def viewers(self) -> list[Viewer]:
        return list(self._viewers)

    def wake(self) -> None:
        """There is something new."""
        self._changed()
        for event in self._viewers.values():
            event.set()

    def say(self, level: str, text: str, job_id: int | None = None) -> None:
        """Write a line into the log of its pages; job_id: the job that it asks about."""
        line = log_line(level, text, job_id)
        self._log.append(line)
        for viewer in self._viewers:
            viewer.put({"type": "log", "line": line})
        self.wake()

    def lookback_changed(self) -> None:
        """Tell the viewers how much there is to compare with."""
        assert self._lookback is not None
        for viewer in self._viewers:
            viewer.put({"type": "lookback", "lookback": self._lookback.body}, replaces="lookback")
        self.wake()

    # --- the session that is over ---------------------------------------------------------------------

    async def _look_for_stored(self) -> None:
        while True:
            try:
                found = await patiently(self._over) if self.tape is not None and self._viewers else self.over
                if found != self.over:
                    self.over = found
                    self.wake()
            except Exception:
                log.exception("live %s: cannot look what is stored", self.asset)
            await asyncio.sleep(STORED_SECONDS)

    def _over(self) -> dict[str, Any] | None:
        """The newest session that has closed, and where a replay of it begins; None without one."""
        tape = self.tape
        closed = [part for part in tape.parts if part.piece.session.close_ns <= self.playhead_ns] if tape else []
        if not closed:
            return None
        piece = closed[-1].piece
        session = piece.session
        rows = Coverage.objects.filter(
            contract__asset=self.asset, schema=SECONDS.name, trade_date=session.trade_date, rows__gt=0
        )
        return {
            "trade_date": session.trade_date.isoformat(),
            "entry": f"{to_et(_entry(piece)):%Y-%m-%d %H:%M}",
            "stored": rows.exists(),
        }


def _entry(piece: Piece) -> int:
    """The regular open, else the session's."""
    try:
        regular = et_ns(piece.session.trade_date, REGULAR_OPEN)
    except BadTime:
        return piece.session.open_ns
    return regular if piece.session.is_open(regular) else piece.session.open_ns
