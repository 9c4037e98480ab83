"""Having files imported."""

from django.db import transaction

from market import queue
from market.importing.uploads import Upload
from market.models import ImportedFile, Job


def start_import(user_id: int, uploads: list[Upload]) -> Job:
    """Have a worker import files that have come."""
    with transaction.atomic():
        job = queue.submit(kind=Job.IMPORT, params={}, asked_by_id=user_id)
        files = {}
        for upload in uploads:
            row = ImportedFile.objects.create(user_id=user_id, job=job, name=upload.name, bytes=upload.size)
            files[str(row.pk)] = str(upload.path)
        job.params = {"files": files, "what": _names(uploads)}
        job.message = "Waiting for a worker."
        job.save(update_fields=["params", "message"])
    return job


def _names(uploads: list[Upload]) -> str:
    """The first file's name, and how many more there are."""
    more = len(uploads) - 1
    return uploads[0].name if not more else f"{uploads[0].name} and {more} more"
