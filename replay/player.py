"""The running replay: one asyncio task per replay that somebody watches.

The player moves the clock over the tape, tells its viewers when there is something new, and has data fetched
before the clock runs out of it.
"""

import asyncio
import logging
import time
from collections import deque
from datetime import date
from typing import Any

from channels.db import database_sync_to_async

from market import queue, tapes
from market.bus import Bus
from market.engine.tape import RollMark, Tape
from market.gateway_errors import GatewayError
from market.models import Job
from market.plans import OF_FILES
from market.sessions import SECOND_NS, BadTime, parse_et
from replay import board, services, wire
from replay.alerting import Alerting
from replay.depth import Depth, Shown
from replay.engine.clock import FASTEST_STEP_NS, ReplayClock
from replay.getting import Getting
from replay.models import ReplaySession
from replay.pace import FRAME_SECONDS, Pace
from replay.record import SAVE_SECONDS, Record, Writer
from replay.supply import Supply
from replay.trading import Trading
from replay.viewer import Viewer
from trading.desk import Desk
from trading.services import plain_instrument
from workspace.board import Board
from workspace.following import patiently
from workspace.lookback import Lookback
from workspace.protocol import Refused
from workspace.ranking import Ranking
from workspace.viewer import log_line
from workspace.wire import plain_price, source

log = logging.getLogger(__name__)

UNWATCHED_SECONDS = 10.0
"""A reload or a dropped line is back within this; then the market stands still."""
RESUME_SECONDS = 30.0
"""A replay that was playing goes on by itself when its server process comes back within this."""
UNSAVED_SECONDS = 4.0
"""A restart of Postgres takes less; a longer outage pauses the market."""
LOG_LINES = 200


