"""The stand-in's fault switches, as the real client sees them."""

import time
from collections.abc import Iterator

import databento
import databento_dbn
import pytest
import requests

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


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=3, key=KEY)) as base:
        yield base


@pytest.fixture
def switch(url):
    """Sets faults; clears them afterwards."""

    def post(switches: object) -> requests.Response:
        return requests.post(f"{url}/_standin/faults", json=switches, auth=(KEY, ""), timeout=5)

    yield post
    assert requests.delete(f"{url}/_standin/faults", auth=(KEY, ""), timeout=5).status_code == 200


def get_range(url: str) -> databento.DBNStore:
    client = databento.Historical(key=KEY, gateway=url)
    client.timeseries._base_url = client.timeseries._base_url.replace("https://", "http://", 1)
    return client.timeseries.get_range(**ASKED)


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


def test_an_unknown_fault_is_refused_with_the_known_ones(switch):
    answer = switch({"explode": True})
    assert answer.status_code == 400
    assert "status, truncate, delay_ms" in answer.json()["detail"]["message"]


def test_the_switches_ask_for_the_key(url):
    assert requests.post(f"{url}/_standin/faults", json={}, timeout=5).status_code == 401


def test_the_switches_can_be_read_back_and_removed_one_by_one(url, switch):
    switch({"status": {"code": 500}, "delay_ms": 5})
    switch({"status": None})
    now = requests.get(f"{url}/_standin/faults", auth=(KEY, ""), timeout=5).json()
    assert now == {"status": None, "truncate": None, "delay_ms": 5}


@pytest.mark.parametrize(
    "wrong",
    [[], {"status": 503}, {"status": {"code": 200}}, {"truncate": {"records": -1}}, {"delay_ms": "long"}],
)
def test_a_switch_that_makes_no_sense_changes_nothing(wrong):
    faults = Faults()
    faults.set({"delay_ms": 7})
    with pytest.raises(BadFault):
        faults.set(wrong)
    assert faults.describe() == {"status": None, "truncate": None, "delay_ms": 7}
