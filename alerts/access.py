"""The one way to alerts and firings: through who may see them."""

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import User
from alerts.models import Alert, AlertFiring, AlertMute, AlertSeen, AlertSettings


class NoSuchAlert(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


class NoSuchFiring(LookupError):
    """It does not exist, or belongs to somebody else: the asker cannot tell which."""


def visible(user_id: int) -> QuerySet[Alert]:
    """The user's own alerts and after them the shared ones, the newest first: one that was just made is on top."""
    mine = Alert.objects.filter(Q(owner_id=user_id) | Q(owner=None)).select_related("asset")
    mutes = AlertMute.objects.filter(user_id=user_id, alert=OuterRef("pk"))
    return mine.annotate(is_muted=Exists(mutes)).order_by(F("owner").asc(nulls_last=True), "-pk")


def heard(user_id: int) -> QuerySet[Alert]:
    """The user's own alerts and the shared ones that he has not muted."""
    mutes = AlertMute.objects.filter(user_id=user_id, alert=OuterRef("pk"))
    return Alert.objects.filter(Q(owner_id=user_id) | Q(owner=None) & ~Exists(mutes))


def own(user_id: int) -> QuerySet[Alert]:
    """The user's own alerts."""
    return visible(user_id).filter(owner_id=user_id)


def own_or_shared(user_id: int, alert_id: int) -> Alert:
    """An alert that the user may see. Raises NoSuchAlert."""
    return _one(visible(user_id), alert_id)


def own_alert(user_id: int, alert_id: int) -> Alert:
    """An alert that the user may change. Raises NoSuchAlert."""
    return _one(own(user_id), alert_id)


def shared_alert(user_id: int, alert_id: int) -> Alert:
    """An alert that the user may mute. Raises NoSuchAlert."""
    return _one(visible(user_id).filter(owner=None), alert_id)


def changeable(user: User, alert_id: int) -> Alert:
    """An alert that the user may change: an own one, or as an admin a shared one. Raises NoSuchAlert."""
    alerts = visible(user.pk)
    return _one(alerts if manages_shared(user) else alerts.filter(owner_id=user.pk), alert_id)


def manages_shared(user: User) -> bool:
    """Whether the user may change shared alerts."""
    return user.is_staff and user.has_perm("alerts.change_alert")


def firings(user_id: int) -> QuerySet[AlertFiring]:
    """What the user's own alerts and the shared ones have fired, the newest first; also of those he has muted."""
    found = AlertFiring.objects.filter(Q(owner_id=user_id) | Q(owner=None)).select_related("asset", "alert")
    return found.order_by("-pk")


def told_firings(user_id: int) -> QuerySet[AlertFiring]:
    """Of these, what he wants to hear of: not of the shared alerts that he has muted."""
    mutes = AlertMute.objects.filter(user_id=user_id, alert=OuterRef("alert"))
    return firings(user_id).filter(~Exists(mutes))


def firing(user_id: int, firing_id: int) -> AlertFiring:
    """A firing that the user may see. Raises NoSuchFiring."""
    found = firings(user_id).filter(pk=firing_id).first()
    if found is None:
        raise NoSuchFiring("There is no such firing of yours.")
    return found


def seen_until(user_id: int) -> int:
    """The newest firing that the user has looked at; 0 before the first."""
    return AlertSeen.objects.filter(user_id=user_id).values_list("until_id", flat=True).first() or 0


def unread(user_id: int) -> QuerySet[AlertFiring]:
    """The firings that the user has not looked at, the newest first."""
    return told_firings(user_id).filter(pk__gt=seen_until(user_id))


def missed(user_id: int) -> QuerySet[AlertFiring]:
    """Of these, those that no page which he had in front has shown to him."""
    shown = AlertSeen.objects.filter(user_id=user_id).values_list("shown_id", flat=True).first() or 0
    return unread(user_id).filter(pk__gt=shown)


def settings_of(user_id: int) -> AlertSettings:
    """The user's settings; those of a new user where none were saved."""
    return AlertSettings.objects.filter(user_id=user_id).first() or AlertSettings(user_id=user_id)


def _one(alerts: QuerySet[Alert], alert_id: int) -> Alert:
    found = alerts.filter(pk=alert_id).first()
    if found is None:
        raise NoSuchAlert("There is no such alert of yours.")
    return found
