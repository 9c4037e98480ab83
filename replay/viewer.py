"""One browser that watches a replay: what it has been sent, and what comes next.

There is no queue of frames. A frame is made when the browser is ready for it, from where its charts were left,
so a slow browser gets fewer, larger frames and costs no memory. Other messages wait in a bounded outbox in which
the latest of a kind replaces the one before.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from market.engine.bars import Bars
from market.engine.tape import Tape
from replay import protocol, wire
from replay.depth import Shown
from replay.depth_view import DepthView

UNACKED_LIMIT = 40
"""Messages sent and not acknowledged: beyond it the browser gets no frame."""
SILENCE_SECONDS = 30.0
"""A browser that acknowledges nothing for so long is given up."""
OUTBOX_LIMIT = 200
HEARTBEAT_SECONDS = 5.0
"""A frame comes at least this often, so that a browser can tell a still market from a dead line."""
REDRAW_BARS = 3_000
"""More new bars than this are sent as a whole chart, which the browser draws faster."""


class Stage(Protocol):
    """What a viewer sees of the player."""

    @property
    def tape(self) -> Tape | None: ...
    @property
    def playhead_ns(self) -> int: ...
    @property
    def tick(self) -> int: ...
    @property
    def shown(self) -> Shown | None: ...

    def clock_body(self) -> dict[str, Any]: ...
    def snapshot_body(self) -> dict[str, Any]: ...


@dataclass
class ChartView:
    """A chart of the browser: the open time of the last bar it has (None: it has nothing), and that bar."""

    timeframe: str
    unit: int = 1
    last_start: int | None = None
    last_bar: tuple[int, ...] = ()
    marked_until: int = 0


@dataclass(eq=False)
class Viewer:
    """State of one socket. `take` gives the next message, or None when there is nothing to say."""

    stage: Stage
    charts: dict[str, ChartView] = field(default_factory=dict)
    depth: DepthView = field(default_factory=DepthView)
    seq: int = 0
    acked: int = 0
    heard_at: float = field(default_factory=time.monotonic)
    _outbox: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=OUTBOX_LIMIT))
    _snapshot_due: bool = True
    _clock_sent: dict[str, Any] | None = None
    _sent_at: float = field(default_factory=time.monotonic)

    def acknowledge(self, seq: int) -> None:
        """The browser has everything up to seq. A seq that was never sent is ignored."""
        if self.acked <= seq <= self.seq:
            self.acked = seq
            self.heard_at = time.monotonic()

    def is_lost(self) -> bool:
        """Whether the browser has been silent for too long about what it was sent."""
        return self.acked < self.seq and time.monotonic() - self.heard_at > SILENCE_SECONDS

    @property
    def is_behind(self) -> bool:
        """Whether the browser has been sent as much as it may without acknowledging."""
        return self.seq - self.acked >= UNACKED_LIMIT

    def put(self, message: dict[str, Any], *, replaces: str | None = None) -> None:
        """Queue a message; `replaces` names a type of which only the latest is worth sending."""
        if replaces:
            self._keep(lambda waiting: waiting["type"] != replaces)
        self._outbox.append(message)

    def _keep(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        kept = [waiting for waiting in self._outbox if wanted(waiting)]
        self._outbox.clear()
        self._outbox.extend(kept)

    def resync(self) -> None:
        """Send everything anew."""
        self._snapshot_due = True

    def redraw(self) -> None:
        """Send all charts anew: the playhead went back, or the tape changed."""
        for view in self.charts.values():
            view.last_start = None
        self.depth.forget()

    def open_chart(self, chart: str, timeframe: str) -> None:
        """Add a chart or change its timeframe. Raises Refused beyond MAX_CHARTS."""
        if chart not in self.charts and len(self.charts) >= protocol.MAX_CHARTS:
            raise protocol.Refused("too_many_charts", f"A page has at most {protocol.MAX_CHARTS} charts.")
        self.charts[chart] = ChartView(timeframe)

    def take(self) -> dict[str, Any] | None:
        """The next message with its seq, or None: nothing new, or the browser has enough to chew."""
        if self.is_behind:
            return None
        message = self._next()
        if message is not None:
            if self.acked == self.seq:
                self.heard_at = time.monotonic()
            self.seq += 1
            self._sent_at = time.monotonic()
            message["seq"] = self.seq
        return message

    def _next(self) -> dict[str, Any] | None:
        if self._snapshot_due:
            return self._snapshot()
        if self._outbox:
            return self._outbox.popleft()
        if self.stage.tape is None:
            return self._frame()
        for chart, view in self.charts.items():
            if view.last_start is None:
                self._clock_sent = self.stage.clock_body()
                return {"type": "chart", "clock": self._clock_sent} | self._whole_chart(chart, view)
        return self._frame()

    def _snapshot(self) -> dict[str, Any]:
        self._snapshot_due = False
        # a snapshot has the log and the job, but an error is told only once
        self._keep(lambda waiting: waiting["type"] == "error")
        self._clock_sent = self.stage.clock_body()
        charts = [self._whole_chart(chart, view) for chart, view in self.charts.items()] if self.stage.tape else []
        self.depth.forget()
        body = {"type": "snapshot", "clock": self._clock_sent, "charts": charts} | self.stage.snapshot_body()
        return body | self._depth()

    def _whole_chart(self, chart: str, view: ChartView) -> dict[str, Any]:
        assert self.stage.tape is not None
        bars = self.stage.tape.bars(view.timeframe, 0, self.stage.playhead_ns)
        view.marked_until = 0
        view.unit = wire.price_unit(bars, self.stage.tick)
        self._remember(view, bars)
        body = {"chart": chart, "timeframe": view.timeframe, "unit": view.unit, "marks": self._new_marks(view)}
        return body | {"bars": wire.bar_columns(bars, view.unit)}

    def _frame(self) -> dict[str, Any] | None:
        """What changed since the last message; None when nothing did."""
        clock = self.stage.clock_body()
        charts = []
        if self.stage.tape is not None:
            charts = [part for chart, view in self.charts.items() if (part := self._changes(chart, view)) is not None]
        depth = self._depth()
        if (
            clock == self._clock_sent
            and not charts
            and not depth
            and time.monotonic() - self._sent_at < HEARTBEAT_SECONDS
        ):
            return self._next() if self._is_redraw_due() else None
        self._clock_sent = clock
        return {"type": "frame", "clock": clock, "charts": charts} | depth

    def _depth(self) -> dict[str, Any]:
        if self.stage.tape is None or not self.depth.is_watched:
            return {}
        return self.depth.changes(self.stage.shown, self.stage.playhead_ns)

    def _is_redraw_due(self) -> bool:
        return self.stage.tape is not None and any(view.last_start is None for view in self.charts.values())

    def _changes(self, chart: str, view: ChartView) -> dict[str, Any] | None:
        assert self.stage.tape is not None
        bars = self.stage.tape.bars(view.timeframe, view.last_start or 0, self.stage.playhead_ns)
        marks = self._new_marks(view)
        if len(bars) == 1 and _row(bars) == view.last_bar and not marks:
            return None
        if not len(bars) and not marks:
            return None
        if len(bars) > REDRAW_BARS or not wire.fits(bars, view.unit):
            view.last_start = None
            return None
        self._remember(view, bars)
        return {"chart": chart, "bars": wire.bar_columns(bars, view.unit), "marks": marks}

    def _remember(self, view: ChartView, bars: Bars) -> None:
        if len(bars):
            view.last_start, view.last_bar = int(bars.ts[-1]), _row(bars)
        elif view.last_start is None:
            view.last_start = 0

    def _new_marks(self, view: ChartView) -> list[dict[str, Any]]:
        assert self.stage.tape is not None
        playhead = self.stage.playhead_ns
        rolls = self.stage.tape.rolls(view.marked_until, playhead)
        flaws = self.stage.tape.flaws(view.marked_until, playhead)
        view.marked_until = playhead
        return [*(wire.mark_body(roll, playhead) for roll in rolls), *map(wire.flaw_body, flaws)]


def _row(bars: Bars) -> tuple[int, ...]:
    last = bars[-1:]
    return tuple(int(column[0]) for column in (last.ts, last.open, last.high, last.low, last.close, last.volume))
