"""Which session of which contract a continuous series has on each trade date, and which of them count in samples."""

from dataclasses import dataclass
from datetime import date, timedelta

from market import plans, rolls
from market.models import Asset, Contract, Coverage
from market.schemas import SECONDS
from market.sessions import Session
from ranks import summaries
from ranks.models import Summary

ONE_DAY = timedelta(days=1)
Slot = tuple[int, date]
"""A contract's key and a trade date."""


@dataclass(frozen=True, slots=True)
class State:
    """How the sessions of a lookback stand, as trade dates.

    wanted: those of the calendar. stored: those whose seconds are here, complete to the close. summarised: those that
    count in samples. stale: those whose summary was made of another piece, by another calendar or by another version.
    missing: stored, and never summarised. fronts: the contract of each, where the roll schedule decides it.
    """

    fronts: dict[date, Contract]

    wanted: list[date]
    stored: list[date]
    summarised: list[date]
    stale: list[date]
    missing: list[date]


def lookback(asset: Asset, trade_date: date, days: int) -> list[Session]:
    """The sessions whose bars a bar of this trade date is compared with: trade_date − days up to the day before."""
    return asset.sessions.between(trade_date - timedelta(days=days), trade_date - ONE_DAY)


def front_contracts(asset: Asset, sessions: list[Session]) -> dict[date, Contract]:
    """The contract of the continuous series on each trade date, as far as the roll schedule decides it.

    An asset of imported files has the busiest one of each day, where its bars are of a second.
    """
    if not sessions:
        return {}
    dates = [session.trade_date for session in sessions]
    if not asset.from_files:
        return rolls.fronts(asset, dates)
    try:
        slots = plans.plan(plans.Window(asset, sessions, dates[-1], dates[0])).slots
    except plans.NoMarket:
        return {}
    return {slot.session.trade_date: slot.contract for slot in slots if slot.schema == SECONDS.name}


def state(asset: Asset, sessions: list[Session]) -> State:
    """How these sessions stand."""
    fronts = front_contracts(asset, sessions)
    keys = {contract.pk for contract in fronts.values()}
    pieces = _pieces(keys, sessions) if sessions else {}
    summarised = _summaries(keys, sessions) if sessions else {}
    found = State(fronts, [session.trade_date for session in sessions], [], [], [], [])
    for session in sessions:
        day = session.trade_date
        slot = (fronts[day].pk, day) if day in fronts else None
        if slot is None or slot not in pieces:
            continue
        checksum, until_ns = pieces[slot]
        if not summaries.is_whole(until_ns, session):
            continue
        found.stored.append(day)
        if slot not in summarised:
            found.missing.append(day)
        else:
            fresh = summarised[slot] == summaries.origin(checksum, asset, session)
            (found.summarised if fresh else found.stale).append(day)
    return found


def _pieces(contracts: set[int], sessions: list[Session]) -> dict[Slot, tuple[str, int]]:
    """Checksum of each piece, and how far data reached when it was stored."""
    rows = Coverage.objects.filter(contract__in=contracts, schema=SECONDS.name, **_between(sessions))
    found = rows.values_list("contract_id", "trade_date", "checksum", "until_ns")
    return {(contract_id, day): (checksum, until_ns) for contract_id, day, checksum, until_ns in found}


def _summaries(contracts: set[int], sessions: list[Session]) -> dict[Slot, tuple[str, str]]:
    """Source and made_with of each summary."""
    rows = Summary.objects.filter(contract__in=contracts, **_between(sessions))
    found = rows.values_list("contract_id", "trade_date", "source", "made_with")
    return {(contract_id, day): (source, word) for contract_id, day, source, word in found}


def _between(sessions: list[Session]) -> dict[str, date]:
    return {"trade_date__gte": sessions[0].trade_date, "trade_date__lte": sessions[-1].trade_date}
