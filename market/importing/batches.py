"""The files that a user dropped together: one job imports them, one after the other."""

import hashlib
import logging
from pathlib import Path

from django.db import InterfaceError, OperationalError

from market import jobs
from market.importing.importer import Tell, holds_definitions, import_file
from market.importing.report import Report
from market.models import ImportedFile, Job

log = logging.getLogger(__name__)

UNIT_BYTES = 1024
CHUNK_BYTES = 1 << 20
GONE = "The file that was sent is gone. Send it again."
STUMBLED = "Something went wrong in futsim; the log has the details."
CANCELLED = "Cancelled before it was over; pieces that were stored until then stay."


def run(job_id: int) -> None:
    """Import a job's files. Running it again after a crash goes on with the file that was not over."""
    job = jobs.start(job_id)
    if job is None:
        _forget(Job.objects.get(pk=job_id))
        return
    progress = jobs.Progress(job)
    waiting = list(job.imported_files.filter(report={}).order_by("pk"))
    waiting.sort(key=lambda row: not holds_definitions(_path(job, row), row.name))
    progress.expect(sum(row.bytes for row in waiting) // UNIT_BYTES + 1)
    refused = 0
    try:
        for row in waiting:
            refused += _import(row, _path(job, row), progress).is_refused
    except jobs.JobCancelled:
        _forget(job)
        return
    total = job.imported_files.count()
    progress.finish(Job.State.DONE, _summary(total, refused))


def _summary(total: int, refused: int) -> str:
    files = "1 file" if total == 1 else f"{total} files"
    if not refused:
        return f"{files} imported."
    return f"{files}, {refused} of them refused." if total > 1 else "The file was refused."


def _import(row: ImportedFile, path: Path, progress: jobs.Progress) -> Report:
    said = 0

    def tell(share: float) -> None:
        nonlocal said
        units = int(share * row.bytes) // UNIT_BYTES
        progress.say(f"{row.name}: {share:.0%}", max(0, units - said))
        said = max(said, units)

    if path.exists():
        row.checksum = checksum(path)
        report = _attempt(path, row.name, tell)
    else:
        report = Report(problem=GONE)
    row.report = report.as_json()
    row.save(update_fields=["checksum", "report"])
    path.unlink(missing_ok=True)
    return report


def _attempt(path: Path, name: str, tell: Tell) -> Report:
    """A mistake of ours ends with its file; the others go on."""
    try:
        return import_file(path, name, tell)
    except (OperationalError, InterfaceError, jobs.JobCancelled):
        raise
    except Exception:
        log.exception("%s could not be imported", name)
        return Report(problem=STUMBLED)


def _forget(job: Job) -> None:
    """Remove the files that a cancelled job has not imported."""
    for row in job.imported_files.filter(report={}):
        _path(job, row).unlink(missing_ok=True)
        row.report = Report(problem=CANCELLED).as_json()
        row.save(update_fields=["report"])


def _path(job: Job, row: ImportedFile) -> Path:
    return Path(job.params["files"][str(row.pk)])


def checksum(path: Path) -> str:
    """SHA-256 of a file, hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
