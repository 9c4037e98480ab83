"""The stand-in's fault switches, as the real client sees them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import databento
import databento_dbn
import pytest
import requests
from databento.common.error import BentoWarning

from standin.background import running
from standin.faults import BadFault, Faults
from standin.gateway import Gateway

KEY = "db-standin-faults-key"
ASKED = {
    "dataset": "GLBX.MDP3",
    "symbols": "NQM6",
    "schema": "ohlcv-1m",
    "start": "2026-03-10T14:00",
    "end": "2026-03-10T15:00",
}


NO_FAULTS = {
    "status": None,
    "truncate": None,
    "body": None,
    "delay_ms": 0,
    "endpoint": "timeseries.get_range",
    "degraded": [],
    "licence": None,
    "live": [],
    "live_refuse": False,
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=3, key=KEY)) as base:
        yield base


@pytest.fixture
def switch(url):
    """Sets faults; clears them afterwards."""

    def post(switches: object, base: str = url) -> requests.Response:
        return requests.post(f"{base}/_standin/faults", json=switches, auth=(KEY, ""), timeout=5)

    yield post
    assert requests.delete(f"{url}/_standin/faults", auth=(KEY, ""), timeout=5).status_code == 200


@pytest.fixture
def own() -> Iterator[str]:
    """A gateway of one's own, whose clock stands still at 2026-03-10 14:00 UTC."""
    now = int(datetime(2026, 3, 10, 14, tzinfo=UTC).timestamp()) * 1_000_000_000
    with running(Gateway(seed=3, key=KEY, clock=lambda: now)) as base:
        yield base


def client_of(url: str) -> databento.Historical:
    client = databento.Historical(key=KEY, gateway=url)
    for api in (client.timeseries, client.symbology, client.metadata):
        api._base_url = api._base_url.replace("https://", "http://", 1)
    return client


def get_range(url: str, **more: object) -> databento.DBNStore:
    return client_of(url).timeseries.get_range(**(ASKED | more))


def test_a_status_fault_answers_so_many_requests_and_is_over(url, switch):
    assert switch({"status": {"code": 503, "times": 2}}).status_code == 200
    for _ in range(2):
        with pytest.raises(databento.BentoServerError) as caught:
            get_range(url)
        assert caught.value.json_body["detail"]["case"] == "service_unavailable"
    assert len(get_range(url).to_ndarray()) == 60


def test_a_rate_limit_says_when_to_come_back(url, switch):
    switch({"status": {"code": 429, "retry_after": 3, "message": "Slow down."}})
    with pytest.raises(databento.BentoClientError) as caught:
        get_range(url)
    assert caught.value.headers["Retry-After"] == "3"
    assert "Slow down." in str(caught.value)


def test_a_truncated_body_is_taken_for_complete_by_the_client(url, switch):
    switch({"truncate": {"records": 25, "times": 2}})
    for _ in range(2):
        assert len(get_range(url).to_ndarray()) == 25
    assert len(get_range(url).to_ndarray()) == 60


def test_a_short_body_cut_inside_the_frame_cannot_be_read(url, switch):
    switch({"truncate": {"records": 25, "open_frame": True}})
    with pytest.raises(databento_dbn.DBNError):
        get_range(url)


def test_a_delay_holds_each_request_back(url, switch):
    switch({"delay_ms": 150})
    begin = time.monotonic()
    get_range(url)
    assert time.monotonic() - begin >= 0.15


def test_a_server_error_can_be_plain_text(url, switch):
    switch({"status": {"code": 502, "plain": True, "message": "Bad Gateway"}})
    with pytest.raises(databento.BentoServerError) as caught:
        get_range(url)
    assert (caught.value.http_body, caught.value.json_body) == ("Bad Gateway", None)


def test_a_body_can_be_shorter_than_it_says(url, switch):
    switch({"body": {"kind": "short", "bytes": 900}})
    with pytest.raises(databento.BentoError, match="Error streaming response"):
        get_range(url)
    assert len(get_range(url).to_ndarray()) == 60


def test_a_body_can_be_empty(url, switch):
    switch({"body": {"kind": "empty"}})
    with pytest.raises(ValueError, match="empty"):
        get_range(url)


def test_a_body_can_stall_midway_and_be_whole_all_the_same(url, switch):
    switch({"body": {"kind": "stall", "bytes": 700, "ms": 300}})
    begin = time.monotonic()
    assert len(get_range(url).to_ndarray()) == 60
    assert time.monotonic() - begin >= 0.3


