"""Fills on one-second bars, worked out by hand. A bar is (second, open, high, low, close, volume), prices in ticks."""

from tests.unit.trading.tapes import (
    BUY,
    SELL,
    Exits,
    Preset,
    TimeInForce,
    at,
    bars,
    broker,
    cancel,
    changes,
    submit,
    told,
)
from trading.engine.commands import Target
from trading.engine.records import explain
from trading.engine.terms import Reason

QUIET = (0, 100, 101, 99, 100, 400)


def test_a_market_order_gets_the_worse_end_of_the_bar_that_covers_it() -> None:
    # bought at 1.5 s: the bar of second 1 has the high 103. Known, and told, when it is over
    desk = broker(bars(QUIET, (1, 100, 103, 98, 99, 400)), latency=0.2)
    submit(desk, 1.5, "b", BUY, 2)
    submit(desk, 1.6, "s", SELL, 1)
    assert desk.advance(at(1.999)) == desk.events[-2:]
    assert desk.fills == []
    desk.advance(at(2))
    assert told(desk.fills) == [("b", 2, 103, 2), ("s", -1, 98, 2)]
    assert explain(desk.fills[0]) == "2 of 2 at 25.75: the worse end of the bar of 11:00:01 (volume 400)."


def test_each_part_of_an_order_tells_its_own_bar() -> None:
    # a quarter of 8 lots is 2 a bar
    desk = broker(bars(*((second, 100, 103, 98, 99, 8) for second in (1, 2, 3))))
    submit(desk, 1.5, "b", BUY, 5)
    desk.advance(at(9))
    assert [explain(fill) for fill in desk.fills] == [
        "2 of 5 at 25.75: the worse end of the bar of 11:00:01 (volume 8).",
        "2 of 5 at 25.75, 2 filled before: the worse end of the bar of 11:00:02 (volume 8).",
        "1 of 5 at 25.75, 4 filled before: the worse end of the bar of 11:00:03 (volume 8).",
    ]


def test_latency_beyond_the_second_changes_the_moment_not_the_price() -> None:
    # placed at 1.9 s, there at 2.1 s: the bar of second 1 covers the placement
    desk = broker(bars(QUIET, (1, 100, 103, 98, 99, 400), (2, 99, 120, 99, 99, 400)), latency=0.2)
    submit(desk, 1.9, "b", BUY, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 103, 2.1)]


def test_where_no_bar_covers_it_the_next_that_exists_does() -> None:
    desk = broker(bars(QUIET, (7, 105, 106, 104, 105, 400)))
    submit(desk, 1.5, "b", BUY, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 106, 8)]


def test_an_order_takes_its_share_of_a_bar_and_goes_on() -> None:
    # a quarter of 40, 22 and 2: 10, then 5, then at least 1
    desk = broker(bars((1, 100, 101, 99, 100, 40), (2, 100, 102, 99, 100, 22), (5, 100, 104, 99, 100, 2)))
    submit(desk, 1, "b", BUY, 17)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 10, 101, 2), ("b", 5, 102, 3), ("b", 1, 104, 6)]


def test_a_share_is_shared_by_own_orders() -> None:
    desk = broker(bars((1, 100, 101, 99, 100, 40)))
    submit(desk, 1, "a", BUY, 7)
    submit(desk, 1, "b", BUY, 7)
    desk.advance(at(10))
    assert told(desk.fills) == [("a", 7, 101, 2), ("b", 3, 101, 2)]
    assert desk.fills[1].why.own == 7


def test_a_limit_fills_when_a_later_bar_trades_through_it() -> None:
    # the bar of second 1 began before the order; second 2 touches 98, second 3 goes through
    desk = broker(bars((1, 100, 101, 95, 100, 40), (2, 100, 101, 98, 100, 40), (3, 100, 101, 97, 100, 40)))
    submit(desk, 1.5, "b", BUY, 2, limit=98)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 98, 4)]
    assert desk.fills[0].why.reason is Reason.THROUGH


def test_a_bar_that_opens_beyond_the_limit_fills_at_the_open() -> None:
    desk = broker(bars(QUIET, (2, 96, 101, 95, 100, 40)))
    submit(desk, 1, "b", BUY, 2, limit=98)
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 96, 3)]


def test_what_a_touch_is_worth() -> None:
    # the share of 40 is 10: conservative nothing, neutral half of it, optimistic all
    filled = []
    for preset in Preset:
        desk = broker(bars((2, 100, 101, 98, 100, 40)), preset=preset)
        submit(desk, 1, "b", BUY, 8, limit=98)
        desk.advance(at(10))
        filled.append(sum(fill.quantity for fill in desk.fills))
    assert filled == [0, 5, 8]


