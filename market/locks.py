"""Locks between processes, held in Postgres so that a killed holder lets go by itself."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def advisory_lock(*key: object) -> Iterator[None]:
    """Wait until no other process holds the lock of this name, and hold it."""
    number = int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [number])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [number])
