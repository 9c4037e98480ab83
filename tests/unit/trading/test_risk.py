"""The account's rules: each with the words it says, and what happens when the day's loss is hit. ES: $12.50 a tick."""

from dataclasses import replace
from typing import Any

import pytest

from market.sessions import parse_et
from tests.unit.trading.tapes import (
    BUY,
    DOLLAR,
    ES,
    SELL,
    Exits,
    Instrument,
    Span,
    at,
    bars,
    book,
    broker,
    changes,
    order,
    px,
    span,
    submit,
    told,
    trades,
)
from trading.engine import risk
from trading.engine.commands import (
    Adopt,
    Cancel,
    CancelAll,
    Flatten,
    Locate,
    Lock,
    Replace,
    Reverse,
    Target,
    Unlock,
)
from trading.engine.risk import Lot, State, objections
from trading.engine.rules import Rules

FREE = replace(ES, fee=0)
STOCK = Instrument("NVDA", 10_000_000, 10_000_000, is_stock=True)
NOON = parse_et("2026-03-18 12:00")
CALM = State(now=NOON, equity=100_000 * DOLLAR, marks={ES.name: px(100)})


def says(rules: Rules, state: State = CALM, instrument: Instrument = FREE, **fields: Any) -> list[str]:
    side, quantity = fields.pop("side", BUY), fields.pop("quantity", 2)
    fields.setdefault("contract", instrument.name)
    return [each.text for each in objections(rules, state, instrument, order(side, quantity, **fields))]


def test_without_rules_nothing_is_forbidden() -> None:
    assert says(Rules(), quantity=1_000_000) == []


def test_a_position_has_a_limit_that_counts_what_is_on_the_way() -> None:
    state = replace(CALM, positions=(Lot(FREE, 3),), working=(Lot(FREE, 2), Lot(FREE, -9)))
    assert says(Rules(max_position={ES.name: 5}), state) == ["max position 5: this order would make 7"]
    assert says(Rules(max_position={ES.name: 7}), state) == []


def test_positions_over_all_contracts_have_a_limit() -> None:
    other = replace(FREE, name="NQH4")
    state = replace(CALM, positions=(Lot(FREE, 1), Lot(other, -3)))
    assert says(Rules(max_position_all=5), state) == ["max position over all 5: this order would make 6"]


def test_an_order_has_a_largest_size() -> None:
    assert says(Rules(max_order=1)) == ["max order size 1: this order has 2"]


def test_what_only_reduces_is_never_forbidden() -> None:
    rules = Rules(max_order=1, max_position={ES.name: 0}, max_trades=0, hours=((0, 1),))
    locked = replace(CALM, positions=(Lot(FREE, 5),), lock="max loss")
    assert says(rules, locked, side=SELL, quantity=5) == []
    assert len(says(rules, locked, side=SELL, quantity=6)) == 4


def test_a_day_has_so_many_trades() -> None:
    state = replace(CALM, trades=3)
    assert says(Rules(max_trades=3), state) == ["max trades a day 3: this would be number 4"]
    # adding to a position is no new trade
    assert says(Rules(max_trades=3), replace(state, positions=(Lot(FREE, 1),))) == []


def test_trading_has_its_hours() -> None:
    rules = Rules(hours=((570, 660), (780, 960)))
    assert says(rules) == ["trading hours 09:30–11:00, 13:00–16:00 ET: it is 12:00"]
    assert says(rules, replace(CALM, now=parse_et("2026-03-18 10:59:59"))) == []
    assert says(rules, replace(CALM, now=parse_et("2026-03-18 11:00"))) != []


def test_after_losses_in_a_row_there_is_a_cool_down() -> None:
    rules = Rules(cooldown_losses=2, cooldown_ns=300 * 10**9)
    state = replace(CALM, losses=2, last_loss_ns=NOON - 100 * 10**9)
    assert says(rules, state) == ["cool-down after 2 losses in a row: 200 s are left"]
    assert says(rules, replace(state, losses=1)) == []
    assert says(rules, replace(state, now=NOON + 200 * 10**9)) == []


