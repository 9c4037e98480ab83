"""Nobody but its owner sees or changes an alert or a firing; shared ones are changed by admins."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import get_resolver, reverse

from alerts.models import Alert, AlertFiring, AlertMute
from tests.alert_rows import alert_of, firing_of
from tests.conftest import People
from tests.web.test_alerts import GOOD
from tests.web.test_strangers import METHODS, shown

_, RESOLVER = get_resolver().namespace_dict["alerts"]
NAMES = sorted(name for name in RESOLVER.reverse_dict if isinstance(name, str))
OF_AN_ALERT = [name for name in NAMES if "alert_id" in RESOLVER.reverse_dict[name][0][0][1]]
OF_NOBODY = ["looked_back"]
"""What an alert would have fired is market data: the same for whoever asks the same."""
LISTS = ["history", "list", "newest", "panel"]
CHANGES = ["delete", "edit", "pause", "resume"]
NONE = 2**62


@pytest.fixture(autouse=True)
def all_assets(assets: None) -> None:
    """The 19 assets."""


@pytest.fixture
def alert(people: People) -> Alert:
    """An alert of the owner that has fired."""
    made = alert_of(people.owner, note="secret", webhook_url="https://secret.example/")
    firing_of(made)
    return made


@pytest.fixture
def shared(people: People) -> Alert:
    return alert_of(None, note="for everybody")


def ask(browser: Client, name: str, alert_id: int, method: str = "post", **headers: str) -> Any:
    return getattr(browser, method)(reverse(f"alerts:{name}", args=[alert_id]), **headers)


def everything() -> tuple[list[Any], ...]:
    return tuple(list(model.objects.order_by("pk").values()) for model in (Alert, AlertFiring, AlertMute))


def test_every_address_is_looked_at() -> None:
    assert OF_AN_ALERT == ["delete", "edit", "mute", "pause", "resume", "row", "unmute"]
    others = ["clear", "history", "list", "look_back", "looked_back", "new", "newest", "panel", "settings"]
    assert sorted({*NAMES} - {*OF_AN_ALERT}) == others


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", OF_AN_ALERT)
def test_somebody_elses_alert_cannot_be_told_from_none(
    colleague: Client, admin: Client, alert: Alert, name: str, method: str
) -> None:
    for browser in (colleague, admin):
        theirs, none = (ask(browser, name, each, method) for each in (alert.pk, NONE))
        assert shown(theirs) == shown(none)
        assert theirs.status_code in (404, 405)


@pytest.mark.parametrize("name", OF_AN_ALERT)
def test_asking_for_it_changes_nothing(colleague: Client, admin: Client, alert: Alert, name: str) -> None:
    before = everything()
    for browser in (colleague, admin, Client()):
        for method in METHODS:
            ask(browser, name, alert.pk, method)
        browser.post(reverse(f"alerts:{name}", args=[alert.pk]), GOOD)
    assert everything() == before


def test_clearing_all_leaves_what_is_others(colleague: Client, admin: Client, alert: Alert, shared: Alert) -> None:
    before = everything()
    for browser in (colleague, admin):
        browser.post(reverse("alerts:clear"))
    assert everything() == before


@pytest.mark.parametrize("name", LISTS)
def test_lists_are_of_ones_own(owner: Client, colleague: Client, admin: Client, alert: Alert, name: str) -> None:
    address = reverse(f"alerts:{name}")
    assert "secret" in owner.get(address).content.decode()
    for browser in (colleague, admin):
        for query in ("", "?kind=all", "?asset=NQ"):
            page = browser.get(address + query).content.decode()
            assert "secret" not in page
            assert "data-firing" not in page


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_is_asked_to_log_in(alert: Alert, name: str, method: str) -> None:
    address = reverse(f"alerts:{name}", args=[alert.pk] if name in (*OF_AN_ALERT, *OF_NOBODY) else [])
    answer = getattr(Client(), method)(address)
    assert (answer.status_code, answer.url) == (302, f"/account/login/?next={address}")


@pytest.mark.parametrize("name", CHANGES)
def test_a_shared_one_is_changed_by_admins_only(owner: Client, shared: Alert, name: str) -> None:
    before = everything()
    address = reverse(f"alerts:{name}", args=[shared.pk])
    assert owner.post(address, GOOD).status_code == 404
    assert everything() == before


def test_users_have_no_buttons_for_what_they_may_not(owner: Client, admin: Client, shared: Alert) -> None:
    address = reverse("alerts:edit", args=[shared.pk])
    assert address not in owner.get(reverse("alerts:list")).content.decode()
    assert address in admin.get(reverse("alerts:list")).content.decode()


def test_an_admin_changes_a_shared_one_in_the_panel_too(admin: Client, shared: Alert) -> None:
    admin.post(reverse("alerts:edit", args=[shared.pk]), GOOD | {"threshold": "70"})
    shared.refresh_from_db()
    assert (shared.threshold, shared.owner) == (70, None)
    admin.post(reverse("alerts:pause", args=[shared.pk]))
    shared.refresh_from_db()
    assert not shared.is_active


def test_staff_without_the_right_to_is_no_admin_of_alerts(people: People, colleague: Client, shared: Alert) -> None:
    people.colleague.is_staff = True
    people.colleague.save()
    assert ask(colleague, "pause", shared.pk).status_code == 404
    assert colleague.get("/admin/alerts/alert/").status_code == 403
    people.colleague.user_permissions.add(Permission.objects.get(codename="change_alert"))
    assert ask(colleague, "pause", shared.pk).status_code == 200


def test_muting_is_for_oneself(owner: Client, people: People, shared: Alert) -> None:
    ask(owner, "mute", shared.pk)
    assert [each.user for each in AlertMute.objects.all()] == [people.owner]


def test_an_id_beyond_all_numbers_is_an_alert_that_is_none(owner: Client) -> None:
    assert owner.get(f"/alerts/{10**30}/").status_code == 404
