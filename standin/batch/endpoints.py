"""batch.*: submit a job, ask after it, download its files."""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

from aiohttp import web

from standin import timestamps
from standin.batch.jobs import STATES, USER, Jobs, zipped
from standin.batch.options import parse_options
from standin.door import Handler, form_fields
from standin.errors import ApiError, BadField
from standin.gateway import GATEWAY
from standin.historical import asked
from standin.sending import API_PREFIX, send

JOBS = web.AppKey("jobs", Jobs)
DEFAULT_STATES = "queued,processing,done"
FILE_PATH = f"{API_PREFIX}batch/download/{{user}}/{{job_id}}/{{filename}}"
_QUERY_FIELDS = {"dataset", "symbols", "schema", "start", "end", "stype_in", "stype_out", "limit"}
_PIECE_BYTES = 1 << 18
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


async def submit_job(request: web.Request) -> web.StreamResponse:
    gateway, fields = request.app[GATEWAY], await form_fields(request)
    options = parse_options(fields)
    query, resolution = await asked(gateway, {name: fields[name] for name in _QUERY_FIELDS & fields.keys()})
    job = request.app[JOBS].submit(query, resolution, options)
    return web.json_response(job.describe(gateway.clock()))


async def list_jobs(request: web.Request) -> web.StreamResponse:
    """The short form, as Databento's since 2026-09; `short=False` gives all of each job."""
    fields, now = await form_fields(request), request.app[GATEWAY].clock()
    states = [state for state in fields.get("states", DEFAULT_STATES).split(",") if state]
    if not set(states) <= set(STATES):
        raise BadField("states", f"values must be of {', '.join(STATES)}")
    since = _time(fields["since"]) if fields.get("since") else 0
    jobs = [job.describe(now) for job in request.app[JOBS].all() if job.received_ns >= since]
    chosen = [job for job in jobs if job["state"] in states]
    if fields.get("short", "True").lower() != "false":
        chosen = [{name: job[name] for name in ("id", "state", "ts_received")} for job in chosen]
    return web.json_response(chosen)


async def get_job_details(request: web.Request) -> web.StreamResponse:
    job = request.app[JOBS].get(await _job_id(request))
    return web.json_response(job.describe(request.app[GATEWAY].clock()))


async def list_files(request: web.Request) -> web.StreamResponse:
    job_id = await _job_id(request)
    base = f"{request.scheme}://{request.host}{API_PREFIX}batch/download/{USER}/{job_id}"
    return web.json_response(
        [
            {
                "filename": file.path.name,
                "size": file.size,
                "hash": f"sha256:{file.sha256}",
                "urls": {"https": f"{base}/{file.path.name}"},
            }
            for file in request.app[JOBS].files(job_id)
        ]
    )


async def download(request: web.Request) -> web.StreamResponse:
    """All files of a job in one archive."""
    files = request.app[JOBS].files(await _job_id(request))
    return await _send_file(request, *await asyncio.to_thread(zipped, files))


async def download_file(request: web.Request) -> web.StreamResponse:
    """One file, or the range of it that is asked for."""
    name = request.match_info["filename"]
    for file in request.app[JOBS].files(request.match_info["job_id"]):
        if file.path.name == name:
            return await _send_file(request, file.path, file.size)
    raise ApiError(404, "batch_file_not_found", f"The job has no file {name[:80]!r}.")


async def _send_file(request: web.Request, path: Path, size: int) -> web.StreamResponse:
    wanted = _RANGE.fullmatch(request.headers.get("Range", ""))
    start = int(wanted[1]) if wanted else 0
    stop = min(int(wanted[2]) + 1, size) if wanted and wanted[2] else size
    if wanted and start >= stop:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = web.StreamResponse(status=206 if wanted else 200, headers={"Content-Type": "application/octet-stream"})
    if wanted:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    response.content_length = stop - start
    return await send(request, response, _read(path, start, stop))


def _read(path: Path, start: int, stop: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while start < stop and (piece := file.read(min(_PIECE_BYTES, stop - start))):
            start += len(piece)
            yield piece


async def _job_id(request: web.Request) -> str:
    fields = await form_fields(request)
    if not fields.get("job_id"):
        raise BadField("job_id", "field required")
    return fields["job_id"]


def _time(text: str) -> int:
    try:
        return timestamps.parse(text)[0]
    except (ValueError, OverflowError) as error:
        raise BadField("since", str(error)) from None


async def clean_up(app: web.Application) -> None:
    app[JOBS].close()


ENDPOINTS: dict[str, Handler] = {
    "batch.submit_job": submit_job,
    "batch.list_jobs": list_jobs,
    "batch.get_job_details": get_job_details,
    "batch.list_files": list_files,
    "batch.download": download,
}
"""By Databento's name, each for GET and POST under /v0/; single files have an address of their own."""
