"""The stand-in's historical half, asked by the real Databento client over a real socket."""

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime

import databento
import numpy as np
import pytest
import requests
from databento.common.error import BentoWarning

from standin.background import running
from standin.gateway import Gateway
from standin.market import contracts
from standin.market.bars import day_bars, day_of
from standin.records import records

KEY = "db-standin-tests-key"
SEED = 7
DATASET = "GLBX.MDP3"
NOW = datetime(2026, 3, 12, 15, 30, 42, tzinfo=UTC)
DAY_NS = 86_400_000_000_000


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    gateway = Gateway(seed=SEED, key=KEY, clock=lambda: int(NOW.timestamp()) * 1_000_000_000)
    with running(gateway) as base:
        yield base


def client_of(url: str, key: str = KEY) -> databento.Historical:
    """The real client; it insists on https, so the plain address is put back afterwards."""
    client = databento.Historical(key=key, gateway=url)
    for api in (client.timeseries, client.symbology, client.metadata, client.batch):
        api._base_url = api._base_url.replace("https://", "http://", 1)
    return client


@pytest.fixture(scope="module")
def client(url) -> databento.Historical:
    return client_of(url)


def bars(client, symbols, start, end=None, schema="ohlcv-1m", **more):
    return client.timeseries.get_range(DATASET, symbols=symbols, schema=schema, start=start, end=end, **more)


def refused(call, *arguments, **more) -> databento.BentoClientError:
    with pytest.raises(databento.BentoClientError) as caught:
        call(*arguments, **more)
    return caught.value


def case_of(error: databento.BentoClientError) -> str:
    return error.json_body["detail"]["case"]


def test_seconds_of_a_day_come_through_the_real_client(client):
    store = bars(client, "NQM6", "2026-03-10", "2026-03-11", "ohlcv-1s")
    got = store.to_ndarray()
    nqm = contracts.contract("NQ", 2026, 6)
    made = day_bars(SEED, (nqm,), "ohlcv-1s", date(2026, 3, 10), 0, 2**62)
    assert len(got) == len(made) > 10_000
    assert np.array_equal(got["ts_event"].astype(np.int64), made.start_ns)
    assert np.array_equal(got["close"], made.close)
    assert np.array_equal(got["volume"].astype(np.int64), made.volume)
    assert set(got["instrument_id"]) == {nqm.instrument_id}


def test_the_metadata_names_the_request_and_maps_its_symbol(client):
    store = bars(client, "NQM6", "2026-03-10", "2026-03-12", limit=5)
    metadata = store.metadata
    assert (metadata.version, metadata.dataset, metadata.schema, metadata.limit) == (3, DATASET, "ohlcv-1m", 5)
    assert metadata.symbols == ["NQM6"]
    assert store.mappings["NQM6"] == [
        {
            "start_date": date(2026, 3, 10),
            "end_date": date(2026, 3, 12),
            "symbol": str(contracts.contract("NQ", 2026, 6).instrument_id),
        }
    ]
    assert list(store.to_df()["symbol"].unique()) == ["NQM6"]


@pytest.mark.parametrize("schema", ["ohlcv-1s", "ohlcv-1m", "ohlcv-1h", "ohlcv-1d", "definition"])
def test_the_record_count_is_what_the_range_sends(client, schema):
    asked = {"symbols": "CL.FUT", "stype_in": "parent", "start": "2026-03-09T13:00", "end": "2026-03-11T14:30:01"}
    sent = client.timeseries.get_range(DATASET, schema=schema, **asked).to_ndarray()
    assert client.metadata.get_record_count(DATASET, schema=schema, **asked) == len(sent) > 0


@pytest.mark.parametrize("schema", ["trades", "mbp-1", "mbp-10", "statistics", "status"])
def test_events_come_through_the_real_client_as_they_were_made(client, schema):
    asked = {"symbols": ["NQM6", "CLK6"], "start": "2026-03-10T19:57:30.5", "end": "2026-03-10T22:01:00.000000789"}
    store = client.timeseries.get_range(DATASET, schema=schema, **asked)
    sent = store.to_ndarray()
    pair = (contracts.contract("NQ", 2026, 6), contracts.contract("CL", 2026, 5))
    start, end = 1_773_172_650_500_000_000, 1_773_180_060_000_000_789
    np.testing.assert_array_equal(sent, records(SEED, schema, pair, start, end))
    assert client.metadata.get_record_count(DATASET, schema=schema, **asked) == len(sent) > 0
    assert client.metadata.get_billable_size(DATASET, schema=schema, **asked) == sent.nbytes
    assert client.metadata.get_cost(DATASET, schema=schema, **asked) > 0
    frame = client.timeseries.get_range(DATASET, schema=schema, limit=500, **asked).to_df()
    assert len(frame) == min(500, len(sent))
    assert set(frame["symbol"]) <= {"NQM6", "CLK6"}
    assert frame.index.name == "ts_recv"


