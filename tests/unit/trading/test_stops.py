"""Stops and trailing stops, worked out by hand. Prices in ticks, times in seconds."""

from tests.unit.trading.tapes import BUY, SELL, TICK, at, bars, book, broker, changes, px, submit, told, trades
from trading.engine.commands import Replace

ASKS = {101: 3, 102: 10, 103: 10, 109: 50}


def test_a_buy_stop_at_or_under_the_last_print_is_rejected() -> None:
    desk = broker(trades((1, 100, 1, "B")))
    events = submit(desk, 2, "at", BUY, 1, stop=100)
    assert changes(events, "at") == ["pending", "rejected: stop_passed"]
    assert events[-1].text == "stop 25.00 is at or under the last print 25.00"
    assert changes(submit(desk, 2, "over", BUY, 1, stop=101), "over")[-1] == "working"
    assert changes(submit(desk, 2, "sell", SELL, 1, stop=100), "sell")[-1] == "rejected: stop_passed"


def test_only_a_print_triggers_a_stop() -> None:
    # the offer goes to 103, no one trades there
    desk = broker(book((1, {100: 5}, ASKS), (1, {100: 5}, ASKS, (100, 1, "A")), (3, {100: 5}, {103: 1})))
    submit(desk, 2, "s", BUY, 1, stop=102)
    desk.advance(at(10))
    assert desk.fills == []


def test_the_triggering_print_leaves_the_book_first() -> None:
    # 102×10 is printed for 8: 2 are left for the stop, the other 3 are bought at 103
    desk = broker(book((1, {100: 5}, ASKS), (4, {100: 5}, {102: 10, 103: 10, 109: 50}, (102, 8, "B"))))
    submit(desk, 2, "s", BUY, 5, stop=102)
    events = desk.advance(at(10))
    assert changes(events, "s") == ["triggered: stop_reached", "partial: walk", "filled: walk"]
    assert told(desk.fills) == [("s", 2, 102, 4), ("s", 3, 103, 4)]
    assert desk.fills[0].why.own == 8


def test_a_stop_s_protection_is_measured_from_its_price() -> None:
    # stop 102, protection 4: it may pay 106, not 109; the rest works at 106 and is filled when 105 is offered
    thin = {102: 1, 109: 50}
    desk = broker(book((1, {100: 5}, ASKS), (4, {100: 5}, thin, (102, 1, "B")), (6, {100: 5}, {105: 2, 109: 50})))
    submit(desk, 2, "s", BUY, 2, stop=102)
    desk.advance(at(5))
    assert desk.fills == []
    assert desk.orders["s"].limit == px(106)
    desk.advance(at(10))
    assert told(desk.fills) == [("s", 2, 105, 6)]


def test_a_stop_limit_on_the_book_rests_at_its_limit() -> None:
    asks = {102: 2, 103: 10}
    desk = broker(book((1, {100: 5}, asks), (4, {100: 5}, asks, (102, 1, "B")), (6, {100: 5}, {102: 4, 103: 10})))
    submit(desk, 2, "s", BUY, 3, stop=102, limit=102)
    desk.advance(at(10))
    # 1 of 102×2 is left after the print; the level is new at 6 s
    assert told(desk.fills) == [("s", 1, 102, 4), ("s", 2, 102, 6)]


def test_a_trailing_stop_follows_the_best_print_and_never_goes_back() -> None:
    # last 100, offset 3: 97. Prints 102 → 99, 101 leaves it, 99 triggers; the next print fills
    desk = broker(trades((1, 100, 1, "B"), (3, 102, 1, "B"), (4, 101, 1, "A"), (5, 99, 1, "A"), (6, 98, 5, "A")))
    submit(desk, 2, "t", SELL, 2, offset=3)
    assert desk.orders["t"].stop == px(97)
    events = desk.advance(at(4.5))
    assert changes(events, "t") == ["moved: trail"]
    assert desk.orders["t"].stop == px(99)
    desk.advance(at(10))
    assert told(desk.fills) == [("t", -2, 98, 6)]


def test_a_trailing_stop_moves_in_steps() -> None:
    # offset 3, step 2: at 101 the stop would be 1 tick better: it stays; at 102 it goes to 99
    desk = broker(trades((1, 100, 1, "B"), (3, 101, 1, "B"), (4, 102, 1, "B")))
    submit(desk, 2, "t", SELL, 2, offset=3, step=2)
    desk.advance(at(3.5))
    assert desk.orders["t"].stop == px(97)
    desk.advance(at(4.5))
    assert desk.orders["t"].stop == px(99)


def test_a_trailing_buy_stop_is_the_mirror() -> None:
    desk = broker(trades((1, 100, 1, "B"), (3, 97, 1, "A"), (4, 99, 1, "B"), (5, 100, 5, "B"), (6, 101, 5, "B")))
    submit(desk, 2, "t", BUY, 2, offset=3)
    desk.advance(at(4.5))
    assert desk.orders["t"].stop == px(100)
    desk.advance(at(10))
    assert told(desk.fills) == [("t", 2, 101, 6)]


def test_before_the_first_print_a_trailing_stop_has_no_price() -> None:
    desk = broker(trades((3, 100, 1, "A"), (4, 97, 1, "A"), (5, 96, 5, "A")))
    submit(desk, 2, "t", SELL, 2, offset=3)
    assert desk.orders["t"].stop is None
    desk.advance(at(10))
    assert told(desk.fills) == [("t", -2, 96, 5)]


def test_on_bars_a_trailing_stop_moves_after_the_bar_that_moved_it() -> None:
    # close 100, offset 3: 97. The bar of second 2 has 104 and 98: not reached, then 101. Second 3 reaches it
    desk = broker(bars((0, 100, 101, 99, 100, 40), (2, 100, 104, 98, 103, 40), (3, 103, 103, 100, 102, 40)))
    submit(desk, 1, "t", SELL, 2, offset=3)
    desk.advance(at(3))
    assert desk.orders["t"].stop == px(101)
    desk.advance(at(10))
    assert told(desk.fills) == [("t", -2, 100, 4)]


def test_a_stop_can_be_moved_but_not_past_the_market() -> None:
    desk = broker(trades((1, 100, 1, "B"), (4, 98, 1, "A"), (5, 97, 1, "A")))
    submit(desk, 2, "s", SELL, 1, stop=95)
    assert changes(desk.apply(Replace("r1", "s", stop=px(100)), at(3)), "s") == ["refused: stop_passed"]
    assert changes(desk.apply(Replace("r2", "s", stop=px(98)), at(3)), "s") == ["replaced"]
    assert changes(desk.apply(Replace("r3", "s", stop=px(98) + TICK // 2), at(3)), "s") == ["refused"]
    desk.advance(at(10))
    assert told(desk.fills) == [("s", -1, 97, 5)]


def test_on_bars_too_a_trailing_stop_waits_for_the_first_price() -> None:
    # no bar yet; that of second 2 has the low 98: the stop is 101; second 4 reaches it and slips a tick
    desk = broker(bars((2, 100, 103, 98, 99, 40), (4, 99, 102, 99, 100, 40)))
    submit(desk, 1, "t", BUY, 2, offset=3)
    desk.advance(at(3))
    assert desk.orders["t"].stop == px(101)
    desk.advance(at(10))
    assert told(desk.fills) == [("t", 2, 102, 5)]
