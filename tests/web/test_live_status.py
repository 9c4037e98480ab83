"""/api/live/status tells the truth also when the feed is dead, and the reasons only to staff."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from alerts import pulse
from live import history, status
from live.models import FeedEvent
from live.supervisor import KILLED, Supervisor
from tests.conftest import People

STATE = {
    "phase": "streaming",
    "records": 10,
    "prints": 9,
    "is_live": True,
    "market_ns": 1_773_158_400_000_000_000,
    "restart_count": 1,
    "restarts": [{"at_ns": 1, "why": "silence for 15 s; killed", "delay_s": 1.0}],
    "refusal": None,
    "assets": {"NQ": {"symbol": "NQH6", "is_open": True, "last": [1_773_158_399_000_000_000, 5, 1, "B"]}},
}


@pytest.fixture(autouse=True)
def no_state(db: None) -> Iterator[None]:
    history.client().delete(history.name("state"))
    yield
    history.client().delete(history.name("state"))


def say(**changes: Any) -> None:
    status.write(STATE | {"at_ns": time.time_ns()} | changes)


def asked_by(user: Any) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse("live:status")).json()


def test_a_stranger_is_sent_to_the_login(client: Client) -> None:
    say()
    answer = client.get(reverse("live:status"))
    assert answer.status_code == 302
    assert answer["Location"].startswith(reverse("login"))


def test_only_reading_is_allowed(people: People) -> None:
    client = Client()
    client.force_login(people.admin)
    assert client.post(reverse("live:status")).status_code == 405


def test_a_user_sees_how_the_feed_stands_without_its_reasons(people: People) -> None:
    say()
    seen = asked_by(people.owner)
    assert (seen["feed"], seen["words"]) == ("live", "The feed is up.")
    assert seen["market_ns"] == "1773158400000000000"
    assert seen["assets"]["NQ"]["last"] == ["1773158399000000000", 5, 1, "B"]
    assert not set(seen) & {*status.FOR_STAFF, "events", "has_singleton"}


def test_staff_sees_the_reasons_too(people: People) -> None:
    say()
    FeedEvent.objects.create(kind="ended", text="silence for 15 s; killed")
    seen = asked_by(people.admin)
    assert seen["restarts"][0]["why"] == "silence for 15 s; killed"
    assert [each["text"] for each in seen["events"]] == ["silence for 15 s; killed"]
    assert seen["has_singleton"] is False


def test_without_a_supervisor_the_feed_is_off(people: People) -> None:
    assert asked_by(people.owner)["feed"] == "off"


def test_a_state_that_nobody_writes_any_more_is_no_feed(people: People) -> None:
    say(at_ns=time.time_ns() - 2 * status.STALE_NS)
    seen = asked_by(people.owner)
    assert seen["feed"] == "off"
    assert "does not run" in seen["words"]
    assert seen["records"] == 10, "what was last known stays visible"


@pytest.mark.parametrize(
    ("changes", "feed", "words"),
    [
        ({"is_live": False}, "replaying", "catches up"),
        ({"records": 0}, "connecting", "Connecting"),
        ({"phase": "starting"}, "connecting", "Connecting"),
        ({"phase": "stopped", "why": ""}, "no feed", "the live process was stopped"),
        ({"phase": "waiting", "why": "silence for 15 s; killed"}, "no feed", "silence for 15 s; killed"),
        (
            {"phase": "waiting", "refusal": {"kind": "limit", "words": "User has reached their open connection limit"}},
            "no feed",
            "User has reached their open connection limit. All live sessions of this key are in use.",
        ),
        ({"assets": {"NQ": {"is_open": False}}}, "live", "all markets are closed"),
    ],
)
def test_each_state_has_a_word_and_a_sentence(people: People, changes: Any, feed: str, words: str) -> None:
    say(**changes)
    seen = asked_by(people.owner)
    assert seen["feed"] == feed
    assert words in seen["words"]


def test_a_supervisor_after_one_that_was_killed_goes_on_counting_and_says_what_happened(people: People) -> None:
    say()
    left = asked_by(people.owner)
    first = Supervisor(lambda: True)
    first._lead()
    first.teller.stop()
    ended = FeedEvent.objects.filter(kind="ended", text__contains="killed, or its machine stopped")
    assert ended.count() == 1
    assert asked_by(people.owner)["assets"] == left["assets"], "where the market was is still known"
    say()
    after = Supervisor(lambda: True)
    after._take_over(status.left())
    after.teller.stop()
    assert after._count == 2
    assert [each["why"] for each in after._restarts] == [STATE["restarts"][0]["why"], KILLED]


def test_a_supervisor_after_one_that_was_stopped_begins_anew() -> None:
    say(phase="stopped", at_ns=0)
    after = Supervisor(lambda: True)
    after._lead()
    assert after._count == 0
    assert list(FeedEvent.objects.values_list("text", flat=True)) == [
        "The live process was stopped.",
        "The live process has started.",
    ]


def test_moments_of_the_page_are_eastern_and_no_opening_that_has_been_is_announced(people: People) -> None:
    asset = {"symbol": "NQH6", "is_open": False, "opens_ns": STATE["market_ns"] - 1, "last": None, "mapped": []}
    counts = {"bars": 0, "prints": 0, "too_late": 0, "strays": 0}
    say(restarts=[{"at_ns": STATE["market_ns"], "why": "silence", "delay_s": 1.0}], assets={"NQ": asset | counts})
    event = FeedEvent.objects.create(kind="ended", text="silence")
    FeedEvent.objects.filter(pk=event.pk).update(at=datetime(2026, 3, 10, 20, 59, 59, tzinfo=UTC))
    client = Client()
    client.force_login(people.admin)
    seen = client.get(reverse("live_pages:status")).content.decode()
    assert "Tue 10 Mar 12:00:00 ET" in seen
    assert "Tue 10 Mar 16:59:59 ET" in seen
    assert "UTC" not in seen
    assert "opens" not in seen


def test_an_asset_or_a_timeframe_that_nobody_knows_is_said(people: People, assets: None) -> None:
    client = Client()
    client.force_login(people.owner)

    def shown(query: str) -> str:
        return client.get(f"{reverse('live_pages:page')}{query}").content.decode()

    odd = shown("?asset=<zz>&timeframe=7m")
    assert "There is no live market of &#x27;&lt;zz&gt;&#x27;; NQ is shown." in odd
    assert "There is no timeframe &#x27;7m&#x27;; 5m is shown." in odd
    assert "There is no" not in shown("?asset=cl&timeframe=1m")
    assert "There is no" not in shown("")


def test_the_page_says_whether_alerts_are_being_evaluated(people: People) -> None:
    browser = Client()
    browser.force_login(people.owner)
    pulse._client().delete(pulse._name())
    for beat, words in ((False, "not evaluated"), (True, "<dd>evaluated</dd>")):
        if beat:
            pulse.beat()
        assert words in browser.get(reverse("live_pages:status")).content.decode()
