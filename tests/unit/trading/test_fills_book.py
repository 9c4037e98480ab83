"""Fills on the book, worked out by hand. Prices are in ticks, sizes in lots, times in seconds."""

from tests.unit.trading.tapes import BUY, SELL, Preset, TimeInForce, at, book, broker, cancel, changes, submit, told
from trading.engine.records import explain
from trading.engine.terms import Reason

STILL = (1, {100: 5, 99: 8}, {101: 3, 102: 4, 103: 9})
"""100×5 under 101×3; behind them 99×8 and 102×4, 103×9."""


def test_a_market_order_walks_what_is_displayed() -> None:
    # 5 lots: 3 at 101, then 2 of the 4 at 102
    desk = broker(book(STILL))
    submit(desk, 2, "m", BUY, 5)
    assert told(desk.fills) == [("m", 3, 101, 2), ("m", 2, 102, 2)]
    assert [fill.why.level for fill in desk.fills] == [3, 4]
    assert [explain(fill) for fill in desk.fills] == [
        "3 of 5 at 25.25: took from the 3 displayed at level 1 (record 1).",
        "2 of 5 at 25.50, 3 filled before: took from the 4 displayed at level 2 (record 1).",
    ]


def test_what_own_orders_took_is_gone_until_the_level_changes() -> None:
    # the first takes 2 of 101×3; the second finds 1 there and takes 1 at 102. At 5 s 101 shows 6: all new
    desk = broker(book(STILL, (5, {100: 5}, {101: 6, 102: 4})))
    submit(desk, 2, "a", BUY, 2)
    submit(desk, 3, "b", BUY, 2)
    submit(desk, 6, "c", BUY, 2)
    assert told(desk.fills) == [("a", 2, 101, 2), ("b", 1, 101, 3), ("b", 1, 102, 3), ("c", 2, 101, 6)]
    assert desk.fills[1].why.own == 2


def test_another_level_s_change_does_not_give_a_level_back() -> None:
    desk = broker(book(STILL, (5, {100: 9}, {101: 3, 102: 7})))
    submit(desk, 2, "a", BUY, 3)
    submit(desk, 6, "b", BUY, 2)
    assert told(desk.fills) == [("a", 3, 101, 2), ("b", 2, 102, 6)]


def test_protection_stops_a_market_order_and_the_rest_works_there() -> None:
    # protection 4 ticks from 101 = 105: takes 3 + 2 at 101, 105; 3 lots rest at 105, not at 106.
    # At 5 s 105 shows 4 more: they are taken
    desk = broker(book((1, {100: 5}, {101: 3, 105: 2, 106: 50}), (5, {100: 5}, {105: 4, 106: 50})))
    submit(desk, 2, "m", BUY, 8)
    assert told(desk.fills) == [("m", 3, 101, 2), ("m", 2, 105, 2)]
    assert desk.fills[-1].why.flags == ("protected",)
    desk.advance(at(10))
    assert told(desk.fills)[2:] == [("m", 3, 105, 5)]


def test_past_the_tenth_level_the_remainder_waits_and_the_fill_says_so() -> None:
    # ten levels of 1 lot at 101…110; 12 lots at a limit of 120 take ten, two wait; 111 comes into view at 5 s
    asks = dict.fromkeys(range(101, 111), 1)
    desk = broker(book((1, {100: 5}, asks), (5, {100: 5}, {111: 9})))
    submit(desk, 2, "l", BUY, 12, limit=120)
    assert sum(fill.quantity for fill in desk.fills) == 10
    assert desk.fills[-1].why.flags == ("depth_exhausted",)
    assert all(not fill.why.flags for fill in desk.fills[:-1])
    desk.advance(at(10))
    assert told(desk.fills)[10:] == [("l", 2, 111, 5)]


def test_a_resting_order_waits_for_what_was_ahead() -> None:
    # 5 ahead at 100. Sellers print 3 there, then 4: 5 are used up, 2 over → 2 lots
    desk = broker(
        book(
            STILL,
            (3, {100: 5}, {101: 3}, (100, 3, "A")),
            (3, {100: 2}, {101: 3}),
            (4, {100: 2}, {101: 3}, (100, 4, "A")),
        )
    )
    submit(desk, 2, "l", BUY, 3, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 2, 100, 4)]
    why = desk.fills[0].why
    assert (why.ahead_placed, why.ahead_before, why.ahead_after, why.traded, why.events) == (5, 2, 0, 5, (4,))


def test_a_buyer_s_print_takes_nothing_from_the_bids() -> None:
    desk = broker(book(STILL, (3, {100: 5}, {101: 3}, (100, 50, "B")), (4, {100: 5}, {101: 3}, (101, 50, "B"))))
    submit(desk, 2, "l", BUY, 3, limit=100)
    desk.advance(at(10))
    assert desk.fills == []