class Player:
    """Runs one replay. All methods are called in the event loop of the web process."""

    def __init__(self, replay: ReplaySession, bus: Bus, writer: Writer) -> None:
        self.replay = replay
        self.tape: Tape | None = None
        self.tick = replay.asset.tick_size
        self.instrument = plain_instrument(replay.asset)
        self._clock = ReplayClock(replay.playhead_ns, speed=replay.speed, playing=replay.playing)
        self._record = Record(replay, self._clock, writer)
        self._pace = Pace()
        self._viewers: dict[Viewer, asyncio.Event] = {}
        self._log: deque[dict[str, Any]] = deque(maxlen=LOG_LINES)
        self._unwatched_since = time.monotonic()
        self._running: asyncio.Task[None] | None = None
        self._bus = bus
        self._supply = Supply(replay, bus, self)
        self.ranking = Ranking(replay.asset, replay.lookback_days, self.wake)
        self._lookback = Lookback(replay.asset, replay.lookback_days, replay.owner_id, bus, self, self.ranking.forget)
        self._board = Board(replay.asset.root, replay.lookback_days, board.find)
        self._alerting = Alerting(replay, bus, self.say)
        self._getting = Getting(replay, bus, self)
        self._depth = Depth(self.tick, self)
        self.trading = Trading(replay, bus, self, self._getting.get_traded)
        self._flaws_told: set[date] = set()

    # --- life -----------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Take the replay over from whichever process ran it, and run."""
        idle_seconds = await self._record.take_over()
        self._clock.move(max(self._clock.playhead_ns, await self.trading.start()))
        await self._alerting.start()
        if self._clock.playing and idle_seconds > RESUME_SECONDS:
            self._clock.pause()
            self.say("warn", "The replay stood still while nobody watched. Press Play to go on.")
        if self.replay.state != ReplaySession.State.FAILED:
            self._supply.start()
        else:
            self._supply.wait_for_retry()
        self._running = asyncio.create_task(self._run(), name=f"replay {self.replay.pk}")

    async def stop(self) -> None:
        """Write down where the replay stands and let go."""
        await self.trading.stop()
        await self._alerting.stop()
        self._supply.stop()
        self._lookback.stop()
        self.ranking.stop()
        self._board.stop()
        self._getting.stop()
        self._depth.close()
        if self._running is not None:
            self._running.cancel()
        if not self.taken_over:
            await self._record.save()
        self.tape = None  # a stopped player may wait long for the garbage collector

    @property
    def taken_over(self) -> bool:
        """Another process runs this replay now."""
        return self._record.taken_over

    @property
    def is_idle(self) -> bool:
        """Nobody has watched for a while."""
        return not self._viewers and time.monotonic() - self._unwatched_since > UNWATCHED_SECONDS

    async def _run(self) -> None:
        while not self.taken_over:
            begun = time.monotonic()
            try:
                await self._turn()
            except Exception:
                log.exception("replay %s stumbled", self.replay.pk)
                self._stand_still("Something went wrong in the server; the replay is paused. Press Play to go on.")
                await asyncio.sleep(SAVE_SECONDS)
            await self._pace.rest(begun)
        await self.trading.stop()
        await self._alerting.stop()
        self.wake()

    async def _turn(self) -> None:
        if self.is_idle:
            self._clock.pause()
        if self._record.unsaved_seconds > UNSAVED_SECONDS and self._clock.playing:
            self._stand_still("The database does not answer, so the replay is paused. Press Play when it is back.")
        if self.tape is not None:
            self._advance(self.tape, time.monotonic())
            await self._follow()
            self._alerting.look(self.tape, self.playhead_ns, time.monotonic())
            self._show_board(time.monotonic())
        self._record.save_when_due()

    async def _follow(self) -> None:
        """Have the desk come to the playhead, or the playhead stay where the desk can come to."""
        reached = await self.trading.follow()
        if reached < self.playhead_ns:
            self._clock.pause()
            self._clock.move(reached)
            self._redraw()

    def _show_board(self, now: float) -> None:
        """Compute the metrics board for those who look at it, while something changes."""
        if any(viewer.wants_board for viewer in self._viewers) and self._board.is_due(self.playhead_ns, now):
            self._board.look(self.playhead_ns, now, self._tell_board)

    def _tell_board(self, body: dict[str, Any]) -> None:
        for viewer in self._viewers:
            viewer.show_board(body)
        self.wake()

    def watch_board(self, viewer: Viewer, *, on: bool) -> None:
        """A page looks at the metrics board, or does not any more."""
        viewer.wants_board = on
        self._board.show_again()

    async def fetch_board(self) -> None:
        """Have workers get the session at the playhead, and the lookback before it, of every asset that lacks it."""
        count = await database_sync_to_async(board.fetch_all)(
            self.playhead_ns, self.replay.lookback_days, self.replay.owner_id
        )
        what = "Every asset is here already." if not count else f"{count} assets are being fetched, see Jobs."
        self.say("info", what)
        self._board.show_again()

    def _stand_still(self, reason: str) -> None:
        self._clock.pause()
        self.say("error", reason)

    def _advance(self, tape: Tape, now: float) -> None:
        if self.is_jumping or self._is_held_up() or self.trading.is_busy:
            return
        before = self.playhead_ns
        limit = self.trading.limit_ns
        end_ns = tape.end_ns if limit is None else max(before, min(limit, tape.end_ns))
        if self._clock.advance(now, tape.next_open, end_ns) != before:
            self._tell_rolls(tape, before)
            self.wake()
        self._tell_flaws(tape)
        reason = self._supply.look_ahead(tape, now) if self._clock.playing else None
        if reason is not None:
            self._clock.pause()
            self.say("info", reason)
            self._changed()
        self._getting.look_ahead(tape, self.playhead_ns)

    def _tell_flaws(self, tape: Tape) -> None:
        """Say once of each day that its data are less than good, when a session with it has begun."""
        days = {day: condition for flaw in tape.flaws(0, self.playhead_ns) for day, condition in flaw.days}
        for day in sorted(days.keys() - self._flaws_told):
            self._flaws_told.add(day)
            self.say("warn", f"{source()} calls the data of {day} {days[day]}.")

    def _tell_rolls(self, tape: Tape, since_ns: int) -> None:
        """Say so when the playhead has moved on into another contract."""
        for roll in tape.rolls(since_ns, self.playhead_ns):
            if roll.priced_ns > since_ns:
                self.say("info", self._roll_text(tape, roll))

    def _roll_text(self, tape: Tape, roll: RollMark) -> str:
        shift = tape.part_at(roll.at_ns).shift
        text = f"Roll: the front month is {roll.to_contract} from here on."
        if roll.kind == OF_FILES:
            text = f"The imported files go on with {roll.to_contract} from here on."
        if not shift:
            return text
        apart = plain_price(abs(shift), self.replay.asset.decimals)
        side = "below" if shift < 0 else "above"
        return (
            f"{text} The chart keeps the prices of {tape.entry_contract}, {apart} {side} those of {roll.to_contract}."
        )

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

    def say(self, level: str, text: str, job_id: int | None = None) -> None:
        """Write a line into the replay's log; job_id: the job that it asks about."""
        line = log_line(level, text, job_id)
        self._log.append(line)
        for viewer in self._viewers:
            viewer.put({"type": "log", "line": line})
        self.wake()

    @property
    def is_jumping(self) -> bool:
        """Whether the playhead is on its way to where nothing is loaded yet."""
        return self._supply.is_jumping

    @property
    def desk(self) -> Desk | None:
        return self.trading.desk

    @property
    def playhead_ns(self) -> int:
        return self._clock.playhead_ns

    def clock_body(self) -> dict[str, Any]:
        """The `clock` of the protocol."""
        at_end = self.tape is not None and self.playhead_ns >= self.tape.end_ns and not self._supply.is_loading
        return wire.clock_body(
            self._clock, self.tape, keeps=self.replay.keeps, at_end=at_end, loading=self._supply.is_jumping
        )

    @property
    def shown(self) -> Shown | None:
        """The prints and the book of the session at the playhead, once they are open; they are opened when asked."""
        return None if self.tape is None else self._depth.at(self.tape.part_at(self.playhead_ns))

    @property
    def job(self) -> dict[str, Any] | None:
        """What is being loaded, as a page shows it: what asks for an answer before what only takes its time."""
        going = [job for job in (self._supply.job, self._getting.job) if job is not None]
        return min(going, key=lambda job: job["state"] != Job.State.ASKING, default=None)

    def snapshot_body(self) -> dict[str, Any]:
        """The parts of a `snapshot` that are the same for all viewers."""
        session = wire.session_body(self.replay, self.tape, self.instrument)
        return {"session": session, "job": self.job, "lookback": self._lookback.body, "log": list(self._log)}

    # --- commands -------------------------------------------------------------------------------------

    def play(self) -> None:
        """Let the market run. Raises Refused while there is no tape."""
        if self.playhead_ns >= self.need_tape().end_ns:
            self._supply.look_again()
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

    async def step(self, unit: str, count: int, timeframe: str) -> None:
        """Pause and move by a second, or to the next or last end of a bar. Raises Refused at the tape's ends."""
        tape = self.need_tape()
        target = self._second(tape, count) if unit == "second" else tape.step(timeframe, self.playhead_ns, count)
        if target is None or not tape.start_ns < target <= tape.end_ns:
            raise Refused("no_more_data", "There is no loaded data beyond this point.")
        self._supply.give_up_jump()
        self._clock.pause()
        await self._move(target)

    def _second(self, tape: Tape, count: int) -> int | None:
        """The next whole second in which the market trades, or the last whole second; None past the tape's end."""
        if count > 0:
            return tape.next_open((self.playhead_ns // SECOND_NS + 1) * SECOND_NS)
        return (self.playhead_ns - 1) // SECOND_NS * SECOND_NS

    async def seek(self, et: str) -> None:
        """Put the playhead somewhere else, loading what is missing. Raises Refused; then nothing has changed."""
        self.need_tape()
        try:
            target = parse_et(et)
        except BadTime as problem:
            raise Refused("bad_time", str(problem)) from None
        available = await database_sync_to_async(services.what_is_available)(self.replay.asset)
        try:
            services.check_moment(self.replay.asset, target, available)
        except services.BadMoment as problem:
            raise Refused("bad_moment", str(problem)) from None
        except GatewayError as problem:
            raise Refused("gateway", str(problem)) from None
        tape = self.need_tape()
        if tape.start_ns <= target < tape.end_ns:
            self._supply.give_up_jump()
            await self._move(target)
            self._alerting.jump(self.playhead_ns)
            self._supply.fill_behind(tape, target)
        elif target > self.playhead_ns and self.trading.is_active:
            raise Refused("holding", "There are orders or a position. Cancel and flatten before a jump beyond this.")
        else:
            self._supply.jump(target)

    async def answer(self, job_id: int, cost: str | None) -> None:
        """Say yes to what the load costs, as it was shown, or cancel the load (None). Raises Refused."""
        followed = (self._supply.job, self._getting.job, self._lookback.job)
        if job_id not in {job["id"] for job in followed if job is not None}:
            raise Refused("no_such_job", "This is not being loaded any more.")
        try:
            await database_sync_to_async(queue.answer)(self.replay.owner_id, job_id, cost)
        except queue.Stale as problem:
            raise Refused("too_late", str(problem)) from None

    def get_events(self, grade: str) -> None:
        """Have the trades or the book of the session at the playhead fetched. Raises Refused."""
        self._getting.get(self.need_tape().part_at(self.playhead_ns), grade)

    def keep_events(self, grade: str) -> None:
        """Have each session brought to a grade as the playhead comes to it; "bars" ends that. Raises Refused."""
        self._getting.keep(grade)
        self._changed()

    def resume_at(self, shown_ns: int) -> None:
        """What a browser has shown is not taken back: after a crash the row may be a second behind it."""
        speed = max(1.0, self._clock.speed or FASTEST_STEP_NS / SECOND_NS / FRAME_SECONDS)
        if self.tape is None and 0 < shown_ns - self.playhead_ns <= 2 * SAVE_SECONDS * speed * SECOND_NS:
            self._clock.move(shown_ns)

    async def _move(self, ns: int) -> None:
        ns = await self.trading.move(ns)
        if ns < self.playhead_ns:
            self._redraw()
        self._clock.move(ns)
        self._changed()

    def stand(self) -> None:
        """Stop the clock where it is."""
        self._clock.pause()

    def lose(self) -> None:
        """Another process runs this replay now."""
        self._record.taken_over = True

    def _redraw(self) -> None:
        for viewer in self._viewers:
            viewer.redraw()

    def need_tape(self) -> Tape:
        """The tape. Raises Refused before there is one."""
        if self.tape is None:
            raise Refused("not_ready", self.replay.problem or "The market data is still being loaded.")
        return self.tape

    def _changed(self) -> None:
        self._record.touch()
        self.wake()

    # --- data -----------------------------------------------------------------------------------------

    def use(self, tape: Tape, put_ns: int | None) -> None:
        """Go on with another tape, the playhead at `put_ns` (None: where it stands)."""
        before, self.tape = self.tape, tape
        self._clock.move(min(put_ns or self.playhead_ns, tape.end_ns))
        if before is not None and tape.contradicts(before):
            self.ranking.forget()
        if before is None or put_ns is not None:
            self._lookback.start()
        if before is None or put_ns is not None or tape.contradicts(before):
            self._alerting.jump(self.playhead_ns)
        self.replay.state, self.replay.problem = ReplaySession.State.READY, ""
        if before is None or before.entry_contract != tape.entry_contract:
            self._resync()
        elif put_ns is not None or tape.start_ns < before.start_ns or tape.contradicts(before):
            self._redraw()
        self._changed()

    async def regrade(self) -> None:
        """Go on with what is stored of the tape's sessions by now."""
        self.trading.found()
        while (tape := self.tape) is not None:
            regraded = await patiently(tapes.regraded, tape)
            if self.tape is tape:
                self.use(regraded, None)
                return

    def fail(self, problem: str, level: str = "error") -> None:
        """Tell the trader; a replay that already runs goes on with what it has."""
        self.say(level, problem)
        if self.tape is None:
            self.replay.state, self.replay.problem = ReplaySession.State.FAILED, problem
            self._resync()
        self._changed()

    def try_again(self, job: Job) -> None:
        """The job that failed was tried once more."""
        self.say("info", "Loading is tried once more.")
        self.replay.state, self.replay.problem, self.replay.job = ReplaySession.State.LOADING, "", job
        self._resync()
        self._changed()

    def job_changed(self) -> None:
        """Tell the viewers what is being loaded."""
        for viewer in self._viewers:
            viewer.put({"type": "job", "job": self.job}, replaces="job")
        self.wake()

    def lookback_changed(self) -> None:
        """Tell the viewers how much there is to compare with."""
        for viewer in self._viewers:
            viewer.put({"type": "lookback", "lookback": self._lookback.body}, replaces="lookback")
        self.wake()

    def _resync(self) -> None:
        for viewer in self._viewers:
            viewer.resync()
