"""Trades derived from the record: what is a trade, whose take it is, and that nothing of it is lost."""

from decimal import Decimal

import pytest

from journal import access, ledger, services, statistics
from journal.models import Reading, Trade
from tests.conftest import People
from tests.journaling import at, fill, fork, leave, take_of
from trading.engine.terms import Grade
from trading.models import Take

pytestmark = pytest.mark.usefixtures("assets")


def read(people: People) -> list[Trade]:
    """The owner's trades as the journal has them now, in the order of their entries."""
    assert services.read_new(people.owner.pk)
    return sorted(access.trades_of(people.owner.pk), key=lambda trade: (trade.take_id, trade.number))


def told(trades: list[Trade]) -> list[tuple[str, int, int | None, int | None]]:
    """(side, lots, entry, exit) in ticks."""
    return [(trade.get_side_display(), trade.quantity, _ticks(trade.entry), _ticks(trade.exit)) for trade in trades]


def _ticks(price: Decimal | None) -> int | None:
    return None if price is None else int(price * 4)


# --- what a trade is --------------------------------------------------------------------------------------


def test_a_trade_goes_from_flat_to_flat(people: People) -> None:
    # bought 1 at 80,000 and 1 at 80,004, both sold at 80,006: 6 + 2 = 8 ticks of $5; four sides of $2
    take_of(people.owner, (1, 80_000, 1), (1, 80_004, 3), (-2, 80_006, 8))
    (trade,) = read(people)
    assert told([trade]) == [("Long", 2, 80_002, 80_006)]
    assert (trade.gross, trade.fees, trade.net) == (Decimal(40), Decimal(8), Decimal(32))
    assert (trade.entry_ns, trade.exit_ns) == (at(1), at(8))
    assert (trade.fills, trade.number, trade.is_retake) == ([1, 2, 3], 1, False)
    assert str(trade.trade_date) == "2026-03-17"


def test_a_part_that_is_closed_ends_no_trade(people: People) -> None:
    take_of(people.owner, (-3, 80_000, 1), (1, 79_990, 2), (2, 80_010, 4))
    (trade,) = read(people)
    # 10 ticks won with one, 10 lost with each of two
    assert (trade.gross, trade.net) == (Decimal(-50), Decimal(-62))
    assert told([trade]) == [("Short", 3, 80_000, 80_003)]


def test_a_fill_through_zero_ends_one_trade_and_begins_the_next(people: People) -> None:
    take_of(people.owner, (2, 80_000, 1), (-5, 80_003, 2), (3, 80_004, 3))
    first, second = read(people)
    assert told([first, second]) == [("Long", 2, 80_000, 80_003), ("Short", 3, 80_003, 80_004)]
    assert [(trade.gross, trade.fees) for trade in (first, second)] == [(30, 8), (-15, 12)]
    assert [trade.fills for trade in (first, second)] == [[1, 2], [2, 3]]
    # of the five sold, two end the first trade and three are the second's
    assert [(line.lots, line.position) for line in ledger.lines(first)] == [(2, 2), (-2, 0)]
    assert [(line.lots, line.position, line.turned) for line in ledger.lines(second)] == [(-3, -3, True), (3, 0, False)]


def test_an_average_that_is_no_tick_leaves_the_money_exact(people: People) -> None:
    take_of(people.owner, (1, 80_000, 1), (2, 80_001, 2), (-3, 80_002, 3))
    (trade,) = read(people)
    # 240,002 ÷ 3 ticks, of 0.25
    assert trade.entry == Decimal("20000.166666667")
    assert trade.gross == 4 * 5


def test_the_coarsest_grade_of_its_fills_is_the_trade_s(people: People) -> None:
    book = {"grade": Grade.BOOK}
    take_of(people.owner, (1, 1, 1, book), (-1, 2, 2, book), (1, 1, 3, book), (-1, 2, 4, {"grade": Grade.TRADES}))
    assert [trade.grade for trade in read(people)] == ["book", "trades"]


def test_an_ambiguous_bar_marks_its_trade(people: People) -> None:
    take_of(people.owner, (1, 1, 1), (-1, 2, 2, {"flags": ("ambiguous_bar",)}), (1, 1, 3), (-1, 2, 4))
    assert [trade.is_ambiguous for trade in read(people)] == [True, False]


