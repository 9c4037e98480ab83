"""What the vendor's door makes of a refusal: the gateway's words, and what to do."""

import pytest

from market.databento_historical import HistoricalGateway, Request
from market.gateway_errors import ADVICE, GatewayError, NotYetAvailable
from market.sessions import parse_et
from tests.unit.gateway.conftest import DATASET, HOUR_NS, NOW_NS, Switch, ask, door, fixed, refused


def test_a_good_key_gets_its_bars(url: str) -> None:
    assert ask(door(url)) == 60


@pytest.mark.parametrize("key", [" ", "\t", "YOUR_API_KEY"])
def test_a_key_that_is_none_is_said_so(key: str) -> None:
    with pytest.raises(GatewayError, match="no API key"):
        HistoricalGateway(key)


def test_a_refused_key_is_said_so_with_where_to_change_it(url: str, pauses: list[float]) -> None:
    wrong = "db-a-key-that-was-revoked"
    error = refused(door(url, wrong, patient=True))
    assert (error.status, error.case, error.retryable) == (401, "auth_authentication_failed", False)
    assert str(error) == f"The data gateway says: 401: Authentication failed. {ADVICE[401]}"
    assert "DATABENTO_API_KEY" in error.advice
    assert wrong not in str(error) + repr(error)
    assert pauses == []


@pytest.mark.parametrize(
    ("code", "case", "advice"),
    [
        (402, "account_insufficient_funds", "funds"),
        (403, "license_not_found_unauthorized", "licence"),
        (400, "bad_request_of_ours", "report it"),
        (409, "conflict", "Try again"),
    ],
)
def test_a_refusal_is_told_in_databentos_words_with_what_to_do_and_not_repeated(
    url: str, switch: Switch, pauses: list[float], code: int, case: str, advice: str
) -> None:
    switch({"status": {"code": code, "case": case, "message": "The words of Databento.", "times": 2}})
    error = refused(door(url, patient=True))
    assert (error.status, error.case, error.message) == (code, case, "The words of Databento.")
    assert str(error).startswith(f"The data gateway says: {code}: The words of Databento. ")
    assert advice in error.advice
    assert str(error).endswith(error.advice)
    assert pauses == []


def test_an_unknown_symbol_is_named(url: str) -> None:
    error = refused(door(url), symbol="QQZ6")
    assert (error.status, error.case) == (404, "symbology_symbols_not_found")
    assert "QQZ6" in str(error)
    assert ADVICE[404] in str(error)


def test_a_range_past_the_end_is_served_as_far_as_the_data_reach(url: str) -> None:
    wanted = Request("GLBX.MDP3", "ohlcv-1s", ("NQM6",), NOW_NS - HOUR_NS, NOW_NS + HOUR_NS)
    served, rows = door(url).fetch(wanted, lambda download: (download.request, download.rows()))
    assert served.end_ns == parse_et("2026-03-12 11:29")
    assert 0 < len(rows) == door(url).fetch(served, lambda download: download.expected)


def test_a_refused_field_is_named_from_the_list_form_of_validation(url: str) -> None:
    """Databento's request validation gives a list instead of an object."""
    error = refused(door(url), symbol=",")
    assert (error.status, error.message) == (422, "symbols: At least one symbol is required")


def test_a_refusal_in_plain_text_keeps_its_words(url: str, switch: Switch) -> None:
    switch({"status": {"code": 503, "plain": True, "message": "upstream down"}})
    assert str(refused(door(url))).startswith("The data gateway says: 503: upstream down. The fault is on")


def test_a_web_page_is_no_reason() -> None:
    with fixed("<html><body>502 Bad Gateway</body></html>", status=502) as base:
        assert "It gave no reason." in str(refused(door(base)))


@pytest.mark.parametrize("case", ["dataset_unavailable_range", "data_end_after_available_end"])
def test_a_range_beyond_the_licence_is_asked_up_to_its_end(url: str, switch: Switch, case: str) -> None:
    switch({"licence": {"hours": 1, "case": case}})
    # from 14:00 to 14:30 two days later, without two breaks of an hour
    assert ask(door(url), end_ns=NOW_NS) == 48 * 60 + 30 - 2 * 60


@pytest.mark.parametrize("case", ["dataset_unavailable_range", "data_end_after_available_end"])
def test_a_range_that_is_all_beyond_the_licence_tells_where_that_ends(url: str, switch: Switch, case: str) -> None:
    switch({"licence": {"hours": 72, "case": case}})
    error = refused(door(url))
    assert isinstance(error, NotYetAvailable)
    assert (error.dataset, error.end_ns) == (DATASET, NOW_NS - 72 * HOUR_NS)
