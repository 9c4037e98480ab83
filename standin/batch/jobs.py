"""The jobs of one gateway. They live as long as its process, their files in a folder that goes with it."""

import asyncio
import secrets
import shutil
import string
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from market.sessions import SECOND_NS
from standin import metadata, timestamps
from standin.batch.files import JobFile, Made, make, query_json
from standin.batch.options import Options
from standin.errors import ApiError
from standin.gateway import HOUR_NS, Gateway
from standin.query import Query
from standin.symbology import Resolution

QUEUED_AFTER_NS, STARTED_AFTER_NS, DONE_AFTER_NS = SECOND_NS, 2 * SECOND_NS, 4 * SECOND_NS
EXPIRES_AFTER_NS = 30 * 24 * HOUR_NS
STATES = ("queued", "processing", "done", "expired")
USER = "STANDIN"
_ID_LENGTH = 10


@dataclass(slots=True)
class Job:
    """A request for files. made_ns: when they were really there, None until then."""

    id: str
    query: Query
    options: Options
    received_ns: int
    folder: Path
    made: Made | None = None
    made_ns: int | None = None

    @property
    def done_ns(self) -> int | None:
        return None if self.made_ns is None else max(self.made_ns, self.received_ns + DONE_AFTER_NS)

    def state(self, now_ns: int) -> str:
        done = self.done_ns
        if done is not None and now_ns >= done:
            return "expired" if now_ns >= done + EXPIRES_AFTER_NS else "done"
        return "processing" if now_ns >= self.received_ns + STARTED_AFTER_NS else "queued"

    def describe(self, now_ns: int) -> dict[str, Any]:
        """Databento's description; null for what is still to come."""
        made = self.made if self.state(now_ns) in {"done", "expired"} else None
        done = self.done_ns if made else None
        return {
            "id": self.id,
            "user_id": USER,
            "api_key": None,
            "cost_usd": made and metadata.cost(self.query.schema, made.record_bytes),
            **query_json(self.query),
            **asdict(self.options),
            "split_size": None,
            "packaging": None,
            "delivery": "download",
            "record_count": made and made.record_count,
            "billed_size": made and made.record_bytes,
            "actual_size": made and sum(file.size for file in made.files),
            "package_size": made and sum(file.size for file in made.files),
            "state": self.state(now_ns),
            "ts_received": timestamps.iso(self.received_ns),
            "ts_queued": _reached(self.received_ns + QUEUED_AFTER_NS, now_ns),
            "ts_process_start": _reached(self.received_ns + STARTED_AFTER_NS, now_ns),
            "ts_process_done": done and timestamps.iso(done),
            "ts_expiration": done and timestamps.iso(done + EXPIRES_AFTER_NS),
            "progress": 100 if made else 0,
        }


class Jobs:
    """Used from the event loop of the gateway only."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._jobs: dict[str, Job] = {}
        self._making: set[asyncio.Task[None]] = set()
        self._folder: Path | None = None

    def submit(self, query: Query, resolution: Resolution, options: Options) -> Job:
        """A new job, whose files are being made in a thread from now on."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="standin-batch-"))
        now = self._gateway.clock()
        letters = "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(_ID_LENGTH))
        job_id = f"GLBX-{timestamps.iso(now)[:10].replace('-', '')}-{letters}"
        job = self._jobs[job_id] = Job(job_id, query, options, now, self._folder / job_id)
        task = asyncio.ensure_future(self._make(job, resolution))
        self._making.add(task)
        task.add_done_callback(self._making.discard)
        return job

    async def _make(self, job: Job, resolution: Resolution) -> None:
        job.made = await asyncio.to_thread(make, self._gateway.seed, job.query, resolution, job.options, job.folder)
        job.made_ns = self._gateway.clock()

    def all(self) -> Iterator[Job]:
        """The jobs in the order in which they were received."""
        return iter(self._jobs.values())

    def get(self, job_id: str) -> Job:
        """Raises ApiError for an unknown one."""
        if job_id not in self._jobs:
            raise ApiError(404, "batch_job_not_found", f"There is no batch job {job_id[:40]!r}.")
        return self._jobs[job_id]

    def files(self, job_id: str) -> tuple[JobFile, ...]:
        """The files of a job that is done. Raises ApiError."""
        job = self.get(job_id)
        state = job.state(self._gateway.clock())
        if state == "expired":
            shutil.rmtree(job.folder, ignore_errors=True)
            raise ApiError(404, "batch_job_expired", f"The files of batch job {job.id} have expired.")
        if state != "done" or job.made is None:
            raise ApiError(409, "batch_job_not_done", f"Batch job {job.id} is not done, it is {state}.")
        return job.made.files

    def close(self) -> None:
        """Remove all files."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def zipped(files: tuple[JobFile, ...]) -> tuple[Path, int]:
    """An archive of the files, beside their folder, and its bytes; made once."""
    folder = files[0].path.parent
    path = folder.with_name(f"{folder.name}.zip")
    if not path.exists():
        partial = path.with_suffix(".part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED) as archive:
            for file in files:
                archive.write(file.path, file.path.name)
        partial.rename(path)
    return path, path.stat().st_size


def _reached(at_ns: int, now_ns: int) -> str | None:
    return timestamps.iso(at_ns) if now_ns >= at_ns else None
