"""Having files imported."""

from django.db import transaction

from market.importing.uploads import Upload
from market.models import ImportedFile, Job
from market.tasks import import_files


def start_import(user_id: int, uploads: list[Upload]) -> Job:
    """Have a worker import files that have come."""
    with transaction.atomic():
        job = Job.objects.create(kind=Job.IMPORT, asked_by_id=user_id)
        files = {}
        for upload in uploads:
            row = ImportedFile.objects.create(user_id=user_id, job=job, name=upload.name, bytes=upload.size)
            files[str(row.pk)] = str(upload.path)
        job.params = {"files": files}
        job.message = "Waiting for a worker."
        job.save(update_fields=["params", "message"])
        # robust: without Valkey the job stays queued in its row, and the next worker that starts takes it up
        transaction.on_commit(lambda: import_files.delay(job.pk), robust=True)
    return job
