"""What the vendor's door makes of every fault: the real client against the stand-in, or an answer that never comes."""

import base64
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from aiohttp import web

from market import ingest, jobs
from market.databento_historical import FIRST_PAUSE_SECONDS, TRIES, HistoricalGateway
from market.gateway_errors import ADVICE, DamagedDownload, GatewayError
from market.models import Asset, Contract, Coverage, Job
from market.sessions import Session, to_ns
from standin.background import running
from standin.gateway import Gateway
from tests.filegateway import serve

KEY = "db-gateway-errors-key-7f3a"
DATASET = "GLBX.MDP3"
NOW_NS = to_ns(datetime(2026, 3, 12, 15, 30, tzinfo=UTC))
FIRST_NS = to_ns(datetime(2026, 3, 10, 14, tzinfo=UTC))
HOUR_NS = 3_600 * 10**9
SECONDS = "ohlcv-1s"
ALL = 2**62

Switch = Callable[[dict[str, object]], None]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=11, key=KEY, clock=lambda: NOW_NS)) as base:
        yield base


@pytest.fixture
def switch(url: str) -> Iterator[Switch]:
    """Sets faults of the stand-in; clears them afterwards."""
    control = f"{url}/_standin/faults"

    def post(switches: dict[str, object]) -> None:
        requests.post(control, json=switches, auth=(KEY, ""), timeout=5).raise_for_status()

    yield post
    requests.delete(control, auth=(KEY, ""), timeout=5).raise_for_status()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the door meant to wait; nobody waits here."""
    slept: list[float] = []
    monkeypatch.setattr("market.databento_historical.time", SimpleNamespace(sleep=slept.append))
    return slept


def answering(handler: Handler) -> AbstractContextManager[str]:
    """A gateway of one handler for every path."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return serve(app)


def door(url: str, key: str = KEY, *, patient: bool = False) -> HistoricalGateway:
    return HistoricalGateway(key, url, patient=patient)


def ask(gateway: HistoricalGateway, symbol: str = "NQM6", end_ns: int = FIRST_NS + HOUR_NS) -> int:
    """How many minutes of one hour come."""
    found = gateway.bars(DATASET, [symbol], "ohlcv-1m", FIRST_NS, end_ns)
    return sum(len(each.bars) for each in found)


def refused(gateway: HistoricalGateway, **asked: Any) -> GatewayError:
    with pytest.raises(GatewayError) as caught:
        ask(gateway, **asked)
    assert_without_key(caught.value)
    return caught.value


def assert_without_key(error: GatewayError) -> None:
    """The key, or what HTTP makes of it, is in nothing that can be shown or written down."""
    encoded = base64.b64encode(f"{KEY}:".encode()).decode()
    for text in (str(error), repr(error), str(error.args), error.advice, repr(error.payload)):
        assert KEY not in text
        assert encoded not in text


def test_a_good_key_gets_its_bars(url: str) -> None:
    assert ask(door(url)) == 60


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


def test_a_range_past_the_end_says_where_data_ends_for_people_and_for_programs(url: str) -> None:
    error = refused(door(url), end_ns=NOW_NS + HOUR_NS)
    assert (error.status, error.case, error.retryable) == (422, "data_end_after_available_end", False)
    assert "has data available up to '2026-03-12 15:29:00" in error.message
    assert error.payload["available_end"] == "2026-03-12T15:29:00.000000000Z"
    assert ADVICE[422] in str(error)


def test_a_refused_field_is_named_from_the_list_form_of_validation(url: str) -> None:
    """Databento's request validation gives a list instead of an object."""
    with pytest.raises(GatewayError, match="At least one symbol is required") as caught:
        door(url).bars(DATASET, [","], "ohlcv-1m", FIRST_NS, FIRST_NS + HOUR_NS)
    assert caught.value.status == 422


def test_too_many_requests_are_repeated_when_the_gateway_says_so(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "times": 2, "retry_after": 7}})
    assert ask(door(url, patient=True)) == 60
    assert pauses == [7, 7]


def test_a_page_does_not_wait_but_hears_how_long_it_would_be(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "retry_after": 7}})
    error = refused(door(url))
    assert (error.status, error.retry_after, error.retryable, pauses) == (429, 7, True, [])
    assert ADVICE[429] in str(error)


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


