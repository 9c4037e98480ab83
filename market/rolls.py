"""The stored roll schedule of each asset."""

from datetime import date, timedelta

import numpy as np
from django.db import transaction

from market.contracts import near
from market.engine import splice
from market.locks import advisory_lock
from market.models import Asset, Contract, DailyBar, DailySpan, Roll
from market.sessions import Session

ONE_DAY = timedelta(days=1)


def rebuild(asset: Asset) -> None:
    """Compute the schedule of each new span of daily bars and store what changed; prices of unchanged rolls stay."""
    with advisory_lock("rolls", asset.pk), transaction.atomic():
        for span in asset.daily_spans.select_for_update().filter(is_scheduled=False):
            _store(asset, span, _compute(asset, span))
            span.is_scheduled = True
            span.save(update_fields=["is_scheduled"])


def _compute(asset: Asset, span: DailySpan) -> dict[date, Roll]:
    """The unsaved rolls of a span by trade date."""
    whole = asset.sessions.between(span.first_date, span.end_date - ONE_DAY)
    if not whole:
        return {}
    contracts = near(asset, span.first_date, span.end_date)
    sessions = asset.sessions.between(span.first_date, _last_decided(asset, span))
    # what the last session has of a weekend is not all of its volume yet
    volumes = session_volumes(contracts, sessions, span.first_date, whole[-1].trade_date + ONE_DAY)
    changes = splice.schedule(
        [session.trade_date for session in sessions],
        [contract.last_trade_date or _end_of_delivery(contract) for contract in contracts],
        volumes,
    )
    return {sessions[change.session].trade_date: _roll(asset, sessions, contracts, change) for change in changes}


def _last_decided(asset: Asset, span: DailySpan) -> date:
    """The last trade date that a span decides: the one after its last day, unless that is in another span."""
    after = asset.sessions.after(span.end_date - ONE_DAY, 1)
    last = after[0].trade_date if after else span.end_date
    following = asset.daily_spans.filter(first_date__gt=span.first_date).order_by("first_date").first()
    return min(last, following.first_date - ONE_DAY) if following else last


def _end_of_delivery(contract: Contract) -> date:
    return (contract.delivery + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def session_volumes(contracts: list[Contract], sessions: list[Session], first: date, end: date) -> splice.Volumes:
    """Volumes per session and contract, from the daily bars of the UTC dates [first, end).

    A UTC day belongs to the first trade date on or after it; one after the last session is left out.
    """
    volumes = np.full((len(sessions), len(contracts)), splice.NO_BAR, np.int64)
    columns = {contract.pk: column for column, contract in enumerate(contracts)}
    ordinals = np.array([session.trade_date.toordinal() for session in sessions])
    rows = DailyBar.objects.filter(contract__in=contracts, date__gte=first, date__lt=end)
    for contract_id, day, volume in rows.values_list("contract_id", "date", "volume"):
        row = int(ordinals.searchsorted(day.toordinal()))
        if row < len(sessions):
            cell = row, columns[contract_id]
            volumes[cell] = max(volumes[cell], 0) + volume
    return volumes


def _roll(asset: Asset, sessions: list[Session], contracts: list[Contract], change: splice.Change) -> Roll:
    return Roll(
        asset=asset,
        trade_date=sessions[change.session].trade_date,
        kind=change.kind,
        from_contract=None if change.from_contract is None else contracts[change.from_contract],
        to_contract=contracts[change.to_contract],
        from_volume=change.from_volume,
        to_volume=change.to_volume,
    )


def _store(asset: Asset, span: DailySpan, computed: dict[date, Roll]) -> None:
    stored = {roll.trade_date: roll for roll in rolls_of_span(asset, span)}
    for trade_date, roll in stored.items():
        if trade_date not in computed or _decision(computed[trade_date]) != _decision(roll):
            roll.delete()
        else:
            del computed[trade_date]
    Roll.objects.bulk_create(computed.values())


def _decision(roll: Roll) -> tuple[object, ...]:
    return roll.kind, roll.from_contract_id, roll.to_contract_id, roll.from_volume, roll.to_volume


def rolls_of_span(asset: Asset, span: DailySpan) -> list[Roll]:
    """The rolls decided by a span of daily bars, the seed first, ascending."""
    rolls = asset.rolls.filter(trade_date__gte=span.first_date, trade_date__lte=_last_decided(asset, span))
    return list(rolls.select_related("from_contract__asset", "to_contract__asset").order_by("trade_date"))


def schedule_at(asset: Asset, trade_date: date) -> list[Roll] | None:
    """The rolls of the span that decides a trade date, ascending; None when no daily bars are near it."""
    span = asset.daily_spans.filter(first_date__lte=trade_date).order_by("-first_date").first()
    return rolls_of_span(asset, span) if span else None


def fronts(asset: Asset, trade_dates: list[date]) -> dict[date, Contract]:
    """The front months of trade dates, as far as daily bars decide them."""
    found: dict[date, Contract] = {}
    for span in asset.daily_spans.all():
        last = _last_decided(asset, span)
        within = [day for day in trade_dates if span.first_date <= day <= last]
        for day, roll in zip(within, front_months(rolls_of_span(asset, span), within), strict=True):
            if roll is not None:
                found[day] = roll.to_contract
    return found


def front_months(rolls: list[Roll], trade_dates: list[date]) -> list[Roll | None]:
    """For each trade date the roll that made its front month; None before anything traded."""
    fronts: list[Roll | None] = []
    for trade_date in trade_dates:
        past = [roll for roll in rolls if roll.trade_date <= trade_date]
        fronts.append(past[-1] if past else None)
    return fronts
