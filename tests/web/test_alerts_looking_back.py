"""Looking back over HTTP: what is asked, how far it is, what came of it."""

import json
import re
import time
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from alerts import looking_back, tasks
from alerts.models import Alert
from live import history
from market.models import Asset
from market.sessions import parse_et
from ranks import access
from tests import ranking
from tests.alerting import past
from tests.web.test_alerts import GOOD

ASKED = GOOD | {"threshold": "50", "lookback_days": "60"}
TODAY = date(2026, 3, 18)


@pytest.fixture(autouse=True)
def queued(assets: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What workers were told to compute."""
    cache.clear()
    access.forget_cached()
    found: list[str] = []
    monkeypatch.setattr(tasks.look_back, "delay", found.append)
    return found


def ask(browser: Client, **changes: Any) -> Any:
    return browser.post(reverse("alerts:look_back"), ASKED | changes, HTTP_HX_REQUEST="true")


def text_of(answer: Any) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", answer.content.decode())).split())


def test_it_is_computed_in_the_background_and_each_firing_opens_a_replay_before_it(
    owner: Client, queued: list[str]
) -> None:
    asset = past("NQ", TODAY)
    session = asset.sessions.session(TODAY)
    assert session is not None
    ranking.store_session(
        ranking.contract(asset, 2026, 6, "NQM6"), session, seconds=ranking.seconds_of(session, share=0.1)
    )
    ranking.summarise_all()
    going = ask(owner)
    assert "waiting for a worker" in text_of(going)
    looking_back.work(queued[0])
    over = owner.get(reverse("alerts:looked_back", args=queued))
    count = over.context["answer"]["count"]
    assert count > 5
    assert f"This would have fired {count} times in the last 60 sessions up to 2026-03-18" in text_of(over)
    assert "23 of 60 sessions are stored" in text_of(over)
    assert "n < 20 in 19 of them" in text_of(over)
    first = over.context["rows"][0]
    entry = first["at"] - timedelta(minutes=5)
    assert (first["load"]["entry_date"], first["load"]["entry_time"]) == (f"{entry:%Y-%m-%d}", f"{entry:%H:%M:%S}")
    assert f'data-entry-time="{entry:%H:%M:%S}"' in over.content.decode()
    assert first["at"] > over.context["rows"][1]["at"]
    # nothing is saved
    assert not Alert.objects.exists()


def test_a_page_of_a_replay_looks_back_from_its_playhead(owner: Client, queued: list[str]) -> None:
    past("NQ", TODAY)
    ask(owner, until_ns=str(parse_et("2026-03-17 09:30:15")))
    looking_back.work(queued[0])
    over = owner.get(reverse("alerts:looked_back", args=queued))
    assert "in the last 60 sessions up to 2026-03-16" in text_of(over)
    assert ask(owner, until_ns="soon").status_code == 422


def test_the_live_page_knows_nothing_later_than_the_live_market(owner: Client, queued: list[str]) -> None:
    past("NQ", TODAY)
    ask(owner, until_ns=str(parse_et("2026-03-20 09:30")))  # a replay that stands later
    looking_back.work(queued[0])
    assert "up to 2026-03-17" in text_of(owner.get(reverse("alerts:looked_back", args=[queued[0]])))
    shift_ns = time.time_ns() - parse_et("2026-03-16 20:45")
    history.client().set(history.name("state"), json.dumps({"shift_ns": shift_ns}))
    try:
        ask(owner)
    finally:
        history.client().delete(history.name("state"))
    assert len(set(queued)) == 2
    looking_back.work(queued[1])
    over = owner.get(reverse("alerts:looked_back", args=[queued[1]]))
    assert "in the last 60 sessions up to 2026-03-16" in text_of(over)
    assert all(row["at"].date() <= date(2026, 3, 16) for row in over.context["rows"])


def test_progress_is_told_and_the_same_question_is_computed_once(owner: Client, queued: list[str]) -> None:
    ask(owner)
    ask(owner, note="another", sound="bell")
    assert len(queued) == 1
    told = cache.get(looking_back._name("told", queued[0]))
    looking_back._keep(queued[0], told | {"done": 12, "total": 60})
    answer = owner.get(reverse("alerts:looked_back", args=queued))
    assert "12 of 60 sessions" in text_of(answer)
    assert 'hx-trigger="load' in answer.content.decode()


def test_nothing_stored_and_what_was_forgotten_are_said(owner: Client, queued: list[str]) -> None:
    ask(owner)
    looking_back.work(queued[0])
    assert "No session is stored and summarised" in text_of(owner.get(reverse("alerts:looked_back", args=queued)))
    cache.clear()
    assert "not known any more" in text_of(owner.get(reverse("alerts:looked_back", args=queued)))


def test_a_bad_form_says_what_is_wrong(owner: Client, queued: list[str]) -> None:
    answer = ask(owner, threshold="101")
    assert answer.status_code == 422
    assert "Threshold:" in text_of(answer)
    assert queued == []


def test_who_is_not_logged_in_learns_nothing(client: Client, queued: list[str]) -> None:
    assert client.post(reverse("alerts:look_back"), ASKED).status_code == 302
    assert client.get(reverse("alerts:looked_back", args=["0" * 32])).status_code == 302
    assert client.get(reverse("alerts:look_back")).status_code in (302, 405)
    assert queued == []


def test_all_assets_are_asked_without_files_of_users(owner: Client, queued: list[str]) -> None:
    ask(owner, asset="")
    looking_back.work(queued[0])
    told = cache.get(looking_back._name("told", queued[0]))
    assert told["answer"]["assets"] == Asset.objects.filter(is_active=True, from_files=False).count()
