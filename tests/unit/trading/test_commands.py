"""Commands: idempotent, refused with words, composite ones, latency and its jitter."""

import pytest

from tests.unit.trading.tapes import (
    BUY,
    ES,
    SELL,
    Preset,
    S,
    at,
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
from trading.engine.commands import Assume, Cancel, CancelAll, ClosePart, Flatten, Replace, Reverse, Submit
from trading.engine.settings import FillSettings

UP = trades((1, 100, 9, "B"), (3, 101, 9, "B"), (5, 102, 9, "B"), (7, 103, 9, "B"))
DEEP = book((1, {100: 5, 99: 8}, {101: 3, 102: 4}), (5, {100: 9, 99: 8}, {101: 3, 102: 4}))


def test_a_command_that_comes_twice_acts_once() -> None:
    desk = broker(UP)
    for _ in range(2):
        submit(desk, 0, "a", BUY, 1)
        desk.apply(Reverse("r", ES.name), at(0))
    desk.advance(at(10))
    assert told(desk.fills) == [("a", 1, 100, 1)]


def test_the_past_is_over() -> None:
    desk = broker(UP)
    desk.advance(at(5))
    with pytest.raises(ValueError, match="cannot go back"):
        submit(desk, 4, "a", BUY, 1)


def test_an_unknown_order_is_refused() -> None:
    desk = broker(UP)
    events = desk.apply(Cancel("c", "nobody"), at(1))
    assert [(event.change, event.reason, event.text) for event in events] == [
        ("refused", "unknown_order", "there is no order nobody")
    ]


def test_an_unknown_contract_is_rejected() -> None:
    desk = broker(UP)
    events = submit(desk, 1, "a", BUY, 1, contract="NQH4")
    assert changes(events, "a") == ["pending", "rejected: no_market"]
    assert events[-1].text == "unknown contract NQH4"


def test_a_price_off_the_tick_is_rejected() -> None:
    desk = broker(UP)
    spec = order(BUY, 1, limit=100)
    object.__setattr__(spec, "limit", px(100) + 1)
    assert desk.apply(Submit("a", spec), at(1))[-1].text == "25.000000001 is not a multiple of the tick 0.25"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": 100, "type": "market"}, "has no limit"),
        ({"type": "limit"}, "has a limit"),
        ({"type": "stop"}, "has a stop price"),
        ({"type": "trailing_stop"}, "has an offset"),
        ({"post_only": True}, "post-only"),
    ],
)
def test_an_order_that_contradicts_itself_cannot_be_made(fields: dict[str, object], words: str) -> None:
    from trading.engine.terms import OrderType

    if "type" in fields:
        fields = fields | {"type": OrderType(fields["type"])}
    with pytest.raises(ValueError, match=words):
        order(BUY, 1, **fields)


def test_less_keeps_the_place_and_more_loses_it() -> None:
    desk = broker(DEEP, preset=Preset.CONSERVATIVE)
    submit(desk, 2, "a", BUY, 5, limit=100)
    desk.advance(at(6))
    desk.apply(Replace("less", "a", quantity=3), at(6))
    assert desk.queues()["a"] == (5, 9)
    desk.apply(Replace("more", "a", quantity=4), at(7))
    assert desk.queues()["a"] == (9, 9)
    desk.apply(Replace("price", "a", limit=px(99)), at(8))
    assert desk.queues()["a"] == (8, 8)
    desk.apply(Replace("through", "a", limit=px(101)), at(9))
    assert told(desk.fills) == [("a", 3, 101, 9)]


def test_what_an_order_does_not_have_cannot_be_replaced() -> None:
    desk = broker(DEEP)
    submit(desk, 2, "a", BUY, 5, limit=100)
    events = desk.apply(Replace("r", "a", stop=px(105)), at(3))
    assert events[-1].text == "this limit order has no stop price to change"
    events = desk.apply(Replace("r2", "a", limit=px(100) + 1), at(3))
    assert "is not a multiple of the tick 0.25" in events[-1].text


def test_replacing_by_no_more_than_is_filled_cancels_the_rest() -> None:
    desk = broker(trades((1, 100, 2, "B")))
    submit(desk, 0, "a", BUY, 5)
    desk.apply(Replace("r", "a", quantity=2), at(3))
    assert changes(desk.events, "a")[-1] == "cancelled"
    assert desk.orders["a"].quantity == 2


def test_cancel_all_is_of_a_contract_or_of_all() -> None:
    desk = broker(DEEP)
    submit(desk, 2, "a", BUY, 5, limit=100)
    submit(desk, 2, "b", BUY, 5, limit=99)
    desk.apply(CancelAll("c", "NQH4"), at(3))
    assert len(desk.working()) == 2
    desk.apply(CancelAll("c2"), at(3))
    assert changes(desk.events, "a")[-1] == changes(desk.events, "b")[-1] == "cancelled: cancel_all"


