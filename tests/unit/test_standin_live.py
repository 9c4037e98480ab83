"""The stand-in's live half, listened to by the real Databento client over a real socket."""

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from itertools import pairwise

import databento
import numpy as np
import pytest
import requests
import zstandard
from databento_dbn import Compression, ErrorMsg, OHLCVMsg, SymbolMappingMsg, SystemCode

from standin.background import serving
from standin.gateway import Gateway
from standin.market import contracts
from standin.market.volume import plan
from standin.records import records
from standin.server import Server
from tests.live import DATASET, KEY, SECOND, FastClock, Listener, Plain, decoded, historical, utc, wait_for

SEED = 7
OPEN = "2026-03-10T14:00"
TODAY = date(2026, 3, 10)
FRONTS = [plan(SEED, root, TODAY).ranked()[0] for root in contracts.roots()]
NQH, NQM = contracts.contract("NQ", 2026, 3), contracts.contract("NQ", 2026, 6)
TOO_MANY = ",".join(f"S{number}" for number in range(501))


def gateway(clock, **options) -> Gateway:
    return Gateway(seed=SEED, key=KEY, clock=clock, delay_ns=0, connections_per_second=1_000, **options)


@pytest.fixture(scope="module")
def clock() -> FastClock:
    return FastClock(OPEN, speed=60)


@pytest.fixture(scope="module")
def server(clock) -> Iterator[Server]:
    with serving(gateway(clock)) as running:
        yield running


@pytest.fixture
def listen(server):
    """Makes listeners and ends them after the test."""
    listeners: list[Listener] = []

    def make(on: Server = server, **options) -> Listener:
        listeners.append(Listener(on, **options))
        return listeners[-1]

    yield make
    for each in listeners:
        each.stop()


@pytest.fixture
def plain(server):
    connection = Plain(server)
    yield connection
    connection.close()


def two_digits(contract) -> str:
    return f"{contract.raw_symbol[:-1]}{contract.year % 100}"


def raw(bars) -> bytes:
    return b"".join(bytes(each) for each in bars)


def test_replay_and_live_are_the_seconds_of_the_historical_half_without_hole_or_double(server, clock, listen):
    begin = (clock() - 600 * SECOND) // (60 * SECOND) * 60 * SECOND
    symbols = [form for each in FRONTS for form in (each.raw_symbol, two_digits(each))]
    listener = listen()
    listener.subscribe("ohlcv-1s", symbols, start=begin)
    listener.start()
    listener.wait_for(lambda: listener.said(SystemCode.REPLAY_COMPLETED))
    end = listener.said(SystemCode.REPLAY_COMPLETED)[0].ts_event // (60 * SECOND) * 60 * SECOND + 120 * SECOND
    listener.wait_for(lambda: listener.market[-1].ts_event >= end and clock() > end)
    live = [each for each in listener.market if each.ts_event < end]

    stored = historical(server).timeseries.get_range(
        DATASET, symbols=[each.raw_symbol for each in FRONTS], schema="ohlcv-1s", start=begin, end=end
    )
    assert len(live) > 5_000
    assert raw(live) == stored.to_ndarray().tobytes()
    assert {each.instrument_id for each in live} == {each.instrument_id for each in FRONTS}


def test_the_form_of_a_symbol_that_is_not_known_is_refused_without_harm(listen):
    listener = listen()
    listener.subscribe("ohlcv-1s", [form for each in FRONTS for form in (each.raw_symbol, two_digits(each))])
    listener.start().wait_for_records(30)
    assert listener.errors() == [f"Failed to resolve symbol: {two_digits(each)}" for each in FRONTS]
    refusals = listener.of(ErrorMsg)
    assert [each.is_last for each in refusals] == [0] * 18 + [1]
    assert {str(each.code) for each in refusals} == {"symbol_resolution_failed"}
    mappings = listener.of(SymbolMappingMsg)
    assert [(each.stype_in_symbol, each.instrument_id) for each in mappings] == [
        (each.raw_symbol, each.instrument_id) for each in FRONTS
    ]
    # before anything else comes the acknowledgement
    assert listener.records[0].msg == "Subscription request 0 for ohlcv-1s data succeeded"
    assert listener.client.symbology_map[NQH.instrument_id] == "NQH6"


