"""The roll schedule, worked by hand. Columns are contracts in order of expiry, rows are sessions."""

from datetime import date, timedelta

import numpy as np

from market.engine.splice import NO_BAR, Change, schedule, shift

_ = NO_BAR
FIRST = date(2026, 3, 2)


def run(rows: list[list[int]], last_trade: list[int] | None = None) -> list[Change]:
    """The schedule of hand-written volumes; last_trade: the last session of each contract (default: far off)."""
    dates = [FIRST + timedelta(days=number) for number in range(len(rows))]
    ends = last_trade or [999] * len(rows[0])
    return schedule(dates, [FIRST + timedelta(days=end) for end in ends], np.array(rows, np.int64))


def test_the_schedule_is_seeded_with_the_busiest_contract_of_the_first_session() -> None:
    assert run([[10, 90, 20]]) == [Change(0, "seed", None, 1, None, 90)]


def test_sessions_before_anything_traded_have_no_front_month() -> None:
    assert run([[_, _], [_, _], [5, _]]) == [Change(2, "seed", None, 0, None, 5)]


def test_it_rolls_when_the_prior_session_was_busier_in_a_later_contract() -> None:
    # session 2's volumes cross, so session 3 is the first in the new contract
    changes = run([[100, 10], [80, 60], [50, 70], [30, 90]])
    assert changes[1:] == [Change(3, "volume", 0, 1, 50, 70)]


def test_equal_volume_is_no_reason_to_roll() -> None:
    assert len(run([[100, 10], [50, 50], [50, 50]])) == 1


def test_all_later_contracts_are_compared_and_the_busiest_wins() -> None:
    # metals list every month: the next one is dead, the one after it takes over
    changes = run([[100, 1, 40], [60, 1, 90], [20, 2, 95]])
    assert changes[1:] == [Change(2, "volume", 0, 2, 60, 90)]


def test_it_never_rolls_back() -> None:
    changes = run([[100, 10], [50, 70], [90, 60], [99, 1], [99, 1]])
    assert [change.to_contract for change in changes] == [0, 1]


def test_a_missing_daily_bar_is_unknown_and_no_reason_to_roll() -> None:
    assert len(run([[100, 10], [_, 10], [100, 10], [_, 10], [100, 10]])) == 1


def test_cache_gap_a_contract_silent_for_five_sessions_gives_way_to_one_that_trades() -> None:
    rows = [[100, 10], [_, 10], [_, 10], [_, 10], [_, 10], [_, 12], [_, 13]]
    # silent in sessions 1 to 5: five sessions are known to be silent at the open of session 6
    assert run(rows)[1:] == [Change(6, "cache_gap", 0, 1, None, 12)]


def test_cache_gap_waits_when_nothing_later_trades() -> None:
    rows = [[100, _], *[[_, _]] * 9, [100, _]]
    assert len(run(rows)) == 1


def test_one_bar_ends_the_silence() -> None:
    rows = [[100, 1], [_, 1], [_, 1], [_, 1], [_, 1], [100, 1], [_, 1], [_, 1], [_, 1], [_, 1], [100, 1]]
    assert len(run(rows)) == 1


def test_dead_contract_past_its_expiry_without_any_volume_it_goes_on_by_one_a_session() -> None:
    # a whole span is missing; contracts 0 and 1 expired in sessions 1 and 2
    changes = run([[100, 5, 1], [100, 5, 1], [_, _, _], [_, _, _], [_, _, _], [_, _, 50]], last_trade=[1, 2, 99])
    assert changes[1:] == [
        Change(2, "dead_contract", 0, 1, 100, 5),
        Change(3, "dead_contract", 1, 2, None, None),
    ]


def test_dead_contract_prefers_one_that_trades() -> None:
    changes = run([[100, 0, 20], [100, 0, 20], [_, _, _]], last_trade=[1, 40, 99])
    assert changes[1:] == [Change(2, "dead_contract", 0, 2, 100, 20)]


def test_the_last_contract_known_stays_after_its_expiry() -> None:
    assert len(run([[100], [100], [_], [_]], last_trade=[1])) == 1


def test_prices_stand_in_the_entry_contracts_space() -> None:
    # two rolls: +5 on the 10th, −2 on the 20th; the entry lies between them
    spreads = [(date(2026, 1, 10), 5), (date(2026, 1, 20), -2)]
    entry = date(2026, 1, 15)
    assert [shift(spreads, entry, date(2026, 1, day)) for day in (9, 10, 15, 19, 20, 25)] == [5, 0, 0, 0, 2, 2]


def test_the_shift_closes_the_gap_at_the_roll() -> None:
    # the old contract's last price is 100, the new one opens at 105 with a spread of +5
    entry = date(2026, 1, 5)
    spreads = [(date(2026, 1, 10), 5)]
    old, new = 100 + shift(spreads, entry, date(2026, 1, 9)), 105 + shift(spreads, entry, date(2026, 1, 10))
    assert old == new == 100


def test_an_incomplete_roll_counts_nothing_and_leaves_its_gap_in_sight() -> None:
    # the first roll had no price of the new contract (its spread counts 0), the second one is +2
    spreads = [(date(2026, 1, 10), 0), (date(2026, 1, 20), 2)]
    entry = date(2026, 1, 25)
    traded = {date(2026, 1, 9): 100, date(2026, 1, 10): 105, date(2026, 1, 19): 106, date(2026, 1, 20): 108}
    shown = [price + shift(spreads, entry, day) for day, price in traded.items()]
    assert shown == [102, 107, 108, 108]  # a leap of 5 on the 10th, none on the 20th
