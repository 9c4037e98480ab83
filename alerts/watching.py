"""Which alerts are watched, and how each stands: what an evaluator begins with."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Max, Q, QuerySet
from django.utils import timezone

from alerts import access
from alerts.engine.edges import FALSE, NEVER, NO_BAR, TRUE, UNKNOWN
from alerts.engine.group import Definition, Standing
from alerts.models import Alert, AlertFiring, AlertState, Operator

WATCHED: Mapping[str, Any] = {"is_active": True, "paused_reason": ""}
COLUMNS = (
    "id", "revision", "asset_id", "metric", "operator", "threshold", "timeframe", "lookback_days", "repeat",
    "expires_at",
)  # fmt: skip


def definitions(shift_ns: int = 0) -> dict[int, Definition]:
    """The alerts that are neither paused nor stopped, by id. shift_ns: how far market time is behind the clock."""
    return _definitions(Alert.objects.filter(**WATCHED), shift_ns)


def replayed(user_id: int, asset_id: int, replay_key: UUID, until_ns: int) -> list[tuple[Definition, Standing]]:
    """The alerts that a user's replay of an asset evaluates, with what they have fired in it up to an instant.

    His own and the shared ones that he has not muted. An expiry is a time of the clock on the wall: what has not
    expired counts in the replay for ever.
    """
    alerts = access.heard(user_id).filter(Q(asset=None) | Q(asset=asset_id), **WATCHED)
    current = _definitions(alerts.exclude(expires_at__lte=timezone.now()))
    fired = AlertFiring.objects.filter(replay_key=replay_key, market_ns__lte=until_ns, alert__in=current)
    last = dict(fired.filter(revision=F("alert__revision")).values_list("alert_id").annotate(Max("bar_start_ns")))
    return [
        (replace(each, until_ns=NEVER), Standing(until_ns, fired_bar=last.get(each.id, NO_BAR)))
        for each in current.values()
    ]


def replayed_counts(replay_key: UUID, until_ns: int) -> dict[int, int]:
    """How often each alert, as it is now, has fired in a replay up to an instant."""
    fired = AlertFiring.objects.filter(replay_key=replay_key, market_ns__lte=until_ns, revision=F("alert__revision"))
    return dict(fired.order_by().values_list("alert_id").annotate(Count("pk")))


def _definitions(alerts: QuerySet[Alert], shift_ns: int = 0) -> dict[int, Definition]:
    found = {}
    rows = alerts.values_list(*COLUMNS)
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
