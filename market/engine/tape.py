"""The tape: a spliced run of sessions that can be read up to an instant, and no further.

A `Piece` is one contract's bars of one trade date, shared by everyone who replays it. A `Tape` is a run of
pieces, each with the shift that puts it into the entry contract's price space. Shifts are applied to what is
sent, never to the pieces.
"""

import bisect
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Generic, Protocol, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from market.engine.bars import Bars, Int64s, aggregate
from market.sessions import SECOND_NS, Session
from market.timeframes import TIMEFRAMES, bucket_bounds


def as_traded(session: Session, ts: Int64s, bar_ns: int) -> Session:
    """The session with its closes moved past bars that came after them: the tape is the judge, not the calendar."""
    openings = [start for start, _ in session.segments[1:]]
    segments = []
    for (start, end), following in zip(session.segments, [*openings, None], strict=True):
        late = ts[ts.searchsorted(end) : None if following is None else ts.searchsorted(following)]
        segments.append((start, int(late[-1]) + bar_ns if len(late) else end))
    return replace(session, segments=tuple(segments))


class Piece:
    """One contract's stored bars of one session, with its higher bars built when first asked for.

    bar_seconds: the interval of the stored bars, 1 but for imported files that have no finer ones.
    """

    def __init__(self, session: Session, contract: str, stored: Bars, bar_seconds: int = 1) -> None:
        self.bar_ns = bar_seconds * SECOND_NS
        self.session = as_traded(session, stored.ts, self.bar_ns)
        self.contract = contract
        self.stored = stored
        self._closed: dict[str, tuple[Bars, Int64s]] = {}

    @property
    def nbytes(self) -> int:
        """Memory of the arrays in bytes."""
        return self.stored.nbytes + sum(bars.nbytes for bars, _ in self._closed.values())

    def bars(self, timeframe: str) -> tuple[Bars, Int64s]:
        """All bars of the session and the UTC ns at which each is over."""
        if timeframe not in self._closed:
            starts, ends = bucket_bounds(self.session, timeframe)
            bars = aggregate(self.stored, starts)
            over = ends[starts.searchsorted(bars.ts)]
            if self.bar_ns > TIMEFRAMES[timeframe] * SECOND_NS:
                over = np.maximum(over, bars.ts + self.bar_ns)
            self._closed[timeframe] = bars, over
        return self._closed[timeframe]

    def stamp(self, timeframe: str, playhead_ns: int) -> int:
        """Another one where the bars that are over have become others: those of a stored session never do."""
        return 0

    def known(self, timeframe: str, playhead_ns: int) -> tuple[int, int]:
        """The same two numbers as long as its bars are the same: how many are over, and what the last is made of."""
        _, ends = self.bars(timeframe)
        seconds = int(self.stored.ts.searchsorted(playhead_ns - self.bar_ns, side="right"))
        return int(ends.searchsorted(playhead_ns, side="right")), seconds

    def frozen(self) -> "Piece":
        """The same as it stands, for another thread."""
        return self

    def bars_between(self, timeframe: str, since_ns: int, playhead_ns: int) -> Bars:
        """Bars that start at or after `since_ns`, as they are known at the playhead, the forming one last.

        A stored bar is known once its interval is over.
        """
        bars, ends = self.bars(timeframe)
        first = int(bars.ts.searchsorted(since_ns))
        closed = int(ends.searchsorted(playhead_ns, side="right"))
        if closed >= len(bars) or first > closed:
            return bars[first:closed]
        formed = self._formed_since(int(bars.ts[closed]), playhead_ns)
        return Bars.concatenate([bars[first:closed], formed]) if first < closed else formed

    def forming(self, timeframe: str, playhead_ns: int) -> Bars:
        """The bar in progress as it is known at the playhead; empty before its first trade, and between two bars."""
        bars, ends = self.bars(timeframe)
        closed = int(ends.searchsorted(playhead_ns, side="right"))
        return Bars.empty() if closed >= len(bars) else self._formed_since(int(bars.ts[closed]), playhead_ns)

    def _formed_since(self, start_ns: int, playhead_ns: int) -> Bars:
        """The bar that began then, from the stored bars that are over; empty before its first trade."""
        first = int(self.stored.ts.searchsorted(start_ns))
        end = int(self.stored.ts.searchsorted(playhead_ns - self.bar_ns, side="right"))
        if end <= first:
            return Bars.empty()
        rows = self.stored
        high, low = rows.high[first:end].max(keepdims=True), rows.low[first:end].min(keepdims=True)
        volume = rows.volume[first:end].sum(keepdims=True)
        return Bars(np.array([start_ns]), rows.open[first : first + 1], high, low, rows.close[end - 1 : end], volume)


@dataclass(frozen=True, slots=True)
class RollMark:
    """A roll on the chart. Prices 1e-9 units, volumes contracts (None without a daily bar).

    known_ns: the instant from which the volumes are over and may be shown.
    """

    at_ns: int
    known_ns: int
    kind: str
    from_contract: str
    to_contract: str
    complete: bool
    spread: int
    from_volume: int | None
    to_volume: int | None

    @property
    def priced_ns(self) -> int:
        """The end of the second whose opens make the spread: the mark is shown from then on."""
        return self.at_ns + SECOND_NS