def test_the_records_read_as_databentos_own_do(client):
    asked = {"symbols": "NQM6", "start": "2026-03-10T15:00", "end": "2026-03-10T15:01"}
    rows = list(client.timeseries.get_range(DATASET, schema="mbp-10", **asked))
    trade = next(row for row in rows if row.action == "T")
    assert (trade.flags, trade.depth, trade.side in ("A", "B")) == (0, 0, True)
    assert trade.pretty_price in (trade.levels[0].pretty_ask_px, trade.levels[0].pretty_bid_px)
    assert {(str(row.action), int(row.flags)) for row in rows} == {("A", 130), ("C", 130), ("M", 130), ("T", 0)}
    assert all(row.levels[0].bid_px < row.levels[0].ask_px for row in rows)
    assert all(row.levels[0].bid_ct <= row.levels[0].bid_sz for row in rows)


def test_limit_start_and_end_cut_exactly(client):
    whole = bars(client, "NQM6", "2026-03-10", "2026-03-11", "ohlcv-1s").to_ndarray()
    times = whole["ts_event"].astype(np.int64)
    start, end = int(times[1_000]) + 1, int(times[2_000])
    part = bars(client, "NQM6", start, end, "ohlcv-1s").to_ndarray()
    assert np.array_equal(part, whole[1_001:2_000])
    assert np.array_equal(bars(client, "NQM6", start, end, "ohlcv-1s", limit=17).to_ndarray(), whole[1_001:1_018])
    asked = {"symbols": "NQM6", "schema": "ohlcv-1s", "start": start, "end": end, "limit": 17}
    assert client.metadata.get_record_count(DATASET, **asked) == 17