def test_a_trade_s_stop_may_risk_so_much() -> None:
    # 10 ticks × $12.50 × 2 = $250
    rules = Rules(max_trade_loss=200 * DOLLAR)
    assert says(rules, exits=Exits((), 10)) == ["max loss per trade $200.00: the stop of this order risks $250.00"]
    assert says(rules, exits=Exits((), 8)) == []


def test_buying_power_of_futures_is_margin_per_contract_or_of_the_value() -> None:
    usd = replace(FREE, margin=60_000 * DOLLAR)
    assert says(Rules(buying_power=True), instrument=usd) == [
        "buying power $100,000.00: this order would need $120,000.00"
    ]
    # 5 % of 2 × 100 ticks × $12.50 = $125
    share = replace(FREE, margin=50_000, margin_kind="pct_notional")
    assert says(Rules(buying_power=True), replace(CALM, equity=124 * DOLLAR), share) == [
        "buying power $124.00: this order would need $125.00"
    ]
    assert says(Rules(buying_power=True), replace(CALM, equity=125 * DOLLAR), share) == []


def test_buying_power_of_stocks_is_equity_times_leverage() -> None:
    # 100 shares at $25 are $2,500; with leverage 4 they bind $625
    state = replace(CALM, equity=600 * DOLLAR, marks={"NVDA": px(100)})
    rules = Rules(buying_power=True, leverage=4)
    assert says(rules, state, STOCK, quantity=100) == ["buying power $600.00: this order would need $625.00"]
    assert says(rules, state, STOCK, quantity=96) == []


def test_a_stock_ten_percent_down_is_sold_short_only_above_the_best_bid() -> None:
    # closed at $25; the low $22.50 is 90 %: restricted
    rules = Rules(previous_close={"NVDA": px(100)})
    state = replace(CALM, low=px(90), best_bid=px(91))
    words = "SSR: sold short only with a limit above the best bid 22.75"
    assert says(rules, state, STOCK, side=SELL) == [words]
    assert says(rules, state, STOCK, side=SELL, limit=91) == [words]
    assert says(rules, state, STOCK, side=SELL, limit=92) == []
    assert says(rules, state, STOCK, side=BUY) == []
    assert says(rules, replace(state, positions=(Lot(STOCK, 2),)), STOCK, side=SELL) == []
    assert says(rules, replace(state, low=px(91)), STOCK, side=SELL) == []


def test_a_stock_that_is_hard_to_borrow_needs_a_locate() -> None:
    rules = Rules(locate_fee={"NVDA": 10_000_000})
    words = "hard to borrow: 100 short needs a locate, 50 are located"
    assert says(rules, replace(CALM, located=50), STOCK, side=SELL, quantity=100) == [words]
    assert says(rules, replace(CALM, located=100), STOCK, side=SELL, quantity=100) == []
    assert says(rules, CALM, STOCK, side=SELL, quantity=100, contract="NVDA") != []