def test_every_interval_ends_with_a_message_also_where_nothing_traded(listen):
    listener = listen()
    listener.subscribe("ohlcv-1s", "PLF7")  # a month in which nothing trades
    listener.subscribe("ohlcv-1m", "NQH6")
    listener.start()

    def ends(schema: str) -> list[int]:
        said = listener.said(SystemCode.END_OF_INTERVAL)
        return [each.ts_event for each in said if each.msg == f"End of interval for {schema}"]

    listener.wait_for(lambda: len(ends("ohlcv-1m")) > 2)
    assert {after - before for before, after in pairwise(ends("ohlcv-1s"))} == {SECOND}
    assert {after - before for before, after in pairwise(ends("ohlcv-1m"))} == {60 * SECOND}
    # a bar comes before the end of its interval
    order = [
        each.ts_event + 60 * SECOND if isinstance(each, OHLCVMsg) else each.ts_event
        for each in listener.records
        if isinstance(each, OHLCVMsg) or getattr(each, "msg", "") == "End of interval for ohlcv-1m"
    ]
    assert order == sorted(order)


def test_a_silent_session_gets_heartbeats(listen):
    listener = listen(heartbeat_interval_s=5)
    listener.subscribe("definition", "NQH6")
    listener.start()
    listener.wait_for(lambda: len(listener.said(SystemCode.HEARTBEAT)) > 3)
    times = [each.ts_event for each in listener.said(SystemCode.HEARTBEAT)]
    assert min(b - a for a, b in pairwise(times)) >= 5 * SECOND
    assert {each.msg for each in listener.said(SystemCode.HEARTBEAT)} == {"Heartbeat"}


def test_a_wrong_key_is_refused(listen):
    with pytest.raises(databento.BentoError, match=r"^Authentication failed\.$"):
        listen(key="db-another-key-of-the-same-length").subscribe("ohlcv-1s", "NQH6")


def test_an_interval_of_heartbeats_out_of_range_is_refused(listen):
    with pytest.raises(databento.BentoError, match="between 5 and 1800"):
        listen(heartbeat_interval_s=4).subscribe("ohlcv-1s", "NQH6")


def test_the_eleventh_session_is_refused_until_another_one_ends():
    with serving(gateway(FastClock(OPEN, 1))) as own:
        ten = [Listener(own) for _ in range(10)]
        for each in ten:
            each.subscribe("ohlcv-1s", "NQH6")
        with pytest.raises(databento.BentoError, match="User has reached their open connection limit"):
            Listener(own).subscribe("ohlcv-1s", "NQH6")
        ten[0].stop()
        wait_for(lambda: _can_subscribe(own))
        for each in ten[1:]:
            each.stop()


def _can_subscribe(server: Server) -> bool:
    listener = Listener(server)
    try:
        listener.subscribe("ohlcv-1s", "NQH6")
    except databento.BentoError:
        return False
    listener.stop()
    return True


def test_more_than_five_connections_in_a_second_are_closed_at_once():
    with serving(Gateway(seed=SEED, key=KEY)) as own:
        connections = [Plain(own) for _ in range(20)]
        lines = [each.line() for each in connections]
        for each in connections:
            each.close()
        assert set(lines[:5]) == {"lsg_version=0.8.0\n"}
        assert "" in lines[5:]


