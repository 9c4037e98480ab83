"""Alerts in a replay: the engine that watches the live market, on the replay's clock.

The player tells how far the playhead has come; what lies between there and where the alerts were left is evaluated in a
thread, each instant once and in order, so that speed and frames change nothing of what fires. docs/alerts.md has the
rules.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
from django.db import InterfaceError, OperationalError

from alerts import recording, topics, watching
from alerts.engine.edges import fold
from alerts.engine.group import Definition, Groups, Key, Standing, by_key, group
from alerts.engine.trace import Trace, measured, trace
from alerts.models import AlertFiring
from alerts.recording import Hit, hit
from market.bus import Bus
from market.database import in_database
from market.engine.tape import Part, Tape
from market.sessions import SECOND_NS
from ranks import access
from ranks.engine.sample import Sample
from replay.models import ReplaySession
from workspace.following import patiently

log = logging.getLogger(__name__)

EVERY_SECONDS = 0.25
"""Frames that come sooner are evaluated together."""
LOOK_SECONDS = 15.0
"""How often it is looked whether an alert has expired, or there is more to compare with; a change is told."""
AGAIN_SECONDS = 2.0
"""After a failure."""
SPAN_NS = 1_800 * SECOND_NS
"""At most so much of the market is evaluated at a time."""
BEFORE_NS = 7_200 * SECOND_NS
"""How far back the instant is looked for that tells whether a condition holds where the playhead is put."""
MOST = 5_000
"""Firings of one replay."""
MOST_TOLD = 8
"""At a time; at the highest speed nobody could read them."""
TELL_SECONDS = 1.0
"""How often pages are told how the alerts stand while that changes."""
TELL_AGAIN_SECONDS = 2.0
"""The same where nothing changes: a page may have come in the meantime."""
FULL = f"Alerts have fired {MOST:,} times in this replay. What fires from here on is not recorded any more."

Samples = dict[tuple[Key, date], Sample | None]
Member = tuple[Definition, Standing]
Values = dict[str, tuple[Any, ...]]
"""As `topics.values_body` has those of one asset."""


class Alerting:
    """The alerts of one replay's owner. Its methods run in the event loop. say: writes a line into the replay's log."""

    def __init__(self, replay: ReplaySession, bus: Bus, say: Callable[[str, str], None]) -> None:
        self._replay, self._asset, self._bus, self._say = replay, replay.asset, bus, say
        self._groups = Groups()
        self._known: dict[int, Definition] = {}
        self._samples: Samples = {}
        self._stamp: tuple[object, ...] | None = None
        self._tape: Tape | None = None
        self._playhead_ns = 0
        self._until_ns = replay.playhead_ns
        """What came up to here is evaluated, or was before the alerts are armed."""
        self._found: list[Hit] = []
        """What fired and is not on record yet."""
        self._count: int | None = None
        self._is_stale, self._looked, self._due = True, 0.0, 0.0
        self._work: asyncio.Task[None] | None = None
        self._counts: dict[int, int] = {}
        self._told = 0.0

    async def start(self) -> None:
        """Hear of alerts that change."""
        for topic in self._topics:
            await self._bus.subscribe(topic, self._hear)

    async def stop(self) -> None:
        """Evaluate up to the playhead and let go."""
        for topic in self._topics:
            await self._bus.unsubscribe(topic, self._hear)
        tape, self._tape = self._tape, None
        if self._work is not None:
            await asyncio.wait({self._work})
        if tape is not None:
            await self._attempt(tape, self._playhead_ns, self._groups)

    @property
    def _topics(self) -> tuple[str, str]:
        return topics.of_user(self._replay.owner_id), topics.SHARED

    def _hear(self, body: dict[str, Any]) -> None:
        self._is_stale = self._is_stale or body["kind"] == "changed"

    def jump(self, to_ns: int) -> None:
        """The playhead was put somewhere, or the tape shows other bars: the alerts are armed anew there."""
        # what a thread still evaluates are the old ones
        self._groups, self._known, self._until_ns, self._is_stale = Groups(), {}, to_ns, True
        self._told = 0.0

    def look(self, tape: Tape, playhead_ns: int, now: float) -> None:
        """Evaluate what the playhead has passed, a few times a second."""
        if playhead_ns < self._playhead_ns:
            self.jump(playhead_ns)
        self._tape, self._playhead_ns = tape, playhead_ns
        if now < self._due or (self._work is not None and not self._work.done()):
            return
        is_due = now >= min(self._looked + LOOK_SECONDS, self._told + TELL_AGAIN_SECONDS)
        if playhead_ns != self._until_ns or self._is_stale or self._found or is_due:
            self._due = now + EVERY_SECONDS
            step = self._attempt(tape, playhead_ns, self._groups)
            self._work = asyncio.create_task(step, name=f"alerts of {self._replay.pk}")

    async def _attempt(self, tape: Tape, to_ns: int, groups: Groups) -> None:
        try:
            await self._step(tape, to_ns, groups)
        except (OperationalError, InterfaceError):
            self._due = time.monotonic() + AGAIN_SECONDS
        except Exception:
            log.exception("the alerts of replay %s stumbled", self._replay.pk)
            self.jump(self._playhead_ns)
            self._due = time.monotonic() + AGAIN_SECONDS

    async def _step(self, tape: Tape, to_ns: int, groups: Groups) -> None:
        """groups: the alerts when the playhead was there; others are there since where it was put somewhere else."""
        if groups is self._groups and (self._is_stale or time.monotonic() >= self._looked + LOOK_SECONDS):
            await self._read(tape, groups)
        if groups is self._groups:
            await self._evaluate(tape, groups, self._until_ns, to_ns)
        if self._found:
            await self._record()
        if groups is self._groups and time.monotonic() >= self._told + TELL_SECONDS:
            await self._tell_standing(tape, groups)

    async def _evaluate(self, tape: Tape, groups: Groups, from_ns: int, to_ns: int) -> None:
        if groups and from_ns < to_ns:
            parts = tape.parts[tape.index_at(from_ns) : tape.index_at(to_ns) + 1]
            await self._load(parts, groups)
            self._found += await asyncio.to_thread(self._fold, groups, dict(self._samples), parts, from_ns, to_ns)
        if groups is self._groups:
            self._until_ns = to_ns

    # --- which alerts -----------------------------------------------------------------------------------------

    async def _read(self, tape: Tape, groups: Groups) -> None:
        """Read the alerts; arm those that are new, where the others stand."""
        self._is_stale, self._looked = False, time.monotonic()
        at_ns, replay = self._until_ns, self._replay
        try:
            members = await in_database(watching.replayed, replay.owner_id, self._asset.pk, replay.pk, at_ns)
            if members:
                await self._look_at_summaries()
            current = {each.id: each for each, _ in members}
            new = [member for member in members if self._known.get(member[0].id) != member[0]]
            armed = await self._armed(tape.part_at(at_ns), new, at_ns)
            self._counts = await in_database(watching.replayed_counts, replay.pk, at_ns)
        except BaseException:
            self._is_stale = True
            raise
        if groups is self._groups:
            groups.drop(key for key, each in self._known.items() if current.get(key) != each)
            groups.add(armed)
            self._known = current

    async def _look_at_summaries(self) -> None:
        """Have samples loaded again where there is more to compare with."""
        stamp = await patiently(access.stamp, self._asset)
        if stamp != self._stamp:
            self._samples, self._stamp = {}, stamp

    async def _armed(self, part: Part, members: Sequence[Member], at_ns: int) -> list[Member]:
        """The same, knowing whether each condition holds at that instant: this evaluation is silent."""
        found: list[Member] = []
        for key, some in by_key(members).items():
            await self._load([part], [key])
            found += await asyncio.to_thread(self._standing, key, some, dict(self._samples), part, at_ns)
        return found

    def _standing(self, key: Key, members: Sequence[Member], samples: Samples, part: Part, at_ns: int) -> list[Member]:
        before_ns = at_ns - BEFORE_NS
        seen = group([(each, Standing(before_ns)) for each, _ in members])
        for line in self._lines(key, samples, part, before_ns, at_ns):
            fold(seen.watch, line)
        states = seen.watch.state.tolist()
        return [(each, replace(standing, state=state)) for (each, standing), state in zip(members, states, strict=True)]

    async def _load(self, parts: Sequence[Part], keys: Sequence[Key] | Groups) -> None:
        """Have the samples of these sessions, and forget those of others."""
        wanted = [(key, part.piece.session.trade_date) for part in parts for key in keys]
        if len(self._samples) > 2 * len(wanted) + len(self._groups):
            self._samples = {name: held for name, held in self._samples.items() if name in wanted}
        for (timeframe, days), day in wanted:
            if ((timeframe, days), day) not in self._samples:
                self._samples[(timeframe, days), day] = await patiently(self._sample, timeframe, day, days)

    def _sample(self, timeframe: str, day: date, lookback_days: int) -> Sample | None:
        try:
            return access.table(self._asset, timeframe, day, lookback_days)
        except access.NoRanks:
            return None

    # --- what fires; in a thread ------------------------------------------------------------------------------

    def _fold(self, groups: Groups, samples: Samples, parts: Sequence[Part], from_ns: int, to_ns: int) -> list[Hit]:
        found: list[Hit] = []
        for part in parts:
            if part.piece.bar_ns != SECOND_NS:
                groups.forget()
                continue
            for key, members in groups.items():
                for line in self._lines(key, samples, part, from_ns, to_ns):
                    fired = fold(members.watch, line)
                    pairs = zip(fired.alert.tolist(), fired.instant.tolist(), strict=True)
                    found += [hit(self._asset.root, members, line, who, at) for who, at in pairs]
        return sorted(found)

    def _lines(self, key: Key, samples: Samples, part: Part, from_ns: int, to_ns: int) -> Iterator[Trace]:
        """The trace of a session between two instants, in spans; nothing where its bars are longer than a second."""
        piece = part.piece
        day = piece.session.trade_date
        session = self._asset.sessions.session(day) or piece.session  # the calendar's, as live has it
        begin, end = max(from_ns, session.open_ns), min(to_ns, session.close_ns)
        if piece.bar_ns != SECOND_NS:
            return
        for start in range(begin, end, SPAN_NS):
            upto = min(start + SPAN_NS, end)
            yield trace(samples[key, day], session, key[0], piece.stored, self._asset.tick_size, start, upto)

    # --- how they stand ---------------------------------------------------------------------------------------

    async def _tell_standing(self, tape: Tape, groups: Groups) -> None:
        """Tell the owner's pages the values at the playhead, as live's are told, and how often each has fired here."""
        self._told, at_ns = time.monotonic(), self._until_ns
        part = tape.part_at(at_ns)
        await self._load([part], groups)
        values = await asyncio.to_thread(self._standing_values, list(groups), dict(self._samples), part, at_ns)
        if groups is self._groups and at_ns == self._until_ns:
            body = topics.replayed_body(str(self._replay.pk), self._asset.root, at_ns, values, self._counts)
            await topics.tell([(topics.of_user(self._replay.owner_id), body)])

    def _standing_values(self, keys: Sequence[Key], samples: Samples, part: Part, at_ns: int) -> Values:
        piece, day = part.piece, part.piece.session.trade_date
        session = self._asset.sessions.session(day) or piece.session
        if piece.bar_ns != SECOND_NS:
            return {}
        now, found = np.array([at_ns]), {}
        for key in keys:
            line = measured(samples[key, day], session, key[0], piece.stored, self._asset.tick_size, now)
            if len(line):
                ranks = (None if np.isnan(each) else round(each, 4) for each in line.values[-1].tolist())
                found[topics.group(*key)] = (*ranks, int(line.n[-1]), int(line.bar[-1]))
        return found

    # --- the record -------------------------------------------------------------------------------------------

    async def _record(self) -> None:
        """Write what fired, then tell it; a playhead that was put back in the meantime has not come to it."""
        if self._count is None:
            self._count = await in_database(AlertFiring.objects.filter(replay_key=self._replay.pk).count)
        found = [each for each in self._found if each.market_ns <= self._playhead_ns]
        if self._count >= MOST:
            self._found = []
            return
        owner_id, replay_key = self._replay.owner_id, self._replay.pk
        rows = await in_database(recording.record_replayed, found, self._asset, owner_id, replay_key)
        self._found = []
        self._count += sum(not is_known for _, is_known in rows)
        self._counts = await in_database(watching.replayed_counts, replay_key, self._until_ns)
        if self._count >= MOST:
            self._say("warn", FULL)
        bodies = (topics.firing_body(row, self._asset.root, is_again=known) for row, known in rows[-MOST_TOLD:])
        await topics.tell([(topics.of_user(owner_id), body) for body in bodies])
