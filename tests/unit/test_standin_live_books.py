"""How the live half sends records that have a time of receipt, such as books: shown with invented ones."""

import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest
from databento_dbn import MBP1Msg, OHLCVMsg, SystemCode

from standin import records as real
from standin.background import serving
from standin.gateway import Gateway
from standin.server import Server
from tests.live import KEY, SECOND, FastClock, Listener, Plain, decoded, switch

STEP = 10_000_000
DELAY = 300_000
DTYPE = np.dtype(MBP1Msg._dtypes)


def invented(seed, schema, instruments, start_ns, end_ns):
    """One book record of the first instrument every 10 ms, received 0.3 ms after its event."""
    if schema != "mbp-1":
        return real.records(seed, schema, instruments, start_ns, end_ns)
    received = np.arange(-(-start_ns // STEP) * STEP, end_ns, STEP) if instruments else np.empty(0, dtype=np.int64)
    result = np.zeros(received.size, dtype=DTYPE)
    result["length"], result["rtype"], result["publisher_id"] = DTYPE.itemsize // 4, 1, 1
    result["action"], result["side"] = b"A", b"B"
    result["instrument_id"] = instruments[0].instrument_id if instruments else 0
    result["ts_recv"], result["ts_event"] = received, received - DELAY
    result["sequence"] = received // STEP % (1 << 32)
    return result


@pytest.fixture
def clock() -> FastClock:
    return FastClock("2026-03-10T14:00", speed=10)


@pytest.fixture
def server(monkeypatch, clock) -> Iterator[Server]:
    for module in ("timeline", "subscriptions"):
        monkeypatch.setattr(f"standin.live.{module}.records", invented)
    with serving(Gateway(seed=7, key=KEY, clock=clock, connections_per_second=1_000)) as running:
        yield running


def test_records_are_sent_when_they_are_received_and_replayed_from_their_event(server, clock):
    listener = Listener(server)
    start = clock() // STEP * STEP - 3 * SECOND
    listener.subscribe("mbp-1", "NQH6", start=start)
    listener.subscribe("ohlcv-1s", "NQH6", start=start)
    listener.start().wait_for(lambda: len(listener.said(SystemCode.REPLAY_COMPLETED)) == 2)
    listener.wait_for_records(1_500)
    books = [each for each in listener.market if isinstance(each, MBP1Msg)]
    # received at the start, but of an event before it: that one is left out
    assert books[0].ts_event == start + STEP - DELAY
    assert np.array_equal(np.diff([each.ts_recv for each in books]), np.full(len(books) - 1, STEP))
    # each bar comes with the records of its end, before those of the next interval
    for at, record in enumerate(listener.records):
        if isinstance(record, OHLCVMsg):
            end = record.ts_event + SECOND
            before = [each.ts_recv for each in listener.records[:at] if isinstance(each, MBP1Msg)]
            after = [each.ts_recv for each in listener.records[at:] if isinstance(each, MBP1Msg)]
            assert max(before, default=0) <= end
            assert min(after, default=end + 1) > end
    listener.stop()


@pytest.mark.parametrize("behaviour", ["skip", "warn"])
def test_a_slow_client_misses_books_or_is_warned_as_it_chose(server, clock, behaviour):
    clock.speed = 1_000
    with closing(Plain(server, receive_buffer=4_096)) as plain:
        plain.log_in(f"slow_reader_behavior={behaviour}")
        plain.say("schema=mbp-1|symbols=NQH6")
        plain.say("start_session=0")
        time.sleep(1.5)
        heard = decoded(plain.read(5_000_000))
    books = np.array([each.ts_recv for each in heard if isinstance(each, MBP1Msg)])
    steps = np.diff(books)
    told = [getattr(each, "err", getattr(each, "msg", "")) for each in heard if not isinstance(each, MBP1Msg)]
    if behaviour == "skip":
        assert "Slow client detected for mbp-1. Skipped records" in told
        assert steps.max() > 100 * SECOND
        assert steps.min() == STEP
    else:
        assert "Warning: slow reading, not keeping pace with mbp-1 data" in told
        assert set(steps) == {STEP}


def test_the_switch_for_a_slow_reader_leaves_books_out_too(server):
    switch(server, {"live": {"kind": "slow_reader", "after_records": 50, "records": 20}})
    listener = Listener(server)
    listener.subscribe("mbp-1", "NQH6")
    listener.start().wait_for_records(100)
    assert listener.errors() == ["Slow client detected for mbp-1. Skipped records"]
    steps = np.diff([each.ts_recv for each in listener.market])
    assert sorted(set(steps.tolist())) == [STEP, 21 * STEP]
    assert int(np.argmax(steps)) == 49
    listener.stop()
