"""When an alert fires: the fold of a trace over what is known of each alert.

What is known after an instant is one of three: nothing, that the condition does not hold, that it holds. It follows
from that instant alone, so cutting a trace anywhere and going on from there gives the same firings.

- After the end of a bar it is what the condition says of 0, which every new bar begins with.
- After an instant at which the sample is too small, or has no value, it is nothing.
- An alert that has just been armed, or whose market has a hole, begins with nothing.

An alert fires where its condition holds and did not before; where nothing was known before, it does not.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alerts.engine.trace import Bools, Trace
from ranks.engine.buckets import Int64s
from ranks.engine.metrics import ENOUGH
from ranks.engine.percentile import Floats

UNKNOWN, FALSE, TRUE = -1, 0, 1
EDGE, BAR, CLOSE, ONCE = range(4)
"""Repeat modes: at every edge; at the first of a bar; at each end of a bar; at the first ever."""
NEVER = np.iinfo(np.int64).max
NO_BAR = -1

Int8s = npt.NDArray[np.int8]


@dataclass(slots=True)
class Watch:
    """Alerts on one asset, timeframe and sample: arrays of equal length, a place for each alert.

    metric: a column of the trace. since_ns, until_ns: it counts what is after the one and not after the other (UTC
    ns). state: UNKNOWN, FALSE or TRUE. fired_bar: the bar of its last firing (UTC ns), NO_BAR before the first.
    """

    metric: Int64s
    is_gte: Bools
    threshold: Floats
    repeat: Int8s
    since_ns: Int64s
    until_ns: Int64s
    state: Int8s
    fired_bar: Int64s

    def __len__(self) -> int:
        return len(self.metric)


@dataclass(frozen=True, slots=True)
class Fired:
    """Firings in the order of time: of each the place of the alert, and that of the instant in the trace."""

    alert: Int64s
    instant: Int64s

    def __len__(self) -> int:
        return len(self.alert)


def fold(watch: Watch, trace: Trace) -> Fired:
    """What fires along a trace. Changes the watch's states, and the bars that it has fired in."""
    if not len(trace) or not len(watch):
        return Fired(np.empty(0, np.int64), np.empty(0, np.int64))
    holds, after, before = _states(watch, trace)
    watch.state = after[:, -1]
    is_close = (watch.repeat == CLOSE)[:, None]
    fires = holds & np.where(is_close, trace.is_close & (before != UNKNOWN), before == FALSE)
    alert, instant = (each.astype(np.int64) for each in np.nonzero(fires))
    kept = _wanted(watch, alert, trace.bar[instant])
    alert, instant = alert[kept], instant[kept]
    watch.fired_bar[alert] = trace.bar[instant]  # the last one stays
    order = np.lexsort((alert, instant))
    return Fired(alert[order], instant[order])


def _states(watch: Watch, trace: Trace) -> tuple[Bools, Int8s, Int8s]:
    """For each alert and instant whether the condition holds, and what is known after and before."""
    values, threshold = trace.values.T[watch.metric], watch.threshold[:, None]
    holds = np.where(watch.is_gte[:, None], values >= threshold, values <= threshold)
    is_known = trace.n >= ENOUGH
    counts = (trace.ns > watch.since_ns[:, None]) & (trace.ns <= watch.until_ns[:, None])
    of_nothing = np.where(watch.is_gte, watch.threshold <= 0, watch.threshold >= 0)[:, None]
    after = np.where(trace.is_close, of_nothing, np.where(is_known, holds, UNKNOWN)).astype(np.int8)
    before_all = watch.state[:, None]
    after = np.where(counts, after, before_all)
    before = np.concatenate([before_all, after[:, :-1]], axis=1)
    return holds & is_known & counts, after, before


def _wanted(watch: Watch, alert: Int64s, bar: Int64s) -> Bools:
    """Which of these firings the repeat modes leave, given in the order of alerts and of time."""
    is_first = np.diff(alert, prepend=-1) != 0
    is_new_bar = np.where(is_first, bar != watch.fired_bar[alert], np.diff(bar, prepend=NO_BAR) != 0)
    wanted = np.ones(len(alert), bool)
    wanted[watch.repeat[alert] == BAR] = False
    once = watch.repeat[alert] == ONCE
    wanted |= is_new_bar & (watch.repeat[alert] == BAR)
    wanted[once] = (is_first & (watch.fired_bar[alert] == NO_BAR))[once]
    return wanted