def test_a_subscription_of_many_lines_is_one_subscription(listen):
    known = [each for root in contracts.roots() for each in contracts.everything(root, TODAY, TODAY)]
    known = [each for each in known if each.listed_from <= TODAY <= each.last_trade]
    unknown = [f"ES{number}" for number in range(200)]
    symbols = [*(each.raw_symbol for each in known), *unknown]
    assert len(symbols) > 500
    listener = listen()
    assert listener.subscribe("ohlcv-1m", symbols) == 0
    assert listener.subscribe("ohlcv-1s", "NQH6") == 1
    assert len(listener.client.subscription_requests[0]) == -(-len(symbols) // 500)
    listener.start().wait_for_records(1)
    assert [each.msg for each in listener.said(SystemCode.SUBSCRIPTION_ACK)] == [
        "Subscription request 0 for ohlcv-1m data succeeded",
        "Subscription request 1 for ohlcv-1s data succeeded",
    ]
    assert len(listener.of(SymbolMappingMsg)) == len(known) + 1
    assert listener.errors() == [f"Failed to resolve symbol: {each}" for each in unknown]


def test_every_type_of_symbol_says_what_it_means_and_for_how_long(listen):
    listener = listen()
    listener.subscribe("ohlcv-1h", "NQH6")
    listener.subscribe("ohlcv-1h", "NQ.FUT", "parent")
    listener.subscribe("ohlcv-1h", ["NQ.v.0", "NQ.c.1"], "continuous")
    listener.subscribe("ohlcv-1h", NQM.instrument_id, "instrument_id")
    listener.start().wait_for(lambda: len(listener.said(SystemCode.SUBSCRIPTION_ACK)) == 4)
    listener.wait_for(lambda: len(listener.of(SymbolMappingMsg)) > 12)
    found = {(str(each.stype_in), each.stype_in_symbol): each for each in listener.of(SymbolMappingMsg)}
    first = found["raw_symbol", "NQH6"]
    assert (first.instrument_id, first.stype_out_symbol) == (NQH.instrument_id, "NQH6")
    assert (first.start_ts, first.end_ts) == (utc(f"{NQH.listed_from}"), utc("2026-03-21"))
    assert found["continuous", "NQ.c.1"].stype_out_symbol == "NQM6"
    day = found["continuous", "NQ.v.0"]
    assert (day.start_ts, day.end_ts) == (utc("2026-03-10"), utc("2026-03-11"))
    assert found["instrument_id", str(NQM.instrument_id)].stype_out_symbol == "NQM6"
    children = {each.stype_out_symbol for each in listener.of(SymbolMappingMsg) if each.stype_in_symbol == "NQ.FUT"}
    assert {"NQH6", "NQM6", "NQH6-NQM6"} <= children


def test_a_second_subscription_to_the_same_instrument_doubles_nothing(clock, listen):
    listener = listen()
    listener.subscribe("ohlcv-1s", "NQH6", start=clock() - 60 * SECOND)
    listener.subscribe("ohlcv-1s", ["NQ.c.0", "NQ.c.1"], "continuous", start=clock() - 120 * SECOND)
    listener.start().wait_for(lambda: len(listener.said(SystemCode.REPLAY_COMPLETED)) == 1)
    listener.wait_for_records(len(listener.market) + 60)
    keys = [(each.instrument_id, each.ts_event) for each in listener.market]
    assert len(keys) == len(set(keys))
    assert {each for each, _ in keys} == {NQH.instrument_id, NQM.instrument_id}
    assert min(at for who, at in keys if who == NQH.instrument_id) < clock() - 130 * SECOND


def test_each_schema_is_replayed_from_its_own_start(clock, listen):
    now = clock() // (3_600 * SECOND) * 3_600 * SECOND
    listener = listen()
    listener.subscribe("ohlcv-1h", "NQH6", start=now - 3 * 3_600 * SECOND)
    listener.subscribe("ohlcv-1m", "NQH6", start=now - 600 * SECOND)
    listener.subscribe("ohlcv-1d", "NQH6")
    listener.start().wait_for(lambda: len(listener.said(SystemCode.REPLAY_COMPLETED)) == 2)
    assert [each.msg for each in listener.said(SystemCode.REPLAY_COMPLETED)] == [
        "Finished ohlcv-1h replay",
        "Finished ohlcv-1m replay",
    ]
    hours = [each.ts_event for each in listener.market if each.rtype == 34]
    minutes = [each.ts_event for each in listener.market if each.rtype == 33]
    assert hours[:3] == [now - count * 3_600 * SECOND for count in (3, 2, 1)]
    assert minutes[0] == now - 600 * SECOND
    assert listener.client.metadata.start == now - 3 * 3_600 * SECOND


def test_zero_replays_all_of_the_last_day_and_its_definitions(server, clock, listen):
    listener = listen()
    listener.subscribe("ohlcv-1m", "NQH6", start=0)
    listener.subscribe("definition", "NQ.FUT", "parent", start=0)
    listener.start().wait_for(lambda: len(listener.said(SystemCode.REPLAY_COMPLETED)) == 2)
    start = listener.client.metadata.start
    assert clock() - start - 24 * 3_600 * SECOND < 600 * SECOND
    bars = [each for each in listener.market if isinstance(each, OHLCVMsg)]
    wanted = records(SEED, "ohlcv-1m", [NQH], start, bars[-1].ts_event + 1)
    assert raw(bars) == wanted.tobytes()
    assert len(bars) > 1_300
    defined = [each for each in listener.market if not isinstance(each, OHLCVMsg)]
    assert {"NQH6", "NQM6", "NQH6-NQM6"} <= {each.raw_symbol for each in defined}
    assert {each.ts_recv for each in defined} == {utc("2026-03-10")}


def test_a_start_too_long_ago_ends_the_session(clock, listen):
    listener = listen()
    listener.subscribe("ohlcv-1m", "NQH6", start=clock() - 25 * 3_600 * SECOND)
    listener.start()
    assert listener.end() == "Invalid start time. Must be later or 0"
    assert str(listener.of(ErrorMsg)[0].code) == "invalid_subscription"


def test_a_subscription_after_the_start_is_live_from_then_on(listen):
    listener = listen()
    listener.subscribe("ohlcv-1s", "NQH6")
    listener.start().wait_for_records(3)
    assert listener.subscribe("ohlcv-1s", ["CLK6", "CLK26"]) == 1
    clk = contracts.contract("CL", 2026, 5).instrument_id
    listener.wait_for(lambda: {each.instrument_id for each in listener.market} == {NQH.instrument_id, clk})
    assert listener.errors() == ["Failed to resolve symbol: CLK26"]
    keys = [(each.instrument_id, each.ts_event) for each in listener.market]
    assert len(keys) == len(set(keys))
    listener.subscribe("ohlcv-1s", "GCJ6", start=0)
    assert "before the session starts" in listener.end()


def test_a_compressed_stream_is_the_same_stream(clock, listen):
    begin = clock() - 300 * SECOND
    both = [listen(), listen(compression=Compression.ZSTD)]
    for listener in both:
        listener.subscribe("ohlcv-1s", "NQH6", start=begin)
        listener.start()
    for listener in both:
        listener.wait_for_records(400)
    assert raw(both[0].market[:400]) == raw(both[1].market[:400])


def test_sending_times_are_added_where_they_are_asked_for(clock, listen):
    listener = listen(ts_out=True)
    before = clock()
    listener.subscribe("ohlcv-1s", "NQH6", start=before - 60 * SECOND)
    listener.start().wait_for_records(60)
    assert listener.client.metadata.ts_out
    for each in listener.records:
        assert before <= each.ts_out <= clock()
    plain = records(SEED, "ohlcv-1s", [NQH], listener.market[0].ts_event, listener.market[59].ts_event + 1)
    assert [(each.ts_event, each.close) for each in listener.market[:60]] == [
        (int(each["ts_event"]), int(each["close"])) for each in plain
    ]


def test_lines_are_read_by_key_and_the_start_needs_no_value(plain, clock):
    assert plain.log_in("ts_out=0", "client=by hand").startswith("success=1|session_id=")
    plain.say("id=5|symbols=NQH6,NQH26|is_last=1|stype_in=raw_symbol|schema=ohlcv-1s")
    plain.say("start_session")
    head = plain.read(128)
    assert head[:4] == b"DBN\x03"
    metadata, ack, mapping, error = decoded(head + plain.read(320 + 176 + 320))
    assert (metadata.schema, metadata.stype_in, str(metadata.stype_out)) == (None, None, "instrument_id")
    assert abs(metadata.start - clock()) < 600 * SECOND
    assert ack.msg == "Subscription request 5 for ohlcv-1s data succeeded"
    assert (mapping.publisher_id, mapping.stype_in_symbol, error.err[-5:]) == (0, "NQH6", "NQH26")


def test_a_compressed_session_is_one_zstd_frame(plain):
    plain.log_in("compression=zstd")
    plain.say("schema=ohlcv-1s|stype_in=raw_symbol|symbols=NQH6")
    plain.say("start_session=0")
    decompressor = zstandard.ZstdDecompressor().decompressobj()
    data = b""
    while len(data) < 2_000:
        data += decompressor.decompress(plain.read(1))
    assert data[:4] == b"DBN\x03"
    assert not decompressor.eof


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["colour=red"], "Unknown subscription param 'colour'"),
        (["compression=lz4"], "Invalid compression 'lz4'"),
        (["slow_reader_behavior=wait"], "Invalid slow_reader_behavior 'wait'"),
    ],
)
def test_an_authentication_that_makes_no_sense_is_refused(plain, more, words):
    assert plain.log_in(*more) == f"success=0|error={words}\n"
    assert plain.rest() == b""


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("schema=ohlcv-1s|symbols=NQH6|colour=red", "Unknown subscription param 'colour'"),
        ("schema=ohlcv-5s|symbols=NQH6", "Invalid schema 'ohlcv-5s'"),
        ("schema=ohlcv-1s|symbols=NQH6|stype_in=isin", "Invalid stype_in 'isin'"),
        ("schema=ohlcv-1s|symbols=NQH6|start=yesterday", "Invalid start 'yesterday'"),
        ("schema=ohlcv-1s|symbols=NQH6|snapshot=1", "Snapshot is not supported for schema ohlcv-1s"),
        ("schema=ohlcv-1s|symbols=", "No symbols given"),
        ("schema=ohlcv-1s|symbols=ALL_SYMBOLS", "ALL_SYMBOLS is not served here. Name the symbols."),
        (
            f"schema=ohlcv-1s|symbols={TOO_MANY}",
            "Too many symbols in one request, at most 500",
        ),
    ],
)
def test_a_subscription_that_makes_no_sense_ends_the_session(plain, line, words):
    plain.log_in()
    plain.say(line)
    plain.say("start_session=0")
    _metadata, error = decoded(plain.rest())
    assert (error.err, str(error.code)) == (words, "invalid_subscription")


