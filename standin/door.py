"""The door of the HTTP interface: who may ask, how a request is read, how an error is told."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from standin.errors import ApiError
from standin.gateway import GATEWAY

LOOPBACK = ("127.0.0.1", "::1")
CONTROL_PREFIX = "/_standin/"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every answer carries a request id; an ApiError becomes Databento's JSON."""
    try:
        response = await handler(request)
    except ApiError as error:
        response = web.json_response(error.body(), status=error.status)
    except web.HTTPException as error:
        response = web.json_response({"detail": error.reason}, status=error.status)
    if not response.prepared:
        response.headers["request-id"] = secrets.token_hex(16)
    return response


@web.middleware
async def authentication(request: web.Request, handler: Handler) -> web.StreamResponse:
    gateway = request.app[GATEWAY]
    user = _basic_user(request.headers.get("Authorization", ""))
    if user is None:
        return web.json_response({"detail": "Not authenticated"}, status=401, headers={"WWW-Authenticate": "Basic"})
    if not hmac.compare_digest(user.encode(), gateway.key.encode()):
        raise ApiError(401, "auth_authentication_failed", "Authentication failed.")
    if request.path.startswith(CONTROL_PREFIX) and request.remote not in LOOPBACK:
        raise ApiError(403, "standin_loopback_only", "Fault switches are for this machine only.")
    return await handler(request)


def _basic_user(header: str) -> str | None:
    """The user name of HTTP Basic, which is the API key; None for anything else."""
    scheme, _, credentials = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None


async def form_fields(request: web.Request) -> Mapping[str, str]:
    """Form fields of a POST over the URL's query fields."""
    form = await request.post() if request.method == "POST" else {}
    return {**request.query, **{name: value for name, value in form.items() if isinstance(value, str)}}
