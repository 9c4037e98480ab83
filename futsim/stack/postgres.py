"""The embedded PostgreSQL: its cluster, its recovery after a crash, its databases."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from futsim.stack.binaries import Binaries
from futsim.stack.children import Program
from futsim.stack.console import StackError, disk_is_full, speaks_of_full_disk
from futsim.stack.keys import Keys
from futsim.stack.logs import Log
from futsim.stack.paths import Account, Places, as_account, own_folder

MAJOR_VERSION = "18"
PORT = 5432
"""No port is opened; the number is part of the socket's name."""
ADMIN, ROLE = "postgres", "futsim"
CONNECTIONS = 200
"""Each thread of the web server and each pool process of the worker keeps one."""
NO_PROCESS = 2**30
"""Above every process number of Linux and macOS."""
LEFTOVER_SECONDS = 10.0

LOCALES = (
    ("--locale=C.UTF-8",),
    # older systems have no such locale; PostgreSQL's own behaves the same
    ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
)
UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""For throw-away servers, whose data nobody needs after a crash."""


def server_environment(home: Path) -> dict[str, str]:
    """A server's environment: none of the user's settings (PGPORT, LC_ALL …) may change what it does."""
    return {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(home), "TZ": "UTC"}


@dataclass(frozen=True)
class Postgres:
    """The server of one state folder."""

    programs: Path
    cluster: Path
    sockets: Path
    keys: Keys
    account: Account | None = None
    throwaway: bool = False

    @property
    def exists(self) -> bool:
        """Whether the cluster has been made."""
        return (self.cluster / "PG_VERSION").exists()

    def prepare(self) -> None:
        """Makes the cluster unless it exists. Raises StackError when it cannot or is of another major version."""
        if not self.exists:
            self._make_cluster()
        version = (self.cluster / "PG_VERSION").read_text().strip()
        if version != MAJOR_VERSION:
            raise StackError(
                f"{self.cluster} was made by PostgreSQL {version} and this is {MAJOR_VERSION}. "
                "See `Moving to another version` in docs/operations.md."
            )

    def _make_cluster(self) -> None:
        """initdb in a draft folder, renamed when it is whole: an interrupted first start leaves nothing half done."""
        draft = self.cluster.with_name(self.cluster.name + ".new")
        for locale in LOCALES:
            shutil.rmtree(draft, ignore_errors=True)
            own_folder(draft, self.account)
            complaint = self._initdb(draft, locale)
            if complaint is None:
                break
            if "invalid locale" not in complaint:
                raise StackError(_why_no_cluster(complaint, self.cluster.parent))
        else:
            raise StackError("PostgreSQL finds no UTF-8 locale on this system (Debian: apt install locales).")
        draft.rename(self.cluster)

    def _initdb(self, folder: Path, locale: tuple[str, ...]) -> str | None:
        """Runs initdb; None when it worked, otherwise what it said."""
        with tempfile.NamedTemporaryFile("w", dir=folder.parent, prefix="initdb-") as password:
            password.write(self.keys.postgres_admin)
            password.flush()
            if self.account:
                os.chown(password.name, self.account.uid, self.account.gid)
            command = [str(self.programs / "initdb"), "-D", str(folder), "-U", ADMIN, "--encoding=UTF8", *locale]
            command += ["--auth=scram-sha-256", f"--pwfile={password.name}", *(["--no-sync"] if self.throwaway else [])]
            result = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd=folder,
                env=server_environment(folder),
                start_new_session=True,  # Ctrl-C is ours to handle
                **as_account(self.account),
            )
        return None if result.returncode == 0 else result.stderr + result.stdout

    def recover(self) -> None:
        """Ends the server of a crashed run, if it still runs, and frees the files that name it.

        PostgreSQL itself clears stale files, but refuses to start when one names a living process of its account,
        although that may be a stranger who got the number."""
        for file in (self.cluster / "postmaster.pid", self.sockets / f".s.PGSQL.{PORT}.lock"):
            pid = _named_pid(file)
            if pid and _serves(self.cluster, pid):
                self._stop_leftover(pid)
            elif pid and _exists(pid):
                _name_nobody(file)

    def _stop_leftover(self, pid: int) -> None:
        """Ends the server of a run whose supervisor and guard were both killed."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            deadline = time.monotonic() + LEFTOVER_SECONDS
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
            while _serves(self.cluster, pid) and time.monotonic() < deadline:
                time.sleep(0.05)
            if not _serves(self.cluster, pid):
                return

    def program(self) -> Program:
        """How the supervisor runs it."""
        options = [
            "listen_addresses=",
            f"unix_socket_directories={self.sockets}",
            f"port={PORT}",
            f"max_connections={CONNECTIONS}",
            "log_line_prefix=%m [%p] ",
            *(UNSAFE_BUT_FAST if self.throwaway else ()),
        ]
        command = [str(self.programs / "postgres"), "-D", str(self.cluster)]
        for option in options:
            command += ["-c", option]
        return Program(
            name="postgres",
            command=tuple(command),
            environment=server_environment(self.cluster),
            is_ready=self.answers,
            before_start=self.recover,
            account=self.account,
            folder=self.cluster,
            stop_signal=signal.SIGINT,  # "fast": ends the sessions and writes a checkpoint
            hurry_signal=signal.SIGQUIT,  # "immediate": recovers at the next start
            grace=30.0,
        )

    def answers(self, _log: Log | None = None) -> bool:
        """Whether the server takes connections."""
        try:
            with self._connect():
                return True
        except psycopg.OperationalError:
            return False

    def _connect(self) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(
            host=str(self.sockets),
            port=PORT,
            user=ADMIN,
            password=self.keys.postgres_admin,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def ensure_database(self, name: str) -> None:
        """Creates the role `futsim` and its database unless they exist. Raises StackError when it cannot."""
        try:
            self._ensure_database(name)
        except psycopg.Error as failure:
            raise StackError(f"PostgreSQL cannot create the database {name}: {failure}") from None

    def _ensure_database(self, name: str) -> None:
        with self._connect() as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB PASSWORD {}").format(
                        sql.Identifier(ROLE), sql.Literal(self.keys.postgres)
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(ROLE))
                )

    def url(self, database: str) -> str:
        """DATABASE_URL for the role `futsim`."""
        return f"postgresql://{ROLE}:{self.keys.postgres}@:{PORT}/{database}?host={self.sockets}"


