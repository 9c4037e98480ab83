"""Files on their way from a browser, in pieces, until they are imported.

Between two pieces nothing is kept but the file itself; what was agreed with the browser is in a signed ticket.
"""

import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core import signing

PART_BYTES = 4 << 20
"""What a browser sends at once; it is in memory."""
SPARE_BYTES = 1 << 30
"""Left free beside a file: importing takes room too."""
LEFT_OVER_SECONDS = 86_400
SALT = "market.importing.uploads"
NAME_LENGTH = 255
GIGABYTE = 1 << 30


class UploadRefused(Exception):
    """A file or a part of it cannot be taken; the message is fit for the user, status is HTTP's."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that comes or has come. name: its owner's; path: where it lies."""

    name: str
    size: int
    path: Path

    @property
    def received(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def is_whole(self) -> bool:
        return self.received == self.size


def begin(user_id: int, name: str, size: int) -> str:
    """Make room for a file; the ticket for its parts. Raises UploadRefused."""
    if not name or size <= 0:
        raise UploadRefused(400, "The file is empty.")
    if size > settings.UPLOAD_BYTES:
        limit = settings.UPLOAD_BYTES // GIGABYTE
        raise UploadRefused(
            413, f"A file may have up to {limit} GB here. An admin can import larger ones in the shell."
        )
    folder = Path(settings.UPLOAD_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    _remove_left_overs(folder)
    free = shutil.disk_usage(folder).free
    if free < size + SPARE_BYTES:
        raise UploadRefused(507, f"The disk of this installation has only {_gigabytes(free)} GB left. Free some first.")
    return signing.dumps([user_id, name[-NAME_LENGTH:], size, uuid.uuid4().hex], salt=SALT, compress=True)


def find(user_id: int, ticket: str) -> Upload:
    """The upload of a user's ticket. Raises UploadRefused."""
    try:
        owner, name, size, key = signing.loads(ticket, salt=SALT, max_age=LEFT_OVER_SECONDS)
    except signing.BadSignature:
        owner = None
    if owner != user_id:
        raise UploadRefused(404, "There is no such upload of yours; it may be older than a day. Send the file again.")
    return Upload(name, size, Path(settings.UPLOAD_ROOT) / f"upload-{key}")


def append(upload: Upload, part: bytes) -> int:
    """Add the next part; how much is here. Raises UploadRefused."""
    if not part or len(part) > PART_BYTES or upload.received + len(part) > upload.size:
        raise UploadRefused(400, "This part is empty or too long.")
    try:
        with upload.path.open("ab") as file:
            file.write(part)
    except OSError as problem:
        drop(upload)
        raise UploadRefused(507, f"The file could not be kept: {problem.strerror}. Tell an admin.") from None
    return upload.received


def drop(upload: Upload) -> None:
    """Remove what has come."""
    upload.path.unlink(missing_ok=True)


def _remove_left_overs(folder: Path) -> None:
    """Files of browsers that went away, and of workers that were killed."""
    for entry in folder.iterdir():
        with suppress(OSError):
            if time.time() - entry.stat().st_mtime > LEFT_OVER_SECONDS:
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _gigabytes(count: int) -> str:
    return f"{count / GIGABYTE:.1f}"