def test_a_fault_can_concern_other_endpoints(url, switch):
    client = client_of(url)
    switch({"endpoint": "metadata.*", "status": {"code": 500, "times": 2}})
    assert len(get_range(url).to_ndarray()) == 60
    for ask in (client.metadata.get_record_count, client.metadata.get_cost):
        with pytest.raises(databento.BentoServerError):
            ask(**ASKED)
    assert client.metadata.get_record_count(**ASKED) == 60
    switch({"endpoint": "symbology.resolve", "body": {"kind": "short", "bytes": 10}})
    with pytest.raises(requests.exceptions.RequestException):
        client.symbology.resolve("GLBX.MDP3", "NQM6", "raw_symbol", "instrument_id", "2026-03-10")
    switch({"endpoint": "*", "delay_ms": 200})
    begin = time.monotonic()
    client.metadata.list_datasets()
    assert time.monotonic() - begin >= 0.2


def test_degraded_days_are_told_by_their_condition_and_by_a_warning(url, switch):
    switch({"degraded": ["2026-03-11", "2026-03-10"]})
    conditions = client_of(url).metadata.get_dataset_condition("GLBX.MDP3", "2026-03-09", "2026-03-12")
    assert [each["condition"] for each in conditions] == ["available", "degraded", "degraded", "available"]
    with pytest.warns(BentoWarning, match=r"days which have reduced quality: 2026-03-10 \(degraded\)\."):
        assert len(get_range(url).to_ndarray()) == 60
    assert len(get_range(url, start="2026-03-12T14", end="2026-03-12T15").to_ndarray()) == 60


def test_without_a_licence_the_last_hours_are_refused_at_every_stage(switch, own):
    switch({"licence": {"hours": 8}}, own)
    allowed = {"start": "2026-03-10T05:00", "end": "2026-03-10T06:00"}
    refused = {"start": "2026-03-10T05:30", "end": "2026-03-10T06:00:01"}
    client = client_of(own)
    assert client.metadata.get_record_count(**(ASKED | allowed)) == 60
    for ask in (client.timeseries.get_range, client.metadata.get_cost):
        with pytest.raises(databento.BentoClientError) as caught:
            ask(**(ASKED | refused))
        detail = caught.value.json_body["detail"]
        assert (caught.value.http_status, detail["case"]) == (422, "dataset_unavailable_range")
        assert detail["message"].endswith("Try again with an end time before 2026-03-10T06:00:00.000000000Z.")
        assert detail["payload"]["available_end"] == "2026-03-10T06:00:00.000000000Z"
    assert client.metadata.get_dataset_range("GLBX.MDP3")["end"] == "2026-03-10T06:00:00.000000000Z"


def test_history_can_end_hours_ago(switch, own):
    switch({"licence": {"hours": 8, "case": "data_end_after_available_end"}}, own)
    with pytest.raises(databento.BentoClientError) as caught:
        get_range(own, start="2026-03-10T05:30", end="2026-03-10T06:30")
    detail = caught.value.json_body["detail"]
    assert detail["case"] == "data_end_after_available_end"
    end = detail["payload"]["available_end"]
    assert len(get_range(own, start="2026-03-10T05:30", end=end).to_ndarray()) == 30


def test_an_unknown_fault_is_refused_with_the_known_ones(switch):
    answer = switch({"explode": True})
    assert answer.status_code == 400
    assert "known are status, truncate, body, delay_ms, " in answer.json()["detail"]["message"]


def test_the_switches_ask_for_the_key(url):
    assert requests.post(f"{url}/_standin/faults", json={}, timeout=5).status_code == 401


def test_the_switches_can_be_read_back_and_removed_one_by_one(url, switch):
    switch({"status": {"code": 500}, "delay_ms": 5})
    switch({"status": None})
    now = requests.get(f"{url}/_standin/faults", auth=(KEY, ""), timeout=5).json()
    assert now == NO_FAULTS | {"delay_ms": 5}


@pytest.mark.parametrize(
    "wrong",
    [
        [],
        {"status": 503},
        {"status": {"code": 200}},
        {"truncate": {"records": -1}},
        {"delay_ms": "long"},
        {"body": {"kind": "odd"}},
        {"body": {"kind": "short", "bytes": "many"}},
        {"endpoint": 5},
        {"degraded": ["yesterday"]},
        {"degraded": "2026-03-10"},
        {"licence": {"hours": 8, "case": "odd"}},
        {"delay_ms": 9, "explode": True},
    ],
)
def test_a_switch_that_makes_no_sense_changes_nothing(wrong):
    faults = Faults()
    faults.set({"delay_ms": 7})
    with pytest.raises(BadFault):
        faults.set(wrong)
    assert faults.describe() == NO_FAULTS | {"delay_ms": 7}
