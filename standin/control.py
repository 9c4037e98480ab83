"""The control endpoints, for holders of the key on this machine: fault switches and the live clock."""

import asyncio
import json

from aiohttp import web

from standin.door import CONTROL_PREFIX, Handler
from standin.errors import ApiError
from standin.faults import BadFault
from standin.gateway import GATEWAY
from standin.live.server import LIVE

FAULTS_PATH = f"{CONTROL_PREFIX}faults"
CLOCK_PATH = f"{CONTROL_PREFIX}clock"


async def get_faults(request: web.Request) -> web.StreamResponse:
    return web.json_response(request.app[GATEWAY].faults.describe())


async def set_faults(request: web.Request) -> web.StreamResponse:
    try:
        request.app[GATEWAY].faults.set(await request.json())
    except (BadFault, json.JSONDecodeError) as error:
        raise ApiError(400, "standin_bad_fault", str(error)) from None
    await request.app[LIVE].follow_faults()
    return await get_faults(request)


async def clear_faults(request: web.Request) -> web.StreamResponse:
    request.app[GATEWAY].faults.clear()
    await request.app[LIVE].follow_faults()
    return await get_faults(request)


async def get_clock(request: web.Request) -> web.StreamResponse:
    """Now for the historical half and for the live half (UTC ns), which is behind it on closed days."""
    now, shift = await asyncio.to_thread(request.app[GATEWAY].live_time)
    return web.json_response({"now_ns": now + shift, "live_now_ns": now, "live_shift_ns": shift})


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", FAULTS_PATH, get_faults),
    ("POST", FAULTS_PATH, set_faults),
    ("DELETE", FAULTS_PATH, clear_faults),
    ("GET", CLOCK_PATH, get_clock),
)
