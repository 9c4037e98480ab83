"""Changing alerts and what users make of them. Each is one transaction, and told when it is committed."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest
from django.utils import timezone

from alerts import topics
from alerts.models import Alert, AlertMute, AlertSeen, AlertSettings, AlertState, Definitions
from market.models import Asset
from ranks.models import DEFAULT_LOOKBACK

MOST = 200
"""Alerts of one user, and as many shared ones."""


class Refused(ValueError):
    """It cannot be; the message is fit for the user."""


class TooMany(Refused):
    """There are as many alerts as there may be."""


class Twin(Refused):
    """There is this alert already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a user says of an alert; `alerts.models.Alert` tells what each means. The form has validated it."""

    asset: Asset | None
    metric: str
    operator: str
    threshold: Decimal
    timeframe: str
    lookback_days: int = DEFAULT_LOOKBACK
    repeat: str = "edge"
    expires_at: datetime | None = None
    sound: str = "beep"
    webhook_url: str = ""
    email: bool = False
    note: str = ""


ARMING = ("asset", "metric", "operator", "threshold", "timeframe", "lookback_days", "repeat")
"""Terms after whose change an alert is another one: it is armed anew, and counted from 0."""


def create(*, owner_id: int | None, terms: Terms) -> Alert:
    """A new alert, of a user or shared. Raises TooMany, Twin."""
    with transaction.atomic():
        Definitions.bump()
        if Alert.objects.filter(owner_id=owner_id).count() >= MOST:
            raise TooMany(f"There are {MOST} alerts, which is the most. Delete one first.")
        check_twin(owner_id, terms)
        alert = Alert.objects.create(owner_id=owner_id, **_columns(terms))
        _tell("created", [alert])
    return alert


def change(*, alert: Alert, terms: Terms) -> Alert:
    """Other terms for an alert. It stays paused where it was. Raises Alert.DoesNotExist, Twin."""
    with transaction.atomic():
        Definitions.bump()
        row = Alert.objects.select_for_update(of=["self"]).select_related("asset").get(pk=alert.pk)
        is_another = any(getattr(row, name) != getattr(terms, name) for name in ARMING)
        if is_another:
            check_twin(row.owner_id, terms, but=row.pk)
        for name, value in _columns(terms).items():
            setattr(row, name, value)
        if is_another:
            row.revision += 1
            AlertState.objects.filter(alert=row).delete()
        row.save()
        _tell("changed", [row])
    return row


def check_twin(owner_id: int | None, terms: Terms, but: int = 0) -> None:
    """Raises Twin where this owner has an alert of the same terms, but for one (its id): both would fire at once."""
    same = {name: getattr(terms, name) for name in ARMING}
    twin = Alert.objects.filter(owner_id=owner_id, **same).exclude(pk=but).select_related("asset").first()
    if twin is not None:
        whose = "There is this shared alert already" if owner_id is None else "You have this alert already"
        raise Twin(f"{whose}: {twin}, {twin.lookback_days} days, {twin.get_repeat_display()}{_stands(twin)}.")


def _stands(alert: Alert) -> str:
    """What hides that it is there."""
    if alert.expires_at is not None and alert.expires_at <= timezone.now():
        return ", which has expired"
    return "" if alert.is_watched else ", which is stopped" if alert.paused_reason else ", which is paused"


def pause(*, alerts: Iterable[Alert]) -> int:
    """Stop watching these; how many were watched."""
    with transaction.atomic():
        Definitions.bump()
        rows = _rows(alerts).filter(is_active=True)
        changed = list(rows.select_for_update())
        rows.update(is_active=False)
        _tell("paused", changed)
    return len(changed)


def resume(*, alerts: Iterable[Alert]) -> int:
    """Watch these again, armed anew; how many were not watched."""
    with transaction.atomic():
        Definitions.bump()
        changed = [row for row in _rows(alerts).select_for_update() if not row.is_watched]
        _rows(changed).update(is_active=True, paused_reason="", revision=F("revision") + 1)
        _tell("resumed", changed)
    return len(changed)


def stop(*, alert_id: int, reason: str) -> None:
    """An alert is stopped by itself, until its owner resumes it."""
    with transaction.atomic():
        Definitions.bump()
        row = Alert.objects.select_for_update().filter(pk=alert_id).first()
        if row is not None:
            Alert.objects.filter(pk=alert_id).update(paused_reason=reason)
            topics.publish_on_commit((topics.whose(row.owner_id), topics.stopped_body(alert_id, reason)))


def delete(*, alerts: Iterable[Alert]) -> int:
    """Delete these; what they fired stays. How many there were."""
    with transaction.atomic():
        Definitions.bump()
        gone = list(_rows(alerts).select_for_update())
        _rows(gone).delete()
        _tell("deleted", gone)
    return len(gone)


def clear_all(*, owner_id: int) -> int:
    """Delete all of a user's own alerts; how many there were."""
    return delete(alerts=Alert.objects.filter(owner_id=owner_id))


