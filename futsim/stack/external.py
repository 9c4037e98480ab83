"""Checks of servers that the user runs: DATABASE_URL and REDIS_URL. No message ever holds a password."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from futsim.stack.console import StackError

T = TypeVar("T")
SECONDS = 5
OLDEST_POSTGRES = 14_00_00
"""Django 5.2 needs PostgreSQL 14."""


def check_database(url: str) -> None:
    """Raises StackError when the database cannot be used, with what to do about it."""
    parts = _split(url, "DATABASE_URL", ("postgresql", "postgres"), "postgresql://user:password@host:5432/futsim")
    name = unquote(parts.path.lstrip("/"))
    if not name:
        raise StackError("DATABASE_URL names no database. Write it as postgresql://user:password@host:5432/futsim")
    try:
        with psycopg.connect(url, connect_timeout=SECONDS) as connection:
            version = connection.info.server_version
    except psycopg.Error as failure:
        raise StackError(_why_no_database(parts, name, str(failure))) from None
    if version < OLDEST_POSTGRES:
        raise StackError(f"DATABASE_URL is served by PostgreSQL {version // 10000}; futsim needs 14 or newer.")


def _why_no_database(parts: SplitResult, name: str, complaint: str) -> str:
    """Chooses our own words by the server's, which might quote a password of a malformed URL."""
    where = _where(parts, "5432")
    user = unquote(parts.username or "") or "the current user"
    known = {
        "password authentication failed": f"{where} refuses the password of {user}. Correct it in DATABASE_URL.",
        "no password supplied": f"{where} asks for a password of {user}. Add it to DATABASE_URL.",
        "does not exist": (
            f"{where} has no database {name} or no role {user}. Create them: createuser --pwprompt {user}; "
            f"createdb --owner={user} {name}"
        ),
        "pg_hba.conf": f"{where} does not let {user} in from this machine. Allow it in the server's pg_hba.conf.",
        "too many": f"{where} has no connection left. Raise its max_connections.",
    }
    answer = next((words for clue, words in known.items() if clue in complaint), None)
    return f"DATABASE_URL: {answer or _unreachable(where, complaint)}"


def check_redis(url: str) -> None:
    """Raises StackError when the Redis or Valkey server cannot be used, with what to do about it."""
    parts = _split(url, "REDIS_URL", ("redis", "rediss", "unix"), "redis://:password@host:6379/0")
    where = _where(parts, "6379")
    once = Retry(NoBackoff(), 0)
    try:
        with redis.from_url(url, socket_connect_timeout=SECONDS, socket_timeout=SECONDS, retry=once) as client:
            client.ping()
    except (redis.AuthenticationError, redis.ResponseError):
        raise StackError(f"REDIS_URL: {where} refuses the user or the password. Correct them in REDIS_URL.") from None
    except (redis.RedisError, OSError, ValueError) as failure:
        raise StackError(f"REDIS_URL: {_unreachable(where, str(failure))}") from None


def _split(url: str, variable: str, schemes: tuple[str, ...], example: str) -> SplitResult:
    """The URL's parts. Raises StackError when it is malformed."""
    malformed = StackError(
        f"{variable} cannot be read. Write it as {example} with any of :/?#@ in the password percent-encoded."
    )
    parts = _or_raise(lambda: urlsplit(url.strip()), malformed)
    _or_raise(lambda: parts.port, malformed)
    if parts.scheme not in schemes:
        raise StackError(f"{variable} must start with {schemes[0]}://. Write it as {example}")
    return parts


def _or_raise(read: Callable[[], T], error: StackError) -> T:
    try:
        return read()
    except ValueError:
        raise error from None


def _where(parts: SplitResult, port: str) -> str:
    """The server's address, without user and password."""
    if parts.scheme == "unix":
        return parts.path
    folder = parse_qs(parts.query).get("host", [""])[0]
    return folder or f"{parts.hostname or 'localhost'}:{parts.port or port}"


def _unreachable(where: str, complaint: str) -> str:
    refused = "refused" in complaint.lower()
    reason = "refuses the connection" if refused else "does not answer"
    return f"{where} {reason}. Start that server, or unset the variable to use the embedded one."
