"""The menu of one's replays: what it shows of each, and how one is deleted."""

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from market.models import Asset
from market.sessions import parse_et
from replay.models import ReplaySession
from tests.conftest import People
from tests.web.conftest import SOME_ID


@pytest.fixture
def replay(people: People, assets: None) -> ReplaySession:
    """A replay of the owner that has been played for a while."""
    return replay_of(people.owner)


def replay_of(owner: Any) -> ReplaySession:
    return ReplaySession.objects.create(
        owner=owner,
        asset=Asset.objects.get(root="NQ"),
        entry_ns=parse_et("2026-03-17 09:30"),
        anchor_ns=parse_et("2026-03-17 09:30"),
        playhead_ns=parse_et("2026-03-18 10:11:12"),
        timeframe="15m",
        lookback_days=30,
    )


def delete(browser: Client, session_id: UUID, *, seen_at: str | None = None) -> Any:
    """What the menu's delete button answers; seen_at: the page it was pressed on, with htmx."""
    headers = {} if seen_at is None else {"HX-Request": "true", "HX-Current-URL": f"http://testserver{seen_at}"}
    return browser.post(reverse("replay:delete", args=[session_id]), headers=headers)


def test_the_menu_tells_a_replays_asset_timeframe_entry_and_playhead_in_et(
    owner: Client, replay: ReplaySession
) -> None:
    page = owner.get("/replay/").content.decode()
    menu = page[page.index("recent") : page.index("</details>")]
    for shown in (f"/replay/{replay.pk}/", "NQ", "15m", "2026-03-17 09:30:00", "2026-03-18 10:11:12"):
        assert shown in menu


def test_without_a_replay_there_is_no_menu(owner: Client, assets: None) -> None:
    assert "Recent" not in owner.get("/replay/").content.decode()


def test_a_deleted_replay_is_gone_from_the_menu_and_its_address(owner: Client, replay: ReplaySession) -> None:
    answer = delete(owner, replay.pk, seen_at="/replay/")
    assert (answer.status_code, answer.content) == (200, b"")
    assert "HX-Redirect" not in answer.headers
    assert owner.get(f"/replay/{replay.pk}/").status_code == 404
    assert str(replay.pk) not in owner.get("/replay/").content.decode()


def test_the_page_of_the_deleted_replay_gives_way_to_the_first_page(owner: Client, replay: ReplaySession) -> None:
    assert delete(owner, replay.pk, seen_at=f"/replay/{replay.pk}/")["HX-Redirect"] == "/replay/"


def test_a_browser_without_scripts_comes_to_the_first_page(owner: Client, replay: ReplaySession) -> None:
    answer = delete(owner, replay.pk)
    assert (answer.status_code, answer.url) == (302, "/replay/")
    assert not ReplaySession.objects.exists()


def test_only_the_one_replay_is_deleted(owner: Client, people: People, replay: ReplaySession) -> None:
    kept = {replay_of(people.owner).pk, replay_of(people.colleague).pk}
    delete(owner, replay.pk)
    assert set(ReplaySession.objects.values_list("pk", flat=True)) == kept


@pytest.mark.parametrize("whose", ["colleague", "admin"])
def test_nobody_deletes_somebody_elses_replay(
    request: pytest.FixtureRequest, replay: ReplaySession, whose: str
) -> None:
    browser: Client = request.getfixturevalue(whose)
    assert delete(browser, replay.pk).status_code == 404
    assert ReplaySession.objects.filter(pk=replay.pk).exists()


def test_a_replay_is_deleted_once(owner: Client, replay: ReplaySession) -> None:
    assert [delete(owner, each).status_code for each in (replay.pk, replay.pk, SOME_ID)] == [302, 404, 404]


def test_deleting_is_no_link(owner: Client, replay: ReplaySession) -> None:
    answer = owner.get(reverse("replay:delete", args=[replay.pk]))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_a_form_of_another_site_deletes_nothing(people: People, replay: ReplaySession) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    assert delete(browser, replay.pk).status_code == 403
    assert ReplaySession.objects.filter(pk=replay.pk).exists()
