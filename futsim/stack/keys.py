"""Secrets that the stack makes up once and keeps in its state folder, readable by their owner alone."""

import json
import os
import secrets
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from futsim.stack.console import StackError


@dataclass(frozen=True)
class Keys:
    """The secrets of one installation."""

    django: str
    """Django's SECRET_KEY."""
    postgres_admin: str
    """Password of the embedded server's superuser `postgres`, whom only the supervisor uses."""
    postgres: str
    """Password of the role `futsim`, which owns the databases."""
    standin: str
    """API key of the stand-in gateway, in the shape of Databento's: `db-` and 29 more characters."""


def new_keys() -> Keys:
    """Fresh secrets."""
    return Keys(
        django=secrets.token_urlsafe(50),
        postgres_admin=secrets.token_hex(24),
        postgres=secrets.token_hex(24),
        standin="db-" + secrets.token_hex(15)[:29],
    )


def load_or_create(file: Path) -> Keys:
    """The kept secrets, or new ones, which are kept from now on. Raises StackError for a damaged file."""
    try:
        kept = json.loads(file.read_text())
        return Keys(**{field.name: str(kept[field.name]) for field in fields(Keys)})
    except FileNotFoundError:
        keys = new_keys()
        write_private(file, json.dumps(asdict(keys), indent=2))
        return keys
    except (ValueError, KeyError, TypeError):
        raise StackError(
            f"{file} is damaged, and the database's password is in it. Restore it from a backup of that folder, "
            "or remove the whole folder to start anew."
        ) from None


def write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner reads; a crash leaves the old text or the new, never half of it."""
    draft = file.with_name(file.name + ".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)