def test_a_locate_costs_a_fee_per_share_and_holds_for_the_day() -> None:
    tape = trades((1, 100, 9, "B"), (3, 100, 500, "B"))
    desk = broker(
        tape, instruments=(STOCK,), others={"NVDA": (span(tape),)}, rules=Rules(locate_fee={"NVDA": DOLLAR // 50})
    )
    assert changes(submit(desk, 2, "a", SELL, 100, contract="NVDA"), "a")[-1] == "rejected: risk"
    assert desk.apply(Locate("l", "NVDA", 100), at(2))[-1].text == "100 NVDA for $2.00"
    submit(desk, 2, "b", SELL, 100, contract="NVDA")
    desk.advance(at(10))
    assert told(desk.fills) == [("b", -100, 100, 3)]
    assert desk.account.positions["NVDA"].fees == 2 * DOLLAR
    assert desk.apply(Locate("m", ES.name, 1), at(10))[-1].text == f"{ES.name} needs no locate"


def test_a_lock_does_not_end_the_watch_over_what_is_held() -> None:
    # long 2 from 100, locked by hand at 2: at 98 −$50, more than $40: sold with the next print, 96, the lock as it was
    desk = broker(FALL, instruments=(FREE,), rules=Rules(max_day_loss_open=40 * DOLLAR))
    submit(desk, 0, "a", BUY, 2)
    desk.advance(at(2))
    desk.apply(Lock("l", "enough for today", hard=True), at(2))
    events = desk.advance(at(5))
    assert [event.change for event in events if event.order is None] == ["warned"]
    assert told(desk.fills)[-1][1:3] == (-2, 96)
    assert desk.guard.lock == "enough for today"


def test_a_lifted_lock_begins_the_allowance_anew() -> None:
    # −$25 realised of $25: locked. Lifted, the next −$12.50 is within a new $25
    tape = trades((1, 100, 9, "B"), (3, 98, 9, "A"), (5, 98, 9, "B"), (7, 97, 9, "A"), (9, 97, 9, "A"))
    desk = broker(tape, instruments=(FREE,), rules=Rules(max_day_loss=25 * DOLLAR))
    submit(desk, 0, "a", BUY, 1)
    submit(desk, 2, "b", SELL, 1)
    desk.advance(at(4))
    assert desk.guard.lock is not None
    desk.apply(Unlock("u", "the plan was right"), at(4))
    submit(desk, 4, "c", BUY, 1)
    submit(desk, 6, "d", SELL, 1)
    desk.advance(at(8))
    assert [(lots, price) for _, lots, price, _ in told(desk.fills)] == [(1, 100), (-1, 98), (1, 98), (-1, 97)]
    assert desk.guard.lock is None


def test_a_price_far_from_the_market_is_refused() -> None:
    desk = broker(FALL, instruments=(FREE,))
    desk.advance(at(2))
    for name, limit in (("low", 49), ("high", 201)):
        assert "is too far from the last price" in submit(desk, 2, name, BUY, 1, limit=limit)[-1].text
    submit(desk, 2, "fair", BUY, 1, limit=50)
    desk.advance(at(2.5))
    assert desk.orders["fair"].status == "working"
    events = [*desk.apply(Replace("r", "fair", limit=px(10)), at(2.5)), *desk.advance(at(2.9))]
    assert [event.text for event in events] == ["2.50 is too far from the last price 25.00"]


def test_other_rules_hold_from_the_moment_on() -> None:
    # long 2 from 100, at 98 −$50: a rule of $40 comes at 3.5 and ends the day there, sold with the next print, 96
    desk = broker(FALL, instruments=(FREE,), rules=Rules(max_day_loss_open=500 * DOLLAR))
    submit(desk, 0, "a", BUY, 2)
    desk.advance(at(3.5))
    events = desk.apply(Adopt("r", Rules(max_day_loss_open=40 * DOLLAR)), at(3.5))
    assert [event.change for event in events] == ["locked", "pending", "working"]
    desk.advance(at(5))
    assert told(desk.fills)[-1][1:3] == (-2, 96)


def test_one_limit_holds_for_all_contracts_that_have_none_of_their_own() -> None:
    rules = Rules(max_position={"NQH4": 5}, max_position_each=1)
    assert says(rules, quantity=2) == ["max position 1: this order would make 2"]
    assert says(replace(rules, max_position={ES.name: 5}), quantity=2) == []


def test_the_market_day_ends_at_17_et() -> None:
    assert risk.market_day(parse_et("2026-03-18 16:59:59"))[1] == parse_et("2026-03-18 17:00")
    assert risk.market_day(parse_et("2026-03-18 17:00"))[1] == parse_et("2026-03-19 17:00")


@pytest.mark.parametrize(
    ("money", "text"), [(0, "$0.00"), (1_234_500_000_000, "$1,234.50"), (-5_000_000_000, "−$5.00")]
)
def test_money_as_text(money: int, text: str) -> None:
    assert risk.dollars(money) == text


# --- in the broker ---

FALL = trades((1, 100, 9, "B"), (3, 98, 1, "A"), (4, 96, 9, "A"), (5, 95, 9, "A"), (7, 99, 9, "B"), (9, 99, 9, "B"))


def test_a_realised_loss_ends_the_day() -> None:
    # long 2 from 100, one sold at 98: −2 ticks = −$25: the rest is sold with the next print, the limit cancelled
    desk = broker(FALL, instruments=(FREE,), rules=Rules(max_day_loss=25 * DOLLAR, is_hard=True))
    submit(desk, 0, "a", BUY, 2)
    submit(desk, 1.5, "l", BUY, 1, limit=50)
    submit(desk, 2, "s", SELL, 1)
    events = desk.advance(at(8))
    assert [event.text for event in events if event.change == "locked"] == [
        "max loss per day $25.00 (realised): −$25.00"
    ]
    assert changes(events, "l") == ["cancelled: risk"]
    assert [(lots, price, second) for _, lots, price, second in told(desk.fills)] == [
        (2, 100, 1), (-1, 98, 3), (-1, 96, 4)
    ]  # fmt: skip
    rejected = submit(desk, 8, "again", BUY, 1)[-1]
    assert rejected.text == "the account is locked: max loss per day $25.00 (realised): −$25.00"
    assert desk.apply(Unlock("u", "I am calm"), at(8))[-1].text == "a hard lock holds until 17:00 ET"
    desk.advance(at(10))
    assert desk.working() == []


def test_a_loss_with_what_is_open_ends_the_day_at_the_print_that_makes_it() -> None:
    # long 2: at 98 −$50 (a warning at 80 % of $60), at 96 −$100: sold with the next print, 95
    desk = broker(FALL, instruments=(FREE,), rules=Rules(max_day_loss_open=60 * DOLLAR))
    submit(desk, 0, "a", BUY, 2)
    events = desk.advance(at(20))
    assert [(event.change, event.ns) for event in events if event.change in ("warned", "locked")] == [
        ("warned", at(3)), ("locked", at(4))
    ]  # fmt: skip
    assert told(desk.fills)[1][1:] == (-2, 95, 5)


def test_two_positions_lose_together() -> None:
    # $100 for both. ES −2 ticks × 2 = −$50 and NQ −4 × $5 × 2 = −$40: no. NQ at 185: −$150
    nq = Instrument("NQH4", ES.tick, 5 * DOLLAR)
    other = trades((1, 200, 9, "B"), (3, 196, 1, "A"), (6, 185, 9, "A"), (8, 185, 9, "A"))
    es = trades((1, 100, 9, "B"), (3, 98, 1, "A"), (9, 98, 9, "A"))
    desk = broker(
        es, others={"NQH4": (span(other),)}, instruments=(FREE, nq), rules=Rules(max_day_loss_open=100 * DOLLAR)
    )
    submit(desk, 0, "e", BUY, 2)
    submit(desk, 0, "n", BUY, 2, contract="NQH4")
    events = desk.advance(at(20))
    assert [(event.ns, event.text) for event in events if event.change == "locked"] == [
        (at(6), "max loss per day $100.00 (with what is open): −$200.00")
    ]
    assert [each[1:] for each in told(desk.fills)[2:]] == [(-2, 185, 8), (-2, 98, 9)]


def test_on_bars_the_low_of_a_bar_counts() -> None:
    desk = broker(
        bars((1, 100, 100, 100, 100, 40), (2, 100, 100, 97, 100, 40), (3, 100, 101, 99, 100, 40)),
        instruments=(FREE,), rules=Rules(max_day_loss_open=30 * DOLLAR),
    )  # fmt: skip
    submit(desk, 1, "a", BUY, 1)
    events = desk.advance(at(20))
    assert [event.ns for event in events if event.change == "locked"] == [at(3)]
    assert told(desk.fills)[1][1:] == (-1, 99, 4)


def test_a_trade_that_loses_too_much_is_closed_and_the_day_goes_on() -> None:
    desk = broker(FALL, instruments=(FREE,), rules=Rules(max_trade_loss=40 * DOLLAR))
    submit(desk, 0, "a", BUY, 1, exits=Exits((Target(50),), 3))
    events = desk.advance(at(6))
    # −$50 at 96; the stop at 97 was reached by the same print and is cancelled with everything else
    assert [event.text for event in events if event.change == "warned"] == ["max loss per trade $40.00: −$50.00"]
    assert told(desk.fills)[1][1:] == (-1, 95, 5)
    assert desk.guard.lock is None


def test_giving_back_the_peak_ends_the_day() -> None:
    # +4 ticks = $50, then −2 ticks: half is given back
    tape = trades((1, 100, 9, "B"), (2, 104, 9, "B"), (3, 104, 9, "B"), (4, 102, 9, "B"), (6, 102, 9, "B"))
    desk = broker(tape, instruments=(FREE,), rules=Rules(giveback_from=50 * DOLLAR, giveback_percent=50))
    submit(desk, 0, "a", BUY, 1)
    submit(desk, 1.5, "b", SELL, 1)
    submit(desk, 2.5, "c", BUY, 1)
    submit(desk, 3.5, "d", SELL, 1)
    desk.advance(at(5))
    assert desk.guard.lock == "50 % of the peak $50.00 given back: $25.00"


def test_losing_trips_are_counted_and_a_winner_ends_the_row() -> None:
    tape = trades(*((second, price, 9, "B") for second, price in enumerate([100, 99, 100, 98, 100, 101, 100, 99], 1)))
    desk = broker(tape, instruments=(FREE,), rules=Rules(cooldown_losses=2, cooldown_ns=60 * 10**9))
    for number in range(2):
        submit(desk, 2 * number + 0.5, f"in{number}", BUY, 1)
        submit(desk, 2 * number + 1.5, f"out{number}", SELL, 1)
    desk.advance(at(4.5))
    assert (desk.guard.trades, desk.guard.losses) == (2, 2)
    assert submit(desk, 4.5, "no", BUY, 1)[-1].text == "cool-down after 2 losses in a row: 60 s are left"


def test_a_soft_lock_is_lifted_with_a_reason() -> None:
    desk = broker(FALL, instruments=(FREE,))
    desk.apply(Lock("l", "lunch"), at(2))
    assert submit(desk, 2, "a", BUY, 1)[-1].text == "the account is locked: lunch"
    events = desk.apply(Unlock("u", "back at the desk"), at(3))
    assert [(event.change, event.text) for event in events] == [("unlocked", "back at the desk")]
    assert changes(submit(desk, 3, "b", BUY, 1), "b")[-1] == "working"
    with pytest.raises(ValueError, match="written reason"):
        Unlock("u2", " ")


def test_the_rules_are_asked_again_when_an_order_arrives() -> None:
    # both are allowed when they are sent; when the second arrives the first has been filled
    desk = broker(trades((1, 100, 9, "B"), (4, 100, 9, "B")), latency=1, rules=Rules(max_trades=1))
    submit(desk, 0, "a", BUY, 1)
    submit(desk, 1.5, "out", SELL, 1)
    submit(desk, 3.5, "b", BUY, 1)
    assert changes(desk.events, "b") == ["pending"]
    desk.advance(at(10))
    assert changes(desk.events, "b") == ["pending", "rejected: risk"]


def test_triggered_orders_obey_the_rules() -> None:
    desk = broker(trades((1, 100, 9, "B"), (2, 100, 9, "B")), rules=Rules(max_position={ES.name: 1}))
    submit(desk, 0, "p", BUY, 1, triggers=(order(BUY, 1),))
    desk.advance(at(10))
    assert changes(desk.events, "p.trigger1") == ["pending: trigger", "rejected: risk"]


def test_a_change_obeys_the_rules_too() -> None:
    desk = broker(trades((1, 100, 9, "B")), rules=Rules(max_position={ES.name: 3}))
    submit(desk, 2, "a", BUY, 2, limit=90)
    events = desk.apply(Replace("r", "a", quantity=4), at(3))
    assert (events[-1].change, events[-1].text) == ("refused", "max position 3: this order would make 4")
    assert changes(desk.apply(Replace("r2", "a", quantity=3), at(3)), "a") == ["replaced"]


def test_a_locked_account_does_not_reverse() -> None:
    desk = broker(trades((1, 100, 9, "B"), (4, 100, 9, "B")))
    submit(desk, 0, "a", BUY, 2)
    desk.apply(Lock("l", "enough"), at(2))
    events = desk.apply(Reverse("r", ES.name), at(3))
    assert (events[-1].change, events[-1].text) == ("refused", "the account is locked: enough")


def test_a_sell_of_more_than_is_held_is_marked_short() -> None:
    desk = broker(trades((1, 100, 9, "B"), (5, 100, 9, "B")))
    submit(desk, 0, "a", BUY, 2)
    submit(desk, 2, "close", SELL, 2, limit=110)
    submit(desk, 2, "turn", SELL, 3, limit=110)
    assert [desk.orders[name].is_short for name in ("a", "close", "turn")] == [False, False, True]


def test_a_lock_and_the_figures_of_the_day_end_at_17_et() -> None:
    # the first session is at 11:00 ET, the second after 22:00: another market day
    tapes = [(0, trades((1, 100, 9, "B"), (3, 98, 9, "A"))), (40_000, trades((40_001, 98, 9, "B")))]
    spans = [Span(tape, ((at(start), at(start + 10)),)) for start, tape in tapes]
    desk = broker(spans, instruments=(FREE,), rules=Rules(max_day_loss=25 * DOLLAR, max_trades=1, is_hard=True))
    submit(desk, 0, "a", BUY, 1)
    submit(desk, 2, "b", SELL, 1)
    desk.advance(at(5))
    assert desk.guard.lock == "max loss per day $25.00 (realised): −$25.00"
    assert changes(submit(desk, 5, "c", BUY, 1), "c")[-1] == "rejected: risk"
    assert changes(submit(desk, 40_000.5, "d", BUY, 1), "d")[-1] == "working"
    assert (desk.guard.lock, desk.guard.day_realised) == (None, 0)


def test_a_lock_cancels_what_could_open_a_position_and_keeps_what_closes_one() -> None:
    desk = broker(trades((1, 100, 9, "B"), (5, 80, 9, "A"), (7, 120, 9, "B")))
    submit(desk, 0, "a", BUY, 2, exits=Exits((Target(50),), 40))
    submit(desk, 2, "more", BUY, 1, limit=90)
    submit(desk, 2, "out", SELL, 2, limit=115)
    submit(desk, 2, "turn", SELL, 1, limit=118)
    events = desk.apply(Lock("l", "enough"), at(3))
    assert [(event.change, event.client_id) for event in events] == [
        ("locked", ""), ("cancelled", "more"), ("cancelled", "turn")
    ]  # fmt: skip
    desk.advance(at(10))
    assert [each[1:3] for each in told(desk.fills)] == [(2, 100), (-2, 115)]


@pytest.mark.parametrize(("hard", "reason"), [(True, "hard_lock"), (False, "risk")])
def test_a_lock_tells_whether_it_can_be_lifted(hard: bool, reason: str) -> None:
    events = broker(FALL).apply(Lock("l", "enough", hard), at(2))
    assert [(event.change, event.reason) for event in events] == [("locked", reason)]


# --- what the rules close with ---

LOSS = Rules(max_day_loss_open=60 * DOLLAR)
OWN = "the account's rules close the position with it, and it stays as it is"


def falling(grade: str) -> Any:
    """A market that falls from 100 to 98 and goes on falling, a tick every second from second 4 on."""
    prices = [100, 100, 98, *range(97, 80, -1)]
    if grade == "bars":
        return bars(*((second, price, price, price, price, 400) for second, price in enumerate(prices, start=1)))
    if grade == "trades":
        return trades(*((second, price, 50, "A") for second, price in enumerate(prices, start=1)))
    rows: list[Any] = []
    for second, price in enumerate(prices, start=1):
        rows += [(second, {price: 50}, {price + 1: 50}), (second + 0.1, {price: 50}, {price + 1: 50}, (price, 1, "A"))]
    return book(*rows)


def losing(grade: str, **settings: Any) -> Any:
    """Long 3 with more lost than the limit that is adopted at second 5, each command taking a second to arrive."""
    desk = broker(falling(grade), instruments=(FREE,), latency=1, **settings)
    submit(desk, 0.5, "a", BUY, 3)
    desk.advance(at(5))
    desk.apply(Adopt("limit", LOSS), at(5))
    return desk


def closing_order(desk: Any) -> Any:
    (order,) = [each for each in desk.working() if each.spec.origin == "risk"]
    return order


@pytest.mark.parametrize("grade", ["bars", "trades", "book"])
def test_what_the_rules_close_with_is_nobody_s_to_cancel(grade: str) -> None:
    desk = losing(grade, halts=[(5, 8)])
    name = closing_order(desk).client_id
    desk.apply(Cancel("x", name), at(5))
    desk.apply(Replace("r", name, quantity=1), at(5))
    desk.apply(CancelAll("all"), at(5))
    desk.apply(Reverse("turn", ES.name), at(5))
    desk.apply(Flatten("out"), at(5))
    events = desk.advance(at(7))
    told_of = [(event.client_id, event.text) for event in events if event.change == "refused"]
    assert told_of == [(name, OWN), (name, OWN), ("turn", "the account's rules are closing the position")]
    assert [order.client_id for order in desk.working()] == [name]  # nor is anything closed twice
    desk.advance(at(20))
    assert desk.account.quantity(ES.name) == 0
    assert [(fill.client_id, fill.quantity) for fill in desk.fills if fill.side == SELL] == [(name, 3)]


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("grade", ["bars", "trades", "book"])
def test_a_locked_position_whose_closing_order_ended_unfilled_is_closed_again(grade: str, hard: bool) -> None:
    # the limit comes between two sessions, where an order at the market is rejected
    sessions = [Span(falling(grade), ((at(start), at(end)),)) for start, end in ((0, 4), (10, 600))]
    desk = broker(sessions, instruments=(FREE,))
    submit(desk, 0.5, "a", BUY, 3)
    desk.advance(at(5))
    desk.apply(Adopt("limit", replace(LOSS, max_day_loss_open=30 * DOLLAR, is_hard=hard)), at(5))
    ended = [order for order in desk.orders.values() if order.spec.origin == "risk"]
    assert [order.status for order in ended] == ["rejected"]
    assert desk.guard.lock is not None
    events = desk.advance(at(20))
    assert desk.account.quantity(ES.name) == 0
    again = f"{ES.name} is closed again: the order that was to close it ended unfilled"
    assert [event.text for event in events if event.change == "warned"] == [again]
    assert all(event.change != "locked" for event in events)


def test_a_log_of_the_first_edition_comes_out_as_it_was() -> None:
    desk = losing("trades", halts=[(5, 8)], edition=1)
    desk.apply(Cancel("x", closing_order(desk).client_id), at(5))
    desk.advance(at(20))
    assert desk.account.quantity(ES.name) == 3
