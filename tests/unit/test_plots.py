"""The plot of a roll: every mark where its volume belongs."""

from datetime import date, timedelta

import pytest

from market import plots

DAYS = [date(2026, 3, 2) + timedelta(days=number) for number in range(5)]


def plot(old: plots.Volumes, new: plots.Volumes, roll: int = 3, decided: int = 2) -> plots.Plot:
    return plots.around_roll(DAYS[: len(old)], old, new, roll, decided)


def test_each_known_volume_is_a_bar_that_stands_on_the_floor() -> None:
    drawn = plot([100, 80, 50, None, 0], [None, 10, 60, 90, 100])
    assert [bar.role for bar in drawn.bars] == ["old", "old", "new", "old", "new", "new", "old", "new"]
    assert {round(bar.y + bar.height) for bar in drawn.bars} == {drawn.floor}
    assert drawn.bars[0].title == "Mon 2026-03-02: 100"


def test_bars_are_as_high_as_their_share_of_the_highest_level() -> None:
    drawn = plot([100, 50, 0, 0, 0], [0, 0, 0, 0, 25])
    (top,) = [level for level in drawn.levels if level.at == drawn.top]
    assert top.text == "100"
    heights = {bar.title[-3:].strip(" :"): bar.height for bar in drawn.bars}
    assert heights["100"] == pytest.approx(drawn.inner_height)
    assert heights["50"] == pytest.approx(drawn.inner_height / 2)


@pytest.mark.parametrize("top", [0, 1, 3, 4, 5, 9, 99, 100, 101, 265_153, 999_999, 1_000_000, 43_210_987])
def test_levels_are_a_few_round_numbers_from_zero_to_just_above_the_highest(top: int) -> None:
    drawn = plot([top, 0, 0, 0, 0], [0, 0, 0, 0, 0])
    levels = [int(level.text.replace(",", "")) for level in drawn.levels]
    assert levels[0] == 0
    assert 2 <= len(levels) <= 6
    assert top <= levels[-1] <= max(2 * top, 1)
    assert all(bar.y >= drawn.top - 0.1 for bar in drawn.bars)


def test_the_roll_begins_where_the_deciding_session_ends() -> None:
    drawn = plot([1] * 5, [1] * 5)
    assert drawn.decided_x is not None
    assert drawn.decided_x + drawn.decided_width == pytest.approx(drawn.roll_x)


def test_a_deciding_session_before_the_plot_is_not_marked() -> None:
    assert plot([1] * 5, [1] * 5, roll=0, decided=-1).decided_x is None


def test_the_rolls_own_day_and_every_fifth_from_it_are_labelled() -> None:
    drawn = plots.around_roll(
        [date(2026, 3, 1) + timedelta(days=n) for n in range(31)], [1] * 31, [1] * 31, roll=15, decided=14
    )
    assert [day.text for day in drawn.days] == ["03-01", "03-06", "03-11", "03-16", "03-21", "03-26", "03-31"]


def test_nothing_known_is_an_empty_plot() -> None:
    assert plots.around_roll([], [], [], 0, -1).bars == []
    assert plot([None] * 5, [None] * 5).bars == []


def test_a_spark_has_a_point_for_each_session() -> None:
    small = plots.spark([10, None, 0], [0, 5, 10], 1)
    assert small.old == "0.0,1.0 62.0,23.0 124.0,23.0"
    assert small.new == "0.0,23.0 62.0,12.0 124.0,1.0"
    assert small.roll_x == 62
