"""How an alert stands, as its chip on a page shows it (docs/protocol.md). Pure: values in, bodies out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from alerts.models import Alert, Metric, Operator
from alerts.topics import group

NEAR, CLOSE = 5.0, 10.0
"""Points from the threshold."""
MIN_SAMPLE = 20
"""Fewer bars to compare with say nothing."""

Row = Sequence[Any]
"""(vol_rank, vol_pending, range_rank, range_pending, n, bar_start_ns)"""
Values = Mapping[str, Mapping[str, Row]]
"""Rows by root and `topics.group`."""
Chip = dict[str, Any]


class Standing(NamedTuple):
    """Where an asset stands. rank: 0, or 1 where the value says little, or 2 where there is none."""

    value: float | None
    tone: str
    rank: int
    missing: float

    @property
    def distance(self) -> tuple[int, float]:
        """The closest asset has the least."""
        return self[2:]


_NOTHING = Standing(None, "off", 2, 0.0)
_PLACE = {metric: place for place, metric in enumerate(Metric.values)}
_N = 4


def chip(
    alert: Alert, values: Values, roots: Sequence[str], count: int, *, is_on: bool, is_muted: bool, with_rows: bool
) -> Chip:
    """The chip of an alert. roots: what All covers. is_on: it is watched and has not expired.

    with_rows: an All-alert's with every asset.
    """
    covered = roots if alert.asset is None else [alert.asset.root]
    judge = _judge(alert)
    standing = {root: judge(values.get(root, {})) for root in covered}
    closest = min(standing, key=lambda root: standing[root].distance, default=None)
    best = _NOTHING if closest is None else standing[closest]
    body = _terms(alert) | {
        "value": best.value,
        "tone": best.tone if is_on else "paused",
        "count": count,
        "closest": None if best.value is None else closest,
        "is_muted": is_muted,
    }
    if with_rows and alert.asset is None:
        body["rows"] = [{"root": root, "value": each.value, "tone": each.tone} for root, each in standing.items()]
    return body


def _terms(alert: Alert) -> Chip:
    return {
        "id": alert.pk,
        "root": None if alert.asset is None else alert.asset.root,
        "metric": alert.metric,
        "operator": alert.operator,
        "threshold": float(alert.threshold),
        "timeframe": alert.timeframe,
        "lookback_days": alert.lookback_days,
        "repeat": alert.repeat,
        "is_shared": alert.is_shared,
        "note": alert.note,
        "sound": alert.sound,
    }


def _judge(alert: Alert) -> Callable[[Mapping[str, Row]], Standing]:
    """A function of an asset's rows; two hundred alerts times nineteen assets are looked at once a second."""
    key, place = group(alert.timeframe, alert.lookback_days), _PLACE[alert.metric]
    threshold, sign = float(alert.threshold), 1.0 if alert.operator == Operator.GTE else -1.0

    def judge(rows: Mapping[str, Row]) -> Standing:
        row = rows.get(key)
        if row is None or row[place] is None:
            return _NOTHING
        value = row[place]
        missing = (threshold - value) * sign
        return (
            Standing(value, "thin", 1, missing) if row[_N] < MIN_SAMPLE else Standing(value, _tone(missing), 0, missing)
        )

    return judge


def _tone(missing: float) -> str:
    """missing: points that the value lacks until the condition holds."""
    if missing <= 0:
        return "on"
    return "near" if missing <= NEAR else "close" if missing <= CLOSE else "off"