def test_a_stop_fills_at_the_worse_of_stop_and_open_and_slips() -> None:
    # sell stop 98, one tick of slip: reached inside the bar → 97; gapped over at 95 → 94
    inside = broker(bars(QUIET, (2, 100, 101, 97, 100, 40)))
    submit(inside, 1, "s", SELL, 2, stop=98)
    inside.advance(at(10))
    assert told(inside.fills) == [("s", -2, 97, 3)]
    gap = broker(bars(QUIET, (2, 95, 101, 90, 100, 40)))
    submit(gap, 1, "s", SELL, 2, stop=98)
    gap.advance(at(10))
    assert told(gap.fills) == [("s", -2, 94, 3)]


def test_a_stop_limit_is_a_limit_from_the_next_bar_on() -> None:
    # reached in second 2, whose high 104 would have filled the limit 103; second 3 opens at 103: a touch; 4 fills
    desk = broker(bars(QUIET, (2, 100, 104, 97, 98, 40), (3, 98, 103, 98, 98, 40), (4, 98, 105, 98, 98, 40)))
    events = submit(desk, 1, "s", SELL, 2, stop=98, limit=103)
    events += desk.advance(at(10))
    assert changes(events, "s") == ["pending", "working", "triggered: stop_reached", "filled: through"]
    assert told(desk.fills) == [("s", -2, 103, 5)]


def test_where_target_and_stop_lie_in_one_bar_the_stop_fills_and_the_fill_says_so() -> None:
    # bought at 101; target 105, stop 98; the bar of second 2 has both
    desk = broker(bars((1, 100, 101, 99, 100, 40), (2, 100, 106, 97, 100, 40)))
    submit(desk, 1, "b", BUY, 2, exits=Exits((Target(4),), stop=3))
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 101, 2), ("b.stop2", -2, 97, 3)]
    assert desk.fills[1].why.flags == ("ambiguous_bar",)
    assert changes(desk.events, "b.target1")[-1] == "cancelled: oco"


def test_a_target_that_the_open_reached_was_first() -> None:
    desk = broker(bars((1, 100, 101, 99, 100, 40), (2, 107, 108, 97, 100, 40)))
    submit(desk, 1, "b", BUY, 2, exits=Exits((Target(4),), stop=3))
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 101, 2), ("b.target1", -2, 107, 3)]
    assert desk.fills[1].why.flags == ()


def test_an_oco_pair_in_one_bar_is_decided_alike() -> None:
    desk = broker(bars((1, 100, 101, 99, 100, 40), (3, 100, 106, 97, 100, 40)))
    submit(desk, 1, "b", BUY, 2)
    submit(desk, 2.2, "up", SELL, 2, limit=104, oco="pair")
    submit(desk, 2.3, "down", SELL, 2, stop=98, oco="pair")
    desk.advance(at(10))
    assert told(desk.fills)[1:] == [("down", -2, 97, 4)]
    assert desk.fills[1].why.flags == ("ambiguous_bar",)


def test_inside_a_bar_the_nearer_extreme_comes_first() -> None:
    # open 100, high 102 (2 away), low 97 (3 away): up first. The sell at 101 is before the buy at 98
    desk = broker(bars(QUIET, (2, 100, 102, 97, 99, 40)))
    submit(desk, 1, "b", BUY, 1, limit=98)
    submit(desk, 1, "s", SELL, 1, limit=101)
    desk.advance(at(10))
    assert [name for name, *_ in told(desk.fills)] == ["s", "b"]
    # the low nearer: the other way round
    desk = broker(bars(QUIET, (2, 100, 103, 97, 99, 40)))
    submit(desk, 1, "s", SELL, 1, limit=101)
    submit(desk, 1, "b", BUY, 1, limit=98)
    desk.advance(at(10))
    assert [name for name, *_ in told(desk.fills)] == ["b", "s"]


def test_immediate_orders_have_the_bar_that_covers_them() -> None:
    desk = broker(bars((1, 100, 101, 99, 100, 40), (3, 100, 101, 99, 100, 40)))
    submit(desk, 1.2, "over", BUY, 2, limit=101, tif=TimeInForce.IOC)
    submit(desk, 1.2, "under", BUY, 2, limit=100, tif=TimeInForce.IOC)
    submit(desk, 1.2, "much", BUY, 11, limit=101, tif=TimeInForce.FOK)
    desk.advance(at(10))
    assert told(desk.fills) == [("over", 2, 101, 2)]
    assert [str(desk.orders[name].status) for name in ("under", "much")] == ["cancelled", "cancelled"]


def test_a_cancel_that_acts_before_the_bar_is_over_comes_first() -> None:
    desk = broker(bars(QUIET, (2, 100, 101, 90, 100, 40)), latency=0.2)
    submit(desk, 1, "b", BUY, 2, limit=98)
    cancel(desk, 2.7, "b")
    desk.advance(at(10))
    assert desk.fills == []


def test_a_cancel_that_acts_after_the_bar_is_over_comes_too_late() -> None:
    desk = broker(bars(QUIET, (2, 100, 101, 90, 100, 40)), latency=0.2)
    submit(desk, 1, "b", BUY, 2, limit=98)
    cancel(desk, 2.9, "b")
    desk.advance(at(10))
    assert told(desk.fills) == [("b", 2, 98, 3)]
