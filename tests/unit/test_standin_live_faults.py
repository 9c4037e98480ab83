"""The fault switches of the stand-in's live half, as the real client sees them."""

import time
from collections.abc import Iterator
from itertools import pairwise

import databento
import pytest
from databento_dbn import SystemCode

from standin.background import serving
from standin.faults import BadFault, Faults
from standin.gateway import Gateway
from standin.server import Server
from tests.live import KEY, SECOND, FastClock, Listener, clear, switch

COUNT = 20
SYMBOLS = ["NQH6", "CLJ6", "GCJ6", "ZNM6"]


@pytest.fixture(scope="module")
def clock() -> FastClock:
    return FastClock("2026-03-10T14:00", speed=60)


@pytest.fixture(scope="module")
def server(clock) -> Iterator[Server]:
    with serving(Gateway(seed=3, key=KEY, clock=clock, connections_per_second=1_000)) as running:
        yield running


@pytest.fixture
def listen(server):
    """Makes a listener whose session has a fault; clears the faults afterwards."""
    listeners: list[Listener] = []

    def make(fault: object = None, **options) -> Listener:
        if fault is not None:
            assert switch(server, {"live": fault}).status_code == 200
        listeners.append(Listener(server, **options))
        return listeners[-1]

    yield make
    for each in listeners:
        each.stop()
    clear(server)


def started(listener: Listener, start: int | None = None) -> Listener:
    listener.subscribe("ohlcv-1s", SYMBOLS, start=start)
    return listener.start()


def can_listen(server: Server) -> None:
    listener = started(Listener(server))
    listener.wait_for_records(COUNT)
    listener.stop()


def times(listener: Listener) -> list[int]:
    return [each.ts_event for each in listener.market]


def test_a_refused_connection_is_an_error_until_the_port_listens_again(server, listen):
    switch(server, {"live_refuse": True})
    with pytest.raises(databento.BentoError, match="Connection to .* failed"):
        listen().subscribe("ohlcv-1s", "NQH6")
    switch(server, {"live_refuse": None})
    can_listen(server)


def test_sessions_under_way_go_on_while_new_ones_are_refused(server, listen):
    listener = started(listen())
    count = len(listener.wait_for_records(COUNT))
    switch(server, {"live_refuse": True})
    listener.wait_for_records(count + COUNT)


@pytest.mark.parametrize(
    ("kind", "words"),
    [("reject_key", "Authentication failed."), ("session_limit", "User has reached their open connection limit")],
)
def test_a_refused_session_says_why_and_the_next_one_is_well(server, listen, kind, words):
    with pytest.raises(databento.BentoError) as caught:
        listen({"kind": kind}).subscribe("ohlcv-1s", "NQH6")
    assert str(caught.value) == words
    can_listen(server)


def test_authentication_can_take_its_time(listen):
    listener, begun = listen({"kind": "slow_auth", "ms": 400}), time.monotonic()
    listener.subscribe("ohlcv-1s", "NQH6")
    assert time.monotonic() - begun >= 0.4


def test_the_first_record_can_take_its_time(listen):
    listener, begun = started(listen({"kind": "slow_start", "ms": 500})), time.monotonic()
    listener.wait_for(lambda: listener.said(SystemCode.SUBSCRIPTION_ACK))
    listener.wait_for_records(1)
    assert time.monotonic() - begun >= 0.5


@pytest.mark.parametrize("heartbeats", [True, False])
def test_a_session_can_have_no_records_at_all(listen, heartbeats):
    listener = started(listen({"kind": "no_records", "heartbeats": heartbeats}, heartbeat_interval_s=5))
    listener.wait_for(lambda: listener.said(SystemCode.SUBSCRIPTION_ACK))
    time.sleep(0.5)
    assert not listener.market
    assert not listener.said(SystemCode.END_OF_INTERVAL)
    assert bool(listener.said(SystemCode.HEARTBEAT)) is heartbeats


def test_a_gateway_that_accepts_and_says_nothing(server, listen, monkeypatch):
    monkeypatch.setattr("databento.live.session.AUTH_TIMEOUT_SECONDS", 0.3)
    with pytest.raises(databento.BentoError, match="Authentication with .* timed out"):
        listen({"kind": "wedge"}).subscribe("ohlcv-1s", "NQH6")
    can_listen(server)


def test_a_session_that_falls_silent_is_noticed_by_its_client(listen, monkeypatch):
    monkeypatch.setattr("databento.live.session.CLIENT_TIMEOUT_MARGIN_SECONDS", -4)
    listener = started(listen({"kind": "wedge", "after_records": COUNT}, heartbeat_interval_s=5))
    assert listener.end().startswith("Gateway timeout")
    assert len(listener.market) == COUNT


@pytest.mark.parametrize("header", [True, False])
def test_silence_before_the_first_record_is_never_noticed_by_the_client(listen, monkeypatch, header):
    monkeypatch.setattr("databento.live.session.CLIENT_TIMEOUT_MARGIN_SECONDS", -5)
    listener = started(listen({"kind": "mute", "header": header}, heartbeat_interval_s=5))
    time.sleep(1.3)
    assert listener.client.is_connected()
    assert (listener.client.metadata is not None) is header
    assert not listener.records


def test_a_clean_end_is_no_error(listen):
    listener = started(listen({"kind": "eof", "after_records": COUNT}))
    assert listener.end() == "cleanly"
    assert len(listener.market) == COUNT


