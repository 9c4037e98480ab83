"""The historical half of the stand-in gateway: Databento's HTTP interface over the synthetic market."""

import asyncio
import contextlib
import json
import secrets
from collections.abc import Iterator

from aiohttp import web

from market.facts import DATASET
from standin import metadata, stream
from standin.door import Handler, form_fields
from standin.errors import ApiError
from standin.faults import Faults
from standin.gateway import GATEWAY
from standin.query import Query, check_dataset, parse_query
from standin.symbology import Resolution, check_combination, parse_symbols, resolve


async def _faulty_answer(faults: Faults) -> web.Response | None:
    """Delay a data request, and refuse it, where a fault switch says so; None to go on."""
    if faults.delay_ms:
        await asyncio.sleep(faults.delay_ms / 1_000)
    fault = faults.take_status()
    if fault is None:
        return None
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    return web.json_response(fault.error().body(), status=fault.code, headers=headers)


async def _asked(request: web.Request) -> tuple[Query, Resolution]:
    """The validated query of a request and what its symbols mean. Raises ApiError."""
    gateway = request.app[GATEWAY]
    query = parse_query(await form_fields(request), gateway.available_end())
    days = stream.resolution_days(query)
    resolution = await asyncio.to_thread(resolve, gateway.seed, query.symbols, query.stype_in, *days)
    if not resolution.mappings:
        raise ApiError(
            404, "symbology_symbols_not_found", f"None of the symbols could be resolved: {_some(query.symbols)}."
        )
    return query, resolution


async def get_range(request: web.Request) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    faulty = await _faulty_answer(gateway.faults)
    if faulty is not None:
        return faulty
    query, resolution = await _asked(request)
    response = web.StreamResponse(
        status=206 if resolution.not_found or resolution.partial else 200,
        headers={"Content-Type": "application/octet-stream", "request-id": secrets.token_hex(16)},
    )
    warnings = list(_warnings(resolution))
    if warnings:
        response.headers["X-Warning"] = json.dumps(warnings)
    await response.prepare(request)
    fault = gateway.faults.take_truncate()
    cut = None if fault is None else stream.Cut(fault.records, fault.open_frame)
    pieces = stream.body(gateway.seed, query, resolution, cut=cut)
    with contextlib.suppress(ConnectionResetError):  # the client has gone: nobody to tell
        await _send(response, pieces)
    return response


async def _send(response: web.StreamResponse, pieces: Iterator[bytes]) -> None:
    """Make each piece in a thread, so that the event loop stays free for the other requests."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        if piece:
            await response.write(piece)
    await response.write_eof()


def _warnings(resolution: Resolution) -> Iterator[str]:
    if resolution.not_found:
        yield f"Warning: The following symbols did not resolve: {_some(resolution.not_found)}."
    if resolution.partial:
        yield f"Warning: The following symbols resolved for a part of the date range: {_some(resolution.partial)}."


def _some(symbols: list[str] | tuple[str, ...]) -> str:
    more = f" and {len(symbols) - 20} more" if len(symbols) > 20 else ""
    return ", ".join(symbols[:20]) + more


async def get_record_count(request: web.Request) -> web.StreamResponse:
    return web.json_response(await _count(request))


async def get_billable_size(request: web.Request) -> web.StreamResponse:
    return web.json_response(await _billable_size(request))


async def get_cost(request: web.Request) -> web.StreamResponse:
    schema = (await form_fields(request)).get("schema", "")
    return web.json_response(metadata.cost(schema, await _billable_size(request)))


async def _count(request: web.Request) -> int:
    query, _resolution = await _asked(request)
    return await asyncio.to_thread(stream.count, request.app[GATEWAY].seed, query)


async def _billable_size(request: web.Request) -> int:
    return await _count(request) * stream.record_size((await form_fields(request)).get("schema", ""))


async def symbology_resolve(request: web.Request) -> web.StreamResponse:
    fields = await form_fields(request)
    check_dataset(fields)
    symbols = parse_symbols(fields.get("symbols", ""))
    stype_in, stype_out = fields.get("stype_in", "raw_symbol"), fields.get("stype_out", "instrument_id")
    check_combination(stype_in, stype_out)
    start, end = metadata.day_range(fields)
    seed = request.app[GATEWAY].seed
    resolution = await asyncio.to_thread(resolve, seed, symbols, stype_in, start, end)
    return web.json_response(metadata.resolution_json(resolution, symbols, stype_in, stype_out))


async def get_dataset_range(request: web.Request) -> web.StreamResponse:
    check_dataset(await form_fields(request))
    return web.json_response(metadata.dataset_range(request.app[GATEWAY].available_end()))


async def get_dataset_condition(request: web.Request) -> web.StreamResponse:
    fields = await form_fields(request)
    check_dataset(fields)
    return web.json_response(metadata.dataset_condition(fields, request.app[GATEWAY].available_end()))


async def list_datasets(_request: web.Request) -> web.StreamResponse:
    return web.json_response([DATASET])


async def list_schemas(request: web.Request) -> web.StreamResponse:
    check_dataset(await form_fields(request))
    return web.json_response(metadata.schemas())


async def list_publishers(_request: web.Request) -> web.StreamResponse:
    return web.json_response(metadata.PUBLISHERS)


async def list_fields(request: web.Request) -> web.StreamResponse:
    fields = await form_fields(request)
    return web.json_response(metadata.fields(fields.get("schema", ""), fields.get("encoding", "")))


async def list_unit_prices(request: web.Request) -> web.StreamResponse:
    check_dataset(await form_fields(request))
    return web.json_response(metadata.UNIT_PRICES)


ENDPOINTS: dict[str, Handler] = {
    "timeseries.get_range": get_range,
    "symbology.resolve": symbology_resolve,
    "metadata.get_dataset_range": get_dataset_range,
    "metadata.get_dataset_condition": get_dataset_condition,
    "metadata.get_cost": get_cost,
    "metadata.get_record_count": get_record_count,
    "metadata.get_billable_size": get_billable_size,
    "metadata.list_datasets": list_datasets,
    "metadata.list_schemas": list_schemas,
    "metadata.list_publishers": list_publishers,
    "metadata.list_fields": list_fields,
    "metadata.list_unit_prices": list_unit_prices,
}
"""By Databento's name, each for GET and POST under /v0/."""