def test_reverse_turns_the_position_round() -> None:
    desk = broker(UP)
    submit(desk, 0, "a", BUY, 2)
    submit(desk, 1.5, "l", BUY, 1, limit=50)
    desk.apply(Reverse("r", ES.name), at(2))
    desk.advance(at(10))
    assert told(desk.fills)[1:] == [("r.turn", -4, 101, 3)]
    assert desk.account.quantity(ES.name) == -2
    assert changes(desk.events, "l")[-1] == "cancelled: reverse"


def test_a_part_is_closed_and_more_than_there_is_is_refused() -> None:
    desk = broker(UP)
    submit(desk, 0, "a", BUY, 3)
    desk.apply(ClosePart("c", ES.name, 2), at(2))
    events = desk.apply(ClosePart("c2", ES.name, 9), at(4))
    words = "9 cannot be closed: the position in ESH4 is 1"
    assert [(event.change, event.text) for event in events[-1:]] == [("refused", words)]
    desk.apply(ClosePart("c3", ES.name, 1), at(4))
    desk.advance(at(10))
    assert told(desk.fills)[1:] == [("c.part", -2, 101, 3), ("c3.part", -1, 102, 5)]


def test_what_needs_a_position_is_refused_without_one() -> None:
    desk = broker(UP)
    events = desk.apply(ClosePart("c", ES.name, 2), at(2))
    assert (events[-1].change, events[-1].text) == ("refused", "there is no position in ESH4")


def test_flatten_is_computed_when_it_acts() -> None:
    # bought 2 with the print at 3 s, after flatten was pressed (2.9 s) and before it acts (3.4 s)
    desk = broker(UP, latency=0.5)
    submit(desk, 2.4, "a", BUY, 2)
    desk.apply(Flatten("f"), at(2.9))
    desk.advance(at(10))
    assert told(desk.fills) == [("a", 2, 101, 3), ("f.ESH4", -2, 102, 5)]


def test_other_assumptions_hold_for_what_comes_after_them() -> None:
    # sent at 2 s with a latency of 2 s: it takes the print at 5 s; at 2.5 s without any: that at 3 s
    desk = broker(UP, latency=2)
    submit(desk, 2, "slow", BUY, 1)
    desk.apply(Assume("now", FillSettings(latency_ns=0, preset=Preset.OPTIMISTIC)), at(2.5))
    submit(desk, 2.5, "fast", BUY, 1)
    desk.advance(at(10))
    assert told(desk.fills) == [("fast", 1, 101, 3), ("slow", 1, 102, 5)]
    assert [(fill.why.latency_ns, fill.why.preset) for fill in desk.fills] == [
        (0, Preset.OPTIMISTIC),
        (2 * S, Preset.OPTIMISTIC),
    ]


def test_an_order_can_be_cancelled_on_its_way() -> None:
    desk = broker(UP, latency=0.5)
    submit(desk, 2.4, "a", BUY, 2)
    desk.apply(CancelAll("c"), at(2.4))
    cancel(desk, 2.4, "a")
    events = desk.advance(at(10))
    assert changes(desk.events, "a")[:3] == ["pending", "working", "cancelled: cancel_all"]
    assert changes(events, "a")[-1] == "refused: order_is_over"


def test_jitter_is_a_hash_of_seed_and_number() -> None:
    settings = FillSettings(latency_ns=1_000, jitter_ns=500, seed=7)
    delays = [settings.latency(number) for number in range(1, 200)]
    assert delays == [settings.latency(number) for number in range(1, 200)]
    assert min(delays) >= 1_000
    assert max(delays) <= 1_500
    assert len(set(delays)) > 100
    assert delays != [FillSettings(latency_ns=1_000, jitter_ns=500, seed=8).latency(n) for n in range(1, 200)]


def test_reduce_only_does_nothing_while_flat_and_never_turns() -> None:
    desk = broker(UP)
    submit(desk, 0, "a", BUY, 1)
    submit(desk, 2, "r", SELL, 5, reduce_only=True)
    desk.advance(at(10))
    assert told(desk.fills)[1:] == [("r", -1, 101, 3)]
    assert changes(desk.events, "r")[-1] == "cancelled: reduce_only"
    submit(desk, 11, "again", SELL, 5, reduce_only=True)
    assert changes(desk.events, "again")[-1] == "rejected: reduce_only"


def test_an_event_tells_what_the_order_is_afterwards() -> None:
    desk = broker(DEEP)
    submit(desk, 2, "a", BUY, 5, limit=100)
    desk.apply(Replace("r", "a", quantity=3, limit=px(101)), at(3))
    assert [(str(each.change), each.quantity, each.filled, each.limit) for each in desk.events] == [
        ("pending", 5, 0, px(100)),
        ("working", 5, 0, px(100)),
        ("replaced", 3, 0, px(101)),
        ("filled", 3, 3, px(101)),
    ]


@pytest.mark.parametrize("name", ["", "a.stop2"])
def test_names_with_dots_are_the_broker_s_own(name: str) -> None:
    with pytest.raises(ValueError, match="is no id"):
        Submit(name, order(BUY, 1))
    with pytest.raises(ValueError, match="is no id"):
        Flatten(name)