def test_a_reset_is_an_error(listen):
    listener = started(listen({"kind": "reset", "after_records": COUNT}))
    assert "Connection reset by peer" in listener.end()
    assert len(listener.market) <= COUNT


def test_an_end_inside_a_record_is_no_error_and_no_record(listen):
    listener = started(listen({"kind": "cut_record", "after_records": COUNT}))
    assert listener.end() == "cleanly"
    assert len(listener.market) == COUNT


def test_garbage_ends_the_session_without_a_word(listen):
    listener = started(listen({"kind": "garbage", "after_records": COUNT}))
    assert listener.end() == "cleanly"
    # the client also loses the good records that it read together with the bad bytes
    assert len(listener.market) <= COUNT


def test_a_late_record_comes_after_newer_ones(listen):
    listener = started(listen({"kind": "late", "after_records": COUNT, "ms": 4_000}))
    listener.wait_for_records(COUNT + 60)
    steps = [after - before for before, after in pairwise(times(listener))]
    late = steps.index(min(steps))
    assert steps[late] <= -3 * SECOND
    assert sorted(steps)[1] >= 0  # one only
    assert len({(each.instrument_id, each.ts_event) for each in listener.market}) == len(listener.market)


def test_records_come_twice_after_the_replay(clock, listen):
    listener = started(listen({"kind": "duplicate", "records": 15}), start=clock() - 120 * SECOND)
    listener.wait_for(lambda: listener.said(SystemCode.REPLAY_COMPLETED))
    completed = listener.records.index(listener.said(SystemCode.REPLAY_COMPLETED)[0])
    replayed = [each for each in listener.records[:completed] if isinstance(each, databento.OHLCVMsg)]
    bars = listener.wait_for_records(len(replayed) + 15)
    assert bars[len(replayed) : len(replayed) + 15] == replayed[-15:]


def test_records_come_twice_anywhere(listen):
    listener = started(listen({"kind": "duplicate", "records": 5, "after_records": COUNT}))
    bars = listener.wait_for_records(COUNT + 5)
    assert bars[COUNT : COUNT + 5] == bars[COUNT - 5 : COUNT]


@pytest.mark.parametrize("code", [2, 3, 6, 8])
def test_an_error_record_can_end_the_session(listen, code):
    listener = started(listen({"kind": "error", "code": code, "message": "So it is.", "after_records": COUNT}))
    assert listener.end() == "So it is."
    assert int(listener.of(databento.ErrorMsg)[0].code) == code
    assert len(listener.market) == COUNT


def test_an_error_record_can_leave_the_session_alive(listen):
    listener = started(listen({"kind": "error", "code": 4, "close": False, "after_records": COUNT}))
    listener.wait_for_records(3 * COUNT)
    assert len(listener.errors()) == 1


def test_bytes_that_dribble_are_the_same_records(listen):
    listener = started(listen({"kind": "dribble", "bytes": 11, "ms": 0}))
    listener.wait_for_records(COUNT)
    assert {each.rtype for each in listener.market} == {32}
    assert listener.said(SystemCode.END_OF_INTERVAL)


def test_a_slow_reader_is_warned(listen):
    listener = started(listen({"kind": "slow_reader", "after_records": COUNT}))
    listener.wait_for_records(2 * COUNT)
    warnings = listener.said(SystemCode.SLOW_READER_WARNING)
    assert [each.msg for each in warnings] == ["Warning: slow reading, not keeping pace with ohlcv-1s data"]


def test_a_symbol_can_be_made_unresolved(listen):
    listener = listen({"kind": "unresolved", "symbols": ["CLJ6"]})
    started(listener).wait_for_records(COUNT)
    assert listener.errors() == ["Failed to resolve symbol: CLJ6"]
    assert len({each.instrument_id for each in listener.market}) <= 3


def test_faults_come_one_after_the_other(server, listen):
    faults = [{"kind": "reject_key", "times": 2}, {"kind": "eof", "after_records": 3}]
    for left in (2, 1):
        with pytest.raises(databento.BentoError):
            listen(faults if left == 2 else None).subscribe("ohlcv-1s", "NQH6")
    assert started(listen()).end() == "cleanly"
    can_listen(server)


def test_the_live_faults_can_be_read_back(server, listen):
    listen([{"kind": "late", "after_records": 7}, {"kind": "unresolved", "symbols": ["NQH6"]}])
    now = switch(server, {}).json()
    assert now["live"] == [
        {"kind": "late", "times": 1, "after_records": 7, "ms": 3_000},
        {"kind": "unresolved", "times": 1, "symbols": ["NQH6"]},
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"live": {"kind": "explode"}}, "kind of reject_key"),
        ({"live": "wedge"}, "kind of reject_key"),
        ({"live": {"kind": "eof", "ms": 5}}, "live eof takes an object with after_records, kind, times"),
        ({"live": [{"kind": "eof"}, {"kind": "eof", "after_records": -1}]}, "after_records must be a whole number"),
        ({"live": {"kind": "unresolved"}}, "symbols must be a list of texts"),
        ({"live_refuse": "yes"}, "live_refuse must be true or false"),
    ],
)
def test_a_live_fault_that_makes_no_sense_is_refused(wrong, words):
    with pytest.raises(BadFault, match=words):
        Faults().set(wrong)


def test_the_gateway_survives_what_clients_do(server):
    for _ in range(3):
        listener = started(Listener(server))
        listener.wait_for_records(1)
        listener.client.terminate()
    can_listen(server)