def test_a_fault_page_that_is_not_json_is_told_by_its_status(pauses: list[float]) -> None:
    async def broken(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html")

    with answering(broken) as url:
        error = refused(door(url))
    assert error.status == 502
    assert "The fault is on the gateway's side." in str(error)
    assert "<html>" not in str(error)


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


def test_a_connection_that_is_hung_up_is_no_answer() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    with answering(hang_up) as url:
        assert refused(door(url)).case == "no_answer"


def test_a_count_that_is_not_json_is_a_broken_answer() -> None:
    async def nonsense(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="sixty")

    with answering(nonsense) as url:
        error = refused(door(url))
    assert error.case == "broken_answer"
    assert error.retryable


def test_a_gateway_that_is_too_slow_is_asked_again_and_then_said_so(
    url: str, switch: Switch, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("databento.common.http.BentoHttpAPI.TIMEOUT", 0.1)
    switch({"delay_ms": 1_000})
    error = refused(door(url, patient=True))
    assert (error.status, error.case, len(pauses)) == (None, "timeout", TRIES - 1)
    assert "did not answer in time" in str(error)


def cut_off(records: int) -> Handler:
    """A count of records, then a stream that is hung up on."""

    async def handler(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("get_record_count"):
            return web.json_response(records)
        response = web.StreamResponse()
        response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b"\x28\xb5\x2f\xfd" + bytes(5_000))
        assert request.transport is not None
        request.transport.close()
        return response

    return handler


# databento leaves the file of a broken stream to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_stream_that_is_hung_up_on_is_repeated_and_then_said_so(pauses: list[float]) -> None:
    with answering(cut_off(60)) as url:
        error = refused(door(url, patient=True))
    assert (error.case, len(pauses)) == ("broken_answer", TRIES - 1)
    assert "Databento broke off its answer" in str(error)
    error.__context__ = error.__traceback__ = None
    gc.collect()  # here, where its warning is expected


# --- downloads into the store ----------------------------------------------------------------------


@pytest.fixture
def june(assets: None) -> Contract:
    nq = Asset.objects.get(root="NQ")
    return Contract.objects.create(asset=nq, year=2026, month=6, raw_symbol="NQM6")


def one_session(contract: Contract) -> Session:
    session = contract.asset.sessions.session(date(2026, 3, 10))
    assert session is not None
    return session


def ensure(url: str, contract: Contract, *, patient: bool = False) -> None:
    job = jobs.start(Job.objects.create(kind="test", total=9).pk)
    assert job is not None
    gateway = door(url, patient=patient)
    ingest.ensure(gateway, contract, SECONDS, [one_session(contract)], ALL, jobs.Progress(job))


def stored_files(settings: Any) -> list[str]:
    return [path.name for path in Path(settings.DATA_ROOT).rglob("*") if path.is_file()]


def test_a_body_cut_short_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 2_000}})
    with pytest.raises(DamagedDownload, match=r"2000 of \d+ records arrived.*nothing was stored") as caught:
        ensure(url, june)
    assert_without_key(caught.value)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    piece = Coverage.objects.get()
    assert (piece.state, piece.rows > 10_000) == ("complete", True)
    assert stored_files(settings) == ["2026-03-10.parquet"]


def test_a_body_without_a_record_stores_nothing(url: str, switch: Switch, june: Contract, settings: Any) -> None:
    switch({"truncate": {"records": 0}})
    with pytest.raises(DamagedDownload, match=r"0 of \d+ records"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])


@pytest.mark.filterwarnings("ignore:DBN file is truncated")
def test_a_long_body_cut_inside_its_zstd_frame_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 9_000, "open_frame": True}})
    with pytest.raises(DamagedDownload, match=r"\d+ of \d+ records arrived"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    assert Coverage.objects.get().state == "complete"


def test_a_refusal_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"status": {"code": 402}})
    with pytest.raises(GatewayError, match="funds"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    assert Coverage.objects.get().state == "complete"


def test_a_passing_fault_is_not_noticed_by_who_waits(
    url: str, switch: Switch, pauses: list[float], june: Contract
) -> None:
    switch({"status": {"code": 503, "times": 2}})
    ensure(url, june, patient=True)
    assert (Coverage.objects.get().state, len(pauses)) == ("complete", 2)


# databento leaves the file of an unreadable body to the garbage collector
leaves_its_file = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@leaves_its_file
def test_a_short_body_cut_inside_its_zstd_frame_is_a_broken_download(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 3, "open_frame": True}})
    with pytest.raises(GatewayError):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    gc.collect()


