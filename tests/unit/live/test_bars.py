"""One-second bars from prints: what closes when, and what late prints do."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from live.engine.bars import KEPT_NS, SECOND_NS, BarBuilder
from market.engine import bars as engine_bars

START = 1_773_158_400 * SECOND_NS


def built(prints, **options):
    builder = BarBuilder(**options)
    builder.add_all(prints)
    return builder


def rebuilt(prints):
    """Databento's rule, from the finished tape."""
    columns = (np.array(column, np.int64) for column in zip(*sorted(prints, key=lambda each: each[0]), strict=True))
    bars = engine_bars.from_trades(*columns)
    return list(zip(*(getattr(bars, name).tolist() for name in type(bars).COLUMNS), strict=True))


prints_in_order = st.lists(
    st.tuples(st.integers(0, 40 * SECOND_NS), st.integers(-50, 50), st.integers(0, 9)), min_size=1, max_size=60
).map(lambda drawn: sorted((START + ts, price * 250_000_000, size) for ts, price, size in drawn))


@given(prints_in_order)
def test_bars_of_prints_in_order_are_databentos(prints):
    closed = built(prints).close(START + 60 * SECOND_NS)
    assert closed.final == rebuilt(prints)
    assert not closed.amended


@given(prints_in_order, st.lists(st.integers(0, 40), max_size=5))
def test_when_seconds_are_closed_does_not_change_their_bars(prints, cuts):
    builder, found = BarBuilder(), []
    for cut in [*sorted(cuts), 60]:
        until = START + cut * SECOND_NS
        ready = [each for each in prints if each[0] < until + SECOND_NS]
        builder.add_all(ready)
        prints = prints[len(ready) :]
        found += builder.close(until).final
    everything = {bar[0]: bar for bar in found}
    assert len(everything) == len(found)
    assert list(everything) == sorted(everything)


@given(prints_in_order, st.randoms())
def test_prints_in_any_order_end_in_the_same_bars(prints, random):
    """A late print amends its second; equal arrival times keep their order, which shuffling would change."""
    prints = list({each[0]: each for each in prints}.values())
    held: dict[int, tuple[int, ...]] = {}
    shuffled = random.sample(prints, len(prints))
    builder = BarBuilder()
    for each in shuffled:
        builder.add(*each)
        closed = builder.close(each[0])
        held |= {bar[0]: bar for bar in [*closed.final, *closed.amended]}
    closed = builder.close(START + 60 * SECOND_NS)
    held |= {bar[0]: bar for bar in [*closed.final, *closed.amended]}
    assert [held[ts] for ts in sorted(held)] == rebuilt(prints)


def test_a_closed_second_is_told_as_final_once():
    builder = built([(START, 5, 1)])
    assert len(builder.close(START + SECOND_NS).final) == 1
    assert not builder.close(START + 2 * SECOND_NS).final


def test_a_second_is_not_final_before_it_is_over():
    builder = built([(START, 5, 1)])
    assert not builder.close(START + SECOND_NS - 1).final
    assert builder.forming() == (START, 5, 5, 5, 5, 1)


def test_a_print_of_a_closed_second_amends_it():
    builder = built([(START + 5, 5, 1)])
    builder.close(START + SECOND_NS)
    builder.add(START + 3, 7, 2)
    assert builder.close(START + SECOND_NS).amended == [(START, 7, 7, 5, 5, 3)]
    assert builder.forming() is None


def test_a_print_that_comes_too_late_is_counted_and_changes_nothing():
    builder = built([(START, 5, 1)])
    builder.close(START + KEPT_NS + 2 * SECOND_NS)
    builder.add(START, 9, 1)
    closed = builder.close(START + KEPT_NS + 3 * SECOND_NS)
    assert builder.too_late == 1
    assert not closed.final
    assert not closed.amended


def test_prints_before_the_first_whole_second_are_left_out():
    builder = built([(START, 5, 1), (START + SECOND_NS, 6, 1)], since_ns=START + SECOND_NS)
    assert [bar[0] for bar in builder.close(START + 5 * SECOND_NS).final] == [START + SECOND_NS]
    assert builder.too_late == 0
