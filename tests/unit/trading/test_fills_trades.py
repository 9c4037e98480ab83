"""Fills where only prints are known, worked out by hand. A print is (second, price in ticks, size, aggressor)."""

from tests.unit.trading.tapes import BUY, SELL, Preset, TimeInForce, at, broker, changes, submit, told, trades
from trading.engine.terms import Reason


def test_a_market_order_takes_print_after_print() -> None:
    # 2 of the first print after it, 3 of the next, at their prices; the print before it is gone
    desk = broker(trades((1, 99, 9, "B"), (2, 100, 2, "A"), (3, 101, 5, "B")))
    submit(desk, 1.5, "b", BUY, 5)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 100, 2), ("b", 3, 101, 3)]
    assert desk.fills[0].why.reason is Reason.PRINT


def test_a_print_is_given_away_once() -> None:
    desk = broker(trades((2, 100, 3, "A"), (3, 101, 5, "B")))
    submit(desk, 1, "a", BUY, 2)
    submit(desk, 1, "b", BUY, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("a", 2, 100, 2), ("b", 1, 100, 2), ("b", 1, 101, 3)]


def test_a_resting_order_has_the_assumed_queue_before_it() -> None:
    # 20 assumed ahead, half of it neutral, none optimistic: 8 + 5 lots printed at 100 by sellers, the buyers' 50 aside
    prints = trades((1, 101, 1, "B"), (3, 100, 8, "A"), (4, 100, 50, "B"), (5, 100, 5, "A"))
    filled = []
    for preset in Preset:
        desk = broker(prints, preset=preset)
        submit(desk, 2, "l", BUY, 4, limit=100)
        desk.advance(at(10))
        filled.append(told(desk.fills))
    assert filled == [[], [("l", 3, 100, 5)], [("l", 4, 100, 3)]]


def test_a_print_through_the_limit_fills_all() -> None:
    desk = broker(trades((1, 101, 1, "B"), (3, 99, 1, "B")))
    submit(desk, 2, "l", BUY, 4, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 4, 100, 3)]
    assert desk.fills[0].why.reason is Reason.THROUGH


def test_a_limit_beyond_the_last_print_takes_prints_within_it_and_then_rests() -> None:
    # last 100, limit 102: 2 at 100, 1 at 102; 103 is beyond, the rest waits behind 20; through at 101
    desk = broker(trades((1, 100, 1, "B"), (3, 100, 2, "B"), (4, 102, 1, "B"), (5, 103, 9, "B"), (6, 101, 1, "A")))
    submit(desk, 2, "l", BUY, 5, limit=102)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 2, 100, 3), ("l", 1, 102, 4), ("l", 2, 102, 6)]


def test_protection_is_measured_from_the_first_print() -> None:
    # 100 + 4 ticks: the print at 105 is beyond, the rest waits at 104 until 103 goes through
    desk = broker(trades((3, 100, 2, "B"), (4, 105, 9, "B"), (5, 103, 1, "A")))
    submit(desk, 2, "m", BUY, 5)
    desk.advance(at(10))
    assert told(desk.fills) == [("m", 2, 100, 3), ("m", 3, 104, 5)]


def test_a_stop_becomes_a_market_order_that_has_the_prints_after_its_trigger() -> None:
    desk = broker(trades((1, 100, 1, "B"), (3, 98, 9, "A"), (4, 97, 1, "A"), (5, 96, 9, "A")))
    submit(desk, 2, "s", SELL, 3, stop=98)
    desk.advance(at(10))
    assert told(desk.fills) == [("s", -1, 97, 4), ("s", -2, 96, 5)]


def test_immediate_orders_have_the_next_print() -> None:
    desk = broker(trades((1, 100, 1, "B"), (3, 100, 2, "B"), (4, 100, 9, "B")))
    submit(desk, 2, "ioc", BUY, 5, limit=100, tif=TimeInForce.IOC)
    submit(desk, 2, "fok", BUY, 5, limit=100, tif=TimeInForce.FOK)
    desk.advance(at(10))
    assert told(desk.fills) == [("ioc", 2, 100, 3)]
    assert changes(desk.events, "fok")[-1] == "cancelled: not_filled_at_once"


def test_a_print_of_no_size_is_none() -> None:
    desk = broker(trades((3, 90, 0, "N"), (4, 100, 2, "B")))
    submit(desk, 2, "m", BUY, 1)
    desk.advance(at(10))
    assert told(desk.fills) == [("m", 1, 100, 4)]
