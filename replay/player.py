"""The running replay: one asyncio task per replay that somebody watches.

The player holds the clock and the tape, tells its viewers when there is something new, keeps the row in Postgres
up to date, and has data fetched before the clock runs out of it.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Coroutine
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings

from market.engine.tape import Tape
from market.sessions import SECOND_NS, BadTime, parse_et
from replay import services
from replay.engine.clock import FASTEST_STEP_NS, ReplayClock
from replay.loader import Bus, CannotLoad, Loader
from replay.models import ReplaySession
from replay.protocol import Refused
from replay.viewer import Viewer

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.05
SAVE_SECONDS = 1.0
LOOK_SECONDS = 5.0
UNWATCHED_SECONDS = 10.0
"""A reload or a dropped line is back within this; then the market stands still."""
NO_MORE_SECONDS = 60.0
"""How often to look again where the data ended."""
PREFETCH_AT = 0.8
LOG_LINES = 200
RESUME_SECONDS = 30.0
"""A replay that was playing goes on by itself when its server process comes back within this."""


class Player:
    """Runs one replay. All methods are called in the event loop of the web process."""

    def __init__(self, replay: ReplaySession, bus: Bus) -> None:
        self.replay = replay
        self.tape: Tape | None = None
        self.tick = replay.asset.tick_size
        self.taken_over = False
        self._clock = ReplayClock(replay.playhead_ns, speed=replay.speed, playing=replay.playing)
        self._viewers: dict[Viewer, asyncio.Event] = {}
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LINES)
        self._loader = Loader(replay.owner_id, bus, self._job_changed)
        self._loaded_from_ns = replay.playhead_ns
        self._no_more_until = 0.0
        self._unwatched_since = time.monotonic()
        self._saved_at = 0.0
        self._loading: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    # --- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the replay over from whichever process ran it, and run."""
        idle = time.time() - self.replay.saved_at.timestamp()
        await database_sync_to_async(services.take_over)(self.replay)
        if self._clock.playing and idle > RESUME_SECONDS:
            self._clock.pause()
            self.say("warn", "The replay stood still while nobody watched. Press Play to go on.")
        if self.replay.state != ReplaySession.State.FAILED:
            self._begin(self._load_around(self._clock.playhead_ns))
        self._task = asyncio.create_task(self._run(), name=f"replay {self.replay.pk}")

    async def stop(self) -> None:
        """Write down where the replay stands and let go."""
        for task in (self._task, self._loading):
            if task is not None:
                task.cancel()
        if not self.taken_over:
            await self._save()

    @property
    def is_idle(self) -> bool:
        """Nobody has watched for a while."""
        return not self._viewers and time.monotonic() - self._unwatched_since > UNWATCHED_SECONDS

    async def _run(self) -> None:
        while not self.taken_over:
            try:
                await self._turn()
            except Exception:
                log.exception("replay %s stumbled", self.replay.pk)
                self._clock.pause()
                self.say("error", "Something went wrong in the server; the replay is paused. Press Play to go on.")
            await asyncio.sleep(FRAME_SECONDS)

    async def _turn(self) -> None:
        now = time.monotonic()
        if not self._viewers and self._clock.playing and now - self._unwatched_since > UNWATCHED_SECONDS:
            self._clock.pause()
        if self.tape is not None:
            self._advance(now)
        if self._is_save_due(now):
            await self._save()

    def _advance(self, now: float) -> None:
        assert self.tape is not None
        if self._is_held_up():
            return
        before = self._clock.playhead_ns
        playhead = self._clock.advance(now, self.tape.next_open, self.tape.end_ns)
        if playhead != before:
            self.wake()
        if self._clock.playing or playhead >= self.tape.end_ns:
            self._look_ahead(now)

    def _is_held_up(self) -> bool:
        """At the highest speed the slowest browser sets the pace."""
        return self._clock.speed is None and any(viewer.is_behind for viewer in self._viewers)

    # --- viewers --------------------------------------------------------------------------------------

    def watch(self, viewer: Viewer) -> asyncio.Event:
        """Add a viewer; the event is set whenever there may be something new for it."""
        self._viewers[viewer] = asyncio.Event()
        self._viewers[viewer].set()
        return self._viewers[viewer]

    def unwatch(self, viewer: Viewer) -> None:
        """Forget a viewer."""
        self._viewers.pop(viewer, None)
        self._unwatched_since = time.monotonic()

    def wake(self) -> None:
        """There is something new."""
        for event in self._viewers.values():
            event.set()

    def say(self, level: str, text: str) -> None:
        """Write a line into the replay's log."""
        line = {"at": int(time.time()), "level": level, "text": text}
        self._log.append(line)
        for viewer in self._viewers:
            viewer.put({"type": "log", "line": line})
        self.wake()

    @property
    def playhead_ns(self) -> int:
        return self._clock.playhead_ns

    def clock_body(self) -> dict[str, Any]:
        """The `clock` of the protocol."""
        part = self.tape.part_at(self.playhead_ns) if self.tape else None
        return {
            "playhead": str(self.playhead_ns),
            "playing": self._clock.playing,
            "speed": "max" if self._clock.speed is None else self._clock.speed,
            "contract": part.piece.contract if part else None,
            "trade_date": part.piece.session.trade_date.isoformat() if part else None,
            "at_end": self.tape is not None and self.playhead_ns >= self.tape.end_ns and not self._is_loading,
        }

    def snapshot_body(self) -> dict[str, Any]:
        """The parts of a `snapshot` that are the same for all viewers."""
        replay, asset = self.replay, self.replay.asset
        session = {
            "id": str(replay.pk),
            "root": asset.root,
            "name": asset.name,
            "exchange": asset.exchange,
            "tick": asset.tick_size,
            "decimals": asset.decimals,
            "price_display": asset.price_display,
            "entry_ns": str(replay.entry_ns),
            "entry_contract": self._entry_contract(),
            "lookback_days": replay.lookback_days,
            "state": replay.state,
            "grade": "bars",
            "synthetic": settings.SYNTHETIC_MARKET,
            "problem": replay.problem or None,
        }
        return {"session": session, "job": self._loader.job, "log": list(self._log)}

    def _entry_contract(self) -> str | None:
        """The contract in whose price space the charts stand; None while it is not loaded."""
        unshifted = (part.piece.contract for part in self.tape.parts if part.shift == 0) if self.tape else iter(())
        return next(unshifted, None)

    # --- commands -------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let the market run. Raises Refused while there is no tape."""
        self._need_tape()
        self._clock.play()
        self._changed()

    def pause(self) -> None:
        """Stop the market."""
        self._clock.pause()
        self._changed()

    def set_speed(self, speed: float | None) -> None:
        """Market seconds a second; None is as fast as possible."""
        self._clock.speed = speed
        self._changed()

    def remember_timeframe(self, timeframe: str) -> None:
        """The page opens with it next time."""
        self.replay.timeframe = timeframe
        self._changed()

    def step(self, unit: str, count: int, timeframe: str) -> None:
        """Pause and move by a second or to the next or last end of a bar. Raises Refused at the tape's ends."""
        tape = self._need_tape()
        target = self._second(count) if unit == "second" else tape.step(timeframe, self.playhead_ns, count)
        opening = None if target is None else tape.next_open(target) if unit == "second" and count > 0 else target
        if opening is None or not tape.start_ns < opening <= tape.end_ns:
            raise Refused("no_more_data", "There is no loaded data beyond this point.")
        self._clock.pause()
        self._move(opening)

    def _second(self, count: int) -> int:
        """The next or last whole second."""
        whole = self.playhead_ns // SECOND_NS
        if count < 0 and self.playhead_ns % SECOND_NS:
            count = 0
        return (whole + count) * SECOND_NS

    async def seek(self, et: str) -> None:
        """Put the playhead somewhere else, loading what is missing. Raises Refused; then nothing has changed."""
        self._need_tape()
        try:
            target = parse_et(et)
        except BadTime as problem:
            raise Refused("bad_time", str(problem)) from None
        available = await database_sync_to_async(services.what_is_available)(self.replay.asset)
        try:
            services.check_moment(self.replay.asset, target, available)
        except services.BadMoment as problem:
            raise Refused("bad_moment", str(problem)) from None
        tape = self._need_tape()
        if tape.start_ns <= target < tape.end_ns:
            self._move(target)
            return
        self._begin(self._load_around(target, target))

    def _move(self, ns: int) -> None:
        back = ns < self.playhead_ns
        self._clock.move(ns)
        if back:
            for viewer in self._viewers:
                viewer.redraw()
        self._changed()

    def _need_tape(self) -> Tape:
        if self.tape is None:
            raise Refused("not_ready", self.replay.problem or "The market data is still being loaded.")
        return self.tape

    def _changed(self) -> None:
        self._saved_at = 0.0
        self.wake()

    # --- data -----------------------------------------------------------------------------------------

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Start loading, instead of what was being loaded."""
        if self._loading is not None:
            self._loading.cancel()
        self._loading = asyncio.create_task(self._attempt(work), name=f"load {self.replay.pk}")

    async def _attempt(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except CannotLoad as problem:
            self._fail(str(problem))
        except Exception:
            log.exception("replay %s could not load", self.replay.pk)
            self._fail("Something went wrong while loading; the server's log has the details. Press Load again.")

    async def _load_around(self, ns: int, put_ns: int | None = None) -> None:
        """Load the window around an instant and put the playhead at `put_ns` (None: leave it)."""
        job = self.replay.job if self.tape is None and self.replay.state == ReplaySession.State.LOADING else None
        available = await database_sync_to_async(services.what_is_available)(self.replay.asset)
        window = services.window_around(self.replay, ns, available.end_ns)
        self._put_tape(await self._loader.load(window, available, job), put_ns)

    async def _extend(self, tape: Tape) -> None:
        """Load the next sessions behind the tape."""
        self._no_more_until = time.monotonic() + NO_MORE_SECONDS
        available = await database_sync_to_async(services.what_is_available)(self.replay.asset)
        window = services.window_ahead(self.replay, tape, available.end_ns)
        if window is not None:
            self._put_tape(await self._loader.load(window, available), None)
            self._no_more_until = 0.0

    def _look_ahead(self, now: float) -> None:
        """Have the next sessions loaded when most of what lies ahead has been played."""
        assert self.tape is not None
        ahead = self.tape.end_ns - self._loaded_from_ns
        if self._is_loading or self.playhead_ns - self._loaded_from_ns < PREFETCH_AT * ahead:
            return
        if now >= self._no_more_until:
            self._begin(self._extend(self.tape))
        elif self._clock.playing and self.playhead_ns >= self.tape.end_ns:
            self._clock.pause()
            self.say("info", "The data ends here.")
            self._changed()

    @property
    def _is_loading(self) -> bool:
        return self._loading is not None and not self._loading.done()

    def _put_tape(self, tape: Tape, ns: int | None) -> None:
        first, self.tape = self.tape is None, tape
        self._clock.move(min(ns or self.playhead_ns, tape.end_ns))
        self._loaded_from_ns = self.playhead_ns
        self.replay.state, self.replay.problem = ReplaySession.State.READY, ""
        for viewer in self._viewers:
            if first:
                viewer.resync()
            elif ns is not None:
                viewer.redraw()
        # even how much a session in progress will have traded is the future
        past = [part.piece for part in tape.parts if part.piece.session.close_ns <= self.playhead_ns]
        root, seconds = self.replay.asset.root, sum(len(piece.seconds) for piece in past)
        self.say("info", f"{root}: {len(past)} sessions with {seconds:,} one-second bars before this one.")
        self._changed()

    def _fail(self, problem: str) -> None:
        """Tell the trader; a replay that already runs goes on with what it has."""
        self.say("error", problem)
        if self.tape is None:
            self.replay.state, self.replay.problem = ReplaySession.State.FAILED, problem
            for viewer in self._viewers:
                viewer.resync()
        self._changed()

    def _job_changed(self) -> None:
        for viewer in self._viewers:
            viewer.put({"type": "job", "job": self._loader.job}, replaces="job")
        self.wake()

    # --- the record -----------------------------------------------------------------------------------

    def _is_save_due(self, now: float) -> bool:
        """Soon after a change; now and then without one, to notice another process that took over."""
        row = self.replay
        stands = self.playhead_ns, self._clock.playing, self._clock.speed
        changed = self._saved_at == 0.0 or stands != (row.playhead_ns, row.playing, row.speed)
        return now - self._saved_at > (SAVE_SECONDS if changed else LOOK_SECONDS)

    async def _save(self) -> None:
        """Write the clock down; notice when another process runs this replay now."""
        self._saved_at = time.monotonic()
        self.replay.playhead_ns = self.playhead_ns
        self.replay.playing, self.replay.speed = self._clock.playing, self._clock.speed
        if not await database_sync_to_async(services.save)(self.replay):
            self.taken_over = True
            self.wake()

    def resume_at(self, shown_ns: int) -> None:
        """What a browser has shown is not taken back: after a crash the row may be a second behind it."""
        speed = max(1.0, self._clock.speed or FASTEST_STEP_NS / SECOND_NS / FRAME_SECONDS)
        if self.tape is None and 0 < shown_ns - self.playhead_ns <= 2 * SAVE_SECONDS * speed * SECOND_NS:
            self._clock.move(shown_ns)
