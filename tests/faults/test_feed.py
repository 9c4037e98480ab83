"""The feed against the stand-in gateway with the real client: whatever goes wrong, no bar is missing or double."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from live import history, prints, status
from live.models import FeedEvent
from market.databento_historical import Request
from market.gateway import gateway
from market.schemas import TRADES
from tests.faults.conftest import (
    ROOTS,
    Feed,
    assert_equals_history,
    following,
    hold_until,
)
from tests.faults.page import Page, looking
from tests.live import SECOND, switch, wait_for
from tests.product import CLONE

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = 60 * SECOND
IN_THE_REPLAY, LIVE = 500, 6_000
"""Prints of three minutes of the four assets: about 2,300."""


@pytest.fixture
def page(market: Any) -> Iterator[Page]:
    with looking(ROOTS) as page:
        yield page


@pytest.fixture
def recent(market: Any, clock: Any) -> None:
    """The feed was here until three minutes ago."""
    hold_until(clock() - 3 * MINUTE)


def assert_nothing_is_lost(feed: Feed, page: Page, clock: Any) -> None:
    """What is kept equals the vendor's history, and what the page made of the messages equals what is kept."""
    feed.stop()
    clock.skip(3 * MINUTE)  # the historical half is a minute behind
    for root in ROOTS:
        assert assert_equals_history(root) > 30
        key = history.sessions(root)[-1]
        told = page.bars[root, key.trade_date]
        assert [bar[0] for bar in told] == history.read(key).ts.tolist()
        assert [bar[4] for bar in told] == history.read(key).close.tolist()


def test_live_bars_are_the_historical_bars_of_the_same_session(market, clock, page):
    with following() as feed:
        begun = feed.wait_until_live()["market_ns"]
        feed.wait_for(lambda state: state["market_ns"] > begun + MINUTE)
        assert_nothing_is_lost(feed, page, clock)
    assert all(history.sessions(root)[-1].is_whole for root in ROOTS)
    assert len(history.read(history.sessions("NQ")[-1])) > 10_000


@pytest.mark.parametrize("after", [IN_THE_REPLAY, LIVE])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "eof"}, "closed the connection"),
        ({"kind": "reset"}, "closed the connection|reset"),
        ({"kind": "cut_record"}, "closed the connection"),
        ({"kind": "garbage"}, "closed the connection"),
        ({"kind": "error", "code": 6, "message": "Something broke"}, "closed the connection|Something broke"),
        ({"kind": "wedge"}, "silence for"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)
def test_a_session_that_ends_is_followed_by_another_without_a_hole(market, clock, page, recent, fault, words, after):
    switch(market, {"live": fault | {"after_records": after}})
    with following() as feed:
        feed.wait_for(lambda state: state.get("restart_count") == 1)
        begun = clock()
        feed.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun)
        assert any(word in feed.state["restarts"][0]["why"] for word in words.split("|")), feed.state["restarts"]
        assert_nothing_is_lost(feed, page, clock)
    assert FeedEvent.objects.filter(kind="ended").exclude(text="The live process was stopped.").count() == 1


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "mute", "header": True}, "silence before the first record"),
        ({"kind": "mute", "header": False}, "silence before the first record"),
        ({"kind": "no_records", "heartbeats": False}, "silence for"),
        ({"kind": "wedge"}, "no session with the gateway"),
    ],
)
def test_a_session_that_never_begins_is_killed(market, clock, page, recent, fault, words):
    switch(market, {"live": fault})
    with following(connect=3) as feed:
        feed.wait_for(lambda state: state.get("restart_count") == 1)
        assert words in feed.state["restarts"][0]["why"]
        feed.wait_until_live(2_000)
        assert_nothing_is_lost(feed, page, clock)


def test_heartbeats_without_a_print_in_an_open_market_are_no_feed(market, clock, recent):
    switch(market, {"live": {"kind": "no_records", "heartbeats": True}})
    with following(quiet=3) as feed:
        feed.wait_for(lambda state: state.get("restart_count") == 1)
        assert "no print in an open market" in feed.state["restarts"][0]["why"]
        feed.wait_until_live(2_000)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "late", "after_records": LIVE, "ms": 20_000},
        {"kind": "late", "after_records": IN_THE_REPLAY, "ms": 60_000},
        {"kind": "duplicate", "records": 25, "after_records": LIVE},
        {"kind": "duplicate", "records": 25},
        {"kind": "slow_start", "ms": 1_500},
        {"kind": "slow_auth", "ms": 1_500},
        {"kind": "dribble", "bytes": 37, "ms": 0},
    ],
    ids=lambda fault: fault["kind"],
)
def test_odd_records_change_no_bar_and_need_no_restart(market, clock, page, recent, fault):
    switch(market, {"live": fault})
    with following() as feed:
        state = feed.wait_until_live(LIVE + 2_000)
        assert state["restart_count"] == 0
        assert bool(state["repeated"]) == (fault["kind"] == "duplicate")
        assert_nothing_is_lost(feed, page, clock)


