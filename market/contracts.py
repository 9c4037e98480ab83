"""An asset's contracts: from the exchange's definitions, else from its listed months; and their ids and symbols."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby

from django.db import transaction

from market import symbols
from market.databento_historical import Definition, IdInterval
from market.facts import MONTH_CODES
from market.models import Asset, Contract, InstrumentId
from market.sessions import FIRST_DAY, LAST_DAY, SessionCalendar, to_et, utc_date

NEAR_BEFORE, NEAR_AFTER = symbols.DELIVERY_OVER, timedelta(days=365)
"""Contracts delivered this long before or after a window may carry its volume."""

Owned = tuple[Contract, IdInterval]
"""A contract and an id it had."""


def near(asset: Asset, first: date, end: date) -> list[Contract]:
    """The contracts that may trade on the UTC dates [first, end) and matter there, in order of delivery."""
    nearby = asset.contracts.filter(year__gte=first.year - 1, year__lte=end.year + 2).order_by("year", "month")
    return [
        contract
        for contract in nearby
        if first - NEAR_BEFORE <= contract.delivery <= end + NEAR_AFTER and _lives(contract, first, end)
    ]


def _lives(contract: Contract, first: date, end: date) -> bool:
    """Whether it can trade on one of the UTC dates [first, end): a session begins on the date before its own."""
    listed, last = contract.first_trade_date, contract.last_trade_date
    return (last or contract.delivery + NEAR_BEFORE) >= first and (listed is None or listed <= end)


# --- what there is ------------------------------------------------------------------------------------------


def save_definitions(asset: Asset, definitions: Iterable[Definition]) -> None:
    """Keep what definitions tell of an asset's contracts, their ids and symbols.

    A newer definition corrects an older one, never the other way round; what one leaves open stays as it was known.
    The caller holds the asset's history lock.
    """
    known = {contract.delivery: contract for contract in asset.contracts.exclude(month=None)}
    before = {day: contract.last_trade_date for day, contract in known.items()}
    told = sorted(definitions, key=lambda definition: definition.defined_ns)
    for each in told:
        contract = known.setdefault(each.delivery, Contract(asset=asset, year=each.year, month=each.month))
        _learn(contract, each, asset.sessions)
    with transaction.atomic():
        _save([known[day] for day in dict.fromkeys(each.delivery for each in told)])
        save_ids((known[delivery], interval) for delivery, interval in defined_ids(told))
        if any(known[day].last_trade_date != last for day, last in before.items()):
            asset.daily_spans.update(is_scheduled=False)  # a roll may hang on it


def defined_ids(told: list[Definition]) -> Iterator[tuple[date, IdInterval]]:
    """The ids of each delivery, from the first definition that gives one to the last before another."""
    by_delivery = sorted(told, key=lambda each: (each.delivery, each.defined_ns))
    for key, group in groupby(by_delivery, key=lambda each: (each.delivery, each.instrument_id, each.raw_symbol)):
        days = [utc_date(each.defined_ns) for each in group]
        yield key[0], IdInterval(key[2], key[1], days[0], days[-1] + timedelta(days=1))


def _learn(contract: Contract, definition: Definition, sessions: SessionCalendar) -> None:
    newer = contract.defined_ns is None or definition.defined_ns >= contract.defined_ns
    facts = {
        "raw_symbol": definition.raw_symbol,
        "first_trade_date": _trade_date(sessions, definition.activation_ns, opening=True),
        "last_trade_date": _trade_date(sessions, definition.expiration_ns),
        "expires_ns": definition.expiration_ns,
        "match_algorithm": definition.match_algorithm,
    }
    for name, fact in facts.items():
        if fact is not None and (newer or not getattr(contract, name)):
            setattr(contract, name, fact)
    if newer:
        contract.defined_ns = definition.defined_ns
    first, last = contract.first_trade_date, contract.last_trade_date
    if first and last and first > last:
        contract.first_trade_date = None  # only the expiry matters to what follows


def _trade_date(sessions: SessionCalendar, ns: int | None, *, opening: bool = False) -> date | None:
    """The trade date of an instant. Between two sessions it belongs to the one before, an opening to the next."""
    if ns is None:
        return None
    day = to_et(ns).date()
    if not FIRST_DAY < day < LAST_DAY:
        return day
    session = sessions.at(ns if opening else ns - 1)
    if session is None:
        session = sessions.first_closing_after(ns) if opening else None
    return session.trade_date if session else day


def _save(contracts: Iterable[Contract]) -> None:
    Contract.objects.bulk_create(
        contracts,
        update_conflicts=True,
        unique_fields=["asset", "year", "month"],
        update_fields=[
            "raw_symbol", "first_trade_date", "last_trade_date", "expires_ns", "defined_ns", "match_algorithm",
        ],
    )  # fmt: skip


def generate(asset: Asset, first: date, end: date) -> None:
    """The asset's listed months near the UTC dates [first, end), for a gateway without definitions."""
    months = _months(first - NEAR_BEFORE, end + NEAR_AFTER)
    Contract.objects.bulk_create(
        [
            Contract(asset=asset, year=year, month=month, raw_symbol=symbols.usual(asset.root, year, month))
            for year, month in months
            if MONTH_CODES[month - 1] in asset.listed_months
        ],
        ignore_conflicts=True,
    )


