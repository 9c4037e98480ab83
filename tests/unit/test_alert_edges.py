"""When an alert fires, worked out by hand."""

import numpy as np
import pytest

from alerts.engine.edges import BAR, CLOSE, EDGE, FALSE, NEVER, NO_BAR, ONCE, TRUE, UNKNOWN, Watch, fold
from alerts.engine.trace import Trace

# two bars of four instants each, the last of each its end
VALUES = [50, 92, 80, 95, 10, 91, 93, 94]
BARS = [0, 0, 0, 0, 400, 400, 400, 400]


def line(values: list[float], *, n: list[int] | int = 200, bars: list[int] | None = None, first: int = 100) -> Trace:
    """Instants 100 ns apart; a bar ends where another begins, and with the last of four."""
    count = len(values)
    begins = np.array(BARS[:count] if bars is None else bars)
    is_close = np.append(np.diff(begins) != 0, count % 4 == 0)
    column = np.array(values, float)
    return Trace(
        np.arange(count) * 100 + first,
        is_close,
        begins,
        np.column_stack([column] * 4),
        np.broadcast_to(np.array(n), count),
    )


def watch(repeat: int = EDGE, *, threshold: float = 90, is_gte: bool = True, state: int = UNKNOWN) -> Watch:
    one = np.ones(1, np.int64)
    return Watch(
        metric=one,
        is_gte=np.array([is_gte]),
        threshold=np.array([threshold], float),
        repeat=np.array([repeat], np.int8),
        since_ns=one * 0,
        until_ns=one * NEVER,
        state=np.array([state], np.int8),
        fired_bar=one * NO_BAR,
    )


def fired(who: Watch, *lines: Trace) -> list[int]:
    return [int(ns) for part in lines for ns in part.ns[fold(who, part).instant]]


@pytest.mark.parametrize(
    ("repeat", "wanted"),
    [
        # it turns true at 92, at 95 and, in the second bar, at 91
        (EDGE, [200, 400, 600]),
        (BAR, [200, 600]),
        (CLOSE, [400, 800]),
        (ONCE, [200]),
    ],
)
def test_the_repeat_modes(repeat, wanted):
    assert fired(watch(repeat), line(VALUES)) == wanted


def test_the_first_evaluation_is_silent():
    assert fired(watch(), line([95, 96, 80, 91])) == [400]
    assert fired(watch(state=FALSE), line([95, 96, 80, 91])) == [100, 400]
    assert fired(watch(state=TRUE), line([95, 96, 80, 91])) == [400]


def test_a_close_that_is_the_first_thing_seen_of_its_bar_is_silent():
    assert fired(watch(CLOSE), line([95], bars=[0])) == []
    assert fired(watch(CLOSE), line([95, 20, 91, 95], bars=[0, 400, 400, 400])) == [400]


def test_a_new_bar_begins_with_nothing_so_that_at_least_is_armed_again_and_at_most_does_not_fire():
    # at least: true up to the end of the first bar, and true at once in the second
    assert fired(watch(), line([10, 95, 95, 95, 95, 95, 95, 95])) == [200, 500]
    # at most: every bar begins below; it fires where Pending falls back
    at_most = watch(threshold=20, is_gte=False)
    assert fired(at_most, line([50, 50, 15, 50, 5, 10, 30, 12])) == [300, 800]


def test_at_least_0_holds_always_and_never_turns_true():
    assert fired(watch(threshold=0), line(VALUES)) == []


def test_the_threshold_itself_holds():
    assert fired(watch(threshold=33.3), line([33.2, 33.3, 33.2, 33.3])) == [200, 400]
    assert fired(watch(threshold=33.3, is_gte=False), line([33.4, 33.3, 40, 33.3])) == [200, 400]


def test_fewer_than_20_bars_are_silent_and_forget_what_was_known():
    thin = [19, 19, 19, 19, 20, 20, 20, 20]
    assert fired(watch(), line(VALUES, n=thin)) == [600]
    assert fired(watch(CLOSE), line(VALUES, n=thin)) == [800]
    # a sample that becomes large enough within a bar tells of no edge
    assert fired(watch(), line([50, 50, 95, 95], n=[19, 19, 20, 20])) == []


def test_what_is_not_known_is_silent():
    assert fired(watch(), line([np.nan] * 8, n=0)) == []


def test_what_was_before_the_arming_or_is_after_the_expiry_counts_for_nothing():
    late, gone = watch(), watch()
    late.since_ns[:] = 300
    assert fired(late, line(VALUES)) == [600]
    gone.until_ns[:] = 400
    assert fired(gone, line(VALUES)) == [200, 400]


def test_once_a_bar_holds_across_a_cut_and_once_for_good():
    whole = line(VALUES)
    parts = [Trace(*(getattr(whole, name)[each] for name in Trace.__slots__)) for each in (slice(3), slice(3, 8))]
    assert fired(watch(BAR), *parts) == [200, 600]
    assert fired(watch(ONCE), *parts) == [200]


def test_of_several_alerts_each_reads_its_own_metric_and_they_come_in_the_order_of_time():
    many = Watch(
        metric=np.array([3, 0]),
        is_gte=np.array([True, True]),
        threshold=np.array([90.0, 90.0]),
        repeat=np.array([EDGE, EDGE], np.int8),
        since_ns=np.zeros(2, np.int64),
        until_ns=np.full(2, NEVER),
        state=np.full(2, FALSE, np.int8),
        fired_bar=np.full(2, NO_BAR),
    )
    told = line([0, 0])
    told.values[:, 3] = [0, 95]
    told.values[:, 0] = [95, 0]
    found = fold(many, told)
    assert [(int(at), int(who)) for at, who in zip(found.instant, found.alert, strict=True)] == [(0, 1), (1, 0)]
    assert many.state.tolist() == [TRUE, FALSE]
    assert many.fired_bar.tolist() == [0, 0]
