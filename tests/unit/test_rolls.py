"""The stored schedule: one for each span of daily bars, computed anew when its bars or contracts change."""

from datetime import date
from typing import Any

import pytest

from market import rolls
from market.models import Asset, Contract, DailyBar, DailySpan, Roll

# 2026-03-02 is a Monday
MONDAY, FRIDAY, SATURDAY = date(2026, 3, 2), date(2026, 3, 6), date(2026, 3, 7)


@pytest.fixture
def nq(assets: None) -> Asset:
    asset = Asset.objects.get(root="NQ")
    for month in (3, 6, 9):
        Contract.objects.create(asset=asset, year=2026, month=month, raw_symbol=f"NQ{'HMU'[month // 3 - 1]}6")
    return asset


def trade(month: int, volumes: dict[int, int]) -> None:
    """Daily bars of the contract of that month: March's days and their volumes."""
    contract = Contract.objects.get(month=month)
    DailyBar.objects.bulk_create(
        DailyBar(contract=contract, date=date(2026, 3, day), open=1, high=1, low=1, close=1, volume=volume)
        for day, volume in volumes.items()
    )


def span(nq: Asset, first: int, end: int) -> DailySpan:
    return DailySpan.objects.create(asset=nq, first_date=date(2026, 3, first), end_date=date(2026, 3, end))


def schedule(nq: Asset) -> list[tuple[int, str, str]]:
    return [(roll.trade_date.day, roll.kind, str(roll.to_contract)) for roll in nq.rolls.order_by("trade_date")]


def test_a_sundays_volume_is_counted_with_mondays(nq: Asset) -> None:
    trade(3, {5: 100, 6: 100, 8: 10, 9: 70})
    trade(6, {5: 10, 6: 10, 8: 20, 9: 70})
    span(nq, 5, 11)
    rolls.rebuild(nq)
    assert schedule(nq) == [(5, "seed", "NQH6"), (10, "volume", "NQM6")]
    assert Roll.objects.values_list("from_volume", "to_volume").last() == (80, 90)


def test_the_session_after_the_last_daily_bar_is_decided_too(nq: Asset) -> None:
    trade(3, {5: 100, 6: 10})
    trade(6, {5: 10, 6: 20})
    span(nq, 5, 7)
    rolls.rebuild(nq)
    assert schedule(nq) == [(5, "seed", "NQH6"), (9, "volume", "NQM6")]


def test_a_sunday_alone_decides_nothing(nq: Asset) -> None:
    trade(6, {8: 500})
    span(nq, 7, 9)
    rolls.rebuild(nq)
    assert schedule(nq) == []
    trade(3, {9: 1_000})
    DailySpan.objects.all().delete()
    span(nq, 7, 10)
    rolls.rebuild(nq)
    assert schedule(nq) == [(9, "seed", "NQH6")]


def test_two_spans_with_a_weekend_between_them_do_not_get_into_each_others_way(nq: Asset) -> None:
    trade(3, {5: 100, 6: 10})
    trade(6, {5: 10, 6: 20, 9: 50})
    span(nq, 5, 7)
    rolls.rebuild(nq)
    assert schedule(nq)[-1] == (9, "volume", "NQM6")
    span(nq, 9, 10)
    rolls.rebuild(nq)
    assert schedule(nq) == [(5, "seed", "NQH6"), (9, "seed", "NQM6")]
    first, second = nq.daily_spans.all()
    assert [roll.kind for roll in rolls.rolls_of_span(nq, first)] == ["seed"]
    assert [roll.trade_date.day for roll in rolls.rolls_of_span(nq, second)] == [9]


def test_a_priced_roll_keeps_its_prices_when_the_schedule_is_computed_again(nq: Asset) -> None:
    trade(3, {5: 100, 6: 10})
    trade(6, {5: 10, 6: 20})
    held = span(nq, 5, 7)
    rolls.rebuild(nq)
    Roll.objects.filter(kind="volume").update(spread_state="complete", from_price=1, to_price=3)
    pks = list(Roll.objects.values_list("pk", flat=True))
    DailySpan.objects.filter(pk=held.pk).update(is_scheduled=False)
    rolls.rebuild(nq)
    assert list(Roll.objects.values_list("pk", flat=True)) == pks
    assert Roll.objects.get(kind="volume").spread == 2


@pytest.mark.parametrize(
    ("last_trade", "expected"),
    [(FRIDAY, [(5, "seed", "NQH6"), (9, "dead_contract", "NQM6")]), (None, [(5, "seed", "NQH6")])],
)
def test_an_expiry_that_a_definition_told_decides_when_a_contract_is_dead(
    nq: Asset, last_trade: date | None, expected: list[Any]
) -> None:
    Contract.objects.filter(month=3).update(last_trade_date=last_trade)
    trade(3, {5: 100, 6: 100})
    span(nq, 5, 10)
    rolls.rebuild(nq)
    assert schedule(nq) == expected
