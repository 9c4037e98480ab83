"""Typed readers for environment variables that refuse odd text loudly."""

import os
from urllib.parse import urlsplit


class BadEnvironment(SystemExit):
    """An environment variable holds text that cannot be read; the message names it."""


def text(name: str, default: str | None = None) -> str:
    """The variable's text. Without a default the variable is required."""
    value = os.environ.get(name, default)
    if value is None or (not value and default is None):
        raise BadEnvironment(
            f"{name} is not set. `make run` sets it, and other commands take it from the running stack: start that, "
            "and where it has a FUTSIM_STATE of its own, set the same here."
        )
    return value


def integer(name: str, default: int) -> int:
    """The variable as a whole number."""
    value = os.environ.get(name, "")
    if not value:
        return default
    if not value.isascii() or not value.isdigit():
        raise BadEnvironment(f"{name}={value!r} is not a whole number.")
    return int(value)


def flag(name: str, default: bool) -> bool:
    """The variable as yes or no: 1/0, true/false, yes/no, on/off."""
    value = os.environ.get(name, "").lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise BadEnvironment(f"{name}={value!r} is neither yes nor no. Use 1 or 0.")


def words(name: str, default: str) -> list[str]:
    """The variable as a comma-separated list."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def origin(name: str, default: str) -> str:
    """The variable as scheme://host[:port], without a path."""
    value = text(name, default).rstrip("/")
    parts = urlsplit(value)
    try:
        good = (
            parts.scheme in {"http", "https"} and parts.hostname and not (parts.path or parts.query or parts.fragment)
        )
        _ = parts.port
    except ValueError:
        good = False
    if not good:
        raise BadEnvironment(f"{name}={value!r} is not an address such as https://futsim.example or http://host:8000.")
    return value


def address(name: str) -> tuple[str, int] | None:
    """The variable as host:port; None where it is not set."""
    value = os.environ.get(name, "")
    if not value:
        return None
    host, _, port = value.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535):
        raise BadEnvironment(f"{name}={value!r} is not an address such as 127.0.0.1:13000.")
    return host, int(port)
