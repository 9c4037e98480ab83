"""What people write into limits: trading hours and positions by root, each read and written here alone."""

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

DAY_MINUTES = 24 * 60
MOST_SPANS, MOST_ROOTS = 8, 40
MOST_LOTS = 1_000_000

_SPAN = re.compile(r"([0-9]{1,2}):([0-9]{2})\s*[-–]\s*([0-9]{1,2}):([0-9]{2})")
_POSITION = re.compile(r"([A-Z0-9][A-Z0-9.]{0,9})[\s:=]+([0-9]{1,7})")

Hours = tuple[tuple[int, int], ...]


def parse_hours(text: str) -> Hours:
    """ET minutes after midnight [start, end), ascending, of "09:30-11:30, 14:00-15:45"; empty for an empty text.

    Raises ValueError with words.
    """
    spans = sorted(_span(part.strip()) for part in text.split(",")) if text.strip() else []
    if len(spans) > MOST_SPANS:
        raise ValueError(f"At most {MOST_SPANS} spans.")
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError(f"{clock(start)} lies in two spans.")
    return tuple(spans)


def _span(text: str) -> tuple[int, int]:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:20]!r} is no span of time. Write 09:30-11:30, 14:00-15:45.")
    hour, minute, end_hour, end_minute = map(int, match.groups())
    start, end = hour * 60 + minute, end_hour * 60 + end_minute
    if max(minute, end_minute) > 59 or start >= DAY_MINUTES or end > DAY_MINUTES:
        raise ValueError(f"{text} has a time that no clock shows.")
    if end <= start:
        raise ValueError(f"{text} ends before it begins. Write hours over midnight as two: 18:00-24:00, 00:00-02:00.")
    return start, end


def hours_text(hours: Hours) -> str:
    """As `parse_hours` reads them."""
    return ", ".join(f"{clock(start)}-{clock(end)}" for start, end in hours)


def clock(minute: int) -> str:
    """Minutes after midnight as 09:30; the day's end is 24:00."""
    return f"{minute // 60:02}:{minute % 60:02}"


def common_hours(one: Hours, other: Hours) -> Hours:
    """The time that lies in both, where empty means all day; where none does, a span without any time."""
    if not one or not other:
        return one or other
    both = [(max(a, c), min(b, d)) for a, b in one for c, d in other]
    return tuple(sorted(span for span in both if span[0] < span[1])) or ((0, 0),)


def parse_positions(text: str, roots: Sequence[str] | None = None) -> dict[str, int]:
    """Lots by root of "NQ 2, ES 5"; roots: those that there are. Raises ValueError with words."""
    found: dict[str, int] = {}
    for part in filter(None, (part.strip().upper() for part in text.split(","))):
        match = _POSITION.fullmatch(part)
        if match is None:
            raise ValueError(f"{part[:20]!r} is no asset with a position. Write NQ 2, ES 5.")
        root, lots = match[1], int(match[2])
        if root in found:
            raise ValueError(f"{root} stands here twice.")
        if roots is not None and root not in roots:
            raise ValueError(f"There is no asset {root}.")
        if not 1 <= lots <= MOST_LOTS:
            raise ValueError(f"A position of {root} is 1 to {MOST_LOTS:,}.")
        found[root] = lots
    if len(found) > MOST_ROOTS:
        raise ValueError(f"At most {MOST_ROOTS} assets.")
    return found


def positions_text(positions: Mapping[str, int]) -> str:
    """As `parse_positions` reads them."""
    return ", ".join(f"{root} {lots}" for root, lots in sorted(positions.items()))
