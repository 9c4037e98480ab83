"""A contract's last close. Prices in ticks of 0.25 at $12.50, times in seconds; the fee is $2.13 a lot."""

from dataclasses import replace

import pytest

from market.engine.bars import Bars
from market.engine.book import BookTape
from market.engine.trades import Trades
from tests.unit.trading.tapes import (
    BUY,
    ES,
    SELL,
    START,
    Exits,
    TimeInForce,
    at,
    bars,
    book,
    broker,
    changes,
    px,
    span,
    submit,
    told,
    trades,
)
from trading.engine.broker import Broker
from trading.engine.commands import Target
from trading.engine.feed import Span
from trading.engine.records import explain
from trading.engine.terms import Reason

PRINTS = trades((1, 100, 9, "B"), (3, 101, 9, "B"), (20, 110, 9, "B"))


def expiring(tape: Bars | Trades | BookTape, second: float, **fields: object) -> Broker:
    return broker(tape, instruments=(replace(ES, expires_ns=at(second)),), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "tape",
    [
        PRINTS,
        bars((1, 100, 101, 99, 100, 400), (3, 100, 101, 99, 101, 400), (20, 110, 110, 110, 110, 400)),
        book((1, {99: 9}, {100: 9}), (3, {100: 9}, {102: 9}, (101, 1, "B")), (20, {109: 9}, {110: 9}, (110, 1, "B"))),
    ],
)
def test_a_position_is_settled_at_the_last_price(tape: Bars | Trades | BookTape) -> None:
    # held from the first second on without any order; what prints at 20 s comes after the last close at 10 s
    desk = expiring(tape, 10)
    submit(desk, 1, "in", SELL, 2)
    desk.advance(at(9.9))
    assert desk.account.quantity(ES.name) == -2
    desk.advance(at(30))
    assert desk.account.quantity(ES.name) == 0
    last = desk.fills[-1]
    assert (last.side, last.quantity, last.price, last.ns) == (BUY, 2, px(101), at(10))
    assert (last.why.reason, last.fee) == (Reason.EXPIRED, 2 * ES.fee)
    assert explain(last) == "2 of 2 at 25.25: ESH4 expired, what was held is settled at its last price."
    assert desk.orders[last.client_id].status == "filled"


def test_working_orders_are_cancelled_and_new_ones_rejected() -> None:
    desk = expiring(PRINTS, 10)
    exits = Exits(targets=(Target(20, 2),), stop=20)
    submit(desk, 0.5, "in", BUY, 2, exits=exits)
    submit(desk, 2, "gtc", BUY, 1, limit=90, tif=TimeInForce.GTC)
    desk.advance(at(9))
    assert len(desk.working()) == 3
    desk.advance(at(10))
    assert desk.working() == []
    assert changes(desk.events, "gtc")[-1] == "cancelled: expired"
    ended = {event.reason for event in desk.events if event.ns == at(10) and event.change == "cancelled"}
    assert ended == {Reason.EXPIRED}
    assert told(desk.fills)[-1][1:] == (-2, 101, 10)
    events = submit(desk, 12, "late", BUY, 1)
    assert (changes(events, "late")[-1], events[-1].text) == ("rejected: expired", "ESH4 has expired")


def test_the_close_of_the_last_session_is_a_last_close_too() -> None:
    spans: list[Span] = [span(PRINTS, close=10), span(trades((21, 90, 1, "A")), close=30)]
    assert spans[0].close_ns == at(10) > START
    desk = broker(spans[:1], instruments=(replace(ES, expires_ns=at(10)),))
    submit(desk, 1, "in", BUY, 1)
    submit(desk, 2, "day", BUY, 1, limit=90)
    desk.advance(at(40))
    assert told(desk.fills)[-1][1:] == (-1, 101, 10)
    assert changes(desk.events, "day")[-1] == "cancelled: expired"


def test_any_frames_settle_the_same() -> None:
    whole, stepped = (expiring(PRINTS, 10) for _ in range(2))
    for desk in (whole, stepped):
        submit(desk, 1, "in", BUY, 3)
    for tenth in range(10, 300):
        stepped.advance(at(tenth / 10))
    whole.advance(at(29.9))
    assert whole.events == stepped.events
    assert whole.digest() == stepped.digest()
