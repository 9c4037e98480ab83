"""Positions, P&L, fees and round trips, worked out by hand. ES: a tick of 0.25 is $12.50, the fee $2.13 a side."""

from fractions import Fraction

import pytest

from market.facts import ASSETS
from tests.unit.trading.tapes import BUY, DOLLAR, ES, SELL, START, S, at, bars, book, broker, px, span, submit, trades
from trading.engine.account import Position
from trading.engine.records import Explanation, Fill
from trading.engine.roundtrips import extremes_of, round_trips
from trading.engine.settings import Instrument
from trading.engine.terms import Grade, Preset, Reason, Side

INSTRUMENTS = {ES.name: ES}


def fills(*rows: tuple[int, int, float]) -> list[Fill]:
    """(signed lots, price in ticks, second)."""
    why = Explanation(Grade.TRADES, Reason.PRINT, (1,), 1, 0, Preset.CONSERVATIVE)
    return [
        Fill(n, n, f"o{n}", ES.name, BUY if lots > 0 else SELL, abs(lots), px(price), at(second),
             ES.fee * abs(lots), abs(lots), why)
        for n, (lots, price, second) in enumerate(rows, start=1)
    ]  # fmt: skip


def held(*rows: tuple[int, int]) -> Position:
    position = Position(ES)
    for lots, price in rows:
        position.take(BUY if lots > 0 else SELL, abs(lots), px(price), ES.fee * abs(lots))
    return position


def test_an_average_price_is_exact() -> None:
    # 1 at 100 and 2 at 101: 302/3 ticks. One sold at 102: 4/3 ticks of $12.50; open at 102: 8/3 ticks
    position = held((1, 100), (2, 101))
    assert position.average == Fraction(302, 3) * ES.tick
    position.take(SELL, 1, px(102), ES.fee)
    assert position.average == Fraction(302, 3) * ES.tick
    assert position.realised == Fraction(4, 3) * ES.tick_value
    assert position.open_money(px(102)) == Fraction(8, 3) * ES.tick_value
    assert position.fees == 4 * 2_130_000_000
    # all sold at 102: 2 + 1 + 1 = 4 ticks, whole again
    position.take(SELL, 2, px(102), ES.fee * 2)
    assert (position.quantity, position.average) == (0, None)
    assert position.realised == 4 * ES.tick_value == 50 * DOLLAR


def test_a_fill_through_zero_closes_and_opens() -> None:
    # long 2 at 100, sold 5 at 103: 6 ticks realised; short 3 at 103; at 101 they stand at 6 ticks
    position = held((2, 100), (-5, 103))
    assert (position.quantity, position.average) == (-3, px(103))
    assert position.realised == 6 * ES.tick_value
    assert position.open_money(px(101)) == 6 * ES.tick_value


@pytest.mark.parametrize("facts", ASSETS, ids=lambda facts: facts.root)
def test_a_tick_is_worth_its_tick_value_in_every_asset(facts: object) -> None:
    value = facts.tick_value * 10**9  # type: ignore[attr-defined]
    assert value == int(value)
    instrument = Instrument(facts.root, facts.tick_size, int(value))  # type: ignore[attr-defined]
    position = Position(instrument)
    position.take(Side.BUY, 3, 1_000 * instrument.tick, 0)
    position.take(Side.SELL, 3, 1_007 * instrument.tick, 0)
    assert position.realised == 21 * instrument.tick_value


def test_a_round_trip_goes_from_flat_to_flat() -> None:
    # 1 at 100, 1 at 102, both out at 104: 6 ticks; three trips' worth of sides: 4 fees
    trips = round_trips(fills((1, 100, 1), (1, 102, 3), (-2, 104, 8)), INSTRUMENTS)
    assert len(trips) == 1
    trip = trips[0]
    assert (trip.side, trip.quantity, trip.entry, trip.exit) == (BUY, 2, px(101), px(104))
    assert (trip.entry_ns, trip.exit_ns) == (at(1), at(8))
    assert trip.gross == 6 * ES.tick_value
    assert trip.net == 75 * DOLLAR - 4 * 2_130_000_000
    assert trip.fills == (1, 2, 3)
    assert (trip.worst, trip.best) == (None, None)