def test_a_malformed_symbol_is_only_unresolved(listen):
    listener = listen()
    listener.subscribe("ohlcv-1s", ["NQ.v.0", "NQ.x.0", "NONSENSE"], "continuous")
    listener.start().wait_for_records(2)
    assert listener.errors() == ["Failed to resolve symbol: NQ.x.0", "Failed to resolve symbol: NONSENSE"]


def test_a_continuous_symbol_means_another_contract_after_the_roll():
    meanings = []
    for day in ("2026-02-10T15:00", "2026-03-17T15:00"):
        with serving(gateway(FastClock(day, 1))) as own:
            listener = Listener(own)
            listener.subscribe("ohlcv-1s", "NQ.v.0", "continuous")
            listener.start().wait_for(lambda heard=listener: heard.of(SymbolMappingMsg))
            meanings.append(listener.of(SymbolMappingMsg)[0].stype_out_symbol)
            listener.stop()
    assert meanings == ["NQH6", "NQM6"]


def test_on_a_closed_day_live_shows_days_that_trade_and_says_so():
    saturday = FastClock("2026-03-07T15:00", 1)
    with serving(gateway(saturday)) as own:
        told = requests.get(f"{own.url}/_standin/clock", auth=(KEY, ""), timeout=5).json()
        assert told["live_shift_ns"] == 2 * 86_400 * SECOND
        assert told["live_now_ns"] + told["live_shift_ns"] == told["now_ns"]
        listener = Listener(own)
        listener.subscribe("ohlcv-1s", "NQH6", start=told["live_now_ns"] - 60 * SECOND)
        listener.start().wait_for_records(60)
        first = utc("2026-03-05T14:59")
        assert first <= listener.market[0].ts_event < first + 10 * SECOND
        # when the market opens the live clock goes back to the present: clients come again
        saturday.set("2026-03-08T22:00:01")
        assert listener.end() == "cleanly"
        assert requests.get(f"{own.url}/_standin/clock", auth=(KEY, ""), timeout=5).json()["live_shift_ns"] == 0


