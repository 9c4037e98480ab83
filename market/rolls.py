"""The stored roll schedule of each asset."""

from datetime import date, timedelta

import numpy as np
from django.db import transaction

from market.contracts import near
from market.engine import splice
from market.locks import advisory_lock
from market.models import Asset, Contract, DailyBar, DailySpan, Roll
from market.sessions import Session


def rebuild(asset: Asset) -> None:
    """Compute the schedule of each new span of daily bars and store what changed; prices of unchanged rolls stay."""
    with advisory_lock("rolls", asset.pk), transaction.atomic():
        for span in asset.daily_spans.select_for_update().filter(is_scheduled=False):
            _store(asset, span, _compute(asset, span))
            span.is_scheduled = True
            span.save(update_fields=["is_scheduled"])


def _compute(asset: Asset, span: DailySpan) -> dict[date, Roll]:
    """The unsaved rolls of a span by trade date. The session after the last daily bar is decided too."""
    sessions = asset.sessions.between(span.first_date, span.end_date - timedelta(days=1))
    if not sessions:
        return {}
    contracts = near(asset, span.first_date, span.end_date)
    decided = [*sessions, *asset.sessions.after(sessions[-1].trade_date, 1)]
    changes = splice.schedule(
        [session.trade_date for session in decided],
        [contract.last_trade_date or _end_of_delivery(contract) for contract in contracts],
        _session_volumes(contracts, decided, span),
    )
    return {decided[change.session].trade_date: _roll(asset, decided, contracts, change) for change in changes}


def _end_of_delivery(contract: Contract) -> date:
    return (contract.delivery + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _session_volumes(contracts: list[Contract], sessions: list[Session], span: DailySpan) -> splice.Volumes:
    """Volumes per session and contract: a UTC day belongs to the first trade date on or after it."""
    volumes = np.full((len(sessions), len(contracts)), splice.NO_BAR, np.int64)
    columns = {contract.pk: column for column, contract in enumerate(contracts)}
    ordinals = np.array([session.trade_date.toordinal() for session in sessions])
    rows = DailyBar.objects.filter(contract__in=contracts, date__gte=span.first_date, date__lt=span.end_date)
    for contract_id, day, volume in rows.values_list("contract_id", "date", "volume"):
        cell = int(ordinals.searchsorted(day.toordinal())), columns[contract_id]
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
    # The last roll of a span lies at most one session after it; no session is further off than a holiday week.
    after = asset.sessions.after(span.end_date - timedelta(days=1), 1)
    last = after[0].trade_date if after else span.end_date
    rolls = asset.rolls.filter(trade_date__gte=span.first_date, trade_date__lte=last)
    return list(rolls.select_related("from_contract__asset", "to_contract__asset").order_by("trade_date"))


def schedule_at(asset: Asset, trade_date: date) -> list[Roll] | None:
    """The rolls of the span that decides a trade date, ascending; None when no daily bars are near it."""
    span = asset.daily_spans.filter(first_date__lte=trade_date).order_by("-first_date").first()
    return rolls_of_span(asset, span) if span else None


def front_months(rolls: list[Roll], trade_dates: list[date]) -> list[Roll | None]:
    """For each trade date the roll that made its front month; None before anything traded."""
    fronts: list[Roll | None] = []
    for trade_date in trade_dates:
        past = [roll for roll in rolls if roll.trade_date <= trade_date]
        fronts.append(past[-1] if past else None)
    return fronts
