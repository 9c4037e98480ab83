"""What cannot work is said in one line, with exit code 1, and leaves nothing behind."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from futsim.stack.binaries import find
from futsim.stack.checks import check_free_space
from futsim.stack.console import StackError
from futsim.stack.external import check_database, check_redis
from futsim.stack.keys import new_keys
from futsim.stack.paths import Places, server_account
from futsim.stack.postgres import embedded
from tests.product import Up


def refused(up: Up) -> str:
    """The line of a start that was refused."""
    assert up.ended() == 1
    assert "Traceback" not in up.output
    assert sum(line.startswith("futsim: ") for line in up.lines) == 1, up.output
    assert not {pid for pid in up.processes() if pid != up.process.pid}
    return next(line for line in up.lines if line.startswith("futsim: "))


def test_a_port_in_use(start: Callable[..., Up]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        line = refused(start(FUTSIM_PORT=str(port)))
    assert line.startswith(f"futsim: port {port} on 127.0.0.1 is in use by another program.")


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_a_port_that_is_none(start: Callable[..., Up], port: str) -> None:
    assert refused(start(FUTSIM_PORT=port)).startswith(f"futsim: FUTSIM_PORT={port} is not a port")


def test_a_gateway_without_a_key(start: Callable[..., Up]) -> None:
    assert "FUTSIM_GATEWAY is set without DATABENTO_API_KEY" in refused(start(FUTSIM_GATEWAY="http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:secret@127.0.0.1:1/futsim", "127.0.0.1:1 refuses the connection"),
        ("postgresql://me:secret@127.0.0.1:1/", "names no database"),
        ("mysql://me:secret@127.0.0.1/futsim", "must start with postgresql://"),
        ("postgresql://me:secret/4#2@127.0.0.1:x/futsim", "percent-encoded"),
        ("postgresql://me:secret@no-such-host.invalid/futsim", "does not answer"),
    ],
)
def test_a_wrong_database_url(start: Callable[..., Up], url: str, words: str) -> None:
    line = refused(start(DATABASE_URL=url))
    assert words in line
    assert "secret" not in line


def test_the_wrong_user_password_or_database_of_a_real_server() -> None:
    right = os.environ["DATABASE_URL"]
    check_database(right)
    start, rest = right.split("@", 1)
    with pytest.raises(StackError, match="refuses the password of futsim"):
        check_database(f"postgresql://futsim:secret@{rest}")
    with pytest.raises(StackError, match="has no database nowhere"):
        check_database(f"{start}@{rest}".replace("/futsim?", "/nowhere?"))


@pytest.mark.parametrize("url", ["redis://:secret@127.0.0.1:1/0", "http://127.0.0.1", "redis://:secret@127.0.0.1:x/0"])
def test_a_wrong_redis_url(url: str) -> None:
    with pytest.raises(StackError, match=r"^REDIS_URL") as refusal:
        check_redis(url)
    assert "secret" not in str(refusal.value)
    check_redis(os.environ["REDIS_URL"])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 20 MB, which only root can mount."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", folder]).returncode:
        pytest.skip("mounting a small file system needs root")
    for above in list(folder.parents)[:3]:
        above.chmod(0o755)
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_nearly_full_disk_is_noticed_before_anything_starts(small_disk: Path, start: Callable[..., Up]) -> None:
    line = refused(start(small_disk))
    assert f"futsim: {small_disk} has " in line
    assert "MB of free space left and futsim needs 500 MB" in line
    with pytest.raises(StackError):
        check_free_space(small_disk)


def test_a_disk_that_fills_up_while_the_cluster_is_made(small_disk: Path) -> None:
    places = Places(small_disk, server_account())
    places.create()
    database = embedded(places, find(places), new_keys())
    with pytest.raises(StackError, match="is full"):
        database.prepare()
    assert not database.exists


def test_a_platform_without_embedded_servers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(StackError, match=r"no embedded PostgreSQL and Valkey for Linux on riscv64.*DATABASE_URL"):
        find(Places(tmp_path))


def test_a_binary_that_does_not_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "valkey-server"
    broken.write_bytes(b"\x7fELF of another machine")
    broken.chmod(0o755)
    monkeypatch.setattr("futsim.stack.binaries._valkey_of_the_wheel", lambda: broken)
    with pytest.raises(StackError, match="valkey-server does not run on"):
        find(Places(tmp_path))


def test_a_folder_that_cannot_be_written(tmp_path: Path, start: Callable[..., Up]) -> None:
    file = tmp_path / "file"
    file.touch()
    assert str(file) in refused(start(file / "state"))


def test_a_command_without_a_stack_names_what_is_missing(tmp_path: Path) -> None:
    environment = {"PATH": os.defpath, "FUTSIM_STATE": str(tmp_path)}
    result = subprocess.run([sys.executable, "manage.py", "check"], env=environment, capture_output=True, text=True)
    assert "FUTSIM_SECRET_KEY is not set" in result.stderr
