"""Brackets, OCO pairs, triggers and ATM strategies, worked out by hand. Prices in ticks, times in seconds."""

from typing import Any

import pytest

from tests.unit.trading.tapes import (
    BUY,
    ES,
    SELL,
    Exits,
    at,
    bars,
    book,
    broker,
    cancel,
    changes,
    order,
    px,
    submit,
    told,
    trades,
)
from trading.engine.commands import Breakeven, Cancel, ClosePart, Flatten, Replace, Target, Trail


def test_a_bracket_follows_its_entry_and_its_legs_end_each_other() -> None:
    # bought at 100: target 104, stop 97. 105 goes through the target; the stop is cancelled; later 90 does nothing
    desk = broker(trades((1, 100, 5, "B"), (3, 105, 1, "B"), (4, 90, 9, "A"), (5, 89, 9, "A")))
    submit(desk, 0, "e", BUY, 2, exits=Exits((Target(4),), stop=3))
    desk.advance(at(2))
    target, stop = desk.orders["e.target1"], desk.orders["e.stop2"]
    assert (target.limit, stop.stop, target.quantity, stop.quantity) == (px(104), px(97), 2, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 2, 100, 1), ("e.target1", -2, 104, 3)]
    assert changes(desk.events, "e.stop2") == ["pending: exit", "working: exit", "cancelled: oco"]


def test_exits_exist_only_for_what_the_entry_has_filled() -> None:
    # 1 of 3 at 1 s, then 2 more at 2 s
    desk = broker(trades((1, 100, 1, "B"), (2, 101, 2, "B")))
    submit(desk, 0, "e", BUY, 3, exits=Exits((Target(4),), stop=3))
    desk.advance(at(1))
    assert (desk.orders["e.target1"].quantity, desk.orders["e.stop2"].quantity) == (1, 1)
    desk.advance(at(2))
    assert (desk.orders["e.target1"].quantity, desk.orders["e.stop2"].quantity) == (3, 3)
    # measured from the price of the first fill
    assert desk.orders["e.target1"].limit == px(104)


def test_a_partial_fill_of_one_leg_shrinks_the_other_by_as_much() -> None:
    # the target at 104 has nobody ahead there; buyers print 2 of its 5
    levels = {101: 9, 102: 9}
    desk = broker(book((1, {100: 5}, levels), (3, {100: 5}, {105: 9}), (4, {100: 5}, {105: 9}, (105, 2, "B"))))
    submit(desk, 2, "e", BUY, 5, exits=Exits((Target(4),), stop=3))
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 5, 101, 2), ("e.target1", -2, 105, 4)]
    assert desk.orders["e.target1"].left == desk.orders["e.stop2"].left == 3


def test_several_targets_share_one_stop() -> None:
    # 5 at 100: 2 to 102, the rest to 106; 103 fills the first target: the stop has 3 left; 95 stops those
    desk = broker(trades((1, 100, 9, "B"), (3, 103, 1, "B"), (4, 97, 1, "A"), (5, 95, 9, "A")))
    submit(desk, 0, "e", BUY, 5, exits=Exits((Target(2, 2), Target(6)), stop=3))
    desk.advance(at(3))
    assert desk.orders["e.stop3"].left == 3
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 5, 100, 1), ("e.target1", -2, 102, 3), ("e.stop3", -3, 95, 5)]
    assert changes(desk.events, "e.target2")[-1] == "cancelled: oco"


def test_what_no_target_covers_has_the_stop_alone() -> None:
    desk = broker(trades((1, 100, 9, "B"), (3, 103, 1, "B"), (4, 97, 1, "A"), (5, 96, 9, "A")))
    submit(desk, 0, "e", BUY, 5, exits=Exits((Target(2, 2),), stop=3))
    desk.advance(at(10))
    assert told(desk.fills)[1:] == [("e.target1", -2, 102, 3), ("e.stop2", -3, 96, 5)]


def test_flat_by_any_route_cancels_the_exits() -> None:
    desk = broker(trades((1, 100, 9, "B"), (3, 101, 9, "B"), (4, 90, 9, "A"), (5, 120, 9, "A")))
    submit(desk, 0, "e", BUY, 2, exits=Exits((Target(9),), stop=9))
    submit(desk, 2, "own", SELL, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 2, 100, 1), ("own", -2, 101, 3)]
    assert changes(desk.events, "e.target1")[-1] == changes(desk.events, "e.stop2")[-1] == "cancelled: flat"
    assert desk.working() == []


