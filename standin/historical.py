"""The historical half of the stand-in gateway: Databento's HTTP interface over the synthetic market."""

import asyncio
import json
import secrets
from collections.abc import Iterator, Mapping
from datetime import date

from aiohttp import web

from market.facts import DATASET
from standin import metadata, stream
from standin.door import Handler, form_fields
from standin.errors import ApiError
from standin.gateway import GATEWAY, Gateway
from standin.query import Query, check_dataset, check_licence, parse_query
from standin.sending import send
from standin.symbology import Resolution, check_combination, parse_symbols, resolve


async def asked(gateway: Gateway, fields: Mapping[str, str]) -> tuple[Query, Resolution]:
    """The validated query of a request and what its symbols mean. Raises ApiError."""
    query = parse_query(fields, gateway.available_end())
    check_licence(query, gateway.licence_end())
    days = stream.resolution_days(query)
    resolution = await asyncio.to_thread(resolve, gateway.seed, query.symbols, query.stype_in, *days)
    if not resolution.mappings:
        raise ApiError(
            404, "symbology_symbols_not_found", f"None of the symbols could be resolved: {_some(query.symbols)}."
        )
    return query, resolution


async def get_range(request: web.Request) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    query, resolution = await asked(gateway, await form_fields(request))
    response = web.StreamResponse(
        status=206 if resolution.not_found or resolution.partial else 200,
        headers={"Content-Type": "application/octet-stream", "request-id": secrets.token_hex(16)},
    )
    warnings = list(_warnings(resolution, gateway.faults.degraded))
    if warnings:
        response.headers["X-Warning"] = json.dumps(warnings)
    fault = gateway.faults.take_truncate()
    cut = None if fault is None else stream.Cut(fault.records, fault.open_frame)
    return await send(request, response, stream.body(gateway.seed, query, resolution, cut=cut))


def _warnings(resolution: Resolution, degraded: tuple[date, ...]) -> Iterator[str]:
    touched = [f"{day} (degraded)" for day in degraded if resolution.start <= day < resolution.end]
    if touched:
        days = ", ".join(touched)
        yield f"Warning: The streaming request contained one or more days which have reduced quality: {days}."
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
    gateway = request.app[GATEWAY]
    query, _resolution = await asked(gateway, await form_fields(request))
    return await asyncio.to_thread(stream.count, gateway.seed, query)


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
    gateway = request.app[GATEWAY]
    return web.json_response(metadata.dataset_range(min(gateway.available_end(), gateway.licence_end())))


async def get_dataset_condition(request: web.Request) -> web.StreamResponse:
    fields = await form_fields(request)
    check_dataset(fields)
    gateway = request.app[GATEWAY]
    conditions = metadata.dataset_condition(fields, gateway.available_end(), gateway.faults.degraded)
    return web.json_response(conditions)


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
