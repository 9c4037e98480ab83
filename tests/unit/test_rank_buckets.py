"""Which bars are compared with each other: cases worked out by hand."""

from datetime import date, time

import numpy as np
import pytest

from market import facts
from market.engine.bars import Bars
from market.engine.tape import as_traded
from market.sessions import SECOND_NS, Session, calendar, et_ns
from market.timeframes import TIMEFRAMES
from ranks.engine.buckets import Bucket, buckets_of
from ranks.engine.sample import build
from ranks.engine.stack import Rows, knots_used, layer
from ranks.engine.summary import KNOTS, summarise
from tests.markets import TICK

HOUR = 3_600


def session(name: str, day: date) -> Session:
    found = calendar(name).session(day)
    assert found is not None
    return found


def seen(name: str, day: date, timeframe: str) -> list[tuple[str, int]]:
    """(ET start, minutes) of each bar."""
    buckets = buckets_of(session(name, day), timeframe)
    return [
        (f"{start // HOUR:02}:{start % HOUR // 60:02}", length // 60)
        for start, length in zip(map(int, buckets.start), map(int, buckets.length), strict=True)
    ]


REGULAR, EARLY, HOLIDAY = date(2026, 3, 18), date(2026, 12, 24), date(2026, 1, 20)
AUTUMN, SPRING = date(2026, 11, 2), date(2027, 3, 15)


def test_bars_that_the_daily_break_cuts_the_same_way_every_day_are_likes() -> None:
    four = seen(facts.EQUITY, REGULAR, "4h")
    assert four == [
        ("18:00", 120), ("20:00", 240), ("00:00", 240), ("04:00", 240), ("08:00", 240), ("12:00", 240), ("16:00", 60),
    ]  # fmt: skip
    ninety = seen(facts.EQUITY, REGULAR, "90m")
    assert ninety[0] == ("18:00", 90)
    assert ninety[-2:] == [("15:00", 90), ("16:30", 30)]
    # in winter, in summer, and in the week after the clocks changed
    for day in (date(2026, 2, 4), date(2026, 7, 8), date(2026, 3, 9), date(2025, 11, 3)):
        assert seen(facts.EQUITY, day, "4h") == four
        assert seen(facts.EQUITY, day, "90m") == ninety


def test_an_early_close_shortens_bars_into_buckets_of_their_own_and_leaves_out_what_is_closed() -> None:
    # 24 December closes at 13:15
    assert seen(facts.EQUITY, EARLY, "1h")[-2:] == [("12:00", 60), ("13:00", 15)]
    assert seen(facts.EQUITY, EARLY, "90m")[-1] == ("12:00", 75)
    assert seen(facts.EQUITY, EARLY, "4h")[-1] == ("12:00", 75)
    assert seen(facts.EQUITY, EARLY, "1D") == [("18:00", 19 * 60 + 15)]
    assert ("12:00", 75) not in seen(facts.EQUITY, REGULAR, "4h")
    assert [start for start, _ in seen(facts.EQUITY, EARLY, "5m")][-1] == "13:10"


def test_a_merged_holiday_has_its_evening_twice_and_a_day_of_its_own_length() -> None:
    # Martin Luther King Day: Sunday 18:00 to Monday 13:00, and Monday 18:00 to Tuesday 17:00
    hours = seen(facts.EQUITY, HOLIDAY, "1h")
    assert hours.count(("18:00", 60)) == 2
    assert hours.count(("12:00", 60)) == 2
    assert hours.count(("13:00", 60)) == 1
    assert seen(facts.EQUITY, HOLIDAY, "90m").count(("12:00", 60)) == 1
    assert seen(facts.EQUITY, HOLIDAY, "1D") == [("18:00", 47 * 60)]


def test_the_nights_when_the_clocks_change_have_longer_and_shorter_bars() -> None:
    # Micro Bitcoin trades through both Sundays
    autumn = seen(facts.CRYPTO, AUTUMN, "4h")
    assert ("00:00", 300) in autumn
    assert seen(facts.CRYPTO, AUTUMN, "90m").count(("01:30", 150)) == 1
    # that hour of Saturday, twice of Sunday, and of Monday
    assert seen(facts.CRYPTO, AUTUMN, "1h").count(("01:00", 60)) == 4
    assert ("00:00", 180) in seen(facts.CRYPTO, SPRING, "4h")
    assert ("01:30", 30) in seen(facts.CRYPTO, SPRING, "90m")
    # the hour that is skipped on Sunday is there on Saturday and Monday
    assert seen(facts.CRYPTO, SPRING, "1h").count(("02:00", 60)) == 2


def test_a_print_just_after_the_close_changes_no_bucket() -> None:
    day = session(facts.EQUITY, REGULAR)
    late = as_traded(day, np.array([day.close_ns + 2 * SECOND_NS]), SECOND_NS)
    for timeframe in TIMEFRAMES:
        plain, moved = buckets_of(day, timeframe), buckets_of(late, timeframe)
        pairs = zip(moved.start.tolist(), moved.length.tolist(), strict=True)
        assert [pair for pair in pairs if pair[1]] == list(
            zip(plain.start.tolist(), plain.length.tolist(), strict=True)
        )


def test_a_close_that_the_calendar_has_too_early_makes_real_bars() -> None:
    # gold traded until 17:15 in 2013, and its last print came some seconds before that
    day = session(facts.BY_ROOT["GC"].calendar, date(2013, 10, 8))
    last = et_ns(date(2013, 10, 8), time(17, 14, 55))
    traded = buckets_of(as_traded(day, np.array([last]), SECOND_NS), "5m")
    assert [traded.bucket(index) for index in (-3, -2, -1)] == [
        Bucket(17 * HOUR, 300),
        Bucket(17 * HOUR + 300, 300),
        Bucket(17 * HOUR + 600, 300),
    ]


def one_bar(ts: list[int], prices: list[int], volumes: list[int]) -> Bars:
    ticks = np.array(prices) * TICK
    return Bars(np.array(ts), ticks, ticks + TICK, ticks - TICK, ticks, np.array(volumes))


def test_the_curves_of_a_bar_by_hand() -> None:
    day = session(facts.EQUITY, REGULAR)
    start = et_ns(REGULAR, time(9, 30))
    # 5m knots are 5 s apart: the second from 09:30:04 is over at the first knot, that from 09:30:05 is not
    seconds = one_bar([start + second * SECOND_NS for second in (0, 4, 5, 299)], [100, 104, 90, 90], [3, 4, 5, 6])
    made = summarise(day, seconds, TICK)
    curves = made["5m"]
    row = int(np.flatnonzero(curves.start == 9 * HOUR + 1_800)[0])
    assert curves.volume[row, [0, 1, -2, -1]].tolist() == [7, 12, 12, 18]
    # highs and lows lie a tick beyond each price
    assert curves.range[row, [0, 1, -2, -1]].tolist() == [6, 16, 16, 16]
    # the bars beside it were open and nobody traded
    assert curves.volume[row - 1].max() == curves.volume[row + 1].max() == 0
    assert curves.range[row + 1].max() == 0
    assert made["1D"].volume[0, -1] == 18
    assert made["1D"].range[0, -1] == 16


def test_a_session_without_a_trade_is_all_zeros_and_not_absent() -> None:
    made = summarise(session(facts.EQUITY, REGULAR), Bars.empty(), TICK)
    assert {timeframe: len(curves) for timeframe, curves in made.items()} == {
        "1m": 1_380, "5m": 276, "15m": 92, "30m": 46, "1h": 23, "90m": 16, "3h": 8, "4h": 7, "1D": 1,
    }  # fmt: skip
    assert not any(curves.volume.any() or curves.range.any() for curves in made.values())
    assert made["1m"].volume.shape == (1_380, KNOTS)


@pytest.mark.parametrize(
    ("timeframe", "bucket"), [("4h", Bucket(12 * HOUR, 75 * 60)), ("1D", Bucket(18 * HOUR, 69_300))]
)
def test_a_shortened_bar_is_in_no_sample_of_full_ones(timeframe: str, bucket: Bucket) -> None:
    knots = knots_used(timeframe)
    layers = []
    for day in (REGULAR, EARLY, date(2026, 3, 19)):
        made = summarise(session(facts.EQUITY, day), Bars.empty(), TICK)[timeframe]
        order = np.lexsort((made.length, made.start))
        curves = (each[order][:, knots] for each in (made.volume, made.range))
        layers.append(layer(Rows(made.start[order], made.length[order], *curves), timeframe))
    sample = build(layers, timeframe)
    assert sample is not None
    assert sample.size(bucket) == 1
    full = Bucket(bucket.start, TIMEFRAMES[timeframe] if timeframe == "4h" else 23 * HOUR)
    assert sample.size(full) == 2
    assert sample.size(Bucket(17 * HOUR + 1_800, 60)) == 0