def test_the_trade_date_of_an_evening_is_the_next_day(people: People) -> None:
    # 09:30 and 18:00:01 ET on the 17th; and a bar's fill at the close itself, 17:00, which is of the 17th
    evening, close = 8.5 * 3_600 + 1, 7.5 * 3_600
    take_of(people.owner, (1, 1, close), (-1, 1, close), (1, 1, evening), (-1, 1, evening + 1))
    assert [str(trade.trade_date) for trade in read(people)] == ["2026-03-17", "2026-03-18"]


# --- takes ------------------------------------------------------------------------------------------------


def test_what_a_take_shares_is_the_trade_of_the_take_before(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2), (1, 80_010, 5), (-1, 80_000, 6))
    second = fork(take, 4, fills=2)
    fill(second, (-1, 80_010, 5), (1, 80_002, 6))
    trades = read(people)
    assert [(trade.take.number, trade.number, trade.is_retake, trade.gross) for trade in trades] == [
        (1, 1, False, 20),
        (1, 2, False, -50),
        (2, 2, True, 40),
    ]


def test_a_trade_that_was_open_at_the_fork_is_ended_in_both_takes(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1), (-1, 79_990, 9))
    second = fork(take, 4, fills=1)
    assert [trade.take.number for trade in read(people)] == [1]
    fill(second, (-1, 80_020, 7))
    trades = read(people)
    assert [(trade.take.number, trade.gross, trade.first_fill) for trade in trades] == [(1, -50, 1), (2, 100, 1)]
    assert [line.is_inherited for line in ledger.lines(trades[1])] == [True, False]


def test_a_take_of_a_take_shares_what_both_had(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1), (-1, 80_001, 2))
    second = fork(take, 3, fills=2)
    fill(second, (1, 80_000, 4), (-1, 80_002, 5))
    third = fork(second, 6, fills=4)
    fill(third, (1, 80_000, 7), (-1, 80_003, 8))
    assert [(trade.take.number, trade.number, trade.gross) for trade in read(people)] == [
        (1, 1, 5),
        (2, 2, 10),
        (3, 3, 15),
    ]


# --- takes that are left with something open ---


def test_a_loser_left_open_by_going_back_ends_where_it_was_left(people: People) -> None:
    # two at 80,000, one of them sold at 80,004: 4 ticks; the other is left at 79,900: −100. Three sides of $2
    take = take_of(people.owner, (2, 80_000, 1), (-1, 80_004, 3))
    (before,) = read(people)
    assert before.is_open
    services.write_note(trade=before, note="hoped", tags=[])
    leave(take, 50, ticks=79_900)
    fork(take, 0.5, fills=0)
    (trade,) = read(people)
    assert (trade.pk, trade.note, trade.flags) == (before.pk, "hoped", ["left"])
    assert (trade.exit_ns, trade.exit, trade.is_left_open) == (at(50), Decimal(79_952) / 4, True)
    assert (trade.gross, trade.fees, trade.net) == (-480, 6, -486)
    totals = statistics.totals(access.trades_of(people.owner.pk))
    assert (totals.count, totals.losses, totals.net, totals.left, totals.open) == (1, 1, -486, 1, 0)
    assert list(access.unread_takes(people.owner.pk)) == []


def test_a_short_that_wins_is_left_with_its_gain(people: People) -> None:
    take = take_of(people.owner, (-1, 80_000, 1))
    leave(take, 50, ticks=79_900)
    fork(take, 0.5, fills=0)
    assert [(trade.gross, trade.net) for trade in read(people)] == [(500, 498)]


def test_a_small_step_back_before_a_large_one_makes_no_loss_smaller(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1))
    leave(take, 50, ticks=79_900)
    assert [trade.is_open for trade in read(people)] == [True], "the take goes on"
    leave(take, 2, ticks=79_999)
    fork(take, 0.5, fills=0)
    assert [(trade.gross, trade.exit_ns) for trade in read(people)] == [(-500, at(50))]


def test_what_is_over_stays_as_it_ended_and_a_take_that_goes_on_is_open(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2))
    second = fork(take, 3, fills=2)
    fill(second, (1, 80_000, 4))
    assert [(trade.flags, trade.is_open) for trade in read(people)] == [([], False), ([], True)]


def test_a_take_in_which_nothing_happened_is_not_left_when_its_fork_moves(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 2))
    leave(take, 50, ticks=79_900)
    second = fork(take, 3, fills=1)
    leave(second, 40, ticks=79_950)
    moved = fork(second, 1, fills=0)
    assert (moved.pk, moved.left_ns, moved.left_marks) == (second.pk, None, None)
    assert [(trade.take.number, trade.gross) for trade in read(people)] == [(1, -500)]


