"""What an evaluator found becomes the record: all of it, with how far it has come, or nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from django.db import connection, transaction
from django.utils import timezone

from alerts import services
from alerts.engine.group import Group
from alerts.engine.trace import Trace
from alerts.models import Alert, AlertFiring, AlertState, Definitions, Outcome, Progress, value_text
from market.models import Asset

FIRST_LOOK = timedelta(seconds=30)
"""A delivery that nobody was told to make is made after so long."""

SAVE_STATES = """
    INSERT INTO alerts_alertstate
        (alert_id, asset_id, revision, is_true, last_value, bar_start_ns, fire_count, last_fired_bar_ns, evaluated_ns)
    SELECT alert, asset, u.revision, is_true, value, bar, count, fired_bar, evaluated
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::boolean[], %s::float8[], %s::bigint[], %s::int[],
                %s::bigint[], %s::bigint[])
        AS u (alert, asset, revision, is_true, value, bar, count, fired_bar, evaluated)
    JOIN alerts_alert ON alerts_alert.id = alert AND alerts_alert.revision = u.revision
    ON CONFLICT (alert_id, asset_id) DO UPDATE SET
        revision = EXCLUDED.revision, is_true = EXCLUDED.is_true, last_value = EXCLUDED.last_value,
        bar_start_ns = EXCLUDED.bar_start_ns, fire_count = EXCLUDED.fire_count,
        last_fired_bar_ns = EXCLUDED.last_fired_bar_ns, evaluated_ns = EXCLUDED.evaluated_ns
"""
"""A state of an alert that is gone or another one by now is left out."""


@dataclass(frozen=True, slots=True)
class StateRow:
    """A row of `AlertState`."""

    alert_id: int
    asset_id: int
    revision: int
    is_true: bool | None
    value: float | None
    bar_ns: int | None
    count: int
    fired_bar_ns: int | None
    evaluated_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Hit:
    """An alert's condition has turned true. The order is that of time."""

    market_ns: int
    root: str
    alert_id: int
    revision: int
    bar_ns: int
    value: float
    n: int


def hit(root: str, members: Group, line: Trace, who: int, at: int) -> Hit:
    """That the alert in this place of a group fires at an instant of a trace."""
    return Hit(
        int(line.ns[at]),
        root,
        int(members.ids[who]),
        int(members.revisions[who]),
        int(line.bar[at]),
        float(line.values[at, members.watch.metric[who]]),
        int(line.n[at]),
    )


@dataclass(slots=True)
class Found:
    """What one evaluation found. progress: by asset, UTC ns. stops: by alert, why it is stopped by itself."""

    hits: list[Hit] = field(default_factory=list)
    states: list[StateRow] = field(default_factory=list)
    progress: dict[int, int] = field(default_factory=dict)
    stops: dict[int, str] = field(default_factory=dict)


def record(found: Found, assets: Mapping[str, Asset], epoch: int) -> list[AlertFiring]:
    """Write it, and return the firings that are new; those of alerts that were changed meanwhile are not."""
    with transaction.atomic():
        _take_definitions()
        alerts = Alert.objects.in_bulk({hit.alert_id for hit in found.hits})
        firings = _firings(found.hits, alerts, assets, epoch)
        AlertFiring.objects.bulk_create(firings)
        for alert_id in found.stops.keys() & {firing.alert_id for firing in firings}:
            services.stop(alert_id=alert_id, reason=found.stops[alert_id])
        save_states(found.states)
        save_progress(found.progress, epoch)
    return firings


def _take_definitions() -> None:
    """As whoever changes alerts does: nobody does until this transaction is over."""
    list(Definitions.objects.select_for_update().filter(pk=1))


def _firings(
    hits: Sequence[Hit], alerts: Mapping[int, Alert], assets: Mapping[str, Asset], epoch: int
) -> list[AlertFiring]:
    known = set(
        AlertFiring.objects.filter(
            alert_id__in=alerts,
            market_ns__in={hit.market_ns for hit in hits},
            replay_key=None,
            feed_epoch=epoch,
        ).values_list("alert_id", "asset_id", "market_ns")
    )
    made = []
    for hit in sorted(hits):
        alert, asset = alerts.get(hit.alert_id), assets[hit.root]
        if alert is None or not _is_counted(alert, hit):
            continue
        if (alert.pk, asset.pk, hit.market_ns) not in known:
            made.append(firing(alert, asset, hit, epoch=epoch))
    return made