@pytest.mark.parametrize(
    ("start", "minutes"), [("2026-03-10", 1_380), ("2026-03-10T14", 60), ("2026-03-10T14:05", 1), ("2026-03", 0)]
)
def test_without_an_end_the_range_is_the_unit_that_the_start_names(client, start, minutes):
    got = bars(client, "NQH6", start).to_ndarray()
    if minutes:
        assert minutes - 3 <= len(got) <= minutes
    else:  # a month that is not over: up to the end of history
        assert got["ts_event"][-1] == int(datetime(2026, 3, 12, 15, 28, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_records_of_several_assets_come_in_one_order_of_time(client):
    got = bars(client, ["NQM6", "CLK6", "6EM6"], "2026-03-10", "2026-03-12").to_ndarray()
    times = got["ts_event"].astype(np.int64)
    assert (np.diff(times) >= 0).all()
    assert len(set(got["instrument_id"])) == 3


def test_a_parent_brings_outrights_and_spreads_and_only_the_definitions_tell_them_apart(client):
    defined = bars(client, "NQ.FUT", "2026-03-10", "2026-03-11", "definition", stype_in="parent").to_df()
    classes = defined.groupby("instrument_class")["raw_symbol"].unique()
    assert "NQM6" in classes["F"]
    assert "NQH6-NQM6" in classes["S"]
    assert all("-" not in symbol for symbol in classes["F"])
    row = defined[defined["raw_symbol"] == "NQM6"].iloc[0]
    assert (row["min_price_increment"], row["unit_of_measure_qty"], row["exchange"]) == (0.25, 20.0, "XCME")
    assert (row["maturity_year"], row["maturity_month"]) == (2026, 6)
    daily = bars(client, "NQ.FUT", "2026-03-10", "2026-03-11", "ohlcv-1d", stype_in="parent").to_df()
    assert {"NQM6", "NQH6-NQM6"} <= set(daily["symbol"])


def test_daily_bars_are_utc_days_and_appear_once_they_are_over(client):
    got = bars(client, "NQH6", "2026-03-02", "2026-03-12T15:00", "ohlcv-1d").to_ndarray()
    assert (got["ts_event"] % DAY_NS == 0).all()
    days = [day_of(int(ns)) for ns in got["ts_event"]]
    assert date(2026, 3, 8) in days  # Sunday evening has a bar of its own
    assert date(2026, 3, 7) not in days
    assert days[-1] == date(2026, 3, 11)


def test_continuous_symbols_follow_volume_and_keep_their_name(client):
    store = bars(client, ["NQ.v.0", "NQ.c.0"], "2026-03-02", "2026-03-12", "ohlcv-1h", stype_in="continuous")
    near, far = (str(contracts.contract("NQ", 2026, month).instrument_id) for month in (3, 6))
    assert [each["symbol"] for each in store.mappings["NQ.c.0"]] == [near]
    assert {each["symbol"] for each in store.mappings["NQ.v.0"]} <= {near, far}
    resolved = client.symbology.resolve(DATASET, "NQ.v.0", "continuous", "instrument_id", "2026-01-05", "2026-03-30")
    ids = [each["s"] for each in resolved["result"]["NQ.v.0"]]
    assert (ids[0], ids[-1]) == (near, far)


def test_open_interest_follows_volume_to_the_next_contract_some_days_later(client):
    symbols = ["CL.v.0", "CL.n.0"]
    answer = client.symbology.resolve(DATASET, symbols, "continuous", "instrument_id", "2026-02-20", "2026-03-20")
    far = str(contracts.contract("CL", 2026, 5).instrument_id)
    first = {symbol: next(each["d0"] for each in answer["result"][symbol] if each["s"] == far) for symbol in symbols}
    assert first["CL.v.0"] < first["CL.n.0"]


def test_ids_resolve_to_the_symbol_of_their_day(client):
    found = contracts.contract("NQ", 2026, 6)
    answer = client.symbology.resolve(
        DATASET, found.instrument_id, "instrument_id", "raw_symbol", "2026-03-02", "2026-03-05"
    )
    assert answer["result"] == {str(found.instrument_id): [{"d0": "2026-03-02", "d1": "2026-03-05", "s": "NQM6"}]}
    got = bars(client, found.instrument_id, "2026-03-10", stype_in="instrument_id", limit=3).to_ndarray()
    assert set(got["instrument_id"]) == {found.instrument_id}


def test_resolve_answers_in_databentos_shape(client):
    answer = client.symbology.resolve(
        DATASET, ["NQM6", "NQZ3", "NQH26"], "raw_symbol", "instrument_id", "2026-03-02", "2026-03-05"
    )
    nqm = str(contracts.contract("NQ", 2026, 6).instrument_id)
    assert answer == {
        "result": {"NQM6": [{"d0": "2026-03-02", "d1": "2026-03-05", "s": nqm}]},
        "symbols": ["NQM6", "NQZ3", "NQH26"],
        "stype_in": "raw_symbol",
        "stype_out": "instrument_id",
        "start_date": "2026-03-02",
        "end_date": "2026-03-05",
        "partial": [],
        "not_found": ["NQZ3", "NQH26"],
        "message": "Partially resolved",
        "status": 1,
    }


def test_resolve_refuses_dates_out_of_the_world(client):
    asked = (DATASET, "NQM6", "raw_symbol", "instrument_id")
    assert refused(client.symbology.resolve, *asked, "2026-03-02", "9999-12-31").http_status == 422
    assert client.symbology.resolve(*asked, "2026-03-02", "2040-01-05")["partial"] == ["NQM6"]
    assert client.symbology.resolve(*asked, "2005-03-02", "2005-03-05")["not_found"] == ["NQM6"]


def test_a_symbol_that_expires_within_the_range_is_partial(client):
    answer = client.symbology.resolve(DATASET, "NQZ5", "raw_symbol", "instrument_id", "2025-12-01", "2026-01-05")
    assert (answer["partial"], answer["result"]["NQZ5"][0]["d1"]) == (["NQZ5"], "2025-12-20")


def test_unresolved_symbols_beside_good_ones_are_a_warning(client):
    with pytest.warns(BentoWarning, match="did not resolve: ESM6"):
        store = bars(client, ["NQM6", "ESM6"], "2026-03-10T15", "2026-03-10T16")
    assert store.metadata.not_found == ["ESM6"]
    assert len(store.to_ndarray()) == 60


def test_only_unresolved_symbols_are_not_found(client):
    assert refused(bars, client, "ESM6", "2026-03-10").http_status == 404


@pytest.mark.parametrize(
    ("start", "end", "case"),
    [
        ("2026-03-10", "2026-03-13", "data_end_after_available_end"),
        ("2009-03-10", "2010-03-11", "data_start_before_available_start"),
        ("2026-03-13", "2026-03-14", "data_start_after_available_end"),
        ("2026-03-10", "2026-03-10", "data_time_range_start_on_or_after_end"),
    ],
)
def test_times_outside_the_history_are_refused_with_databentos_case(client, start, end, case):
    error = refused(bars, client, "NQM6", start, end)
    assert (error.http_status, case_of(error)) == (422, case)
    assert error.request_id


def test_the_refusal_names_the_end_that_would_have_been_accepted(client):
    error = refused(bars, client, "NQM6", "2026-03-12", "2026-03-13")
    end = error.json_body["detail"]["payload"]["available_end"]
    assert end == "2026-03-12T15:29:00.000000000Z"
    assert len(bars(client, "NQM6", "2026-03-12", end).to_ndarray()) > 900


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"schema": "mbo"}, 422),
        ({"dataset": "XNAS.ITCH"}, 422),
        ({"symbols": "ALL_SYMBOLS"}, 422),
        ({"stype_in": "parent", "symbols": "NQ.OPT"}, 422),
        ({"stype_in": "continuous", "stype_out": "raw_symbol", "symbols": "NQ.v.0"}, 422),
        ({"start": "yesterday"}, 422),
        ({"start": "99999999999999999999"}, 422),
        ({"start": "0001-01-01", "end": "2026-03-10"}, 422),
        ({"start": "9999-12-31"}, 422),
    ],
)
def test_a_wrong_field_is_refused(client, wrong, status):
    asked = {"dataset": DATASET, "symbols": "NQM6", "schema": "ohlcv-1m", "start": "2026-03-10", **wrong}
    assert refused(client.timeseries.get_range, **asked).http_status == status


