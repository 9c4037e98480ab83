"""The stand-in's synthetic market: pure, lifelike, and rolling as a real one does."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from market.facts import BY_ROOT
from market.sessions import calendar
from standin.market import contracts, days
from standin.market.bars import DAY_NS, day_bars, day_ns, session_minutes
from standin.market.contracts import Contract, contract
from standin.market.minutes import minutes
from standin.market.seconds import seconds
from standin.market.table import Bars
from standin.market.underlying import underlying
from standin.market.volume import plan

SEED = 11
FOREVER = 2**62
CROSSINGS = [("NQ", 2026, 3), ("CL", 2026, 4), ("NG", 2026, 2), ("6E", 2025, 9)]


def same(left: Bars, right: Bars) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(left.columns, right.columns, strict=True))


def front(root: str, trade_date: date) -> Contract:
    return plan(SEED, root, trade_date).ranked()[0]


def forget_everything() -> None:
    for cached in (days._walk, underlying, minutes, plan, contract):
        cached.cache_clear()


def test_the_same_seed_gives_the_same_seconds_in_any_order_of_asking():
    nq = contract("NQ", 2026, 6)
    wanted = (date(2026, 4, 7), date(2026, 4, 8), date(2026, 4, 9))
    forget_everything()
    ahead = {day: day_bars(SEED, (nq,), "ohlcv-1s", day, 0, FOREVER) for day in wanted}
    forget_everything()
    back = {day: day_bars(SEED, (nq,), "ohlcv-1s", day, 0, FOREVER) for day in reversed(wanted)}
    assert all(same(ahead[day], back[day]) for day in wanted)


def test_another_seed_gives_another_market():
    nq, day = contract("NQ", 2026, 6), date(2026, 4, 7)
    assert not same(minutes(1, "NQ", (nq,), day), minutes(2, "NQ", (nq,), day))


def test_a_contract_trades_the_same_whoever_else_is_asked_for():
    day = date(2026, 4, 7)
    crowd = tuple(contracts.everything("CL", day, day))
    alone = minutes(SEED, "CL", (crowd[3],), day)
    together = minutes(SEED, "CL", crowd, day)
    among = together[together.who == 3]
    assert len(alone) > 0
    assert all(np.array_equal(a, b) for a, b in zip(alone.columns[1:], among.columns[1:], strict=True))


def test_part_of_a_day_is_what_the_whole_day_has_there():
    nq, day = contract("NQ", 2026, 6), date(2026, 4, 7)
    whole = day_bars(SEED, (nq,), "ohlcv-1s", day, 0, FOREVER)
    start, end = day_ns(day) + 50_000_000_000_123, day_ns(day) + 60_000_000_000_000
    part = day_bars(SEED, (nq,), "ohlcv-1s", day, start, end)
    assert same(part, whole[(whole.start_ns >= start) & (whole.start_ns < end)])


@pytest.mark.parametrize("root", sorted(BY_ROOT))
def test_prices_stay_positive_on_the_grid_and_near_their_usual_level(root):
    day = date(2025, 9, 10)
    bars = day_bars(SEED, (front(root, day),), "ohlcv-1h", day, 0, FOREVER)
    tick = BY_ROOT[root].tick_size
    for column in (bars.open, bars.high, bars.low, bars.close):
        assert (column > 0).all()
        assert (column % tick == 0).all()
    usual = days.PROFILES[root].price * 1e9
    assert 0.2 < bars.close[-1] / usual < 5


@pytest.mark.parametrize(("root", "least", "most"), [("NQ", 0.5, 0.95), ("6N", 0.02, 0.25), ("NKD", 0.01, 0.25)])
def test_liquid_markets_trade_in_most_seconds_and_thin_ones_in_few(root, least, most):
    shares = []
    for number in range(5):
        day = date(2025, 10, 13) + timedelta(days=number)
        near = front(root, day)
        shares.append(len(seconds(SEED, near, minutes(SEED, root, (near,), day))) / 82_800)
    assert least < np.mean(shares) < most


def test_far_and_serial_months_hardly_trade():
    day = date(2026, 3, 10)
    serial = [each for each in contracts.contracts("GC", day, day) if not each.is_active_month]
    assert len(serial) >= 8
    assert sum(minutes(SEED, "GC", tuple(serial), day).volume) < 500


def test_the_day_is_u_shaped_and_asia_is_quiet():
    bars = [session_minutes(SEED, "NQ", (contract("NQ", 2025, 12),), date(2025, 10, 20 + n)) for n in range(4)]
    merged = Bars.joined(bars)
    hour = merged.start_ns % DAY_NS // 3_600_000_000_000
    by_hour = np.bincount(hour, weights=merged.volume, minlength=24)
    opening, lunch, closing, asia = by_hour[13] + by_hour[14], 2 * by_hour[17], 2 * by_hour[19], 2 * by_hour[4]
    assert opening > 1.3 * lunch
    assert closing > 1.2 * lunch
    assert lunch > 4 * asia


def test_gas_storage_day_has_a_burst_at_half_past_ten():
    thursday = date(2026, 2, 5)
    bars = minutes(SEED, "NG", (front("NG", thursday),), thursday)
    release = int(datetime(2026, 2, 5, 15, 30, tzinfo=UTC).timestamp()) * 1_000_000_000
    minute = (bars.start_ns - release) // 60_000_000_000
    assert bars.volume[(minute >= 0) & (minute < 3)].mean() > 3 * bars.volume[(minute < 0) & (minute >= -20)].mean()


@pytest.mark.parametrize(
    ("root", "year", "month"), [("NQ", 2026, 3), ("CL", 2026, 4), ("NG", 2026, 2), ("6E", 2025, 9)]
)
def test_volume_crosses_to_the_next_contract_over_several_days_before_expiry(root, year, month):
    old = contract(root, year, month)
    dates = [each.trade_date for each in calendar(BY_ROOT[root].calendar).before(old.last_trade, 20)]
    plans = {day: plan(SEED, root, day) for day in dates}
    new = plans[dates[0]].listed[plans[dates[0]].listed.index(old) + 1]
    share = np.array([_share(plans[day], old, new) for day in dates])
    assert share[0] > 0.65
    assert share[-1] < 0.5
    assert 2 <= ((share > 0.04) & (share < 0.6)).sum() <= 12


def _share(plan_, old, new) -> float:
    lots = dict(zip(plan_.listed, plan_.lots, strict=True))
    return lots[old] / (lots[old] + lots[new])


def test_the_front_contract_moves_forward_only_when_read_from_the_sessions_before():
    seen: list[Contract] = []
    for session in calendar(BY_ROOT["CL"].calendar).between(date(2024, 1, 2), date(2025, 12, 31)):
        near = front("CL", session.trade_date)
        if near not in seen[-1:]:
            seen.append(near)
    # noise near the crossing may step back and forth for a day, as it does in reality
    expiries = [each.last_trade for each in seen]
    assert 24 <= len(set(seen)) <= 26
    assert sum(later < earlier for earlier, later in pairwise(expiries)) <= 4


def test_the_basis_between_two_contracts_is_stable_within_a_session():
    day = date(2026, 4, 8)
    pair = (contract("CL", 2026, 6), contract("CL", 2026, 7))
    bars = minutes(SEED, "CL", pair, day)
    near, far = bars[bars.who == 0], bars[bars.who == 1]
    _times, left, right = np.intersect1d(near.start_ns, far.start_ns, return_indices=True)
    several = (near.volume[left] > 1) & (far.volume[right] > 1)  # a single lot opens where it closes
    spread = (near.open[left] - far.open[right])[several]
    assert len(spread) > 500
    assert spread.max() - spread.min() <= 4


def test_a_calendar_spread_trades_near_the_difference_of_its_legs():
    day = date(2026, 3, 12)
    near, far = contract("NQ", 2026, 3), contract("NQ", 2026, 6)
    pair = contracts.spread(near, far)
    bars = minutes(SEED, "NQ", (near, far, pair), day)
    legs = [bars.open[bars.who == who].mean() for who in (0, 1)]
    assert (bars.who == 2).sum() > 50
    assert abs(bars.close[bars.who == 2].mean() - (legs[0] - legs[1])) < 40
    assert bars.close[bars.who == 2].mean() < 0


@pytest.mark.parametrize(
    ("root", "year", "month", "last_trade", "utc"),
    [
        ("NQ", 2026, 12, date(2026, 12, 18), "14:30"),
        ("NQ", 2026, 6, date(2026, 6, 18), "13:30"),  # the third Friday is a holiday
        ("CL", 2026, 1, date(2025, 12, 19), "19:30"),
        ("NG", 2026, 1, date(2025, 12, 29), "19:30"),
        ("GC", 2026, 2, date(2026, 2, 25), "18:30"),
        ("ZN", 2026, 3, date(2026, 3, 20), "16:01"),
        ("6E", 2026, 3, date(2026, 3, 16), "14:16"),
        ("MBT", 2026, 1, date(2026, 1, 30), "16:00"),
    ],
)
def test_contracts_expire_by_their_exchange_rule(root, year, month, last_trade, utc):
    found = contract(root, year, month)
    assert found.last_trade == last_trade
    if root != "ZN":  # the hour by daylight saving is checked on the others
        assert datetime.fromtimestamp(found.expiration_ns / 1e9, UTC).strftime("%H:%M") == utc


def test_nothing_trades_after_expiry():
    old = contract("NQ", 2026, 3)
    bars = minutes(SEED, "NQ", (old,), old.last_trade)
    assert len(bars) > 0
    assert bars.start_ns[-1] < old.expiration_ns
    assert not len(minutes(SEED, "NQ", (old,), date(2026, 3, 23)))


def test_ids_are_unique_within_a_day_and_come_back_on_other_contracts():
    day = date(2026, 3, 10)
    today = [each for root in contracts.roots() for each in contracts.everything(root, day, day)]
    assert len({each.instrument_id for each in today}) == len(today)
    life = contracts.contracts("CL", date(2011, 1, 1), date(2026, 1, 1))
    assert len({each.instrument_id for each in life}) < len(life)


def test_a_raw_symbol_means_another_contract_each_decade():
    old = contracts.by_raw_symbol("NQZ6", date(2016, 3, 1), date(2016, 3, 2))
    new = contracts.by_raw_symbol("NQZ6", date(2026, 3, 1), date(2026, 3, 2))
    assert [each.last_trade.year for each in (*old, *new)] == [2016, 2026]


def test_history_begins_in_2010_and_the_future_is_there_too():
    first = contracts.contracts("NQ", date(2010, 6, 7), date(2010, 6, 7))
    assert len(minutes(SEED, "NQ", (first[0],), date(2010, 6, 7)))
    later = front("NQ", date(2034, 5, 3))
    assert len(minutes(SEED, "NQ", (later,), date(2034, 5, 3))) > 1_300


def test_an_unknown_root_is_not_in_the_market():
    assert contracts.contracts("ES", date(2026, 1, 5), date(2026, 1, 5)) == ()
    assert contracts.by_raw_symbol("ESH6", date(2026, 1, 5), date(2026, 1, 6)) == ()


def test_a_walk_that_reaches_further_repeats_the_shorter_one():
    early, late = days._walk(SEED, "NQ", 2020), days._walk(SEED, "NQ", 2030)
    size = early.log_price.size
    assert np.array_equal(early.log_price, late.log_price[:size])
    assert np.array_equal(early.volume, late.volume[:size])
