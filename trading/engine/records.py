"""What the broker says: events, fills, and why each fill was one."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256

from trading.engine.terms import Change, Grade, Preset, Reason, Side


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a fill rests on. Sizes are lots.

    events: exchange sequence numbers of the book or trade records used, or the bar's UTC ns; quantities the tape did
    not have are None. ahead_placed: in front when the order joined the queue; ahead_before, ahead_after: around the
    record that filled it; traded, cancelled: what left the front by prints and by cancels. level: the displayed size,
    the print's size or the bar's volume; own: what own orders, or the print that triggered a stop, took of it before.
    """

    grade: Grade
    reason: Reason
    events: tuple[int, ...]
    level: int
    latency_ns: int
    preset: Preset
    own: int = 0
    ahead_placed: int | None = None
    ahead_before: int | None = None
    ahead_after: int | None = None
    traded: int = 0
    cancelled: int = 0
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution. price: 1e-9 units. fee: 1e-9 dollars, for the whole quantity. of: what the order was for."""

    number: int
    order: int
    client_id: str
    contract: str
    side: Side
    quantity: int
    price: int
    ns: int
    fee: int
    of: int
    why: Explanation


@dataclass(frozen=True, slots=True)
class Event:
    """One change of an order, or of the account (order None). text: words and figures, fit for the user.

    quantity, filled, limit, stop: the order as it is afterwards; prices 1e-9 units, None where it has none.
    """

    number: int
    ns: int
    change: Change
    reason: Reason
    order: int | None = None
    client_id: str = ""
    text: str = ""
    fill: Fill | None = None
    quantity: int = 0
    filled: int = 0
    limit: int | None = None
    stop: int | None = None


def digest(fills: Iterable[Fill]) -> str:
    """SHA-256 over the canonical list of fills: one JSON array for each, in order."""
    total = sha256()
    for fill in fills:
        total.update(json.dumps(astuple(fill), separators=(",", ":")).encode() + b"\n")
    return total.hexdigest()


def price_text(price: int) -> str:
    """A price of 1e-9 units as a decimal with at least two places."""
    whole, part = divmod(abs(price), 1_000_000_000)
    decimals = f"{part:09}".rstrip("0").ljust(2, "0")
    return f"{'-' if price < 0 else ''}{whole}.{decimals}"


def explain(fill: Fill) -> str:
    """The fill as a sentence: "2 of 5 at 71.03: 180 ahead when placed, 140 traded, 31 cancelled ahead (neutral), …"."""
    sentence = f"{fill.quantity} of {fill.of} at {price_text(fill.price)}: {_because(fill)}"
    notes = [_FLAGS[flag] for flag in fill.why.flags]
    return "; ".join([sentence, *notes]) + "."


_FLAGS = {
    "ambiguous_bar": "target and stop lie inside this bar, the stop is taken",
    "depth_exhausted": "the ten levels known were not enough, the rest works on",
    "protected": "the protection price stopped it, the rest works on",
}


def _because(fill: Fill) -> str:
    why = fill.why
    own = f", {why.own} of them taken before" if why.own else ""
    match why.reason:
        case Reason.WALK:
            return f"took the displayed size ({why.level}{own})"
        case Reason.QUEUE:
            return _queue(fill)
        case Reason.THROUGH if why.grade is Grade.BARS:
            return f"a bar of {why.level} traded through the limit"
        case Reason.THROUGH:
            return f"a print of {why.level} went through the price"
        case Reason.BEST_REACHED:
            return f"the opposite best came to the price with {why.level}"
        case Reason.PRINT:
            return f"in the place of a print of {why.level}{own}"
        case Reason.BAR_EXTREME:
            return f"the worse end of the second's bar (volume {why.level})"
        case Reason.BAR_OPEN:
            return f"the bar (volume {why.level}) opened beyond the limit"
        case Reason.BAR_TOUCH:
            return f"a bar of {why.level} touched the limit ({why.preset.name.lower()})"
        case _:
            return f"the stop was reached in a bar of {why.level}"


def _queue(fill: Fill) -> str:
    why = fill.why
    preset = why.preset.name.lower()
    over = why.level - why.own - (why.ahead_before or 0)
    return (
        f"{why.ahead_placed} ahead when placed, {why.traded} traded, {why.cancelled} cancelled ahead ({preset}), "
        f"{over} over"
    )