def test_an_exit_never_turns_the_position() -> None:
    # 2 of 5 were sold by hand; the stop has 5 but only 3 are left to sell
    desk = broker(trades((1, 100, 9, "B"), (3, 101, 9, "B"), (4, 90, 1, "A"), (5, 89, 9, "A")))
    submit(desk, 0, "e", BUY, 5, exits=Exits((), stop=9))
    submit(desk, 2, "own", SELL, 2)
    desk.advance(at(10))
    assert told(desk.fills)[-1] == ("e.stop1", -3, 89, 5)
    assert desk.account.quantity(ES.name) == 0
    assert desk.working() == []


def test_an_oco_pair_shrinks_and_ends_together() -> None:
    desk = broker(book((1, {100: 1}, {110: 1}), (4, {100: 1}, {110: 1}, (100, 3, "A")), (5, {99: 1}, {110: 1})))
    submit(desk, 2, "a", BUY, 5, limit=100, oco="pair")
    submit(desk, 2, "b", BUY, 5, limit=98, oco="pair")
    desk.advance(at(4))
    assert (desk.orders["a"].left, desk.orders["b"].left) == (3, 3)
    cancel(desk, 6, "a")
    assert changes(desk.events, "b") == ["pending", "working", "replaced: oco", "cancelled: oco"]


def test_triggered_orders_are_sent_when_their_parent_is_filled() -> None:
    desk = broker(trades((1, 100, 1, "B"), (2, 100, 1, "B"), (3, 99, 1, "A")))
    children = (order(SELL, 1, limit=110), order(BUY, 1, limit=100))
    submit(desk, 0, "p", BUY, 2, triggers=children)
    desk.advance(at(1.5))
    assert "p.trigger1" not in desk.orders
    desk.advance(at(10))
    assert changes(desk.events, "p.trigger1") == ["pending: trigger", "working: trigger"]
    assert told(desk.fills)[-1] == ("p.trigger2", 1, 100, 3)


def test_at_most_five_triggers() -> None:
    with pytest.raises(ValueError, match="At most 5"):
        order(BUY, 1, triggers=(order(SELL, 1),) * 6)


def test_an_atm_moves_its_stop_to_breakeven() -> None:
    # bought at 100, stop 96; after +3 to the entry +1, once
    desk = broker(trades((1, 100, 9, "B"), (2, 102, 1, "B"), (3, 103, 1, "B"), (4, 108, 1, "B"), (5, 101, 1, "A"),
                         (6, 101, 9, "A")))  # fmt: skip
    submit(desk, 0, "e", BUY, 1, exits=Exits((), stop=4, breakeven=Breakeven(3, 1)))
    desk.advance(at(2))
    assert desk.orders["e.stop1"].stop == px(96)
    desk.advance(at(3))
    assert desk.orders["e.stop1"].stop == px(101)
    desk.advance(at(10))
    assert changes(desk.events, "e.stop1")[2:] == ["moved: breakeven", "triggered: stop_reached", "filled: print"]
    assert told(desk.fills)[-1] == ("e.stop1", -1, 101, 6)


def test_an_atm_trails_with_trigger_distance_and_step() -> None:
    # sold at 100, stop 106. Trail from −4 on at 3 ticks in steps of 2: 97 no, 96 → 99, 95 would be 98: no, 94 → 97
    desk = broker(trades((1, 100, 9, "A"), (2, 97, 1, "A"), (3, 96, 1, "A"), (4, 95, 1, "A"), (5, 94, 1, "A")))
    submit(desk, 0, "e", SELL, 1, exits=Exits((), stop=6, trail=Trail(trigger=4, distance=3, step=2)))
    stops = []
    for second in (1, 2, 3, 4, 5):
        desk.advance(at(second))
        stops.append(desk.orders["e.stop1"].stop)
    assert stops == [px(106), px(106), px(99), px(99), px(97)]


def test_a_stop_that_the_market_passed_while_the_entry_was_filled_goes_off_at_once() -> None:
    # bought at 103, in a print; the stop one tick under it, and the next print is lower still
    desk = broker(book((1, {100: 5}, {103: 1}), (1.5, {100: 5}, {103: 1}, (100, 1, "A")), (3, {100: 5}, {104: 1})))
    submit(desk, 2, "e", BUY, 1, exits=Exits((), stop=1))
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 1, 103, 2), ("e.stop1", -1, 100, 2)]


