"""Which faults are asked again, how often, and by whom."""

import base64
import logging

import pytest

from market.databento_historical import FIRST_PAUSE_SECONDS, TRIES, HistoricalGateway
from market.gateway_errors import ADVICE
from tests.unit.gateway.conftest import (
    KEY,
    Switch,
    ask,
    door,
    refused,
)


def test_too_many_requests_are_repeated_when_the_gateway_says_so(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "times": 2, "retry_after": 7}})
    assert ask(door(url, patient=True)) == 60
    assert pauses == [7, 7]


def test_a_page_does_not_wait_but_hears_how_long_it_would_be(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "retry_after": 7}})
    error = refused(door(url))
    assert (error.status, error.retry_after, error.retryable, pauses) == (429, 7, True, [])
    assert ADVICE[429] in str(error)


def test_an_hour_long_retry_after_is_told_not_waited_for(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "retry_after": 3_600}})
    assert refused(door(url, patient=True)).retry_after == 3_600
    assert pauses == []


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_fault_of_the_gateway_is_repeated_with_growing_pauses(
    url: str, switch: Switch, pauses: list[float], code: int
) -> None:
    switch({"status": {"code": code, "times": TRIES - 1}})
    assert ask(door(url, patient=True)) == 60
    assert pauses == [FIRST_PAUSE_SECONDS * 2**attempt for attempt in range(TRIES - 1)]


@pytest.mark.parametrize("code", [500, 503])
def test_a_fault_of_the_gateway_that_stays_is_reported(
    url: str, switch: Switch, pauses: list[float], code: int
) -> None:
    switch({"status": {"code": code, "times": TRIES, "message": "Down for an hour."}})
    error = refused(door(url, patient=True))
    assert (error.status, len(pauses)) == (code, TRIES - 1)
    assert "Down for an hour. The fault is on the gateway's side." in str(error)


def test_the_log_tells_why_a_request_is_repeated_without_the_key(
    url: str, switch: Switch, pauses: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    switch({"status": {"code": 503, "message": "Back soon."}})
    ask(door(url, patient=True))
    assert "Back soon.; trying again in 1 s" in caplog.text
    assert KEY not in caplog.text
    assert base64.b64encode(f"{KEY}:".encode()).decode() not in caplog.text


def test_a_refused_connection_is_repeated_and_then_said_so(pauses: list[float]) -> None:
    error = refused(door("http://127.0.0.1:9", patient=True))
    assert (error.status, error.case, error.retryable) == (None, "no_answer", True)
    assert str(error).startswith("The data gateway says: Databento does not answer. Check the network")
    assert len(pauses) == TRIES - 1


def test_a_gateway_that_is_too_slow_is_asked_again_and_then_said_so(
    url: str, switch: Switch, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("databento.common.http.BentoHttpAPI.TIMEOUT", 0.1)
    switch({"delay_ms": 1_000})
    error = refused(door(url, patient=True))
    assert (error.status, error.case, len(pauses)) == (None, "timeout", TRIES - 1)
    assert "did not answer in time" in str(error)


def test_a_page_does_not_hang_on_a_gateway_that_hangs(
    url: str, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.databento_historical.PAGE_TIMEOUT_SECONDS", 0.2)
    switch({"delay_ms": 1_000})
    assert refused(door(url)).case == "timeout"


def test_whoever_waits_hears_why_and_may_give_up(url: str, switch: Switch) -> None:
    class GivenUp(Exception):
        pass

    told: list[tuple[float, str]] = []

    def wait(seconds: float, why: str) -> None:
        told.append((seconds, why))
        raise GivenUp

    switch({"status": {"code": 429, "retry_after": 7, "message": "Too many requests"}})
    with pytest.raises(GivenUp):
        ask(HistoricalGateway(KEY, url, wait=wait))
    assert told == [(7, "Too many requests.")]
