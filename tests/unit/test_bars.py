"""Aggregation of bars, and bars from trades."""

import numpy as np
import pytest

from market.engine.bars import Bars, aggregate, from_trades

SECOND = 10**9


def bars(*rows: tuple[int, int, int, int, int, int]) -> Bars:
    """Bars from rows (second, open, high, low, close, volume)."""
    columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
    return Bars(columns[0] * SECOND, *columns[1:])


def rows(made: Bars) -> list[tuple[int, ...]]:
    columns = (made.ts // SECOND, made.open, made.high, made.low, made.close, made.volume)
    return [tuple(int(value) for value in row) for row in zip(*columns, strict=True)]


SECONDS = bars((0, 10, 12, 9, 11, 3), (2, 11, 15, 11, 14, 1), (5, 14, 14, 8, 8, 2), (9, 9, 9, 9, 9, 7))


def test_a_bar_has_the_first_open_the_extremes_the_last_close_and_all_volume() -> None:
    assert rows(aggregate(SECONDS, np.array([0, 5]) * SECOND)) == [(0, 10, 15, 9, 14, 4), (5, 14, 14, 8, 9, 9)]


def test_an_interval_without_a_trade_gives_no_bar() -> None:
    assert rows(aggregate(SECONDS, np.array([0, 3, 4, 5]) * SECOND)) == [(0, 10, 15, 9, 14, 4), (5, 14, 14, 8, 9, 9)]


def test_rows_before_the_first_start_are_left_out() -> None:
    assert rows(aggregate(SECONDS, np.array([2, 5]) * SECOND)) == [(2, 11, 15, 11, 14, 1), (5, 14, 14, 8, 9, 9)]


def test_nothing_aggregates_to_nothing() -> None:
    assert len(aggregate(Bars.empty(), np.array([0, 5]) * SECOND)) == 0
    assert len(Bars.concatenate([])) == 0


def test_bars_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        SECONDS.open[0] = 1


def test_a_shift_moves_prices_and_nothing_else() -> None:
    assert rows(SECONDS[:1].shifted(5)) == [(0, 15, 17, 14, 16, 3)]
    assert SECONDS.shifted(0) is SECONDS


def test_trades_make_bars_by_their_time_of_receipt() -> None:
    made = from_trades(
        np.array([1_500_000_000, 1_999_999_999, 3_000_000_000]), np.array([5, 7, 6]), np.array([1, 2, 4])
    )
    assert rows(made) == [(1, 5, 7, 5, 7, 3), (3, 6, 6, 6, 6, 4)]


def test_a_trade_of_size_zero_is_no_trade() -> None:
    assert rows(from_trades(np.array([1, 2]), np.array([5, 9]), np.array([1, 0]))) == [(0, 5, 5, 5, 5, 1)]