def test_cancelling_an_entry_leaves_the_exits_of_what_is_filled() -> None:
    desk = broker(trades((1, 100, 1, "B"), (3, 99, 1, "B")))
    submit(desk, 0, "e", BUY, 5, exits=Exits((Target(4),), stop=3))
    desk.apply(Cancel("c", "e"), at(2))
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 1, 100, 1)]
    assert sorted(each.client_id for each in desk.working()) == ["e.stop2", "e.target1"]
    desk.apply(Flatten("f"), at(11))
    assert desk.working(ES.name)[0].client_id == "f.ESH4"


# --- what is held, and what its exits are for ---


def history(desk: Any, name: str) -> list[tuple[str, int, str]]:
    """(change, what the order is for, why in words) of an order since it works."""
    own = [event for event in desk.events if event.client_id == name]
    return [(event.change.value, event.quantity, event.text) for event in own if event.text]


def test_what_is_closed_by_hand_is_taken_off_the_exits_with_words() -> None:
    # 6 bought at 100 with a bracket, 4 of them sold by hand at 101: the exits are for the 2 that are held
    levels = {99: 9}, {100: 9}
    desk = broker(
        book((1, *levels), (3, {101: 9}, {102: 9}), (6, {94: 9}, {95: 9}), (6.5, {94: 9}, {95: 9}, (95, 1, "A")))
    )
    submit(desk, 2, "e", BUY, 6, exits=Exits((Target(9, 2), Target(19)), stop=3))
    desk.apply(ClosePart("part", ES.name, 4), at(4))
    desk.advance(at(5))
    assert [desk.orders[name].left for name in ("e.target1", "e.stop3")] == [2, 2]
    assert history(desk, "e.target2") == [("cancelled", 4, "only 2 are held")]
    assert history(desk, "e.stop3") == [("replaced", 2, "only 2 are held")]
    desk.advance(at(10))
    assert told(desk.fills)[-1][:2] == ("e.stop3", -2)


def test_the_exits_of_the_oldest_entry_lose_first() -> None:
    desk = broker(trades(*((second, 100, 9, "B") for second in range(1, 9))))
    submit(desk, 0, "a", BUY, 2, exits=Exits((Target(9),), stop=9))
    submit(desk, 2, "b", BUY, 3, exits=Exits((Target(9),), stop=9))
    submit(desk, 4, "own", SELL, 3)
    desk.advance(at(8))
    assert {order.client_id: order.left for order in desk.working()} == {"b.target1": 2, "b.stop2": 2}


def test_a_target_stays_for_the_lot_that_a_smaller_stop_left() -> None:
    # 3 bought, a target for 1, the stop for 2 of them: it sells 2, and one lot is left with its target
    desk = broker(bars((1, 100, 100, 100, 100, 40), (5, 100, 100, 90, 95, 40), (7, 95, 112, 95, 112, 40)), slip=0)
    submit(desk, 1, "e", BUY, 3, exits=Exits((Target(10, 1),), stop=5))
    desk.advance(at(3))
    desk.apply(Replace("r", "e.stop2", quantity=2), at(3))
    desk.advance(at(6))
    assert (desk.orders["e.target1"].left, desk.account.quantity(ES.name)) == (1, 1)
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 3, 100, 2), ("e.stop2", -2, 95, 6), ("e.target1", -1, 110, 8)]


def test_a_leg_that_ends_with_the_other_says_why_and_what_it_was_for() -> None:
    desk = broker(trades((1, 100, 9, "B"), (3, 94, 9, "A"), (4, 94, 2, "A"), (5, 94, 9, "A")))
    submit(desk, 0, "e", BUY, 3, exits=Exits((Target(10, 1), Target(20)), stop=5))
    desk.advance(at(4))
    assert history(desk, "e.target2") == [("cancelled", 2, "its stop filled 2")]
    assert history(desk, "e.target1") == []
    desk.advance(at(5))
    assert history(desk, "e.target1") == [("cancelled", 1, "its stop filled 1")]


def test_in_a_log_of_the_first_edition_exits_come_out_as_they_were() -> None:
    tape = bars((1, 100, 100, 100, 100, 40), (5, 100, 100, 90, 95, 40), (7, 95, 112, 95, 112, 40))
    desk = broker(tape, slip=0, edition=1)
    submit(desk, 1, "e", BUY, 3, exits=Exits((Target(10, 1),), stop=5))
    desk.advance(at(3))
    desk.apply(Replace("r", "e.stop2", quantity=2), at(3))
    desk.advance(at(10))
    assert told(desk.fills) == [("e", 3, 100, 2), ("e.stop2", -2, 95, 6)]