@pytest.mark.parametrize(("number", "words"), [
    pytest.param(signal.SIGKILL, "ended (-9)", marks=pytest.mark.short),
    (signal.SIGSTOP, "silence"),
])  # fmt: skip
def test_a_feed_process_that_is_killed_or_stuck_is_replaced(market, clock, page, recent, number, words):
    with following() as feed:
        feed.wait_until_live(2_000)
        os.kill(feed.state["pid"], number)
        feed.wait_for(lambda state: state["restart_count"] == 1)
        begun = clock()
        feed.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun)
        assert words in feed.state["restarts"][0]["why"]
        assert_nothing_is_lost(feed, page, clock)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("session_limit", "User has reached their open connection limit. All live sessions of this key are in use."),
     ("reject_key", "Authentication failed. The key was refused. Check DATABENTO_API_KEY")],
)  # fmt: skip
def test_a_refusal_is_told_in_the_gateways_words_with_what_to_do_and_tried_again(market, recent, kind, words):
    switch(market, {"live": {"kind": kind}})
    with following() as feed:
        feed.wait_for(lambda state: state.get("refusal"))
        assert words in feed.state["words"]
        assert feed.state["feed"] == "no feed"
        feed.wait_until_live()
        assert feed.state["refusal"] is None


@pytest.mark.short
def test_a_gateway_that_is_down_is_tried_again_until_it_is_back(market, clock, page, recent):
    switch(market, {"live_refuse": True})
    with following() as feed:
        feed.wait_for(lambda state: state.get("restart_count") == 2)
        switch(market, {"live_refuse": None})
        feed.wait_until_live(2_000)
        assert_nothing_is_lost(feed, page, clock)


@pytest.mark.short
def test_stopping_releases_the_session(market, recent):
    with following() as feed:
        feed.wait_until_live()
        assert len(market.live._sessions) == 1
        feed.stop()
        wait_for(lambda: not market.live._sessions)
        assert feed.state["feed"] == "off"


def test_a_second_one_waits_and_takes_over_when_the_first_is_gone(market, clock, page, recent):
    with following() as first:
        first.wait_until_live()
        with following() as spare:
            assert len(market.live._sessions) == 1
            first.stop()
            begun = clock()
            spare.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun)
            assert_nothing_is_lost(spare, page, clock)


def test_trades_are_kept_where_the_installation_wants_them(market, clock, settings, monkeypatch, recent):
    monkeypatch.setenv("FUTSIM_LIVE_TRADES", "1")
    switch(market, {"live": {"kind": "reset", "after_records": LIVE}})
    with following() as feed:
        feed.wait_for(lambda state: state.get("restart_count") == 1)
        begun = clock()
        feed.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun + MINUTE)
    clock.skip(3 * MINUTE)
    for root in ROOTS:
        key = history.sessions(root)[-1]
        kept = prints.columns(key)
        request = Request("GLBX.MDP3", "trades", (key.symbol,), key.since_ns, int(kept["ts_recv"][-1]) + 1)
        wanted = gateway().fetch(request, lambda download: TRADES.columns_of(download.rows()))
        for name in TRADES.columns:
            assert kept[name].tobytes() == wanted[name].tobytes(), f"{root} {name}"


# --- what it stands on ------------------------------------------------------------------------------------


def test_a_valkey_that_does_not_answer_costs_a_restart_and_no_bar(market, clock, page, recent):
    with following() as feed:
        feed.wait_until_live(2_000)
        history.client().execute_command("CLIENT", "PAUSE", 7_000, "ALL")
        feed.wait_for(lambda state: state.get("restart_count") == 1)
        begun = clock()
        feed.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun)
        assert_nothing_is_lost(feed, page, clock)


def test_a_supervisor_that_loses_its_lock_lets_go_of_its_feed(market, clock, page, recent):
    with following() as feed:
        before = feed.wait_until_live(2_000)["pid"]
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()"
            )
        feed.wait_for(lambda state: state.get("pid") not in (None, before))
        begun = clock()
        feed.wait_for(lambda state: state["feed"] == "live" and state["market_ns"] > begun)
        assert_nothing_is_lost(feed, page, clock)


@pytest.fixture
def command(market: Any, recent: None) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "manage.py", "live"], cwd=CLONE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "live: ready\n"
    wait_for(lambda: status.read()["feed"] == "live", lambda: str(status.read()), seconds=60)
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_sigterm_ends_the_command_in_order(market, command):
    command.send_signal(signal.SIGTERM)
    assert command.wait(10) == 0
    wait_for(lambda: not market.live._sessions)
    assert status.read()["feed"] == "off"


def test_a_killed_supervisor_leaves_no_session_behind(market, command):
    command.kill()
    wait_for(lambda: not market.live._sessions)