def _months(first: date, last: date) -> Iterator[tuple[int, int]]:
    day = first.replace(day=1)
    while day <= last:
        yield day.year, day.month
        day = (day + timedelta(days=31)).replace(day=1)


# --- what they were called ----------------------------------------------------------------------------------


def save_ids(owned: Iterable[Owned]) -> None:
    """Keep the ids and symbols of contracts, joined with what is known of them already."""
    new: dict[tuple[int, int, str], list[tuple[date, date]]] = {}
    for contract, interval in owned:
        span = interval.first, interval.end
        new.setdefault((contract.pk, interval.instrument_id, interval.symbol), []).append(span)
    old: dict[tuple[int, int, str], list[InstrumentId]] = {}
    for row in InstrumentId.objects.filter(contract__in={key[0] for key in new}):
        old.setdefault((row.contract_id, row.instrument_id, row.raw_symbol), []).append(row)
    gone: list[int] = []
    added: list[InstrumentId] = []
    for key, spans in new.items():
        rows = old.get(key, [])
        had = [(row.first_date, row.end_date) for row in rows]
        joined = _joined([*had, *spans])
        gone += [row.pk for row in rows if (row.first_date, row.end_date) not in joined]
        added += [_row(key, span) for span in joined if span not in had]
    with transaction.atomic():
        InstrumentId.objects.filter(pk__in=gone).delete()
        InstrumentId.objects.bulk_create(added)


def _joined(spans: Iterable[tuple[date, date]]) -> list[tuple[date, date]]:
    """Spans [first, end) without overlaps and without two that touch."""
    joined: list[tuple[date, date]] = []
    for first, end in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((first, end))
    return joined


def _row(key: tuple[int, int, str], span: tuple[date, date]) -> InstrumentId:
    contract_id, instrument_id, symbol = key
    return InstrumentId(
        contract_id=contract_id, instrument_id=instrument_id, raw_symbol=symbol, first_date=span[0], end_date=span[1]
    )


def symbols_of(contracts: Iterable[Contract], first: date, end: date) -> list[str]:
    """Every symbol that the contracts had on the UTC dates [first, end), as far as known, or have now."""
    contracts = list(contracts)
    names = InstrumentId.objects.filter(contract__in=contracts, first_date__lt=end, end_date__gt=first)
    return sorted({contract.raw_symbol for contract in contracts} | set(names.values_list("raw_symbol", flat=True)))


def symbols_between(contract: Contract, first: date, last: date) -> tuple[str, ...]:
    """By which symbols to ask for a contract on the UTC dates from first to last: one, unless it changed then."""
    names = contract.instrument_ids.filter(first_date__lte=last, end_date__gt=first).order_by("first_date")
    taken: list[str] = []
    for name in names:
        if first <= last and name.end_date > first:
            taken.append(name.raw_symbol)
            first = name.end_date
    if first <= last:
        taken.append(contract.raw_symbol)
    return tuple(dict.fromkeys(taken))


def owners(contracts: list[Contract], intervals: Iterable[IdInterval]) -> list[Owned]:
    """Whose each id is: the contract that a definition gave it to, else the one that its symbol meant then."""
    rows = InstrumentId.objects.filter(contract__in=contracts)
    by_pk = {contract.pk: contract for contract in contracts}
    defined: dict[tuple[int, str], list[InstrumentId]] = {}
    for row in rows:
        defined.setdefault((row.instrument_id, row.raw_symbol), []).append(row)
    found = []
    for interval in intervals:
        names = defined.get((interval.instrument_id, interval.symbol), [])
        named = [row for row in names if row.first_date < interval.end and row.end_date > interval.first]
        owner = by_pk[named[0].contract_id] if named else owner_of(contracts, interval)
        if owner is not None:
            found.append((owner, interval))
    return found


def owner_of(contracts: list[Contract], interval: IdInterval) -> Contract | None:
    """Whose symbol it is on those dates: of the contracts alive then, the one that is delivered first."""
    alike = [
        contract
        for contract in contracts
        if _may_be_called(contract, interval.symbol) and _lives(contract, interval.first, interval.end)
    ]
    return min(alike, key=lambda contract: contract.delivery, default=None)


def _may_be_called(contract: Contract, symbol: str) -> bool:
    if contract.raw_symbol == symbol:
        return True
    parts, own = symbols.parse(symbol), symbols.parse(contract.raw_symbol)
    return (
        parts is not None
        and own is not None
        and (parts.root, parts.month) == (own.root, contract.month)
        and str(contract.year).endswith(parts.digits)
    )
