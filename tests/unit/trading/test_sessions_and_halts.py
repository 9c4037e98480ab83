"""Halts, closes, sessions of different grades, contracts beside each other. Prices in ticks, times in seconds."""

from tests.unit.trading.tapes import (
    BUY,
    ES,
    SELL,
    Instrument,
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
from trading.engine.commands import Flatten
from trading.engine.feed import Span

NQ = Instrument("NQH4", ES.tick, 5_000_000_000, fee=2_130_000_000, protection=4)


def session(start: float, end: float, tape: object) -> Span:
    return Span(tape, ((at(start), at(end)),))  # type: ignore[arg-type]


def test_nothing_fills_in_a_halt_and_a_market_order_waits_for_the_reopening() -> None:
    # the print at 5 s comes while trading is halted (4 s to 8 s)
    desk = broker(trades((1, 100, 1, "B"), (5, 90, 9, "A"), (9, 101, 9, "B")), halts=[(4, 8)])
    submit(desk, 2, "l", BUY, 1, limit=95)
    submit(desk, 4.5, "m", BUY, 2)
    desk.advance(at(10))
    assert told(desk.fills) == [("m", 2, 101, 9)]
    assert str(desk.orders["l"].status) == "working"


def test_on_bars_too_a_halt_s_bars_are_none() -> None:
    desk = broker(
        bars((1, 100, 101, 99, 100, 40), (5, 90, 91, 89, 90, 40), (9, 101, 102, 100, 101, 40)), halts=[(4, 8)]
    )
    submit(desk, 4.5, "m", BUY, 2)
    desk.advance(at(20))
    assert told(desk.fills) == [("m", 2, 102, 10)]


def test_on_the_book_a_halt_costs_the_place_and_what_crosses_trades_at_the_reopening() -> None:
    before, after = ({100: 5}, {101: 3}), ({98: 50}, {99: 2, 101: 3})
    desk = broker(book((1, *before), (6, *after)), halts=[(4, 8)])
    submit(desk, 2, "l", BUY, 1, limit=98)
    submit(desk, 2, "x", BUY, 1, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("x", 1, 99, 8)]


def test_immediate_orders_are_cancelled_in_a_halt() -> None:
    desk = broker(trades((1, 100, 1, "B"), (9, 101, 9, "B")), halts=[(4, 8)])
    assert changes(submit(desk, 5, "i", BUY, 1, tif=TimeInForce.IOC), "i") == ["pending", "cancelled: halted"]


def test_day_orders_expire_at_the_close_and_gtc_orders_live_on() -> None:
    spans = [
        session(0, 10, trades((1, 100, 1, "B"))),
        session(20, 30, trades((21, 96, 9, "A"))),
    ]
    desk = broker(spans)
    submit(desk, 2, "day", BUY, 1, limit=97)
    submit(desk, 2, "gtc", BUY, 1, limit=97, tif=TimeInForce.GTC)
    desk.advance(at(40))
    assert changes(desk.events, "day")[-1] == "expired: session_close"
    assert [event.ns for event in desk.events if event.client_id == "day"][-1] == at(10)
    assert told(desk.fills) == [("gtc", 1, 97, 21)]


def test_between_sessions_limits_wait_and_market_orders_are_rejected() -> None:
    spans = [session(0, 10, trades((1, 100, 1, "B"))), session(20, 30, trades((20, 96, 9, "A")))]
    desk = broker(spans)
    assert changes(submit(desk, 15, "m", BUY, 1), "m")[-1] == "rejected: market_closed"
    assert changes(submit(desk, 15, "l", BUY, 1, limit=97), "l")[-1] == "working"
    desk.advance(at(40))
    assert told(desk.fills) == [("l", 1, 97, 20)]


def test_where_the_tape_ends_orders_are_rejected() -> None:
    desk = broker(trades((1, 100, 1, "B")))
    events = submit(desk, 700, "m", BUY, 1, limit=97)
    assert changes(events, "m")[-1] == "rejected: no_market"
    assert events[-1].text == "no data of ESH4 from here on"


def test_the_grade_may_differ_from_session_to_session() -> None:
    spans = [
        session(0, 10, trades((1, 100, 1, "B"))),
        session(20, 30, bars((22, 100, 101, 99, 100, 40))),
        session(40, 50, book((41, {90: 3}, {91: 5}), (42, {90: 3}, {91: 5}, (90, 5, "A")))),
    ]
    desk = broker(spans)
    submit(desk, 2, "l", BUY, 2, limit=90, tif=TimeInForce.GTC)
    submit(desk, 25, "x", SELL, 2, limit=95, tif=TimeInForce.GTC)
    desk.advance(at(60))
    # the book's first row shows 90×3, which is taken for ahead: 2 of the 5 that print are over
    assert told(desk.fills) == [("l", 2, 90, 42)]
    assert desk.fills[0].why.grade == "book"
    assert [str(desk.orders[name].status) for name in ("l", "x")] == ["filled", "working"]


def test_a_print_at_the_very_opening_counts() -> None:
    desk = broker([session(20, 30, trades((20, 96, 9, "A"), (21, 99, 9, "A")))])
    submit(desk, 5, "l", BUY, 1, limit=97)
    desk.advance(at(25))
    assert told(desk.fills) == [("l", 1, 97, 20)]


def test_contracts_are_carried_out_in_the_order_of_their_events() -> None:
    es = trades((1, 100, 1, "B"), (3, 90, 1, "A"), (5, 80, 1, "A"))
    nq = trades((2, 200, 1, "B"), (4, 190, 1, "A"), (6, 180, 1, "A"))
    desk = broker(es, others={"NQH4": (span(nq),)}, instruments=(ES, NQ))
    for number, (es_price, nq_price) in enumerate([(95, 195), (85, 185)]):
        submit(desk, 2.5, f"e{number}", BUY, 1, limit=es_price)
        submit(desk, 2.5, f"n{number}", BUY, 1, limit=nq_price, contract="NQH4")
    desk.advance(at(10))
    assert [(name, second) for name, _, _, second in told(desk.fills)] == [("e0", 3), ("n0", 4), ("e1", 5), ("n1", 6)]


def test_books_beside_each_other_keep_their_queues() -> None:
    # both have 5 ahead; while ES is looked at first, NQ's queue must not be walked twice
    def rows(price: int, second: float) -> object:
        first = (1, {price: 5}, {price + 1: 3})
        return book(first, *((second + n, {price: 5}, {price + 1: 3}, (price, 2, "A")) for n in range(4)))

    nq = (span(rows(200, 3.5)),)  # type: ignore[arg-type]
    desk = broker(rows(100, 3), others={"NQH4": nq}, instruments=(ES, NQ))  # type: ignore[arg-type]
    submit(desk, 2, "e", BUY, 3, limit=100)
    submit(desk, 2, "n", BUY, 3, limit=200, contract="NQH4")
    desk.advance(at(20))
    # 2, 4, 6: one over with the third print, two with the fourth
    assert told(desk.fills) == [("e", 1, 100, 5), ("n", 1, 200, 5.5), ("e", 2, 100, 6), ("n", 2, 200, 6.5)]


def test_flatten_closes_every_contract() -> None:
    es, nq = trades((1, 100, 9, "B"), (5, 101, 9, "B")), trades((1, 200, 9, "B"), (5, 201, 9, "B"))
    desk = broker(es, others={"NQH4": (span(nq),)}, instruments=(ES, NQ))
    submit(desk, 0, "e", BUY, 1)
    submit(desk, 0, "n", SELL, 2, contract="NQH4")
    submit(desk, 2, "l", BUY, 2, limit=50)
    desk.apply(Flatten("f"), at(3))
    desk.advance(at(10))
    assert told(desk.fills)[2:] == [("f.ESH4", -1, 101, 5), ("f.NQH4", 2, 201, 5)]
    assert desk.working() == []
    assert desk.account.positions["NQH4"].average is None
    assert desk.mark("ESH4") == px(101)


def test_the_last_price_of_a_session_is_carried_over_whoever_asked_for_it() -> None:
    spans = [session(0, 10, trades((1, 100, 1, "B"))), session(20, 30, trades((25, 96, 9, "A")))]
    told_by = []
    for asks in (False, True):
        desk = broker(spans)
        desk.advance(at(5))
        if asks:
            assert desk.mark(ES.name) == px(100)
        told_by.append(changes(submit(desk, 21, "s", BUY, 1, stop=99), "s"))
    assert told_by == [["pending", "rejected: stop_passed"]] * 2


def test_the_crossed_book_of_an_auction_is_not_taken() -> None:
    # before the opening at 20 s bids of 105 stand over offers of 95; it is solved at 21 s, at 100 under 101
    tape = book((15, {105: 9}, {95: 9}), (21, {100: 5}, {101: 3, 102: 9}))
    desk = broker([session(20, 30, tape)])
    submit(desk, 16, "l", BUY, 5, limit=102)
    desk.advance(at(25))
    assert told(desk.fills) == [("l", 3, 101, 21), ("l", 2, 102, 21)]
