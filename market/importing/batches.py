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


def run(job: Job, progress: jobs.Progress) -> str:
    """Import a job's files; what to tell of it. After a crash it goes on with the file that was not over.

    Raises JobCancelled, and jobs.Failed where all of them are refused.
    """
    waiting = list(job.imported_files.filter(report={}).order_by("pk"))
    waiting.sort(key=lambda row: not holds_definitions(_path(job, row), row.name))
    progress.expect(sum(row.bytes for row in waiting) // UNIT_BYTES + 1)
    for row in waiting:
        _import(row, _path(job, row), progress)
    reports = job.imported_files.values_list("report", flat=True)
    return _summary(len(reports), sum(bool(report["problem"]) for report in reports))


def _summary(total: int, refused: int) -> str:
    """Raises jobs.Failed where nothing was taken."""
    files = "1 file" if total == 1 else f"{total} files"
    if refused == total:
        raise jobs.Failed(f"{files}, all refused." if total > 1 else "The file was refused.")
    return f"{files}, {refused} of them refused." if refused else f"{files} imported."


def _import(row: ImportedFile, path: Path, progress: jobs.Progress) -> None:
    said = 0

    def tell(share: float) -> None:
        nonlocal said
        units = int(share * row.bytes) // UNIT_BYTES
        progress.say(f"{row.name}: {share:.0%}", max(0, units - said))
        said = max(said, units)

    if path.exists():
        row.checksum = checksum(path)
        report = _attempt(path, row, tell)
    else:
        report = Report(problem=GONE)
    row.report = report.as_json()
    row.save(update_fields=["checksum", "report"])
    path.unlink(missing_ok=True)


def _attempt(path: Path, row: ImportedFile, tell: Tell) -> Report:
    """A mistake of ours ends with its file; the others go on."""
    try:
        return import_file(path, row.name, tell, row)
    except (OperationalError, InterfaceError, jobs.JobCancelled):
        raise
    except Exception:
        log.exception("%s could not be imported", row.name)
        return Report(problem=STUMBLED)


def forget_cancelled(job_id: int) -> None:
    """Remove the files that a job has not imported, if it was cancelled."""
    for row in ImportedFile.objects.filter(job=job_id, job__state=Job.State.CANCELLED, report={}).select_related("job"):
        assert row.job is not None
        _path(row.job, row).unlink(missing_ok=True)
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
