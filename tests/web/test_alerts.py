"""The panel and the history of alerts over HTTP: building, changing, what is refused and why."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from alerts import access, forms, services
from alerts.models import Alert, AlertFiring, AlertMute, AlertSettings
from market.models import Asset
from tests.alert_rows import MARKET_NS, alert_of, firing_of
from tests.conftest import People

GOOD = {
    "asset": "NQ", "metric": "vol_rank", "operator": "gte", "threshold": "95", "timeframe": "5m",
    "lookback_days": "365", "repeat": "edge", "expires_at": "", "sound": "beep", "webhook_url": "", "note": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def all_assets(assets: None) -> None:
    """The 19 assets."""


def add(browser: Client, **changes: Any) -> Any:
    return browser.post(reverse("alerts:new"), GOOD | changes, HTTP_HX_REQUEST="true")


def test_an_alert_is_built_in_one_row(owner: Client, people: People) -> None:
    answer = add(owner, threshold="92.5", note="the open", repeat="bar", sound="chime")
    assert answer.status_code == 200
    made = Alert.objects.get()
    assert (made.owner, made.asset and made.asset.root) == (people.owner, "NQ")
    assert (made.threshold, made.repeat, made.sound, made.note) == (Decimal("92.5"), "bar", "chime", "the open")
    shown = answer.content.decode()
    assert f'data-chip="{made.pk}"' in shown
    assert 'id="alert-list"' in shown and 'hx-swap-oob="outerHTML"' in shown


def test_the_newest_is_on_top(owner: Client, people: People) -> None:
    older, shared = alert_of(people.owner), alert_of(None)
    shown = add(owner, threshold="96").content.decode()
    made = Alert.objects.order_by("-pk")[0]
    assert re.findall(r'<li id="alert-(\d+)"', shown) == [str(each.pk) for each in (made, older, shared)]


def test_no_asset_means_all(owner: Client) -> None:
    add(owner, asset="")
    assert Alert.objects.get().asset is None


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("asset", "XX", "There is no asset"),
        ("metric", "price", "Choose one of the four metrics."),
        ("operator", "eq", "Choose ≥ or ≤."),
        ("threshold", "", forms.BAD_THRESHOLD),
        ("threshold", "-1", forms.BAD_THRESHOLD),
        ("threshold", "100.1", forms.BAD_THRESHOLD),
        ("threshold", "1000", forms.BAD_THRESHOLD),
        ("threshold", "9.25", forms.BAD_THRESHOLD),
        ("threshold", "NaN", forms.BAD_THRESHOLD),
        ("threshold", "high", forms.BAD_THRESHOLD),
        ("timeframe", "2m", forms.BAD_TIMEFRAME),
        ("lookback_days", "0", forms.BAD_LOOKBACK),
        ("lookback_days", "3651", forms.BAD_LOOKBACK),
        ("lookback_days", "", forms.BAD_LOOKBACK),
        ("repeat", "twice", "Choose how often it fires."),
        ("sound", "whistle", "Choose one of the sounds."),
        ("expires_at", "tomorrow", forms.BAD_EXPIRY),
        ("expires_at", "99999-01-01 10:00", forms.BAD_EXPIRY),
        ("expires_at", "25:00", forms.BAD_EXPIRY),
        ("expires_at", "2020-01-01 10:00", forms.BAD_MOMENT),
        ("expires_at", "9998-01-01 10:00", forms.BAD_MOMENT),
        ("webhook_url", "ftp://example.org/", forms.BAD_WEBHOOK),
        ("webhook_url", "nonsense", forms.BAD_WEBHOOK),
        ("webhook_url", f"https://example.org/{'x' * 500}", "at most 500 characters"),
        ("webhook_url", "http://localhost:8000/hook", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "http://LOCALHOST/", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "http://127.0.0.1/", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "https://192.168.1.7:8443/hook", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "http://169.254.169.254/", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "http://[::1]/", forms.PRIVATE_WEBHOOK),
        ("webhook_url", "http://[::ffff:10.0.0.1]/", forms.PRIVATE_WEBHOOK),
        ("email", "on", forms.NO_ADDRESS),
        ("note", "x" * 501, "at most 500 characters"),
    ],
)
def test_what_is_out_of_range_is_said_at_its_field(owner: Client, field: str, value: str, reason: str) -> None:
    answer = add(owner, **{field: value})
    assert answer.status_code == 422
    assert not Alert.objects.exists()
    said = re.search(r'<ul class="errors".*?</ul>', answer.content.decode(), re.DOTALL)
    assert said is not None
    assert reason.replace("'", "&#x27;") in said[0]


@pytest.mark.parametrize("url", ["https://example.org/hook", "http://8.8.8.8/", "https://example.org/?at=localhost"])
def test_a_webhook_may_go_to_a_name_and_to_a_public_address(owner: Client, url: str) -> None:
    assert add(owner, webhook_url=url).status_code == 200
    assert Alert.objects.get().webhook_url == url


def test_a_private_webhook_is_allowed_where_the_setting_says_so(owner: Client, settings: Any) -> None:
    settings.ALERT_PRIVATE_WEBHOOKS = True
    assert add(owner, webhook_url="http://127.0.0.1:9000/hook").status_code == 200


def test_an_e_mail_needs_an_address(owner: Client, people: People) -> None:
    people.owner.email = "owner@example.org"
    people.owner.save()
    assert add(owner, email="on").status_code == 200
    assert Alert.objects.get().email


def test_a_time_alone_is_the_next_one(owner: Client) -> None:
    add(owner, expires_at="16:00")
    expires = Alert.objects.get().expires_at
    assert expires is not None
    assert timezone.now() < expires <= timezone.now() + timedelta(days=1, hours=1)


def test_there_are_so_many_and_no_more(owner: Client, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "MOST", 1)
    add(owner)
    answer = add(owner)
    assert (answer.status_code, Alert.objects.count()) == (422, 1)
    assert "Delete one first" in answer.content.decode()


def test_it_is_edited_in_its_place(owner: Client, people: People) -> None:
    alert = alert_of(people.owner)
    shown = owner.get(reverse("alerts:edit", args=[alert.pk])).content.decode()
    assert 'name="threshold" value="95"' in shown
    answer = owner.post(reverse("alerts:edit", args=[alert.pk]), GOOD | {"threshold": "80", "asset": "CL"})
    assert 'data-chip="' in answer.content.decode()
    alert.refresh_from_db()
    assert (alert.threshold, alert.asset and alert.asset.root, alert.revision) == (80, "CL", 2)
    wrong = owner.post(reverse("alerts:edit", args=[alert.pk]), GOOD | {"threshold": "800"})
    assert wrong.status_code == 422
    assert forms.BAD_THRESHOLD in wrong.content.decode()


def test_paused_resumed_deleted_and_cleared(owner: Client, people: People) -> None:
    alert, other = alert_of(people.owner), alert_of(people.owner, root="CL")
    theirs, shared = alert_of(people.colleague), alert_of(None)
    assert "paused" in owner.post(reverse("alerts:pause", args=[alert.pk])).content.decode()
    alert.refresh_from_db()
    assert not alert.is_active
    owner.post(reverse("alerts:resume", args=[alert.pk]))
    alert.refresh_from_db()
    assert alert.is_active
    owner.post(reverse("alerts:delete", args=[alert.pk]))
    assert set(Alert.objects.all()) == {other, theirs, shared}
    owner.post(reverse("alerts:clear"))
    assert set(Alert.objects.all()) == {theirs, shared}


def test_clear_all_asks_first(owner: Client) -> None:
    page = owner.get(reverse("alerts:panel")).content.decode()
    assert re.search(r'hx-post="/alerts/clear"[^>]*hx-confirm="Delete all of your own alerts\?', page)


def test_delete_asks_first(owner: Client, people: People) -> None:
    row = owner.get(reverse("alerts:row", args=[alert_of(people.owner).pk])).content.decode()
    assert re.search(r'hx-post="/alerts/\d+/delete"[^>]*hx-confirm="Delete this alert\?', row)


def test_a_shared_one_is_muted_for_oneself(owner: Client, people: People) -> None:
    shared = alert_of(None)
    assert "muted" in owner.post(reverse("alerts:mute", args=[shared.pk])).content.decode()
    assert AlertMute.objects.get().user == people.owner
    owner.post(reverse("alerts:unmute", args=[shared.pk]))
    assert not AlertMute.objects.exists()


def test_one_s_own_is_paused_not_muted(owner: Client, people: People) -> None:
    assert owner.post(reverse("alerts:mute", args=[alert_of(people.owner).pk])).status_code == 404


def test_why_one_was_stopped_is_said(owner: Client, people: People) -> None:
    services.stop(alert_id=alert_of(people.owner).pk, reason="It fired 15 times in 3 minutes.")
    assert "It fired 15 times in 3 minutes." in owner.get(reverse("alerts:list")).content.decode()


def test_settings_are_kept_and_checked(owner: Client, people: People) -> None:
    url = reverse("alerts:settings")
    assert owner.post(url, {"volume": "30", "minutes_before": "10"}, HTTP_HX_REQUEST="true").status_code == 200
    saved = AlertSettings.objects.get(user=people.owner)
    assert (saved.has_sound, saved.volume, saved.minutes_before) == (False, 30, 10)
    for wrong, reason in (
        ({"volume": "101"}, "The volume is 0 to 100."),
        ({"minutes_before": "601"}, "0 to 600 min"),
    ):
        answer = owner.post(url, {"volume": "30", "minutes_before": "10"} | wrong, HTTP_HX_REQUEST="true")
        assert answer.status_code == 422
        assert reason in answer.content.decode()
    saved.refresh_from_db()
    assert (saved.volume, saved.minutes_before) == (30, 10)


# --- the history ---


def rows(answer: Any) -> list[int]:
    return [int(each) for each in re.findall(r'data-firing="(\d+)"', answer.content.decode())]


def test_the_history_tells_live_from_replayed_and_filters_by_asset(owner: Client, people: People) -> None:
    alert = alert_of(people.owner, root="")
    nq, cl = firing_of(alert), firing_of(alert, root="CL", seconds=1)
    replayed = firing_of(alert, seconds=2, replay_key="00000000-0000-4000-8000-000000000007")
    history = reverse("alerts:history")
    assert rows(owner.get(history)) == [cl.pk, nq.pk]
    assert rows(owner.get(history, {"asset": "NQ"})) == [nq.pk]
    assert rows(owner.get(history, {"kind": "replayed"})) == [replayed.pk]
    assert rows(owner.get(history, {"kind": "all"})) == [replayed.pk, cl.pk, nq.pk]
    assert rows(owner.get(reverse("alerts:newest"))) == [cl.pk, nq.pk]
    partial = owner.get(history, {"asset": "CL"}, HTTP_HX_REQUEST="true")
    assert "<html" not in partial.content.decode()


def test_the_history_has_pages_of_fifty(owner: Client, people: People) -> None:
    alert = alert_of(people.owner)
    made = [firing_of(alert, seconds=second).pk for second in range(60)]
    assert rows(owner.get(reverse("alerts:history"))) == made[:9:-1]
    assert rows(owner.get(reverse("alerts:history"), {"page": "2"})) == made[9::-1]
    assert rows(owner.get(reverse("alerts:history"), {"page": "junk"})) == made[:9:-1]


def test_looking_changes_nothing_by_itself(owner: Client, people: People) -> None:
    firing_of(alert_of(people.owner))
    for name in ("history", "newest", "panel", "list"):
        owner.get(reverse(f"alerts:{name}"))
    assert access.unread(people.owner.pk).count() == 1


@pytest.mark.parametrize(
    ("minutes", "seconds", "entry"),
    [(5, 0, "09:25:05"), (0, 0, "09:30:05"), (600, 0, "23:30:05"), (600, -12 * 3600, "18:00:00")],
)
def test_a_replay_begins_so_long_before_but_not_before_the_session(
    owner: Client, people: People, minutes: int, seconds: int, entry: str
) -> None:
    services.save_settings(user_id=people.owner.pk, has_sound=True, volume=60, minutes_before=minutes)
    firing_of(alert_of(people.owner, lookback_days=90), seconds=seconds)
    page = owner.get(reverse("alerts:history")).content.decode()
    button = re.search(r"<button[^>]*data-replay-root[^>]*>", page)
    assert button is not None
    assert re.findall(r'data-[\w-]+="([^"]*)"', button[0]) == [
        "NQ", "2026-03-17" if entry[0] in "21" else "2026-03-18", entry, "5m", "90",
    ]  # fmt: skip


def test_every_page_has_the_form_that_opens_the_replay(owner: Client) -> None:
    for address in ("/replay/", "/live/", "/journal/", "/jobs/", "/data/", "/accounts/", "/alerts/"):
        page = owner.get(address).content.decode()
        assert re.search(r'<form id="alert-replay" method="post" action="/replay/open"', page), address
        assert 'id="alert-bell"' in page
    assert "alert-bell" not in Client().get("/account/login/").content.decode()


def test_a_deleted_alert_leaves_its_firings(owner: Client, people: People) -> None:
    alert = alert_of(people.owner)
    firing = firing_of(alert)
    services.delete(alerts=[alert])
    assert rows(owner.get(reverse("alerts:history"))) == [firing.pk]
    assert AlertFiring.objects.get().market_ns == MARKET_NS


@pytest.mark.parametrize("asset", ["NQ", ""])
def test_the_same_alert_is_refused_and_the_one_that_is_there_is_named(owner: Client, asset: str) -> None:
    assert add(owner, asset=asset).status_code == 200
    again = add(owner, asset=asset, note="another note", sound="bell")
    assert again.status_code == 422
    name = f"{asset or 'All'} 5m Vol Rank ≥ 95, 365 days, every time"
    assert f"You have this alert already: {name}." in again.content.decode()
    for name, value in {"threshold": "95.5", "repeat": "bar", "lookback_days": "60", "operator": "lte"}.items():
        assert add(owner, asset=asset, **{name: value}).status_code == 200
    changed = Alert.objects.get(threshold=Decimal("95.5"))
    edit = reverse("alerts:edit", args=[changed.pk])
    assert "You have this alert already" in owner.post(edit, GOOD | {"asset": asset}).content.decode()
    # what stays the same is no twin of itself
    assert owner.post(edit, GOOD | {"asset": asset, "threshold": "95.5", "note": "mine"}).status_code == 200
    assert Alert.objects.count() == 5


def test_others_and_shared_alerts_may_be_the_same(owner: Client, admin: Client, people: People) -> None:
    alert_of(people.colleague)
    alert_of(None)
    assert add(owner).status_code == 200
    fields = GOOD | {"owner": "", "asset": Asset.objects.get(root="NQ").pk}
    answer = admin.post("/admin/alerts/alert/add/", fields)
    assert "There is this shared alert already: NQ 5m Vol Rank ≥ 95" in answer.content.decode()
    assert Alert.objects.count() == 3


def test_the_form_says_what_saving_does_to_the_count(owner: Client, people: People) -> None:
    form = owner.get(reverse("alerts:edit", args=[alert_of(people.owner).pk])).content.decode()
    assert "saving arms it anew and counts from 0" in form


def test_what_is_wrong_stands_above_the_fields(owner: Client) -> None:
    form = add(owner, threshold="150").content.decode()
    assert form.index(forms.BAD_THRESHOLD) < form.index('name="asset"')


@pytest.mark.parametrize("page", ["history", "newest"])
def test_a_firing_tells_which_of_two_like_alerts_it_was(owner: Client, people: People, page: str) -> None:
    firing_of(alert_of(people.owner, root="", lookback_days=60, note="the quiet one"))
    firing_of(alert_of(None))
    shown = owner.get(reverse(f"alerts:{page}")).content.decode()
    shared, own = re.split(r"data-firing", shown)[1:3]
    for mark in ("60 days", ">All<", "the quiet one"):
        assert mark in own and mark not in shared
    assert ">shared<" in shared and ">shared<" not in own


# --- the admin ---


def test_the_admin_rounds_what_fired_and_names_the_zone(admin: Client, people: People) -> None:
    firing = firing_of(alert_of(people.owner))
    AlertFiring.objects.update(value=68.18181818181819)
    for page in ("", f"{firing.pk}/change/"):
        shown = admin.get(f"/admin/alerts/alertfiring/{page}").content.decode()
        assert "68.2 %" in shown and "68.18" not in shown
        assert re.search(r"field-fired.*?\d\d:\d\d:\d\d ET", shown, re.DOTALL)


def test_an_admin_makes_and_changes_shared_alerts_through_the_services(admin: Client) -> None:
    fields = {name: value for name, value in GOOD.items() if name != "expires_at"} | {
        "owner": "", "asset": str(Asset.objects.get(root="NQ").pk), "expires_at_0": "", "expires_at_1": "",
    }  # fmt: skip
    answer = admin.post("/admin/alerts/alert/add/", fields)
    assert answer.status_code == 302, answer.content.decode()
    made = Alert.objects.get()
    assert (made.owner, made.revision) == (None, 1)
    admin.post(f"/admin/alerts/alert/{made.pk}/change/", fields | {"threshold": "50"})
    made.refresh_from_db()
    assert (made.threshold, made.revision) == (50, 2), "armed anew"
    wrong = admin.post(f"/admin/alerts/alert/{made.pk}/change/", fields | {"threshold": "150"})
    assert wrong.status_code == 200
    made.refresh_from_db()
    assert made.threshold == 50


def test_an_admin_pauses_resumes_and_deletes_many_at_once(admin: Client, people: People) -> None:
    mine, theirs = alert_of(people.owner), alert_of(people.colleague)
    chosen = {"_selected_action": [str(mine.pk)], "select_across": "1", "index": "0"}
    admin.post(f"/admin/alerts/alert/?owner__id__exact={people.owner.pk}", chosen | {"action": "pause"})
    assert [each.is_active for each in Alert.objects.order_by("pk")] == [False, True]
    admin.post("/admin/alerts/alert/", chosen | {"action": "pause"})
    assert not Alert.objects.filter(is_active=True).exists()
    services.stop(alert_id=theirs.pk, reason="flood")
    admin.post("/admin/alerts/alert/", chosen | {"action": "resume"})
    assert all(each.is_watched for each in Alert.objects.all())
    admin.post("/admin/alerts/alert/", chosen | {"action": "delete_selected", "post": "yes"})
    assert not Alert.objects.exists()


@pytest.mark.parametrize("name", ["alert", "alertfiring", "alertstate", "progress", "alertsettings"])
def test_the_admin_s_lists_can_be_looked_at(admin: Client, people: People, name: str) -> None:
    firing_of(alert_of(people.owner))
    for query in ("", "?kind=shared", "?fired=live"):
        answer = admin.get(f"/admin/alerts/{name}/{query}", follow=True)
        assert answer.status_code == 200
    assert admin.get(f"/admin/alerts/{name}/add/").status_code == (200 if name == "alert" else 403)
