"""Locks between processes, held in Postgres so that a killed holder lets go by itself."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

IS_LOCKED = """
    SELECT EXISTS (
        SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
        WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1 AND granted
        AND (classid::bigint << 32) + objid::bigint = %s
    )
"""
"""PostgreSQL shows an eight-byte key as its upper and lower half."""


@contextmanager
def try_advisory_lock(*key: object) -> Iterator[bool]:
    """Hold the lock of this name if nobody else does; yields whether it is held."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_number(key)])
        held = bool(cursor.fetchone()[0])
        try:
            yield held
        finally:
            if held:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(key)])


def _number(key: tuple[object, ...]) -> int:
    return int.from_bytes(hashlib.sha256(repr(key).encode()).digest()[:8], "big", signed=True)


@contextmanager
def advisory_lock(*key: object) -> Iterator[None]:
    """Wait until no other process holds the lock of this name, and hold it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_number(key)])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_number(key)])


def is_locked(*key: object) -> bool:
    """Whether any session holds the lock of this name. Asks only: nobody is kept from taking it."""
    with connection.cursor() as cursor:
        cursor.execute(IS_LOCKED, [_number(key)])
        return bool(cursor.fetchone()[0])
