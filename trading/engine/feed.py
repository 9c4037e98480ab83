"""The tape as the broker sees it: one contract's sessions in its own prices, never spliced, never shifted."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from market.engine.bars import Bars, Int64s
from market.engine.book import BookTape
from market.engine.trades import Trades
from market.sessions import SECOND_NS
from trading.engine.terms import Grade

NOTHING_AHEAD = 2**63 - 1
Interval = tuple[int, int]


@dataclass(frozen=True)
class Span:
    """A session of one contract: its best tape, and when it trades.

    tape: `Bars`, `Trades` or `BookTape`, which decides the grade. segments: UTC ns [open, close), ascending, as in
    `market.sessions.Session`; halts: [start, end) within them, from `status` records. bar_ns: the bars' interval.
    """

    tape: Bars | Trades | BookTape
    segments: tuple[Interval, ...]
    halts: tuple[Interval, ...] = ()
    bar_ns: int = SECOND_NS
    trading: tuple[Interval, ...] = field(init=False)
    """The segments without the halts."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "trading", tuple(_without(self.segments, self.halts)))

    @property
    def grade(self) -> Grade:
        if isinstance(self.tape, Bars):
            return Grade.BARS
        return Grade.TRADES if isinstance(self.tape, Trades) else Grade.BOOK

    @property
    def open_ns(self) -> int:
        return self.segments[0][0]

    @property
    def close_ns(self) -> int:
        return self.segments[-1][1]

    @cached_property
    def known(self) -> Int64s:
        """When each row is known: a print or a book event at its capture, a bar when it is over."""
        return self.tape.ts + self.bar_ns if isinstance(self.tape, Bars) else self.tape.ts

    def is_trading(self, ns: int) -> bool:
        return any(start <= ns < end for start, end in self.trading)

    def boundaries_after(self, ns: int) -> list[int]:
        """The instants after `ns` at which trading starts or stops, ascending."""
        return [at for interval in self.trading for at in interval if at > ns]


class Feed(Protocol):
    """Where the broker gets its tapes."""

    def span_at(self, contract: str, ns: int) -> Span | None:
        """The session in progress at the instant, else the next one; None past the end of what is there.

        The same answer for the same instant, always: fills are a function of tape and commands.
        """


def _without(segments: tuple[Interval, ...], halts: tuple[Interval, ...]) -> list[Interval]:
    """The parts of the segments outside the halts (both ascending)."""
    left: list[Interval] = []
    for start, end in segments:
        for halt_start, halt_end in halts:
            if halt_start >= end or halt_end <= start:
                continue
            if halt_start > start:
                left.append((start, halt_start))
            start = min(halt_end, end)
        if start < end:
            left.append((start, end))
    return left


@dataclass(frozen=True)
class Spans:
    """A feed over sessions in memory: by contract, ascending in time."""

    by_contract: dict[str, tuple[Span, ...]]

    def span_at(self, contract: str, ns: int) -> Span | None:
        """See `Feed`."""
        return next((span for span in self.by_contract.get(contract, ()) if ns < span.close_ns), None)
