"""One browser that watches a market: what it has been sent, and what comes next.

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
from market.engine.tape import Piece, Tape
from trading.engine.settings import Instrument
from workspace import protocol, wire
from workspace.ranking import Finals, Ranking

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
    """What a viewer sees of whoever shows the market: a replay's player, or a screen of live."""

    @property
    def tape(self) -> Tape | None: ...
    @property
    def playhead_ns(self) -> int: ...
    @property
    def tick(self) -> int: ...
    @property
    def ranking(self) -> Ranking: ...
    @property
    def instrument(self) -> Instrument: ...

    def clock_body(self) -> dict[str, Any]: ...
    def snapshot_body(self) -> dict[str, Any]: ...


@dataclass
class ChartView:
    """A chart of the browser: the open time of the last bar it has (None: it has nothing), and that bar.

    ranked_until: the open time of the last bar whose final ranks it has, None before any; ranked_by: the version of
    the ranking they are from. metrics, risk: those it was told last. known: what the bar was made of that it was told
    last, of which piece.
    """

    timeframe: str
    unit: int = 1
    last_start: int | None = None
    last_bar: tuple[int, ...] = ()
    marked_until: int = 0
    ranked_until: int | None = None
    ranked_by: int = -1
    metrics: dict[str, Any] | None = None
    risk: dict[str, str] | None = None
    known: tuple[Piece, tuple[int, int]] | None = None