def test_a_fill_that_turns_the_position_ends_one_trip_and_begins_the_next() -> None:
    # long 2 at 100; 5 sold at 103: +6 ticks; short 3, bought at 104: −3 ticks. The fee of five is shared 2 to 3
    trips = round_trips(fills((2, 100, 1), (-5, 103, 2), (3, 104, 3)), INSTRUMENTS)
    assert [(trip.side, trip.quantity, trip.gross / ES.tick_value) for trip in trips] == [(BUY, 2, 6), (SELL, 3, -3)]
    assert [trip.fees for trip in trips] == [4 * ES.fee, 6 * ES.fee]
    assert trips[1].entry_ns == at(2)


def test_a_trip_that_is_open_comes_last_and_has_no_exit() -> None:
    trips = round_trips(fills((2, 100, 1), (-1, 103, 2)), INSTRUMENTS)
    assert [(trip.is_open, trip.exit, trip.exit_ns, trip.gross) for trip in trips] == [
        (True, None, None, 3 * ES.tick_value)
    ]


def test_the_worst_and_the_best_come_from_the_tape_while_it_was_open() -> None:
    # long 2 from 100 at 1 s; prints 97 and 106; one sold at 104 (+4) at 5 s; then 95: 4 − 5 = −1; out at 101
    tape = trades((0.5, 50, 1, "A"), (1, 100, 2, "B"), (2, 97, 1, "A"), (3, 106, 1, "B"), (5, 104, 1, "B"),
                  (6, 95, 1, "A"), (7, 101, 1, "A"), (9, 10, 1, "A"))  # fmt: skip
    extremes = extremes_of({ES.name: (span(tape),)})
    trip = round_trips(fills((2, 100, 1), (-1, 104, 5), (-1, 101, 7)), INSTRUMENTS, extremes)[0]
    assert (trip.worst, trip.best) == (-6 * ES.tick_value, 12 * ES.tick_value)
    assert trip.gross == 5 * ES.tick_value


def test_a_short_trip_s_worst_is_the_high() -> None:
    tape = trades((1, 100, 2, "B"), (2, 103, 1, "B"), (3, 98, 1, "A"), (4, 99, 1, "A"))
    extremes = extremes_of({ES.name: (span(tape),)})
    trip = round_trips(fills((-1, 100, 1), (1, 99, 4)), INSTRUMENTS, extremes)[0]
    assert (trip.worst, trip.best) == (-3 * ES.tick_value, 2 * ES.tick_value)


def test_the_broker_s_account_and_its_round_trips_agree() -> None:
    desk = broker(bars((1, 100, 101, 99, 100, 40), (2, 100, 105, 98, 103, 40), (3, 103, 104, 100, 101, 40)))
    submit(desk, 1, "a", BUY, 2)
    submit(desk, 2, "b", SELL, 3)
    submit(desk, 3, "c", BUY, 1)
    desk.advance(START + 20 * S)
    trips = round_trips(desk.fills, INSTRUMENTS)
    assert sum(trip.net for trip in trips) == desk.account.realised
    # bought at 101, sold at 98: 2 × −3; sold at 98, bought at 104: −6
    assert [trip.gross / ES.tick_value for trip in trips] == [-6, -6]


def test_the_mark_is_the_last_print() -> None:
    desk = broker(book((1, {100: 5}, {101: 3}), (2, {100: 5}, {101: 3}, (101, 1, "B")), (3, {90: 5}, {91: 3})))
    assert desk.mark(ES.name) is None
    desk.advance(at(4))
    assert desk.mark(ES.name) == px(101)
