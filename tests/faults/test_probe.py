"""`manage.py probe` climbs its ladder against the stand-in and says in plain words what is wrong."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from live import probe
from live.probe import Pair, Step, diagnose
from tests.live import switch, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.short]

PAIRS = [Pair("NQ", ("NQH6", "NQH26")), Pair("CL", ("CLJ6", "CLJ26"))]


def probed(wait: float = 3.0) -> tuple[str, int]:
    """What it says, and its exit code."""
    out = StringIO()
    try:
        call_command("probe", wait=wait, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def test_what_is_expected_is_not_logged_as_an_error(market: Any, caplog: pytest.LogCaptureFixture) -> None:
    probed()
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_gateway_that_is_well(market: Any) -> None:
    said, code = probed()
    lines = said.splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["one symbol", "one symbol with replay", "all assets"]
    assert "4 symbols mapped" in lines[2]
    assert lines[3].startswith("The gateway is well")
    assert "The live process does not run." in lines[3]
    assert code == 0
    # each session was released: the gateway notices a little later
    wait_for(lambda: not market.live._sessions)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "reject_key"}, "The gateway says: Authentication failed. The key was refused."),
        ({"kind": "session_limit"}, "All live sessions of this key are in use."),
        ({"kind": "mute"}, "opened a session for one symbol and then said nothing"),
        ({"kind": "eof", "after_records": 0}, "broke off"),
        ([{"kind": "none"}, {"kind": "wedge", "after_records": 5}], "the replay of the last minutes did not end"),
        ([{"kind": "none"}, {"kind": "none"}, {"kind": "unresolved", "symbols": ["CLJ6"]}], "does not know CLJ6"),
        ([{"kind": "none"}, {"kind": "none"}, {"kind": "no_records"}], "no print of any asset while markets are open"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_wrong_is_said_with_what_to_do(market: Any, fault: Any, words: str) -> None:
    if isinstance(fault, list):
        # a record that comes late by nothing harms nothing: the sessions before the one that is spoiled
        fault = [{"kind": "slow_auth", "ms": 0} if each["kind"] == "none" else each for each in fault]
    assert switch(market, {"live": fault}).status_code == 200
    said, _ = probed()
    assert words in said


def test_a_gateway_that_cannot_be_reached(market: Any) -> None:
    switch(market, {"live_refuse": True})
    said, code = probed()
    assert "cannot be reached" in said
    assert "TCP port 13000" in said
    assert code == 1


def test_a_closed_market_without_prints_is_no_fault() -> None:
    step = Step("one symbol", ["NQH6", "NQH26"], seconds=0.1, mapped={"NQH6": "NQH6"}, heartbeats=2)
    said = diagnose([step], PAIRS[:1], is_open=False, feed_words="The feed is up.")
    assert said.startswith("The gateway is well")
    assert step.is_well


def test_no_session_is_opened_after_a_refusal(market: Any) -> None:
    switch(market, {"live": {"kind": "reject_key"}})
    assert len(list(probe.climb(PAIRS, 1_773_158_400_000_000_000, 2.0))) == 1
