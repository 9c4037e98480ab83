"""How an alert stands, as its chip on a page shows it (docs/protocol.md). Pure: values in, bodies out."""

from collections.abc import Mapping, Sequence
from typing import Any

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

_PLACE = {metric: place for place, metric in enumerate(Metric.values)}
_N = 4


def chip(
    alert: Alert, values: Values, roots: Sequence[str], count: int, *, is_on: bool, is_muted: bool, with_rows: bool
) -> Chip:
    """The chip of an alert. roots: what All covers. is_on: it is watched and has not expired.

    with_rows: an All-alert's with every asset.
    """
    covered = roots if alert.asset is None else [alert.asset.root]
    standing = {root: _standing(alert, values.get(root, {})) for root in covered}
    closest = min(standing, key=lambda root: _distance(alert, *standing[root]), default=None)
    value, tone = standing[closest] if closest is not None else (None, "off")
    body = _terms(alert) | {
        "value": value,
        "tone": tone if is_on else "paused",
        "count": count,
        "closest": closest if value is not None else None,
        "is_muted": is_muted,
    }
    if with_rows and alert.asset is None:
        body["rows"] = [{"root": root, "value": value, "tone": tone} for root, (value, tone) in standing.items()]
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


def _standing(alert: Alert, of_asset: Mapping[str, Row]) -> tuple[float | None, str]:
    """The newest value and what colour it has."""
    row = of_asset.get(group(alert.timeframe, alert.lookback_days))
    value = None if row is None else row[_PLACE[alert.metric]]
    if row is None or value is None:
        return None, "off"
    if row[_N] < MIN_SAMPLE:
        return value, "thin"
    missing = _missing(alert, value)
    if missing <= 0:
        return value, "on"
    return value, "near" if missing <= NEAR else "close" if missing <= CLOSE else "off"


def _missing(alert: Alert, value: float) -> float:
    """Points that the value lacks until the condition holds; below 0 how far it is beyond."""
    threshold = float(alert.threshold)
    return threshold - value if alert.operator == Operator.GTE else value - threshold


def _distance(alert: Alert, value: float | None, tone: str) -> tuple[int, float]:
    """The closest asset has the least; those that say nothing come last."""
    if value is None:
        return 2, 0.0
    return (1 if tone == "thin" else 0), _missing(alert, value)
