"""What the admin shows of a roll: its figures in words, and the volumes around it."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from market import plots
from market.engine import splice
from market.facts import PRICE_SCALE
from market.models import Roll
from market.rolls import session_volumes
from market.sessions import Session, to_et

SESSIONS = 15
"""So many are shown before a roll, and after it."""
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Day:
    """A session's volumes, as texts. mark: what the session has to do with the roll."""

    trade_date: date
    old: str
    new: str
    mark: str


@dataclass(frozen=True, slots=True)
class RollPage:
    """A roll's page. figures: names and texts of the table's rows. begins: what the plot's line stands for."""

    why: str
    begins: str
    figures: list[tuple[str, str]]
    plot: plots.Plot
    days: list[Day]
    old: str
    new: str


def page(roll: Roll) -> RollPage:
    """What there is to tell of a roll."""
    around = _Around(roll)
    begins = "the first front month" if roll.kind == Roll.Kind.SEED else "the roll"
    marks = {around.decided: "decided it", around.at: begins}
    days = [
        Day(day, _volume(around.old[number]), _volume(around.new[number]), marks.get(number, ""))
        for number, day in enumerate(around.days)
    ]
    plot = plots.around_roll(around.days, around.old, around.new, around.at, around.decided)
    return RollPage(_why(roll), begins, _figures(roll), plot, days, _name(roll.from_contract), _name(roll.to_contract))


def spark(roll: Roll) -> plots.Spark:
    """The volumes of both contracts around a roll, for a table's cell."""
    around = _Around(roll)
    return plots.spark(around.old, around.new, around.at)


class _Around:
    """The sessions around a roll and the volumes of both contracts; at, decided: places in the list of days."""

    def __init__(self, roll: Roll) -> None:
        calendar = roll.asset.sessions
        own = calendar.session(roll.trade_date)
        before, after = calendar.before(roll.trade_date, SESSIONS + 1), calendar.after(roll.trade_date, SESSIONS)
        sessions = [*before[1:], *([own] if own else []), *after]
        self.days = [session.trade_date for session in sessions]
        self.at = len(before[1:])
        self.decided = self.at if roll.kind == Roll.Kind.SEED else self.at - 1
        first = before[0].trade_date + ONE_DAY if before else self.days[0]
        contracts = [contract for contract in (roll.from_contract, roll.to_contract) if contract]
        volumes = session_volumes(contracts, sessions, first, self.days[-1] + ONE_DAY)
        columns = [[None if volume == splice.NO_BAR else int(volume) for volume in column] for column in volumes.T]
        self.old: plots.Volumes = columns[0] if len(columns) == 2 else [None] * len(sessions)
        self.new: plots.Volumes = columns[-1]


def _why(roll: Roll) -> str:
    old, new = roll.from_contract, roll.to_contract
    if roll.kind == Roll.Kind.SEED:
        return f"The daily volumes begin here, and {new} was the busiest contract of this session."
    if roll.kind == Roll.Kind.VOLUME:
        return f"In the session before, {new} traded more than {old}, and more than every other later contract."
    if roll.kind == Roll.Kind.CACHE_GAP:
        return (
            f"{old} had no daily bar in the {splice.SILENT_SESSIONS} sessions before or longer, and {new} was the "
            "busiest later contract of the last of them."
        )
    last = old.last_trade_date if old else None
    ended = f"The last trade date of {old} was {last}" if last else f"The delivery month of {old} was over"
    return f"{ended}, and no volume had led to another contract before."


def _figures(roll: Roll) -> list[tuple[str, str]]:
    session = roll.asset.sessions.session(roll.trade_date)
    return [
        ("Trade date", f"{roll.trade_date:%A %Y-%m-%d}"),
        ("Instant", _instant(session)),
        ("From", _name(roll.from_contract)),
        ("To", _name(roll.to_contract)),
        ("Kind", str(roll.get_kind_display())),
        (_volumes_of(roll), _volumes(roll)),
        *(
            (f"First second of {contract}", _price(roll, price))
            for contract, price in ((roll.from_contract, roll.from_price), (roll.to_contract, roll.to_price))
            if roll.from_contract
        ),
        ("Spread", _spread(roll)),
    ]


def _instant(session: Session | None) -> str:
    return f"{to_et(session.open_ns):%A %Y-%m-%d %H:%M} ET" if session else "no session on that day any more"


def _volumes_of(roll: Roll) -> str:
    if roll.kind == Roll.Kind.SEED:
        return "Volume of the session itself"
    before = roll.asset.sessions.before(roll.trade_date, 1)
    return f"Volumes of {before[0].trade_date}, the session before" if before else "Volumes of the session before"


def _volumes(roll: Roll) -> str:
    if roll.from_contract is None:
        return _volume(roll.to_volume)
    old, new = _volume(roll.from_volume), _volume(roll.to_volume)
    return f"{roll.from_contract} {old}, {roll.to_contract} {new}"


def _volume(volume: int | None) -> str:
    return "no daily bar" if volume is None else f"{volume:,}"


def _price(roll: Roll, price: int | None) -> str:
    return "—" if price is None else f"{price_text(roll, price)} (open of its one-second bar)"


def price_text(roll: Roll, price: int, sign: str = "") -> str:
    """A price as a decimal number of the asset's decimals; sign: "+" to show that of a difference."""
    return f"{Decimal(price) / PRICE_SCALE:{sign},.{roll.asset.decimals}f}"


def _spread(roll: Roll) -> str:
    if roll.from_contract is None:
        return "none: nothing was before it"
    if roll.spread_state == Roll.Spread.UNKNOWN:
        return "not priced yet; the first replay that shows this roll fetches the second"
    if roll.spread_state == Roll.Spread.COMPLETE:
        return f"{price_text(roll, roll.spread, '+')} ({roll.to_contract} minus {roll.from_contract})"
    silent = [
        str(contract)
        for contract, price in ((roll.from_contract, roll.from_price), (roll.to_contract, roll.to_price))
        if price is None
    ]
    return f"incomplete, counts as 0: no trade of {' and '.join(silent)} in that second, so the gap stays visible"


def _name(contract: object) -> str:
    return str(contract) if contract else "—"