def test_a_wrong_key_is_refused(url):
    error = refused(client_of(url, "db-another-key").metadata.list_datasets)
    assert (error.http_status, case_of(error)) == (401, "auth_authentication_failed")
    assert KEY not in str(error)


def test_a_request_without_a_key_is_asked_for_one(url):
    answer = requests.get(f"{url}/v0/metadata.list_datasets", timeout=5)
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})
    assert answer.headers["WWW-Authenticate"] == "Basic"


def test_get_answers_as_post_does(url):
    fields = {"dataset": DATASET, "symbols": "NQM6", "schema": "ohlcv-1h", "start": "2026-03-10", "end": "2026-03-11"}
    counts = [
        requests.request(verb, f"{url}/v0/metadata.get_record_count", auth=(KEY, ""), timeout=5, **{where: fields})
        for verb, where in (("GET", "params"), ("POST", "data"))
    ]
    assert [answer.json() for answer in counts] == [23, 23]


def test_the_metadata_family_answers(client):
    span = client.metadata.get_dataset_range(DATASET)
    assert (span["start"], span["end"]) == ("2010-06-06T00:00:00.000000000Z", "2026-03-12T15:29:00.000000000Z")
    assert span["schema"]["ohlcv-1d"]["end"] == "2026-03-12T00:00:00.000000000Z"
    conditions = client.metadata.get_dataset_condition(DATASET, "2026-03-12", "2026-03-13")
    assert [each["condition"] for each in conditions] == ["available", "pending"]
    asked = {"symbols": "NQM6", "schema": "ohlcv-1h", "start": "2026-03-10", "end": "2026-03-11"}
    assert client.metadata.get_billable_size(DATASET, **asked) == 23 * 56
    assert 0 < client.metadata.get_cost(DATASET, **asked) < 0.01
    assert client.metadata.list_datasets() == [DATASET]
    assert set(client.metadata.list_schemas(DATASET)) >= {"ohlcv-1s", "trades", "mbp-1", "mbp-10", "status"}
    assert client.metadata.list_publishers()[0]["publisher_id"] == 1
    assert {"name": "volume", "type": "uint64_t"} in client.metadata.list_fields("ohlcv-1d", "dbn")
    book = client.metadata.list_fields("mbp-10", "dbn")
    assert {"name": "bid_px_09", "type": "int64_t"} in book
    assert {"name": "side", "type": "char"} in book
    assert span["schema"]["mbp-10"]["end"] == span["end"]
    assert client.metadata.list_unit_prices(DATASET)[0]["unit_prices"]["ohlcv-1s"] > 0


def test_the_same_request_twice_is_the_same_bytes(url):
    fields = {"dataset": DATASET, "symbols": "NQM6,CLK6", "schema": "ohlcv-1m", "start": "2026-03-10"}
    first, second = (
        requests.post(f"{url}/v0/timeseries.get_range", data=fields, auth=(KEY, ""), timeout=10) for _ in range(2)
    )
    assert first.content == second.content


def test_other_requests_are_answered_while_a_long_one_streams(client, url):
    fields = {"dataset": DATASET, "symbols": "NQ.v.0", "stype_in": "continuous", "schema": "ohlcv-1s"}
    fields |= {"start": "2025-01-01", "end": "2026-01-01"}
    with requests.post(f"{url}/v0/timeseries.get_range", data=fields, auth=(KEY, ""), timeout=10, stream=True) as long:
        assert long.status_code == 200
        assert next(long.iter_content(1_000))
        assert client.metadata.list_datasets() == [DATASET]
    # the long answer was left unread: the gateway must not mind


def test_a_range_without_trades_is_an_empty_store(client):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", BentoWarning)
        assert len(bars(client, "NQM6", "2026-03-07", "2026-03-08").to_ndarray()) == 0
