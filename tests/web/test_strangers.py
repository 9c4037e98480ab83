"""Everybody's replays are his own: whoever asks for somebody else's cannot tell it from none at all."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from market.models import Asset
from market.sessions import parse_et
from replay.models import ReplaySession
from tests.conftest import People
from tests.web.conftest import SOME_ID

METHODS = ["get", "post", "put", "delete", "head"]


@pytest.fixture
def replay(people: People, assets: None) -> ReplaySession:
    """A replay of the owner."""
    entry = parse_et("2026-03-17 09:30")
    nq = Asset.objects.get(root="NQ")
    return ReplaySession.objects.create(
        owner=people.owner,
        asset=nq,
        entry_ns=entry,
        anchor_ns=entry,
        playhead_ns=entry,
        timeframe="5m",
        lookback_days=30,
    )


def views_of_a_session() -> list[str]:
    """The names of all addresses that carry a session's id."""
    found = []
    for namespace, (_, resolver) in get_resolver().namespace_dict.items():
        for name, entries in resolver.reverse_dict.lists():
            if isinstance(name, str) and any("session_id" in params for entry in entries for _, params in entry[0]):
                found.append(f"{namespace}:{name}")
    return sorted(set(found))


VIEWS = views_of_a_session()
ACTIONS = {"replay:delete"}
"""The views that take a POST; the others show a page."""


def ask(browser: Client, view: str, session_id: uuid.UUID, method: str | None = None, **headers: str) -> Any:
    method = method or ("post" if view in ACTIONS else "get")
    return getattr(browser, method)(reverse(view, args=[session_id]), **headers)


def shown(answer: Any) -> tuple[int, bytes, dict[str, str]]:
    """Everything of an answer but its nonce and the token of its forms, which are new each time."""
    headers = {name: re.sub(r"'nonce-[^']+'", "", value) for name, value in answer.headers.items()}
    content = re.sub(rb'name="csrfmiddlewaretoken" value="[^"]+"', b"", answer.content)
    return answer.status_code, content, headers


def test_the_page_of_a_session_is_among_the_views_looked_at() -> None:
    assert "replay:session" in VIEWS


@pytest.mark.parametrize("view", sorted({*VIEWS} - ACTIONS))
def test_the_owner_sees_his_replay(owner: Client, replay: ReplaySession, view: str) -> None:
    answer = ask(owner, view, replay.pk)
    assert answer.status_code == 200
    assert f'data-session-id="{replay.pk}"' in answer.content.decode()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_colleague_cannot_tell_somebody_elses_replay_from_none(
    colleague: Client, replay: ReplaySession, view: str, method: str
) -> None:
    theirs, none = (ask(colleague, view, each, method) for each in (replay.pk, SOME_ID))
    assert shown(theirs) == shown(none)
    assert theirs.status_code in (404, 405)
    assert "NQ" not in theirs.content.decode()


@pytest.mark.parametrize("view", VIEWS)
def test_he_is_told_that_there_is_none(colleague: Client, replay: ReplaySession, view: str) -> None:
    assert ask(colleague, view, replay.pk).status_code == 404


@pytest.mark.parametrize("view", VIEWS)
def test_htmx_is_told_the_same(colleague: Client, replay: ReplaySession, view: str) -> None:
    theirs, none = (ask(colleague, view, each, HTTP_HX_REQUEST="true") for each in (replay.pk, SOME_ID))
    assert shown(theirs) == shown(none)
    assert theirs.status_code == 404


@pytest.mark.parametrize("view", VIEWS)
def test_an_admin_is_a_stranger_to_somebodys_replay_too(admin: Client, replay: ReplaySession, view: str) -> None:
    assert ask(admin, view, replay.pk).status_code == 404


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("view", VIEWS)
def test_a_stranger_is_asked_to_log_in_for_any_id(replay: ReplaySession, view: str, method: str) -> None:
    for each in (replay.pk, SOME_ID):
        answer = ask(Client(), view, each, method)
        assert (answer.status_code, answer.url) == (302, f"/account/login/?next={reverse(view, args=[each])}")


@pytest.mark.parametrize("view", VIEWS)
def test_asking_for_somebodys_replay_changes_nothing(
    colleague: Client, admin: Client, replay: ReplaySession, view: str
) -> None:
    before = ReplaySession.objects.values().get(pk=replay.pk)
    for browser in (colleague, admin, Client()):
        for method in METHODS:
            ask(browser, view, replay.pk, method)
    assert ReplaySession.objects.values().get(pk=replay.pk) == before


@pytest.mark.parametrize("text", ["1", "not-an-id", "00000000-0000-4000-8000-00000000000g", "../admin", "%00"])
def test_an_id_that_is_none_is_an_address_of_nothing(owner: Client, text: str) -> None:
    assert owner.get(f"/replay/{text}/").status_code == 404


def test_the_workspace_shows_a_colleague_nothing_of_the_owners_replay(colleague: Client, replay: ReplaySession) -> None:
    assert str(replay.pk) not in colleague.get("/replay/").content.decode()