def queue_after_cancels(preset: Preset) -> tuple[int, int]:
    """40 ahead, 60 come behind; then the level falls 100 → 80 → 73 without a print; what is ahead and displayed."""
    desk = broker(
        book((1, {100: 40}, {101: 3}), (3, {100: 100}, {101: 3}), (4, {100: 80}, {101: 3}), (5, {100: 73}, {101: 3})),
        preset=preset,
    )
    submit(desk, 2, "l", BUY, 1, limit=100)
    desk.advance(at(10))
    return desk.queues()["l"]


def test_cancels_come_from_behind_from_both_or_from_ahead() -> None:
    # conservative: none of the 27 was ahead → 40
    assert queue_after_cancels(Preset.CONSERVATIVE) == (40, 73)
    # neutral: 20 × 40 ÷ 100 = 8 → 32; 7 × 32 ÷ 80 = 2.8, of which 2 now and 0.8 carried → 30
    assert queue_after_cancels(Preset.NEUTRAL) == (30, 73)
    # optimistic: all 27 → 13
    assert queue_after_cancels(Preset.OPTIMISTIC) == (13, 73)


def test_neutral_s_remainder_is_carried() -> None:
    # 1 ahead of 4 after growth: four cancels of 1 lot, each behind a level that grows back: 4 × ¼ = 1 lot
    rows = [(1, {100: 1}, {101: 3}), (3, {100: 4}, {101: 3})]
    for second in (4, 5, 6, 7):
        rows += [(second, {100: 3}, {101: 3}), (second + 0.5, {100: 4}, {101: 3})]
    desk = broker(book(*rows), preset=Preset.NEUTRAL)
    submit(desk, 2, "l", BUY, 1, limit=100)
    left = []
    for second in (4.2, 5.2, 6.2, 7.2):
        desk.advance(at(second))
        left.append(desk.queues()["l"][0])
    assert left == [1, 1, 1, 0]


def test_a_fall_that_prints_explain_is_no_cancel() -> None:
    # 10 ahead; 4 print, the level falls by 6: 2 of it are cancels, optimistic takes them from ahead → 4
    desk = broker(
        book((1, {100: 10}, {101: 3}), (3, {100: 10}, {101: 3}, (100, 4, "A")), (3, {100: 4}, {101: 3})),
        preset=Preset.OPTIMISTIC,
    )
    submit(desk, 2, "l", BUY, 1, limit=100)
    desk.advance(at(10))
    assert desk.queues()["l"] == (4, 4)


def test_ahead_is_never_more_than_what_is_displayed() -> None:
    desk = broker(book((1, {100: 10}, {101: 3}), (3, {100: 2}, {101: 3})))
    submit(desk, 2, "l", BUY, 1, limit=100)
    desk.advance(at(10))
    assert desk.queues()["l"] == (2, 2)


def test_outside_ten_levels_ahead_is_unknown_until_the_level_shows() -> None:
    deep = dict.fromkeys(range(91, 101), 1)
    near = dict.fromkeys(range(91, 100), 1) | {90: 7}
    desk = broker(book((1, deep, {101: 3}), (5, near, {101: 3})))
    submit(desk, 2, "l", BUY, 1, limit=90)
    assert desk.queues()["l"] == (-1, -1)
    desk.advance(at(10))
    assert desk.queues()["l"] == (7, 7)


def test_a_queue_that_was_not_known_is_told_as_assumed() -> None:
    # 90×7 comes into view at 5 s; sellers print 3 there, then 6: of these 4 were ahead, 2 are over, 1 is wanted
    near = dict.fromkeys(range(91, 100), 1) | {90: 7}
    desk = broker(
        book(
            (1, dict.fromkeys(range(91, 101), 1), {101: 3}),
            (5, near, {101: 3}),
            (6, {90: 7}, {101: 3}, (90, 3, "A")),
            (6, {90: 4}, {101: 3}),
            (7, {90: 4}, {101: 3}, (90, 6, "A")),
        )
    )
    submit(desk, 2, "l", BUY, 1, limit=90)
    desk.advance(at(10))
    (fill,) = desk.fills
    assert (fill.why.ahead_placed, fill.why.ahead_seen) == (None, 7)
    assert explain(fill) == (
        "1 of 1 at 22.50: the book did not reach to its price when it was placed, the 7 displayed when it did are "
        "assumed ahead, 7 traded, 0 cancelled ahead (conservative), 2 over (record 5)."
    )


def test_own_orders_queue_behind_own_orders() -> None:
    # 5 ahead of both. A print of 8: 5 ahead, 2 to the first, 1 to the second
    desk = broker(book(STILL, (4, {100: 5}, {101: 3}, (100, 8, "A"))))
    submit(desk, 2, "a", BUY, 2, limit=100)
    submit(desk, 3, "b", BUY, 2, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("a", 2, 100, 4), ("b", 1, 100, 4)]
    assert desk.fills[1].why.own == 2