def test_live_stays_on_a_closed_day_where_it_is_told_to():
    with serving(gateway(FastClock("2026-03-07T15:00", 60), shifts_closed_days=False)) as own:
        listener = Listener(own)
        listener.subscribe("ohlcv-1s", "NQH6")
        listener.start().wait_for(lambda: len(listener.said(SystemCode.END_OF_INTERVAL)) > 30)
        assert not listener.market
        listener.stop()


def test_a_client_that_reads_too_slowly_is_told_and_misses_no_bar():
    with serving(gateway(FastClock(OPEN, 10_000))) as own, closing(Plain(own, receive_buffer=4_096)) as plain:
        plain.log_in("slow_reader_behavior=warn")
        plain.say(f"schema=ohlcv-1s|symbols={','.join(each.raw_symbol for each in FRONTS)}")
        plain.say("start_session=0")
        time.sleep(1.5)
        heard = decoded(plain.read(6_000_000))
    warnings = [each.msg for each in heard if getattr(each, "code", None) == SystemCode.SLOW_READER_WARNING]
    assert warnings[0] == "Warning: slow reading, not keeping pace with ohlcv-1s data"
    bars = np.array([(each.ts_event, each.instrument_id) for each in heard if isinstance(each, OHLCVMsg)])
    made = records(SEED, "ohlcv-1s", FRONTS, int(bars[0, 0]), int(bars[-1, 0]) + 1)
    assert np.array_equal(bars[:, 0], made["ts_event"][: len(bars)].astype(np.int64))
