"""The tape's verdict on the calendar: when a session really opened and closed, as its prints or its status say.

Pure functions of instants (int64 UTC ns). docs/sessions.md explains what is done about a finding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from market.sessions import SECOND_NS, Session

Int64s = npt.NDArray[np.int64]

CLOSE_ENOUGH_NS = 60 * SECOND_NS
"""A print within a minute of a close or an opening contradicts nobody."""
LONG_NS = 15 * 60 * SECOND_NS
"""Exchanges move closes by quarters of an hour: a shorter silence at either end tells nothing."""
TIMES_USUAL, TIMES_OWN = 4, 3
"""A silence is long beyond this multiple of the asset's usual one, and of the session's own longest."""
APART_NS = 30 * 60 * SECOND_NS
"""Prints outside the session that lie so far from each other are not one stretch of trading."""

Y, N = ord("Y"), ord("N")


@dataclass(frozen=True, slots=True)
class Finding:
    """Where tape and calendar differ.

    kind: "opens earlier", "opens later", "closes earlier", "closes later", "trades through a break", "halts",
    "trades without a session", "nothing traded".
    calendar: what the calendar says, tape: what was seen; an instant, or the two ends of a stretch; empty for nothing.
    close_ns: the calendar's close that the tape contradicts; None where it is not about a close.
    """

    kind: str
    calendar: tuple[int, ...]
    tape: tuple[int, ...]
    close_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """Nanoseconds without a print at the beginning and the end of a segment, and the longest in between."""

    opening: int
    closing: int
    longest: int


@dataclass(frozen=True, slots=True)
class Known:
    """How far the tape of a session is known, and where it ends by itself.

    following_ns: the opening of the next session. until_ns: data were available up to here. expires_ns: the
    contract's last trade; None when it is not known to be in this session.
    """

    following_ns: int
    until_ns: int
    expires_ns: int | None = None


def silence(segment: tuple[int, int], ts: Int64s) -> Silence | None:
    """The silences of a segment [open, close); None when nothing was printed in it. ts ascends."""
    start, end = segment
    inside = ts[ts.searchsorted(start) : ts.searchsorted(end)]
    if not len(inside):
        return None
    longest = int(np.diff(inside).max()) if len(inside) > 1 else 0
    return Silence(int(inside[0]) - start, end - int(inside[-1]), longest)


def usual(silences: Sequence[Silence]) -> Silence:
    """The median silences of an asset's segments; zeros when there are none."""
    if not silences:
        return Silence(0, 0, 0)
    columns = zip(*((each.opening, each.closing, each.longest) for each in silences), strict=True)
    return Silence(*(int(np.median(column)) for column in columns))


# --- prints ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """What of a session's prints is kept for the judgement: each segment's silences, and prints outside of them."""

    silences: tuple[Silence | None, ...]
    strays: tuple[Finding, ...]


def look(session: Session, ts: Int64s, known: Known) -> Seen:
    """Look through the prints of a session's piece (up to the next opening, ascending)."""
    silences = tuple(silence(segment, ts) for segment in session.segments)
    strays = list(_strays(None, session.open_ns, ts, APART_NS))
    openings = [*(start for start, _ in session.segments[1:]), known.following_ns]
    for (_, close_ns), open_ns, quiet in zip(session.segments, openings, silences, strict=True):
        apart_ns = max(APART_NS, TIMES_OWN * quiet.longest if quiet else 0)
        strays += _strays(close_ns, open_ns, ts, apart_ns)
    return Seen(silences, tuple(strays))


def judge_prints(session: Session, seen: Seen, known: Known, usually: Silence) -> Iterator[Finding]:
    """What the prints of a session say against the calendar."""
    if not any(seen.silences) and not seen.strays:
        if known.until_ns >= session.close_ns:
            yield Finding("nothing traded", (session.open_ns, session.close_ns), ())
        return
    for segment, quiet in zip(session.segments, seen.silences, strict=True):
        yield from _inside(segment, quiet, known, usually)
    yield from seen.strays