def test_a_damaged_download_is_repeated_by_who_waits(
    url: str, switch: Switch, pauses: list[float], june: Contract
) -> None:
    switch({"truncate": {"records": 2_000}})
    ensure(url, june, patient=True)
    assert (Coverage.objects.get().state, len(pauses)) == ("complete", 1)


def fixed(text: str, status: int = 200) -> AbstractContextManager[str]:
    """A gateway with one answer to everything."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text, content_type="application/json")

    return answering(handler)


@pytest.mark.parametrize(
    "body", ["[]", "{}", "null", '"x"', '{"start": null, "end": null}', '{"start": "soon", "end": "late"}']
)
def test_bounds_of_another_shape_are_a_broken_answer(body: str) -> None:
    with fixed(body) as url, pytest.raises(GatewayError) as caught:
        door(url).dataset_range(DATASET)
    assert caught.value.case == "broken_answer"


@pytest.mark.parametrize("body", ["[]", "{}", "null", '"x"', "-1", "1.5", "true"])
def test_a_count_of_another_shape_is_a_broken_answer(body: str) -> None:
    with fixed(body) as url:
        assert refused(door(url)).case == "broken_answer"


@pytest.mark.parametrize(
    "body", ["[]", "{}", "null", '{"result": null}', '{"result": {"NQM6": [{"s": "", "d0": "", "d1": ""}]}}']
)
def test_ids_of_another_shape_are_a_broken_answer(body: str) -> None:
    with fixed(body) as url, pytest.raises(GatewayError) as caught:
        door(url).instrument_ids(DATASET, ["NQM6"], date(2026, 3, 10), date(2026, 3, 11))
    assert caught.value.case == "broken_answer"


ODD_ERRORS = [
    "[]",
    "null",
    '"x"',
    "{}",
    '{"detail": null}',
    '{"detail": [1]}',
    '{"detail": {"payload": [1]}}',
    '{"detail": {"payload": "x"}}',
]


@pytest.mark.parametrize("body", ODD_ERRORS)
@pytest.mark.parametrize("status", [400, 500])
def test_an_error_of_another_shape_is_still_an_error_of_the_gateway(body: str, status: int) -> None:
    with fixed(body, status) as url:
        refused(door(url))


@leaves_its_file
@pytest.mark.parametrize("chunked", [True, False])
def test_json_that_is_hung_up_on_is_a_broken_answer(chunked: bool) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={} if chunked else {"Content-Length": "100"})
        if chunked:
            response.enable_chunked_encoding()
        await response.prepare(request)
        await response.write(b'{"start": "2010')
        assert request.transport is not None
        request.transport.close()
        return response

    with answering(handler) as url, pytest.raises(GatewayError) as caught:
        door(url).dataset_range(DATASET)
    assert caught.value.case in {"broken_answer", "no_answer"}
    gc.collect()


def test_a_gateway_that_only_redirects_is_a_broken_answer() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/again"})

    with answering(handler) as url, pytest.raises(GatewayError):
        door(url).dataset_range(DATASET)


def test_an_hour_long_retry_after_is_told_not_waited_for(url: str, switch: Switch, pauses: list[float]) -> None:
    switch({"status": {"code": 429, "retry_after": 3_600}})
    assert refused(door(url, patient=True)).retry_after == 3_600
    assert pauses == []


def test_a_page_does_not_hang_on_a_gateway_that_hangs(
    url: str, switch: Switch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("market.databento_historical.PAGE_TIMEOUT_SECONDS", 0.2)
    switch({"delay_ms": 1_000})
    assert refused(door(url)).case == "timeout"


@pytest.mark.parametrize("key", [" ", "\t", "YOUR_API_KEY"])
def test_a_key_that_is_none_is_said_so(key: str) -> None:
    with pytest.raises(GatewayError, match="no API key"):
        HistoricalGateway(key)


def test_a_refused_field_is_told_in_words(url: str) -> None:
    with pytest.raises(GatewayError) as caught:
        door(url).bars(DATASET, [","], "ohlcv-1m", FIRST_NS, FIRST_NS + HOUR_NS)
    assert caught.value.message == "symbols: At least one symbol is required"