def test_a_print_through_the_price_fills_all() -> None:
    desk = broker(book(STILL, (4, {99: 8}, {101: 3}, (99, 1, "A"))))
    submit(desk, 2, "l", BUY, 30, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 30, 100, 4)]
    assert desk.fills[0].why.reason is Reason.THROUGH


def test_the_opposite_best_at_the_price_fills_all() -> None:
    desk = broker(book(STILL, (4, {99: 8}, {100: 3})))
    submit(desk, 2, "l", BUY, 30, limit=100)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 30, 100, 4)]
    assert desk.fills[0].why.reason is Reason.BEST_REACHED


def test_sells_are_the_mirror_of_buys() -> None:
    # 3 ahead at 101; buyers print 2, then 3: 2 over
    desk = broker(
        book(
            STILL,
            (3, {100: 5}, {101: 3}, (101, 2, "B")),
            (3, {100: 5}, {101: 1}),
            (4, {100: 5}, {101: 1}, (101, 3, "B")),
        )
    )
    submit(desk, 2, "l", SELL, 2, limit=101)
    submit(desk, 2.5, "m", SELL, 7)
    desk.advance(at(10))
    assert told(desk.fills) == [("m", -5, 100, 2.5), ("m", -2, 99, 2.5), ("l", -2, 101, 4)]


def test_a_limit_that_crosses_takes_and_the_rest_is_first_at_its_price() -> None:
    # 101×3 taken of 5; the rest bids at 101. 101 is bought away, others bid 101×6 behind it; a seller prints 2 there
    desk = broker(
        book(STILL, (4, {100: 5}, {102: 4}), (5, {101: 6, 100: 5}, {102: 4}), (6, {101: 6}, {102: 4}, (101, 2, "A")))
    )
    submit(desk, 2, "l", BUY, 5, limit=101)
    desk.advance(at(10))
    assert told(desk.fills) == [("l", 3, 101, 2), ("l", 2, 101, 6)]
    assert desk.fills[1].why.ahead_before == 0


def test_immediate_orders_take_what_is_there_or_nothing() -> None:
    desk = broker(book(STILL))
    events = submit(desk, 2, "ioc", BUY, 5, limit=101, tif=TimeInForce.IOC)
    assert changes(events, "ioc") == ["pending", "working", "partial: walk", "cancelled: not_filled_at_once"]
    events = submit(desk, 3, "fok", BUY, 9, limit=102, tif=TimeInForce.FOK)
    assert changes(events, "fok") == ["pending", "working", "cancelled: not_filled_at_once"]
    events = submit(desk, 4, "fok2", BUY, 4, limit=102, tif=TimeInForce.FOK)
    assert changes(events, "fok2") == ["pending", "working", "filled: walk"]
    assert told(desk.fills) == [("ioc", 3, 101, 2), ("fok2", 4, 102, 4)]


def test_post_only_rests_or_is_rejected() -> None:
    desk = broker(book(STILL))
    assert changes(submit(desk, 2, "a", BUY, 1, limit=101, post_only=True), "a")[-1] == "rejected: post_only"
    assert changes(submit(desk, 2, "b", BUY, 1, limit=100, post_only=True), "b")[-1] == "working"


def test_latency_decides_against_which_book_an_order_comes() -> None:
    # sent at 2 s, there at 2.5 s: 101 went away at 2.4 s
    desk = broker(book(STILL, (2.4, {100: 5}, {102: 4})), latency=0.5)
    events = submit(desk, 2, "m", BUY, 1)
    assert changes(events, "m") == ["pending"]
    desk.advance(at(3))
    assert told(desk.fills) == [("m", 1, 102, 2.5)]
    assert desk.fills[0].why.latency_ns == 500_000_000


def test_a_cancel_on_its_way_loses_against_a_fill() -> None:
    desk = broker(book(STILL, (3.2, {100: 5}, {101: 3}, (99, 1, "A"))), latency=0.5)
    submit(desk, 2, "l", BUY, 1, limit=100)
    cancel(desk, 3, "l")
    events = desk.advance(at(4))
    assert changes(events, "l") == ["filled: through", "refused: order_is_over"]


def test_a_cancel_that_comes_first_wins() -> None:
    desk = broker(book(STILL, (3.6, {100: 5}, {101: 3}, (99, 1, "A"))), latency=0.5)
    submit(desk, 2, "l", BUY, 1, limit=100)
    cancel(desk, 3, "l")
    assert changes(desk.advance(at(4)), "l") == ["cancelled"]


def test_a_market_order_without_an_opposite_side_waits_for_one() -> None:
    # protection is measured from the first offer, 104
    # a seller's print meanwhile has no price for it
    desk = broker(book((1, {100: 5}, {}), (2.5, {100: 5}, {}, (100, 1, "A")), (3, {100: 5}, {104: 2, 109: 9})))
    submit(desk, 2, "m", BUY, 3)
    desk.advance(at(10))
    assert told(desk.fills) == [("m", 2, 104, 3)]
    assert desk.orders["m"].left == 1
