"""What the broker says: events, fills, and why each fill was one."""

import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from hashlib import sha256

from market.sessions import to_et
from trading.engine.terms import Change, Grade, Preset, Reason, Side


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a fill rests on. Sizes are lots.

    events: exchange sequence numbers of the book or trade records used, or the bar's UTC ns; empty for a settlement,
    which uses none; quantities the tape did
    not have are None. before: of the order was filled by then. ahead_placed: in front when the order joined the queue,
    None where the book did not show its price then, ahead_seen: when it first did; ahead_before, ahead_after: around
    the record that filled it; traded, cancelled: what left the front by prints and by cancels. level: the displayed
    size, the print's size or the bar's volume; place: of the displayed level, the best is 1, 0 without a book; own:
    what own orders took of it before, and of that printed: what the print that triggered the stop took. stop: the price
    of a stop that was triggered, set_off: by which print (price, size, record); slip: ticks that it lost on bars;
    beyond: the bar opened beyond it.
    """

    grade: Grade
    reason: Reason
    events: tuple[int, ...]
    level: int
    latency_ns: int
    preset: Preset
    own: int = 0
    place: int = 0
    before: int = 0
    ahead_placed: int | None = None
    ahead_seen: int | None = None
    ahead_before: int | None = None
    ahead_after: int | None = None
    traded: int = 0
    cancelled: int = 0
    printed: int = 0
    stop: int | None = None
    set_off: tuple[int, int, int] | None = None
    slip: int = 0
    beyond: bool = False
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
    """The fill as a sentence: "2 of 5 at 71.03: 180 ahead when placed, 140 traded, 31 cancelled ahead (neutral), …".

    No two fills of an order have the same: each tells what was filled before it.
    """
    before = f", {fill.why.before} filled before" if fill.why.before else ""
    sentence = f"{fill.quantity} of {fill.of} at {price_text(fill.price)}{before}: {_set_off(fill.why)}{_because(fill)}"
    notes = [_FLAGS[flag] for flag in fill.why.flags]
    return "; ".join([sentence, *notes]) + "."


_FLAGS = {
    "ambiguous_bar": "target and stop lie inside this bar, the stop is taken",
    "depth_exhausted": "the ten levels known were not enough, the rest works on",
    "protected": "the protection price stopped it, the rest works on",
}


def _set_off(why: Explanation) -> str:
    """What triggered the stop; of one on bars the bar tells it."""
    if why.stop is None or why.grade is Grade.BARS:
        return ""
    if why.set_off is None:
        return f"its stop {price_text(why.stop)} was passed already; "
    price, size, record = why.set_off
    return (
        f"its stop {price_text(why.stop)} was set off by a print of {size} at {price_text(price)} (record {record}); "
    )


def _stopped(why: Explanation, record: str) -> str:
    if why.stop is None:
        return f"the stop was reached in the bar of {record}"
    how = "opened beyond" if why.beyond else "reached"
    slip = f", filled with {why.slip} {'tick' if why.slip == 1 else 'ticks'} of slippage" if why.slip else ""
    return f"the bar of {record} {how} the stop {price_text(why.stop)}{slip}"


def _because(fill: Fill) -> str:
    why, record = fill.why, _record(fill.why) if fill.why.events else ""
    own = f", {why.printed} of them that print's" if why.printed else ""
    own += f", {why.own - why.printed} of them taken before" if why.own > why.printed else ""
    match why.reason:
        case Reason.WALK:
            return f"took from the {why.level} displayed at level {why.place}{own} ({record})"
        case Reason.QUEUE:
            return f"{_queue(why)} ({record})"
        case Reason.THROUGH if why.grade is Grade.BARS:
            return f"the bar of {record} traded through the limit"
        case Reason.THROUGH:
            return f"a print of {why.level} went through the price ({record})"
        case Reason.BEST_REACHED:
            return f"the opposite best came to the price with {why.level} ({record})"
        case Reason.PRINT:
            return f"in the place of a print of {why.level}{own} ({record})"
        case Reason.BAR_EXTREME:
            return f"the worse end of the bar of {record}"
        case Reason.BAR_OPEN:
            return f"the bar of {record} opened beyond the limit"
        case Reason.EXPIRED:
            return f"{fill.contract} expired, what was held is settled at its last price"
        case Reason.BAR_TOUCH:
            return f"the bar of {record} touched the limit ({why.preset.name.lower()})"
        case _:
            return _stopped(why, record)


def _record(why: Explanation) -> str:
    """Which part of the tape: a bar by its second in ET, a print or a change of the book by its number."""
    if why.grade is Grade.BARS:
        return f"{to_et(why.events[0]):%H:%M:%S} (volume {why.level})"
    return f"record {why.events[0]}"


def _queue(why: Explanation) -> str:
    preset = why.preset.name.lower()
    over = why.level - why.own - (why.ahead_before or 0)
    if why.grade is Grade.TRADES:
        return f"{why.ahead_placed} assumed ahead ({preset}), {why.traded} traded, {over} over"
    ahead = f"{why.ahead_placed} ahead when placed"
    if why.ahead_placed is None:
        ahead = (
            "the book did not reach to its price when it was placed, "
            f"the {why.ahead_seen} displayed when it did are assumed ahead"
        )
    if why.preset is Preset.CONSERVATIVE and why.cancelled:
        # no cancel is taken from the front, but nobody stands behind more than is displayed
        shrank = f"{why.cancelled} gone as the size shown shrank below the place in the queue"
        return f"{ahead}, {why.traded} traded, {shrank} ({preset}), {over} over"
    return f"{ahead}, {why.traded} traded, {why.cancelled} cancelled ahead ({preset}), {over} over"