# --- reading again ----------------------------------------------------------------------------------------


def test_a_trade_that_goes_on_stays_the_same_row_with_its_note(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1))
    (before,) = read(people)
    assert (before.is_open, before.exit, before.held) == (True, None, None)
    services.write_note(trade=before, note="too early", tags=["fomo"])
    fill(take, (1, 80_002, 2), (-2, 80_005, 3))
    (after,) = read(people)
    assert after.pk == before.pk
    assert (after.note, after.tags) == ("too early", ["fomo"])
    assert (after.quantity, after.gross, after.is_open) == (2, 40, False)


def test_reading_twice_changes_nothing(people: People) -> None:
    take = take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2), (-1, 80_010, 5))
    read(people)
    before = list(Trade.objects.order_by("pk").values())
    assert list(access.unread_takes(people.owner.pk)) == []
    services.read_take(Take.objects.select_related("session__asset").get(pk=take.pk))
    assert list(Trade.objects.order_by("pk").values()) == before


def test_an_admin_has_all_of_a_take_read_again(people: People) -> None:
    take_of(people.owner, (1, 80_000, 1), (-1, 80_004, 2))
    (trade,) = read(people)
    services.write_note(trade=trade, note="kept", tags=[])
    Trade.objects.update(exit=1, gross=7, fees=0, net=7, is_measured=True)
    assert services.read_again([trade]) == 1
    (again,) = read(people)
    assert (again.pk, again.gross, again.net, again.note) == (trade.pk, 20, 16, "kept")
    assert not again.is_measured


def test_more_than_a_page_waits_for_is_left(people: People) -> None:
    take_of(people.owner, (1, 1, 1), (-1, 2, 2))
    take_of(people.owner, (1, 1, 1), (-1, 2, 2), (1, 1, 3), (-1, 2, 4))
    assert not services.read_new(people.owner.pk, at_most=5)
    assert Trade.objects.count() == 1
    assert services.read_new(people.owner.pk, at_most=5)
    assert Trade.objects.count() == 3


def test_others_records_are_not_read(people: People) -> None:
    take_of(people.colleague, (1, 1, 1), (-1, 2, 2))
    assert read(people) == []
    assert not Reading.objects.exists()


# --- totals -----------------------------------------------------------------------------------------------


def test_totals_by_hand(people: People) -> None:
    # nets: +5 ticks − $4 = 21; −3 ticks − 4 = −19; +10 ticks − 4 = 46; 4 ticks with a fee of 20 for ten lots: see below
    take_of(
        people.owner,
        (1, 100, 1), (-1, 105, 2),
        (-1, 100, 3), (1, 103, 4, {"flags": ("ambiguous_bar",)}),
        (1, 100, 5), (-1, 110, 6),
        (5, 100, 7), (-5, 98, 8),
        (1, 100, 9),
    )  # fmt: skip
    read(people)
    totals = statistics.totals(access.trades_of(people.owner.pk))
    # five lots that lose two ticks: −50 − 20 = −70; one more is open
    assert (totals.count, totals.wins, totals.losses, totals.open, totals.ambiguous) == (4, 2, 2, 1, 1)
    assert (totals.gross, totals.fees, totals.net) == (10, 32, -22)
    assert totals.win_rate == 50
    assert (totals.average_win, totals.average_loss) == (Decimal("33.5"), Decimal("-44.5"))
    assert totals.expectancy == Decimal("-5.5")
    assert totals.profit_factor == Decimal(67) / 89
    assert totals.largest_loss == -70


def test_a_trade_that_brings_nothing_neither_wins_nor_loses(people: People) -> None:
    # four ticks of a fifth lot: 20 − 20 = 0
    take_of(people.owner, (5, 100, 1), (-1, 104, 2), (-4, 100, 3))
    read(people)
    totals = statistics.totals(access.trades_of(people.owner.pk))
    assert (totals.count, totals.wins, totals.losses, totals.net) == (1, 0, 0, 0)
    assert (totals.win_rate, totals.profit_factor, totals.average_win, totals.largest_loss) == (0, None, None, None)


def test_of_nothing_there_is_no_average(people: People) -> None:
    totals = statistics.totals(access.trades_of(people.owner.pk))
    assert (totals.count, totals.net, totals.win_rate, totals.expectancy) == (0, 0, None, None)