@dataclass(eq=False)
class Viewer:
    """State of one socket. `take` gives the next message, or None when there is nothing to say."""

    stage: Stage
    charts: dict[str, ChartView] = field(default_factory=dict)
    wants_board: bool = False
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

    def show_board(self, body: dict[str, Any]) -> None:
        """Queue the metrics board, the newest only, if the page looks at it."""
        if self.wants_board:
            self.put({"type": "board", "board": body}, replaces="board")

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

    def note(self, level: str, text: str, job_id: int | None = None) -> None:
        """Queue a line for the browser's log; job_id: the job that it asks about."""
        self.put({"type": "log", "line": log_line(level, text, job_id)})

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
        self._forget_more()

    def amend(self, ns: int) -> None:
        """Bars from an instant (UTC ns) on have become others: those that the browser has are sent again."""
        assert self.stage.tape is not None
        for view in self.charts.values():
            if view.last_start is not None and ns < view.last_start:
                starts = self.stage.tape.part_at(ns).piece.bars(view.timeframe)[0].ts
                at = int(starts.searchsorted(ns, side="right")) - 1
                view.last_start, view.known = int(starts[at]) if at >= 0 else ns, None

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

    def has_all_with(self, message: dict[str, Any]) -> bool:
        """Whether nothing more is to be told after this message, as long as nobody brings news."""
        return message["type"] == "frame" and not self._is_redraw_due()

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
        return self._all_ranks() or self._frame()

    def _all_ranks(self) -> dict[str, Any] | None:
        """The ranks of a chart's closed bars, once they are known or have become others."""
        assert self.stage.tape is not None
        version = self.stage.ranking.version
        for chart, view in self.charts.items():
            if view.ranked_until is not None and view.ranked_by == version:
                continue
            found = self.stage.ranking.closed(self.stage.tape, view.timeframe, 0, self.stage.playhead_ns)
            if found is None:
                continue
            view.ranked_by, view.ranked_until = version, _last_start(found, 0)
            body = {"type": "ranks", "chart": chart, "timeframe": view.timeframe, "reset": True}
            return body | {"ranks": wire.rank_columns(found)}
        return None

    def _snapshot(self) -> dict[str, Any]:
        self._snapshot_due = False
        # a snapshot has the log and the job, but an error is told only once
        self._keep(lambda waiting: waiting["type"] == "error")
        self._clock_sent = self.stage.clock_body()
        charts = [self._whole_chart(chart, view) for chart, view in self.charts.items()] if self.stage.tape else []
        self._forget_all()
        body = {"type": "snapshot", "clock": self._clock_sent, "charts": charts} | self.stage.snapshot_body()
        return body | self._more()

    def _whole_chart(self, chart: str, view: ChartView) -> dict[str, Any]:
        assert self.stage.tape is not None
        bars = self.stage.tape.bars(view.timeframe, 0, self.stage.playhead_ns)
        view.marked_until, view.ranked_until = 0, None
        view.unit = wire.price_unit(bars, self.stage.tick)
        self._remember(view, _row(bars) if len(bars) else None)
        view.metrics, view.risk, view.known = self._metrics(view), self._risk(view), None
        body = {"chart": chart, "timeframe": view.timeframe, "unit": view.unit, "marks": self._new_marks(view)}
        return body | {"metrics": view.metrics, "risk": view.risk, "bars": wire.bar_columns(bars, view.unit)}

    def _metrics(self, view: ChartView) -> dict[str, Any] | None:
        assert self.stage.tape is not None
        found = self.stage.ranking.metrics(self.stage.tape, view.timeframe, self.stage.playhead_ns)
        return None if found is None else wire.metrics_body(*found)

    def _risk(self, view: ChartView) -> dict[str, str] | None:
        """What one contract risks by the chart's bar in progress, in the contract's own prices."""
        assert self.stage.tape is not None
        playhead = self.stage.playhead_ns
        bar = self.stage.tape.part_at(playhead).piece.forming(view.timeframe, playhead)
        return wire.risk_body(self.stage.instrument, bar)

    def _frame(self) -> dict[str, Any] | None:
        """What changed since the last message; None when nothing did."""
        clock = self.stage.clock_body()
        charts = []
        if self.stage.tape is not None:
            charts = [part for chart, view in self.charts.items() if (part := self._changes(chart, view)) is not None]
        more = self._more()
        if (
            clock == self._clock_sent
            and not charts
            and not more
            and time.monotonic() - self._sent_at < HEARTBEAT_SECONDS
        ):
            return self._next() if self._is_redraw_due() else None
        self._clock_sent = clock
        return {"type": "frame", "clock": clock, "charts": charts} | more

    def _more(self) -> dict[str, Any]:
        """What a page has beside its charts, as far as it has changed."""
        return {}

    def _forget_more(self) -> None:
        """What the browser has of it is not true any more."""

    def _forget_all(self) -> None:
        """The browser has nothing."""
        self._forget_more()

    def _is_redraw_due(self) -> bool:
        return self.stage.tape is not None and any(view.last_start is None for view in self.charts.values())

    def _changes(self, chart: str, view: ChartView) -> dict[str, Any] | None:
        tape, playhead = self.stage.tape, self.stage.playhead_ns
        assert tape is not None
        piece = tape.part_at(playhead).piece
        known = piece, piece.known(view.timeframe, playhead)
        bars, risk = Bars.empty(), view.risk
        if known != view.known or view.last_start is None:  # most frames come between two seconds
            bars, risk = tape.bars(view.timeframe, view.last_start or 0, playhead), self._risk(view)
        marks, metrics, ranks = self._new_marks(view), self._metrics(view), self._new_ranks(view)
        last = _row(bars) if len(bars) else None
        is_same = last is None or (len(bars) == 1 and last == view.last_bar)
        if is_same and not marks and not ranks and (metrics, risk) == (view.metrics, view.risk):
            view.known = known
            return None
        if len(bars) > REDRAW_BARS or not wire.fits(bars, view.unit):
            view.last_start = None
            return None
        self._remember(view, last)
        view.metrics, view.risk, view.known = metrics, risk, known
        body = {"chart": chart, "bars": wire.bar_columns(bars, view.unit), "marks": marks, "metrics": metrics}
        body["risk"] = risk
        return body | {"ranks": ranks} if ranks else body

    def _new_ranks(self, view: ChartView) -> dict[str, list[Any]] | None:
        """The final ranks of bars that closed since; None without any, and before those of older bars were sent."""
        assert self.stage.tape is not None
        if view.ranked_until is None or view.ranked_by != self.stage.ranking.version:
            return None
        tape, playhead = self.stage.tape, self.stage.playhead_ns
        found = self.stage.ranking.closed(tape, view.timeframe, view.ranked_until, playhead)
        if found is None or not any(len(each.start) for each in found):
            return None
        view.ranked_until = _last_start(found, view.ranked_until)
        return wire.rank_columns(found)

    def _remember(self, view: ChartView, last: tuple[int, ...] | None) -> None:
        if last is not None:
            view.last_start, view.last_bar = last[0], last
        elif view.last_start is None:
            view.last_start = 0

    def _new_marks(self, view: ChartView) -> list[dict[str, Any]]:
        assert self.stage.tape is not None
        playhead = self.stage.playhead_ns
        rolls = self.stage.tape.rolls(view.marked_until, playhead)
        flaws = self.stage.tape.flaws(view.marked_until, playhead)
        view.marked_until = playhead
        return [*(wire.mark_body(roll, playhead) for roll in rolls), *map(wire.flaw_body, flaws)]


def log_line(level: str, text: str, job_id: int | None = None) -> dict[str, Any]:
    """A line of a page's log, as of now."""
    return {"at": int(time.time()), "level": level, "text": text, "job": job_id}


def _last_start(finals: list[Finals], before: int) -> int:
    return max((int(each.start[-1]) for each in finals if len(each.start)), default=before)


def _row(bars: Bars) -> tuple[int, ...]:
    """The last bar."""
    return tuple(int(column[-1]) for column in (bars.ts, bars.open, bars.high, bars.low, bars.close, bars.volume))