def record_replayed(
    hits: Sequence[Hit], asset: Asset, owner_id: int, replay_key: UUID
) -> list[tuple[AlertFiring, bool]]:
    """Write what fired in a user's replay, apart from what fires live; each with whether it is there already.

    Those of alerts that were changed or deleted meanwhile are left out.
    """
    with transaction.atomic():
        list(Definitions.objects.select_for_update().filter(pk=1))
        alerts = Alert.objects.in_bulk({hit.alert_id for hit in hits})
        counted = [each for each in sorted(hits) if _is_counted(alerts.get(each.alert_id), each)]
        rows = AlertFiring.objects.filter(
            replay_key=replay_key, asset=asset, alert__in=alerts, market_ns__in={each.market_ns for each in counted}
        )
        known = {(row.alert_id, row.market_ns): row for row in rows}
        made = [
            _replayed(firing(alerts[each.alert_id], asset, each), owner_id, replay_key)
            for each in counted
            if (each.alert_id, each.market_ns) not in known
        ]
        AlertFiring.objects.bulk_create(made)
    new = {(row.alert_id, row.market_ns): row for row in made}
    keys = [(each.alert_id, each.market_ns) for each in counted]
    return [(known[key], True) if key in known else (new[key], False) for key in keys]


def _is_counted(alert: Alert | None, hit: Hit) -> bool:
    return alert is not None and alert.is_watched and alert.revision == hit.revision


def _replayed(row: AlertFiring, owner_id: int, replay_key: UUID) -> AlertFiring:
    """It is the replay's owner's, also of a shared alert, and nothing is sent."""
    row.owner_id, row.replay_key = owner_id, replay_key
    row.webhook = row.mail = ""
    row.due_at = None
    return row


def firing(alert: Alert, asset: Asset, hit: Hit, *, epoch: int = 0) -> AlertFiring:
    """The firing of an alert, not saved: with what the alert is now."""
    same = ("owner_id", "metric", "operator", "threshold", "timeframe", "lookback_days", "sound", "note", "revision")
    return AlertFiring(
        alert=alert,
        asset=asset,
        sentence=sentence(alert, asset, hit.value),
        bar_start_ns=hit.bar_ns,
        market_ns=hit.market_ns,
        value=hit.value,
        n=hit.n,
        feed_epoch=epoch,
        webhook=Outcome.WAITING if alert.webhook_url else "",
        mail=Outcome.WAITING if alert.email else "",
        due_at=timezone.now() + FIRST_LOOK if alert.webhook_url or alert.email else None,
        **{name: getattr(alert, name) for name in same},
    )


def sentence(alert: Alert, asset: Asset, value: float) -> str:
    """Such as "NQ 5m: Vol Pending is 93.4 (≥ 90)"."""
    metric, condition = alert.get_metric_display(), alert.condition.removeprefix(alert.get_metric_display()).strip()
    return f"{asset.root} {alert.timeframe}: {metric} is {value_text(value)} ({condition})"


def save_states(rows: Iterable[StateRow]) -> None:
    """In a transaction: these are the states now."""
    columns = [list(column) for column in zip(*(_values(row) for row in rows), strict=True)]
    if columns:
        with connection.cursor() as cursor:
            cursor.execute(SAVE_STATES, columns)


def _values(row: StateRow) -> tuple[object, ...]:
    return (
        row.alert_id, row.asset_id, row.revision, row.is_true, row.value, row.bar_ns, row.count, row.fired_bar_ns,
        row.evaluated_ns,
    )  # fmt: skip


def save_progress(until: Mapping[int, int], epoch: int) -> None:
    """In a transaction: how far each asset (id) is evaluated, UTC ns."""
    Progress.objects.bulk_create(
        [Progress(asset_id=asset, until_ns=ns, epoch=epoch) for asset, ns in until.items()],
        update_conflicts=True,
        unique_fields=["asset"],
        update_fields=["until_ns", "epoch"],
    )


def begin_epoch(until: Mapping[int, int], epoch: int) -> None:
    """Market time has gone back: nothing is known of any alert, and all assets are evaluated from here on."""
    with transaction.atomic():
        _take_definitions()
        for asset, ns in until.items():
            AlertState.objects.filter(asset_id=asset).update(is_true=None, last_fired_bar_ns=None, evaluated_ns=ns)
        Progress.objects.all().delete()
        save_progress(until, epoch)
