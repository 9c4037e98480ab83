"""From sessions to contracts: what a window shows, and which pieces its tape takes."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from market import rolls
from market.engine import splice
from market.history import Span
from market.models import Asset, Contract, Coverage, Roll
from market.schemas import BAR_SCHEMAS, SECONDS
from market.sessions import SECOND_NS, Session, SessionCalendar

NEAR = timedelta(days=10)
"""Imported sessions that are further apart have nothing to do with each other."""
OF_FILES = "files"
"""The kind of a roll that no volumes have decided: the imported sessions go on with another contract."""
HISTORY_AFTER = timedelta(days=14)
"""Daily bars wanted past the window, so that a prefetch seldom asks again."""


class NoMarket(LookupError):
    """The asset did not trade there; the message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Window:
    """A run of sessions to be replayed.

    entry: the trade date whose front month keeps its true prices. history_from: the UTC date from which on the
    roll schedule must be known, not after the first session and the entry.
    """

    asset: Asset
    sessions: list[Session]
    entry: date
    history_from: date

    def history_span(self, available_ns: int) -> Span:
        """The UTC dates [first, end) of daily bars that decide the window's front months; days that are over only."""
        today = datetime.fromtimestamp(available_ns // SECOND_NS, UTC).date()
        return self.history_from, min(today, self.sessions[-1].trade_date)

    def fetched_span(self, available_ns: int) -> Span:
        """What to fetch when something is missing: a little more."""
        first, end = self.history_span(available_ns)
        today = datetime.fromtimestamp(available_ns // SECOND_NS, UTC).date()
        return first, min(today, end + HISTORY_AFTER)


@dataclass(frozen=True, slots=True)
class Slot:
    """One session of a window: its contract, the roll at its open if any, and its stored bars."""

    session: Session
    contract: Contract
    roll: Roll | None
    schema: str = SECONDS.name


@dataclass(frozen=True, slots=True)
class Plan:
    """A window's slots, and all rolls between its sessions and the entry: their spreads make the shifts."""

    slots: list[Slot]
    rolls: list[Roll]
    entry_contract: str

    def shift(self, entry: date, session: Session) -> int:
        spreads = [(roll.trade_date, roll.spread) for roll in self.rolls]
        return splice.shift(spreads, entry, session.trade_date)

    def needed(self, sessions: SessionCalendar) -> dict[Contract, list[Session]]:
        """The sessions of each contract: where it is the front month, and both sides of every roll (the spread)."""
        wanted = {(slot.contract, slot.session) for slot in self.slots}
        for roll in self.rolls:
            session = sessions.session(roll.trade_date)
            if session is not None and roll.from_contract is not None:
                wanted |= {(roll.from_contract, session), (roll.to_contract, session)}
        needed: dict[Contract, list[Session]] = {}
        for contract, session in sorted(wanted, key=lambda pair: pair[1].open_ns):
            needed.setdefault(contract, []).append(session)
        return needed


def imported_sessions(asset: Asset) -> list[Session]:
    """The sessions with bars of an asset that has files only, ascending."""
    dates = Coverage.objects.filter(contract__asset=asset, schema__in=BAR_SCHEMAS, rows__gt=0)
    days = sorted(set(dates.values_list("trade_date", flat=True)))
    return [session for day in days if (session := asset.sessions.session(day)) is not None]


def near_before(sessions: list[Session], trade_date: date) -> list[Session]:
    """The sessions, ascending, before a trade date up to the first gap."""
    near, day = [], trade_date
    for session in reversed(sessions):
        if session.trade_date < trade_date:
            if day - session.trade_date > NEAR:
                break
            near.append(session)
            day = session.trade_date
    return near[::-1]


def near_after(sessions: list[Session], trade_date: date) -> list[Session]:
    """The sessions, ascending, after a trade date up to the first gap."""
    near, day = [], trade_date
    for session in sessions:
        if session.trade_date > trade_date:
            if session.trade_date - day > NEAR:
                break
            near.append(session)
            day = session.trade_date
    return near


def plan(window: Window) -> Plan:
    """Which contract each session of a window shows. Raises NoMarket when none had traded yet."""
    if window.asset.from_files:
        return _plan_from_files(window)
    asset, dates = window.asset, [session.trade_date for session in window.sessions]
    schedule = rolls.schedule_at(asset, dates[-1]) or []
    fronts = rolls.front_months(schedule, dates)
    slots = []
    for session, front in zip(window.sessions, fronts, strict=True):
        if front is not None:
            here = front.trade_date == session.trade_date and front.kind != Roll.Kind.SEED
            slots.append(Slot(session, front.to_contract, front if here else None))
    if not slots:
        raise NoMarket(f"No contract of {asset.root} has traded around {dates[0]}. Choose a later moment.")
    first, last = min(window.entry, dates[0]), max(window.entry, dates[-1])
    between = [roll for roll in schedule if roll.kind != Roll.Kind.SEED and first <= roll.trade_date <= last]
    entry = rolls.front_months(schedule, [window.entry])[0]
    return Plan(slots, between, str(entry.to_contract) if entry else slots[0].contract.raw_symbol)


def _plan_from_files(window: Window) -> Plan:
    """What was imported: each session's busiest contract, in the finest bars that have all of it.

    Where the contract changes, a roll that is not priced yet, of no row.
    """
    rows = Coverage.objects.filter(
        contract__asset=window.asset,
        schema__in=BAR_SCHEMAS,
        rows__gt=0,
        # every change of contract between the entry and the window counts for the shifts
        trade_date__gte=min(window.entry, window.sessions[0].trade_date),
        trade_date__lte=max(window.entry, window.sessions[-1].trade_date),
    ).select_related("contract__asset")
    best: dict[date, Coverage] = {}
    for row in rows:
        held = best.get(row.trade_date)
        if held is None or _rank(row) > _rank(held):
            best[row.trade_date] = row
    changes = {roll.trade_date: roll for roll in _changes([best[day] for day in sorted(best)])}
    slots = [
        Slot(session, shown.contract, changes.get(session.trade_date), shown.schema)
        for session in window.sessions
        if (shown := best.get(session.trade_date)) is not None
    ]
    if not slots:
        raise NoMarket(f"No file with bars or trades of {window.asset.root} was imported for these days.")
    entry = best.get(window.entry)
    return Plan(slots, list(changes.values()), (entry.contract if entry else slots[0].contract).raw_symbol)


def _changes(rows: list[Coverage]) -> Iterator[Roll]:
    for before, row in pairwise(rows):
        if before.contract != row.contract:
            yield Roll(
                asset=row.contract.asset,
                trade_date=row.trade_date,
                kind=OF_FILES,
                from_contract=before.contract,
                to_contract=row.contract,
            )


def _rank(row: Coverage) -> tuple[bool, int, int]:
    """A whole session before a part of one, then finer bars, then more of them."""
    return row.state == Coverage.State.COMPLETE, -BAR_SCHEMAS.index(row.schema), row.rows
