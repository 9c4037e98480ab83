"""One asset under watch: from its bars to what its alerts fire."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from alerts.engine.edges import NO_BAR, TRUE, UNKNOWN, Fired, fold
from alerts.engine.group import Definition, Group, Groups, Key, Standing
from alerts.engine.trace import Trace, measured, trace
from alerts.recording import Hit, StateRow, hit
from live.alert_bars import Held
from live.alert_samples import Samples, Wanted
from market.engine.bars import Bars
from market.models import Asset
from market.sessions import SECOND_NS, Session
from ranks.engine.sample import Sample

SPAN_NS = 1_800 * SECOND_NS
"""At most so much of the market is evaluated at a time."""
LAST_NS = 3_600 * SECOND_NS
"""How far back the value is looked for that a new alert is shown with between two segments of a session."""


class Watched:
    """Its alerts, and how far they are evaluated. values: the newest of each group, as `alerts.topics` has them.

    They are of the second up to which it is evaluated once `show` was called.
    """

    def __init__(self, asset: Asset, until_ns: int, samples: Samples) -> None:
        self.asset = asset
        self.until_ns = until_ns
        self.groups = Groups()
        self.values: dict[Key, tuple[float | int | None, ...]] = {}
        self._shown_ns: dict[Key, int] = {}
        """Of which instant each value is."""
        self._samples = samples
        self._touched: dict[Key, Trace] = {}
        self._fired: dict[Hit, tuple[Group, int]] = {}

    # --- which alerts ---------------------------------------------------------------------------------------

    def drop(self, ids: Iterable[int]) -> None:
        """Watch these no more."""
        self.groups.drop(ids)
        self.values = {key: value for key, value in self.values.items() if key in self.groups}
        self._shown_ns = {key: ns for key, ns in self._shown_ns.items() if key in self.groups}

    def add(self, members: Sequence[tuple[Definition, Standing]]) -> None:
        """Watch these too."""
        self.groups.add(members)

    # --- evaluating -----------------------------------------------------------------------------------------

    def is_ready(self, sessions: Sequence[Held], to_ns: int, keys: Iterable[Key]) -> bool:
        """Whether the samples of these keys are here for the sessions that have opened by then.

        Those of the session after them are asked for, so that its opening waits for nothing.
        """
        asked = [(held, self._samples.is_here(each)) for held, each in self._wanted(sessions, keys)]
        return all(is_here for held, is_here in asked if held.session.open_ns < to_ns)

    def wanted(self, sessions: Sequence[Held], keys: Iterable[Key]) -> Iterator[Wanted]:
        """The samples of these keys for the sessions that are not over."""
        return (each for _, each in self._wanted(sessions, keys))

    def _wanted(self, sessions: Sequence[Held], keys: Iterable[Key]) -> Iterator[tuple[Held, Wanted]]:
        for timeframe, days in keys:
            for held in sessions:
                if held.session.close_ns > self.until_ns:
                    yield held, Wanted(self.asset, timeframe, held.session.trade_date, days)

    def evaluate(self, sessions: Sequence[Held], to_ns: int) -> list[Hit]:
        """What fires up to an instant, or a part of the way there. The samples are here."""
        from_ns = self.until_ns
        self.until_ns = to_ns = min(to_ns, from_ns + SPAN_NS)
        if self._has_hole(sessions, from_ns):
            self.groups.forget()
        for held in sessions:
            if held.session.open_ns < to_ns and held.session.close_ns > from_ns:
                if not held.key.is_whole and from_ns < held.key.since_ns:
                    self.groups.forget()
                self._fold(held, from_ns, to_ns)
        return list(self._fired)

    def _fold(self, held: Held, from_ns: int, to_ns: int) -> None:
        for key, members in self.groups.items():
            line = self._trace(held, key, from_ns, to_ns)
            if len(line):
                self._touched[key] = line
                self._keep_fired(members, line, fold(members.watch, line))

    def _has_hole(self, sessions: Sequence[Held], from_ns: int) -> bool:
        """Whether a session lies between what was evaluated and what is held."""
        if not sessions or from_ns >= sessions[0].session.open_ns:
            return False
        return self.asset.sessions.first_closing_after(from_ns).trade_date < sessions[0].session.trade_date

    def _trace(self, held: Held, key: Key, from_ns: int, to_ns: int) -> Trace:
        line = trace(*self._measuring(held, key), from_ns, to_ns, self._whole_since(held))
        self._keep_value(key, line)
        return line

    def _measuring(self, held: Held, key: Key) -> tuple[Sample | None, Session, str, Bars, int]:
        timeframe, days = key
        sample = self._samples.get(Wanted(self.asset, timeframe, held.session.trade_date, days))
        return sample, held.session, timeframe, held.bars.stored, self.asset.tick_size

    def _whole_since(self, held: Held) -> int:
        return 0 if held.key.is_whole else held.key.since_ns

    def _keep_value(self, key: Key, line: Trace) -> None:
        if len(line):
            values = (None if np.isnan(each) else round(each, 4) for each in line.values[-1].tolist())
            self.values[key] = (*values, int(line.n[-1]), int(line.bar[-1]))
            self._shown_ns[key] = int(line.ns[-1])

    def _keep_fired(self, members: Group, line: Trace, fired: Fired) -> None:
        for who, at in zip(fired.alert.tolist(), fired.instant.tolist(), strict=True):
            self._fired[hit(self.asset.root, members, line, who, at)] = members, who

    # --- what is shown --------------------------------------------------------------------------------------

    def show(self, sessions: Sequence[Held]) -> None:
        """Have the values of this second, also where nobody traded in it: time alone changes what is pending.

        Between two segments of a session it is the last one's, if that is not long ago.
        """
        held = next((each for each in reversed(sessions) if each.session.open_ns < self.until_ns), None)
        if held is None or held.session.close_ns <= self.until_ns:
            return
        for key in self.groups:
            if self._shown_ns.get(key) != self.until_ns and self._is_here(held, key):
                self._show(held, key)

    def _is_here(self, held: Held, key: Key) -> bool:
        timeframe, days = key
        return self._samples.is_here(Wanted(self.asset, timeframe, held.session.trade_date, days))

    def _show(self, held: Held, key: Key) -> None:
        now = np.array([self.until_ns])
        self._keep_value(key, measured(*self._measuring(held, key), now, self._whole_since(held)))
        if key not in self.values:
            self._trace(held, key, self.until_ns - LAST_NS, self.until_ns)

    # --- the record -----------------------------------------------------------------------------------------

    def accept(self, hit: Hit) -> None:
        """It counts: its alert was not stopped before it."""
        members, who = self._fired[hit]
        members.count[who] += 1

    def armed(self, alert: Definition, standing: Standing) -> StateRow:
        """The row of an alert that is about to be watched."""
        return StateRow(
            alert.id, self.asset.pk, alert.revision, None, None, None, standing.count, None, standing.since_ns
        )

    def take_changed(self) -> list[StateRow]:
        """The rows of states that the record does not have, which is about to have them."""
        rows = []
        for key, members in self.groups.items():
            line = self._touched.get(key)
            rows += [self._row(members, place, line) for place in np.flatnonzero(members.is_dirty).tolist()]
            members.is_saved()
        self._touched.clear()
        self._fired.clear()
        return rows

    def _row(self, members: Group, place: int, line: Trace | None) -> StateRow:
        state, bar = int(members.watch.state[place]), int(members.watch.fired_bar[place])
        value = None if line is None else float(line.values[-1, members.watch.metric[place]])
        return StateRow(
            int(members.ids[place]),
            self.asset.pk,
            int(members.revisions[place]),
            None if state == UNKNOWN else state == TRUE,
            None if value is None or np.isnan(value) else value,
            None if line is None else int(line.bar[-1]),
            int(members.count[place]),
            None if bar == NO_BAR else bar,
            self.until_ns,
        )
