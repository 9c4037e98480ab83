"""Answers that break off, never come, or are of no known shape."""

import gc
from datetime import date

import pytest
from aiohttp import web

from market.databento_historical import TRIES
from market.gateway_errors import GatewayError
from tests.unit.gateway.conftest import (
    DATASET,
    Handler,
    answering,
    door,
    fixed,
    leaves_its_file,
    refused,
)


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


@leaves_its_file
def test_a_stream_that_is_hung_up_on_is_repeated_and_then_said_so(pauses: list[float]) -> None:
    with answering(cut_off(60)) as url:
        error = refused(door(url, patient=True))
    assert (error.case, len(pauses)) == ("broken_answer", TRIES - 1)
    assert "Databento broke off its answer" in str(error)
    error.__context__ = error.__traceback__ = None
    gc.collect()  # here, where its warning is expected


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


def test_a_connection_that_is_hung_up_is_no_answer() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    with answering(hang_up) as url:
        assert refused(door(url)).case == "no_answer"


def test_a_gateway_that_only_redirects_is_a_broken_answer() -> None:
    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": "/again"})

    with answering(handler) as url, pytest.raises(GatewayError):
        door(url).dataset_range(DATASET)


def test_a_fault_page_that_is_not_json_is_told_by_its_status(pauses: list[float]) -> None:
    async def broken(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=502, text="<html>Bad gateway</html>", content_type="text/html")

    with answering(broken) as url:
        error = refused(door(url))
    assert error.status == 502
    assert "The fault is on the gateway's side." in str(error)
    assert "<html>" not in str(error)


def test_a_count_that_is_not_json_is_a_broken_answer() -> None:
    async def nonsense(_request: web.Request) -> web.StreamResponse:
        return web.Response(text="sixty")

    with answering(nonsense) as url:
        error = refused(door(url))
    assert error.case == "broken_answer"
    assert error.retryable


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
