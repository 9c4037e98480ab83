"""Which alerts are watched, and how each stands: what an evaluator begins with."""

from collections.abc import Iterable

from django.db.models import F

from alerts.engine.edges import FALSE, NEVER, NO_BAR, TRUE, UNKNOWN
from alerts.engine.group import Definition, Standing
from alerts.models import Alert, AlertState, Operator

COLUMNS = (
    "id", "revision", "asset_id", "metric", "operator", "threshold", "timeframe", "lookback_days", "repeat",
    "expires_at",
)  # fmt: skip


def definitions(shift_ns: int = 0) -> dict[int, Definition]:
    """The alerts that are neither paused nor stopped, by id. shift_ns: how far market time is behind the clock."""
    found = {}
    rows = Alert.objects.filter(is_active=True, paused_reason="").values_list(*COLUMNS)
    for key, revision, asset, metric, operator, threshold, timeframe, days, repeat, expires in rows:
        until_ns = NEVER if expires is None else int(expires.timestamp() * 1_000) * 1_000_000 - shift_ns
        is_gte = operator == Operator.GTE
        found[key] = Definition(
            key, revision, asset, metric, is_gte, float(threshold), timeframe, days, repeat, until_ns
        )
    return found


def standings(alert_ids: Iterable[int]) -> dict[tuple[int, int], Standing]:
    """How these stand, by alert and asset, where they have been armed since they were changed."""
    rows = AlertState.objects.filter(alert_id__in=list(alert_ids), revision=F("alert__revision"))
    columns = rows.values_list("alert_id", "asset_id", "evaluated_ns", "is_true", "last_fired_bar_ns", "fire_count")
    return {
        (alert, asset): Standing(since_ns, _state(is_true), NO_BAR if bar is None else bar, count)
        for alert, asset, since_ns, is_true, bar, count in columns
    }


def counts(alert_ids: Iterable[int]) -> dict[tuple[int, int], int]:
    """How often these have fired, by alert and asset, also before they were paused and resumed."""
    rows = AlertState.objects.filter(alert_id__in=list(alert_ids), fire_count__gt=0)
    return {(alert, asset): count for alert, asset, count in rows.values_list("alert_id", "asset_id", "fire_count")}


def _state(is_true: bool | None) -> int:
    return UNKNOWN if is_true is None else TRUE if is_true else FALSE