def mute(*, user_id: int, alert: Alert) -> None:
    """A user does not want to hear of a shared alert; others do."""
    assert alert.is_shared
    with transaction.atomic():
        AlertMute.objects.get_or_create(user_id=user_id, alert=alert)
        topics.publish_on_commit((topics.of_user(user_id), topics.changed_body("muted", [alert.pk])))


def unmute(*, user_id: int, alert: Alert) -> None:
    """The user wants to hear of it again."""
    with transaction.atomic():
        AlertMute.objects.filter(user_id=user_id, alert=alert).delete()
        topics.publish_on_commit((topics.of_user(user_id), topics.changed_body("unmuted", [alert.pk])))


def mark_seen(*, user_id: int, until_id: int) -> int:
    """The user has looked at the firings up to this one; up to which he has by now, which never goes back."""
    with transaction.atomic():
        row, is_new = AlertSeen.objects.get_or_create(user_id=user_id, defaults={"until_id": until_id})
        if not is_new:
            AlertSeen.objects.filter(pk=row.pk).update(until_id=Greatest(F("until_id"), until_id))
            row.refresh_from_db()
        topics.publish_on_commit((topics.of_user(user_id), topics.seen_body(row.until_id)))
    return row.until_id


def mark_shown(*, user_id: int, until_id: int) -> None:
    """A page that the user had in front has shown what fired up to this one; it never goes back."""
    with transaction.atomic():
        row, is_new = AlertSeen.objects.get_or_create(user_id=user_id, defaults={"shown_id": until_id})
        if not is_new:
            AlertSeen.objects.filter(pk=row.pk).update(shown_id=Greatest(F("shown_id"), until_id))


def save_settings(*, user_id: int, has_sound: bool, volume: int, minutes_before: int) -> AlertSettings:
    """How the user hears of firings."""
    with transaction.atomic():
        wanted = {"has_sound": has_sound, "volume": volume, "minutes_before": minutes_before}
        row, _ = AlertSettings.objects.update_or_create(user_id=user_id, defaults=wanted)
        topics.publish_on_commit((topics.of_user(user_id), topics.changed_body("settings")))
    return row


def change_secret(*, user_id: int) -> AlertSettings:
    """From now on the user's webhooks are signed with another secret (`alerts.signing`)."""
    with transaction.atomic():
        row, _ = AlertSettings.objects.get_or_create(user_id=user_id)
        AlertSettings.objects.filter(pk=row.pk).update(secret_number=F("secret_number") + 1)
        row.refresh_from_db()
        topics.publish_on_commit((topics.of_user(user_id), topics.changed_body("settings")))
    return row


def _columns(terms: Terms) -> dict[str, object]:
    # not by asdict, which would copy the asset
    return {field.name: getattr(terms, field.name) for field in fields(terms)}


def _rows(alerts: Iterable[Alert]) -> QuerySet[Alert]:
    return Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).order_by("pk")


def _tell(what: str, alerts: Iterable[Alert]) -> None:
    """One message to each owner."""
    owners: dict[int | None, list[int]] = {}
    for alert in alerts:
        owners.setdefault(alert.owner_id, []).append(alert.pk)
    topics.publish_on_commit(*((topics.whose(owner), topics.changed_body(what, ids)) for owner, ids in owners.items()))