@dataclass(frozen=True, slots=True)
class FlawMark:
    """The vendor calls data of a session less than good. days: the UTC dates with its word for each."""

    at_ns: int
    days: tuple[tuple[date, str], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A piece in its place: the shift that its prices need, and the roll and the flaw at its open if there are any.

    grade: what the session's stored data can decide: "book", "trades" or "bars". contract_id: the row of the
    contract, for whoever wants more of the session than its bars; None for a tape that was made without a store.
    """

    piece: Piece
    shift: int
    roll: RollMark | None = None
    flaw: FlawMark | None = None
    grade: str = "bars"
    contract_id: int | None = None


@dataclass(frozen=True, slots=True)
class Tape:
    """Consecutive sessions in the price space of entry_contract, the front month at the entry (or anchor)."""

    parts: tuple[Part, ...]
    entry_contract: str
    # looked up several times for each frame; _opens: of each part, UTC ns
    _opens: list[int] = field(init=False, repr=False, compare=False)
    _rolls: list[RollMark] = field(init=False, repr=False, compare=False)
    _flaws: list[FlawMark] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_opens", [part.piece.session.open_ns for part in self.parts])
        object.__setattr__(self, "_rolls", [part.roll for part in self.parts[1:] if part.roll is not None])
        object.__setattr__(self, "_flaws", [part.flaw for part in self.parts if part.flaw is not None])

    @property
    def start_ns(self) -> int:
        return self.parts[0].piece.session.open_ns

    @property
    def end_ns(self) -> int:
        return self.parts[-1].piece.session.close_ns

    @property
    def trade_dates(self) -> list[date]:
        return [part.piece.session.trade_date for part in self.parts]

    def contradicts(self, other: "Tape") -> bool:
        """Whether a session that both have shows another contract or other prices here."""
        theirs = {part.piece.session.trade_date: (part.piece.contract, part.shift) for part in other.parts}
        mine = {part.piece.session.trade_date: (part.piece.contract, part.shift) for part in self.parts}
        return any(theirs.get(trade_date, shown) != shown for trade_date, shown in mine.items())

    def index_at(self, ns: int) -> int:
        """The part whose session is in progress or was the last before the instant; 0 before the first."""
        return max(0, bisect.bisect_right(self._opens, ns) - 1)

    def step(self, timeframe: str, ns: int, count: int) -> int | None:
        """The next (count 1) or last (count -1) instant at which a bar is over; None where the tape ends."""
        index = self.index_at(ns)
        order = range(index, len(self.parts)) if count > 0 else range(index, -1, -1)
        for number in order:
            _, ends = self.parts[number].piece.bars(timeframe)
            at = int(ends.searchsorted(ns, side="right" if count > 0 else "left")) - (count < 0)
            if 0 <= at < len(ends):
                return int(ends[at])
        return None

    def part_at(self, ns: int) -> Part:
        """The part of `index_at`."""
        return self.parts[self.index_at(ns)]

    def next_open(self, ns: int) -> int | None:
        """`ns` itself while the market trades, else the next opening on the tape; None past its end."""
        for part in self.parts[self.index_at(ns) :]:
            at = part.piece.session.next_open(ns)
            if at is not None:
                return at
        return None

    def bars(self, timeframe: str, since_ns: int, playhead_ns: int) -> Bars:
        """Bars that start at or after `since_ns` as known at the playhead, shifted, the forming one last."""
        first, last = self.index_at(since_ns), self.index_at(playhead_ns)
        return Bars.concatenate(
            [
                part.piece.bars_between(timeframe, since_ns, playhead_ns).shifted(part.shift)
                for part in self.parts[first : last + 1]
            ]
        )

    def rolls(self, since_ns: int, playhead_ns: int) -> list[RollMark]:
        """The rolls that were priced, or whose volumes became known, after `since_ns` up to the playhead.

        The tape's own first session shows no roll.
        """
        marks = [mark for mark in self._rolls if mark.priced_ns <= playhead_ns]
        return [mark for mark in marks if since_ns < mark.priced_ns or since_ns < mark.known_ns <= playhead_ns]

    def flaws(self, since_ns: int, playhead_ns: int) -> list[FlawMark]:
        """The flaws of sessions that opened after `since_ns` up to the playhead."""
        return [mark for mark in self._flaws if since_ns < mark.at_ns <= playhead_ns]


class Sized(Protocol):
    """Something that knows its size in bytes."""

    @property
    def nbytes(self) -> int: ...


T = TypeVar("T", bound=Sized)


class SharedCache(Generic[T]):
    """Pieces by key, shared by all replays of the process, the least recently used dropped beyond a size.

    A piece that was dropped and is still used by somebody is found again: it takes its memory anyway.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pieces: OrderedDict[tuple[object, ...], tuple[T, int]] = OrderedDict()
        self._used: WeakValueDictionary[tuple[object, ...], T] = WeakValueDictionary()
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...], load: Callable[[], T]) -> T:
        """The cached piece, else the loaded one. Two threads may load the same piece once each; one is kept."""
        with self._lock:
            known = self._used.get(key)
            if known is not None:
                self._keep(key, known)
                return known
        piece = load()
        with self._lock:
            piece = self._used.setdefault(key, piece)
            self._keep(key, piece)
        return piece

    def clear(self) -> None:
        """Forget all pieces."""
        with self._lock:
            self._pieces.clear()
            self._used.clear()
            self._bytes = 0

    def _keep(self, key: tuple[object, ...], piece: T) -> None:
        """Have a piece as the newest; it may have grown. Thousands of pieces are not measured for one."""
        _, before = self._pieces.pop(key, (None, 0))
        size = piece.nbytes
        self._pieces[key] = piece, size
        self._bytes += size - before
        while self._bytes > self._max_bytes and len(self._pieces) > 1:
            _, (_, dropped) = self._pieces.popitem(last=False)
            self._bytes -= dropped
