"""Where a session of the feed begins: which second the replay starts from, and from which the bars are whole.

All times are UTC ns of the market.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from market.sessions import SECOND_NS, Session

HOUR_NS = 3_600 * SECOND_NS
LONGEST_NS = 24 * HOUR_NS - 60 * SECOND_NS
"""Databento replays 24 hours; a minute less, for the time that it takes to ask."""
OVERLAP_NS = 30 * SECOND_NS
"""What is replayed of the time whose bars are held: late prints near the end, which nobody has seen, come again."""
CAPTURE_NS = 2 * SECOND_NS
"""A replay starts by ts_event, bars go by ts_recv, which is later: seldom by more than a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """start_ns: to ask the gateway for, None for no replay. whole_ns: bars from here on are whole."""

    start_ns: int | None
    whole_ns: int


def beginning(now_ns: int, held_ns: int | None, sessions: Sequence[Session]) -> Beginning:
    """From the last bar held, or else from the earliest opening of the sessions in progress.

    held_ns: all bars before it are held, None where there are none. sessions: of all assets, those of the last 24
    hours and the next ones. At most just under 24 hours back, and never from within a time when all are closed.
    """
    openings = [session.open_ns for session in sessions if session.open_ns <= now_ns < session.close_ns]
    wanted = min(openings, default=now_ns) if held_ns is None else held_ns - OVERLAP_NS
    start = _while_open(max(wanted, now_ns - LONGEST_NS), sessions)
    if start >= now_ns:
        return Beginning(None, _next_second(now_ns))
    at_an_opening = any(start == session.open_ns for session in sessions)
    return Beginning(start, start if at_an_opening else _next_second(start + CAPTURE_NS))


def _while_open(ns: int, sessions: Sequence[Session]) -> int:
    """The instant, or the next opening where none of the sessions is open at it."""
    later = [opening for session in sessions if (opening := session.next_open(ns)) is not None]
    return min(later, default=ns)


def _next_second(ns: int) -> int:
    return -(-ns // SECOND_NS) * SECOND_NS