def _inside(segment: tuple[int, int], quiet: Silence | None, known: Known, usually: Silence) -> Iterator[Finding]:
    start, end = segment
    if quiet is None:
        if known.until_ns >= end and not _expires(known, segment):
            yield Finding("nothing traded", segment, (), end)
        return
    if quiet.opening > max(LONG_NS, TIMES_USUAL * usually.opening, TIMES_OWN * quiet.longest):
        yield Finding("opens later", (start,), (start + quiet.opening,))
    is_long = quiet.closing > max(LONG_NS, TIMES_USUAL * usually.closing, TIMES_OWN * quiet.longest)
    if is_long and known.until_ns >= end and not _expires(known, segment):
        yield Finding("closes earlier", (end,), (end - quiet.closing,), end)


def _expires(known: Known, segment: tuple[int, int]) -> bool:
    return known.expires_ns is not None and known.expires_ns < segment[1]


def _strays(close_ns: int | None, open_ns: int, ts: Int64s, apart_ns: int) -> Iterator[Finding]:
    """Prints between a close (None: before all that is known) and the next opening, stretch by stretch."""
    first = 0 if close_ns is None else ts.searchsorted(close_ns + CLOSE_ENOUGH_NS)
    outside = ts[first : ts.searchsorted(open_ns - CLOSE_ENOUGH_NS)]
    if not len(outside):
        return
    cuts = np.flatnonzero(np.diff(outside) > apart_ns) + 1
    for stretch in np.split(outside, cuts):
        yield _stray(close_ns, open_ns, (int(stretch[0]), int(stretch[-1])), apart_ns)


def _stray(close_ns: int | None, open_ns: int, stretch: tuple[int, int], apart_ns: int) -> Finding:
    first, last = stretch
    goes_on = close_ns is not None and first - close_ns <= apart_ns
    leads_in = open_ns - last <= apart_ns
    if close_ns is not None and goes_on and leads_in:
        return Finding("trades through a break", (close_ns, open_ns), stretch)
    if goes_on:
        return Finding("closes later", (close_ns or 0,), (last,), close_ns)
    if leads_in:
        return Finding("opens earlier", (open_ns,), (first,))
    return Finding("trades without a session", (), stretch)


# --- status ---------------------------------------------------------------------------------------------------


def judge_status(session: Session, ts: Int64s, is_trading: npt.NDArray[np.uint8], known: Known) -> Iterator[Finding]:
    """What the status records of a session's piece say: ts of the change (ascending), and Y, N or unknown."""
    stretches = list(trading(ts, is_trading))
    for start, end in session.segments:
        here = [(first, last) for first, last in stretches if first < end and (last is None or last > start)]
        if not here:
            if len(ts) and known.until_ns >= end and not _expires(known, (start, end)):
                yield Finding("nothing traded", (start, end), (), end)
            continue
        yield from _opening(start, here[0][0])
        yield from _closing((start, end), here[-1][1], known)
        for (_, halt), (again, _) in pairwise(here):
            if halt is not None:
                yield Finding("halts", (), (halt, again))


def trading(ts: Int64s, is_trading: npt.NDArray[np.uint8]) -> Iterator[tuple[int, int | None]]:
    """Stretches of trading [from, to); to is None where the records end while it trades."""
    since = None
    for at, letter in zip(ts, is_trading, strict=True):
        if letter == Y and since is None:
            since = int(at)
        elif letter == N and since is not None:
            yield since, int(at)
            since = None
    if since is not None:
        yield since, None


def _opening(start: int, first: int) -> Iterator[Finding]:
    if abs(first - start) > CLOSE_ENOUGH_NS:
        yield Finding("opens earlier" if first < start else "opens later", (start,), (first,))


def _closing(segment: tuple[int, int], last: int | None, known: Known) -> Iterator[Finding]:
    end = segment[1]
    if last is None or _expires(known, segment) or abs(last - end) <= CLOSE_ENOUGH_NS:
        return
    yield Finding("closes earlier" if last < end else "closes later", (end,), (last,), end)