def embedded(places: Places, binaries: Binaries, keys: Keys, *, throwaway: bool = False) -> Postgres:
    """The server that belongs to the places."""
    return Postgres(
        programs=binaries.postgres,
        cluster=places.servers / "postgres",
        sockets=places.sockets(),
        keys=keys,
        account=places.account,
        throwaway=throwaway,
    )


def without_user_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without PGPORT, PGHOST and the like, which libpq would prefer over nothing."""
    return {name: value for name, value in environment.items() if not name.startswith("PG")}


def _why_no_cluster(complaint: str, folder: Path) -> str:
    if speaks_of_full_disk(complaint):
        return disk_is_full(folder)
    lines = [line for line in complaint.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    return f"PostgreSQL cannot make its cluster in {folder}: {(lines or [complaint.strip()])[0]}"


def _named_pid(file: Path) -> int | None:
    """The process that a lock file names; None when there is no file or it is damaged."""
    try:
        pid = int(file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if pid > 0 else None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _name_nobody(file: Path) -> None:
    """Replaces the number by one that no process has.

    The file stays: its other lines let PostgreSQL find sessions that outlived their server and wait for them."""
    _, *others = file.read_text().splitlines()
    file.write_text("\n".join([str(NO_PROCESS), *others, ""]))


def _serves(cluster: Path, pid: int) -> bool:
    """Whether the process is the PostgreSQL of this cluster, not a stranger that got the number of one that ended."""
    proc = Path(f"/proc/{pid}")
    try:
        if Path("/proc/self").exists():
            program = proc.joinpath("exe").readlink().name
            words = proc.joinpath("cmdline").read_bytes().decode(errors="replace").split("\0")
            return program.startswith("postgres") and str(cluster) in words
    except OSError:
        return False  # it has ended, or it is somebody else's: our own would be readable
    listing = subprocess.run(["ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True)
    return "postgres" in listing.stdout and str(cluster) in listing.stdout
