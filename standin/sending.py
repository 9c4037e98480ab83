"""Sending a body: piece by piece, made in a thread, spoiled where a fault switch says so."""

import asyncio
import contextlib
from collections.abc import Iterator

from aiohttp import web

from standin.door import Handler
from standin.faults import BodyFault, StatusFault
from standin.gateway import GATEWAY

API_PREFIX = "/v0/"
BODY_FAULT = web.RequestKey("body_fault", BodyFault)
MISSING_BYTES = 4_096
"""What a short body lacks of its Content-Length."""


@web.middleware
async def faulty(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Delay, refuse or spoil the answer of an endpoint that the fault switches concern."""
    faults = request.app[GATEWAY].faults
    if not request.path.startswith(API_PREFIX) or not faults.concerns(endpoint(request.path)):
        return await handler(request)
    if faults.delay_ms:
        await asyncio.sleep(faults.delay_ms / 1_000)
    status = faults.take_status()
    if status is not None:
        return _refusal(status)
    body = faults.take_body()
    if body is not None:
        request[BODY_FAULT] = body
    response = await handler(request)
    if body is None or response.prepared or not isinstance(response, web.Response):
        return response
    assert isinstance(response.body, bytes)
    spoiled = web.StreamResponse(status=response.status, headers={"Content-Type": response.headers["Content-Type"]})
    return await send(request, spoiled, iter([response.body]))


def endpoint(path: str) -> str:
    """Databento's name of an endpoint: /v0/metadata.get_cost is metadata.get_cost."""
    name = path.removeprefix(API_PREFIX)
    return "batch.download" if name.startswith("batch/download/") else name


def _refusal(fault: StatusFault) -> web.Response:
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    if fault.plain:
        return web.Response(text=fault.message, status=fault.code, headers=headers)
    return web.json_response(fault.error().body(), status=fault.code, headers=headers)


async def send(request: web.Request, response: web.StreamResponse, pieces: Iterator[bytes]) -> web.StreamResponse:
    """Send a body. Each piece is made in a thread, so that the event loop stays free for the other requests."""
    fault = request.get(BODY_FAULT)
    if fault is not None:
        _announce(response, fault)
    await response.prepare(request)
    with contextlib.suppress(ConnectionResetError):  # the client has gone: nobody to tell
        if fault is None:
            await _send_all(response, pieces)
            await response.write_eof()
        else:
            await _send_spoiled(response, pieces, fault)
    return response


async def _send_all(response: web.StreamResponse, pieces: Iterator[bytes]) -> None:
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if piece:
            await response.write(piece)


def _announce(response: web.StreamResponse, fault: BodyFault) -> None:
    if fault.kind == "empty":
        response.content_length = 0
    elif fault.kind == "short":
        response.content_length = fault.bytes + MISSING_BYTES
        response.force_close()


async def _send_spoiled(response: web.StreamResponse, pieces: Iterator[bytes], fault: BodyFault) -> None:
    if fault.kind == "empty":
        return
    left = fault.bytes
    while left and (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        await response.write(piece[:left])
        if len(piece) > left:
            pieces = _again(piece[left:], pieces)
        left -= min(left, len(piece))
    if fault.kind == "stall":
        await asyncio.sleep(fault.ms / 1_000)
        await _send_all(response, pieces)


def _again(rest: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield rest
    yield from pieces
