"""The control endpoint: fault switches, for holders of the key on this machine."""

import json

from aiohttp import web

from standin.door import CONTROL_PREFIX, Handler
from standin.errors import ApiError
from standin.faults import BadFault
from standin.gateway import GATEWAY

FAULTS_PATH = f"{CONTROL_PREFIX}faults"


async def get_faults(request: web.Request) -> web.StreamResponse:
    return web.json_response(request.app[GATEWAY].faults.describe())


async def set_faults(request: web.Request) -> web.StreamResponse:
    faults = request.app[GATEWAY].faults
    try:
        faults.set(await request.json())
    except (BadFault, json.JSONDecodeError) as error:
        raise ApiError(400, "standin_bad_fault", str(error)) from None
    return web.json_response(faults.describe())


async def clear_faults(request: web.Request) -> web.StreamResponse:
    request.app[GATEWAY].faults.clear()
    return web.json_response(request.app[GATEWAY].faults.describe())


METHODS: dict[str, Handler] = {"GET": get_faults, "POST": set_faults, "DELETE": clear_faults}
