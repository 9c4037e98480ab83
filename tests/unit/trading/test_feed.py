"""When a session trades, and which one the broker is in. Times in seconds."""

import pytest

from tests.unit.trading.tapes import ES, START, S, Span, Spans, at, bars, book, trades
from trading.engine.feed import Interval

TAPE = trades((1, 100, 1, "B"))


def seconds(intervals: tuple[Interval, ...]) -> list[tuple[float, float]]:
    return [((start - START) / S, (end - START) / S) for start, end in intervals]


@pytest.mark.parametrize(
    ("halts", "trading"),
    [
        ([], [(0, 10), (20, 30)]),
        ([(4, 6)], [(0, 4), (6, 10), (20, 30)]),
        ([(8, 22)], [(0, 8), (22, 30)]),
        ([(0, 10)], [(20, 30)]),
        ([(12, 15)], [(0, 10), (20, 30)]),
        ([(1, 2), (2, 3), (25, 40)], [(0, 1), (3, 10), (20, 25)]),
    ],
)
def test_it_trades_in_its_segments_without_the_halts(halts: list[Interval], trading: list[Interval]) -> None:
    segments = ((at(0), at(10)), (at(20), at(30)))
    span = Span(TAPE, segments, tuple((at(start), at(end)) for start, end in halts))
    assert seconds(span.trading) == trading
    assert [span.is_trading(at(second)) for second in (5, 15, 29)] == [
        any(start <= second < end for start, end in trading) for second in (5, 15, 29)
    ]


def test_a_bar_is_known_when_it_is_over_a_print_when_it_comes() -> None:
    segments = ((at(0), at(10)),)
    assert Span(bars((1, 1, 1, 1, 1, 1)), segments).known.tolist() == [at(2)]
    assert Span(bars((0, 1, 1, 1, 1, 1)), segments, bar_ns=60 * S).known.tolist() == [at(60)]
    assert Span(TAPE, segments).known.tolist() == [at(1)]


def test_the_tape_says_the_grade() -> None:
    segments = ((at(0), at(10)),)
    tapes = (bars((1, 1, 1, 1, 1, 1)), TAPE, book((1, {100: 1}, {101: 1})))
    assert [str(Span(tape, segments).grade) for tape in tapes] == ["bars", "trades", "book"]


def test_the_session_is_that_in_progress_else_the_next() -> None:
    first, second = (Span(TAPE, ((at(start), at(start + 10)),)) for start in (0, 20))
    feed = Spans({ES.name: (first, second)})
    assert feed.span_at(ES.name, at(0)) is feed.span_at(ES.name, at(9.999)) is first
    assert feed.span_at(ES.name, at(10)) is feed.span_at(ES.name, at(25)) is second
    assert feed.span_at(ES.name, at(30)) is None
    assert feed.span_at("NQH4", at(0)) is None
