"""Alerts: what may be stored, who may see and change what, and what is told when it is committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from alerts import access, recording, services, signing, topics
from alerts.models import Alert, AlertFiring, AlertMute, AlertState, Definitions
from alerts.recording import Found, Hit, StateRow
from market.models import Asset
from tests.alerting import make
from tests.conftest import People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("assets")]

BAR, NS = 1_000_000_000_000, 1_000_060_000_000


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[topics.Message]:
    """What is published, as it would go to Valkey."""
    found: list[topics.Message] = []
    monkeypatch.setattr(topics, "publish", found.extend)
    return found


@contextmanager
def committed(django_capture_on_commit_callbacks: Any) -> Iterator[None]:
    with django_capture_on_commit_callbacks(execute=True):
        yield


def hit(alert: Alert, *, ns: int = NS, root: str = "NQ", revision: int | None = None) -> Hit:
    return Hit(ns, root, alert.pk, alert.revision if revision is None else revision, BAR, 93.44, 250)


def assets() -> dict[str, Asset]:
    return {asset.root: asset for asset in Asset.objects.all()}


def fire(alert: Alert, **changes: Any) -> list[AlertFiring]:
    return recording.record(Found(hits=[hit(alert, **changes)]), assets(), 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("metric", "price"),
        ("operator", "eq"),
        ("threshold", Decimal("-0.1")),
        ("threshold", Decimal("100.1")),
        ("timeframe", "2m"),
        ("lookback_days", 0),
        ("lookback_days", 3_651),
        ("repeat", "twice"),
        ("sound", "moo"),
    ],
)
def test_what_is_out_of_range_cannot_be_stored(people: People, name: str, value: Any) -> None:
    alert = make(people.owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.filter(pk=alert.pk).update(**{name: value})


def test_an_alert_reads_as_a_sentence(people: People) -> None:
    nq = Asset.objects.get(root="NQ")
    assert str(make(people.owner, nq, threshold=Decimal("92.5"), operator="lte")) == "NQ 5m Vol Pending ≤ 92.5"
    assert str(make(people.owner, metric="range_rank", threshold=Decimal("90.0"))) == "All 5m Range Rank ≥ 90"


def test_every_change_counts_up_the_version_and_is_told_to_the_owner_alone(
    people: People, told: list[topics.Message], django_capture_on_commit_callbacks: Any
) -> None:
    def does(what: str, topic: str, change: Any) -> None:
        version, before = Definitions.current(), len(told)
        with committed(django_capture_on_commit_callbacks):
            change()
        assert Definitions.current() > version
        assert [(where, body["what"]) for where, body in told[before:]] == [(topic, what)]

    mine, all_of_us = f"alerts.user.{people.owner.pk}", "alerts.shared"
    does("created", mine, lambda: make(people.owner))
    does("created", all_of_us, lambda: make(None))
    alert, shared = Alert.objects.order_by("-owner", "pk")
    if alert.owner is None:
        alert, shared = shared, alert
    does("paused", mine, lambda: services.pause(alerts=[alert]))
    does("paused", all_of_us, lambda: services.pause(alerts=[shared]))
    does("resumed", all_of_us, lambda: services.resume(alerts=[shared]))
    does("stopped", all_of_us, lambda: services.stop(alert_id=shared.pk, reason="flood"))
    does("deleted", mine, lambda: services.clear_all(owner_id=people.owner.pk))
    assert list(Alert.objects.all()) == [shared]


def test_another_condition_is_another_revision_and_forgets_what_was_known(people: People) -> None:
    alert = make(people.owner)
    AlertState.objects.create(alert=alert, asset=assets()["NQ"], revision=1, is_true=True, evaluated_ns=NS)
    same = {"metric": "vol_pending", "operator": "gte", "timeframe": "5m", "lookback_days": alert.lookback_days}
    terms = services.Terms(asset=None, threshold=Decimal("60.0"), note="louder", sound="bell", **same)
    changed = services.change(alert=alert, terms=terms)
    assert (changed.revision, changed.note, AlertState.objects.count()) == (1, "louder", 1)
    changed = services.change(alert=alert, terms=services.Terms(asset=None, threshold=Decimal(61), **same))
    assert (changed.revision, changed.note, AlertState.objects.count()) == (2, "", 0)


def test_resuming_arms_anew_and_only_what_was_not_watched(people: People) -> None:
    alert, other = make(people.owner), make(people.owner, lookback_days=90)
    services.stop(alert_id=alert.pk, reason="flood")
    assert services.resume(alerts=[alert, other]) == 1
    alert.refresh_from_db()
    other.refresh_from_db()
    assert (alert.is_watched, alert.paused_reason, alert.revision, other.revision) == (True, "", 2, 1)


def test_there_are_two_hundred_alerts_of_a_user_at_most(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST", 3)
    for days in (30, 60, 90):
        make(people.owner, lookback_days=days)
    make(people.colleague)
    with pytest.raises(services.TooMany):
        make(people.owner, lookback_days=120)
    assert Alert.objects.filter(owner=people.owner).count() == 3


def test_a_stranger_sees_and_changes_nothing_and_a_shared_alert_is_changed_by_admins(people: People) -> None:
    mine, theirs, shared = make(people.owner), make(people.colleague), make(None)
    assert list(access.visible(people.owner.pk)) == [mine, shared]
    assert list(access.own(people.owner.pk)) == [mine]
    for ask in (access.own_or_shared, access.own_alert, access.shared_alert):
        with pytest.raises(access.NoSuchAlert):
            ask(people.owner.pk, theirs.pk)
    assert access.own_or_shared(people.owner.pk, shared.pk) == shared
    with pytest.raises(access.NoSuchAlert):
        access.own_alert(people.owner.pk, shared.pk)
    with pytest.raises(access.NoSuchAlert):
        access.changeable(people.owner, shared.pk)
    assert access.changeable(people.admin, shared.pk) == shared
    with pytest.raises(access.NoSuchAlert):
        access.changeable(people.admin, mine.pk)


def test_firings_are_their_owners_and_muting_only_silences(people: People) -> None:
    mine, shared = make(people.owner), make(None)
    (own,), (everybodys,) = fire(mine), fire(shared)
    assert list(access.firings(people.owner.pk)) == [everybodys, own]
    assert list(access.firings(people.colleague.pk)) == [everybodys]
    with pytest.raises(access.NoSuchFiring):
        access.firing(people.colleague.pk, own.pk)
    services.mute(user_id=people.owner.pk, alert=shared)
    services.mute(user_id=people.owner.pk, alert=shared)
    assert list(access.firings(people.owner.pk)) == [everybodys, own]
    assert list(access.told_firings(people.owner.pk)) == list(access.unread(people.owner.pk)) == [own]
    assert [each.is_muted for each in access.visible(people.owner.pk)] == [False, True]
    assert list(access.firings(people.colleague.pk)) == [everybodys]
    services.unmute(user_id=people.owner.pk, alert=shared)
    assert not AlertMute.objects.exists()
    # the alert goes, what it fired stays
    services.delete(alerts=[mine])
    assert access.firing(people.owner.pk, own.pk).alert is None


def test_what_is_seen_never_goes_back(people: People) -> None:
    alert = make(people.owner)
    first, second = (fire(alert, ns=NS + each)[0] for each in (0, 1))
    assert access.unread(people.owner.pk).count() == 2
    assert services.mark_seen(user_id=people.owner.pk, until_id=first.pk) == first.pk
    assert list(access.unread(people.owner.pk)) == [second]
    services.mark_seen(user_id=people.owner.pk, until_id=second.pk)
    assert services.mark_seen(user_id=people.owner.pk, until_id=first.pk) == second.pk
    assert not access.unread(people.owner.pk).exists()


def test_settings_are_kept_and_the_secret_changes_when_asked(people: People) -> None:
    assert access.settings_of(people.owner.pk).minutes_before == 5
    services.save_settings(user_id=people.owner.pk, has_sound=False, volume=10, minutes_before=15)
    kept = access.settings_of(people.owner.pk)
    assert (kept.has_sound, kept.volume, kept.minutes_before) == (False, 10, 15)
    before = signing.secret_of(people.owner.pk)
    services.change_secret(user_id=people.owner.pk)
    others = [signing.secret_of(each) for each in (people.owner.pk, people.colleague.pk, None)]
    assert len({before, *others}) == 4


def test_the_same_instant_is_recorded_once(people: People) -> None:
    alert = make(people.owner)
    assert len(fire(alert)) == 1
    assert fire(alert) == []
    assert len(fire(alert, root="CL")) == 1
    assert len(recording.record(Found(hits=[hit(alert)]), assets(), 2)) == 1
    again = AlertFiring.objects.filter(feed_epoch=1).first()
    assert again is not None
    again.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        again.save(force_insert=True)


def test_what_was_found_of_an_alert_that_is_another_one_by_now_is_not_recorded(people: People) -> None:
    changed, paused, deleted, kept = (make(people.owner, lookback_days=days) for days in range(60, 64))
    row = (assets()["NQ"].pk, 1, True, 93.4, BAR, 1, BAR, NS)
    found = Found(
        hits=[hit(each) for each in (changed, paused, deleted, kept)],
        states=[StateRow(each.pk, *row) for each in (changed, deleted, kept)],
        progress={assets()["NQ"].pk: NS},
    )
    Alert.objects.filter(pk=changed.pk).update(revision=2)
    services.pause(alerts=[paused])
    services.delete(alerts=[deleted])
    assert [each.alert_id for each in recording.record(found, assets(), 1)] == [kept.pk]
    assert [each.alert_id for each in AlertState.objects.all()] == [kept.pk]


@pytest.mark.parametrize(("value", "text"), [(47.96, "48.0"), (47.25, "47.2"), (47.75, "47.8"), (100.0, "100.0")])
def test_a_value_is_rounded_alike_wherever_it_is_shown(people: People, value: float, text: str) -> None:
    (firing,) = recording.record(Found(hits=[replace(hit(make(people.owner)), value=value)]), assets(), 1)
    assert topics.firing_body(firing, "NQ")["firing"]["value_text"] == text
    assert f" is {text} (" in firing.sentence


def test_a_firing_as_pages_have_it(people: People) -> None:
    alert = make(people.owner, note="look", threshold=Decimal("90.5"), expires_at=timezone.now() + timedelta(days=1))
    (firing,) = fire(alert)
    body = topics.firing_body(firing, "NQ")["firing"]
    assert body.pop("fired_ms") == int(firing.fired_at.timestamp() * 1000)
    assert body == {
        "id": firing.pk,
        "alert": alert.pk,
        "root": "NQ",
        "timeframe": "5m",
        "lookback_days": alert.lookback_days,
        "metric": "vol_pending",
        "operator": "gte",
        "threshold": 90.5,
        "value": 93.44,
        "value_text": "93.4",
        "n": 250,
        "bar_start_ms": 1_000_000,
        "market_ms": 1_000_060,
        "sound": "beep",
        "note": "look",
        "sentence": "NQ 5m: Vol Pending is 93.4 (≥ 90.5)",
        "replay": None,
    }
