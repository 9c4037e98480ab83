"""Whoever starts the stack: an ordinary user, somebody with his own servers, somebody behind `make`."""

import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from futsim.stack.testing import start_throwaway_servers
from tests.product import CLONE, PATIENCE, Up, clean_environment, finish, remove

NOBODY = 65534


PACKAGES = os.pathsep.join(path for path in sys.path if path.endswith("-packages"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that an ordinary user can reach, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="futsim-user-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def python(folder: Path) -> Iterator[str]:
    """Our Python where an ordinary user may execute it: root's own may lie in a folder only root enters."""
    mount = folder / "python"
    mount.mkdir()
    if os.geteuid() or subprocess.run(["mount", "--bind", sys.base_prefix, mount]).returncode:
        pytest.skip("needs root; without it every other test runs as an ordinary user already")
    program = str(mount / "bin" / f"python3.{sys.version_info.minor}")
    probe = subprocess.run([program, "-c", "import ssl, django"], user=NOBODY, env=python_variables(folder), cwd=CLONE)
    if not probe.returncode:
        yield program
    subprocess.run(["umount", mount], check=True)
    if probe.returncode:
        pytest.skip("an ordinary user cannot read this clone")


def python_variables(folder: Path) -> dict[str, str]:
    return {"PYTHONPATH": PACKAGES, "LD_LIBRARY_PATH": str(folder / "python" / "lib")}


def test_root_is_not_needed(folder: Path, python: str) -> None:
    state = folder / "state"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    environment = clean_environment(state, **python_variables(folder), HOME=str(state), PYTHONDONTWRITEBYTECODE="1")
    up = Up(environment, python=python, user=NOBODY)
    try:
        up.ready()
        owners = {Path(f"/proc/{pid}").stat().st_uid for pid in up.processes()}
        assert owners == {NOBODY}
        assert up.stop() == 0
        assert up.processes() == {}
    finally:
        finish(up)
        remove(state)


def test_own_servers_are_used_instead_of_embedded_ones(state: Path, start: Callable[..., Up]) -> None:
    up = start(DATABASE_URL=os.environ["DATABASE_URL"], REDIS_URL=os.environ["REDIS_URL"]).ready()
    assert "connecting to the server in DATABASE_URL" in up.output
    assert not any("/postgres -D" in words or "valkey-server" in words for words in up.processes().values())
    assert not (state / "servers" / "postgres").exists()
    assert up.stop() == 0


def test_ctrl_c_under_make_in_a_terminal_ends_make_without_an_error(state: Path, tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(f"run:\n\t@{sys.executable} {CLONE}/manage.py up\n")
    environment = clean_environment(state)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("make", ["make", "-C", str(tmp_path), "run"], environment)
    try:
        seen = read_until(terminal, b"futsim runs at")
        os.write(terminal, b"\x03")
        seen += read_until(terminal, None)
    finally:
        os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, seen.decode()
    assert b"all stopped" in seen
    assert b"***" not in seen


def read_until(terminal: int, words: bytes | None) -> bytes:
    """What the terminal shows up to the words, or to its end."""
    seen, deadline = b"", time.monotonic() + PATIENCE
    while (words is None or words not in seen) and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # Linux reports the end of a terminal so
                break
            if not chunk:
                break
            seen += chunk
    assert words is None or words in seen, seen.decode()
    return seen


def test_a_closed_pipe_does_not_stop_the_stack(state: Path) -> None:
    environment = clean_environment(state)
    command = [sys.executable, "manage.py", "up"]
    process = subprocess.Popen(command, cwd=CLONE, env=environment, stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    time.sleep(3)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == 0


def store_real_daily_bars(servers: dict[str, str]) -> None:
    """As a futsim with a key does it."""
    code = (
        "from market.models import Asset\n"
        "Asset.objects.get(root='NQ').daily_spans.create("
        "first_date='2026-03-03', end_date='2026-03-04', source='Databento')"
    )
    environment = os.environ | servers | {"FUTSIM_SECRET_KEY": "x"}
    subprocess.run([sys.executable, "manage.py", "shell", "-c", code], check=True, cwd=CLONE, env=environment)


def test_a_database_of_real_data_is_not_filled_with_invented_ones(folder: Path) -> None:
    with start_throwaway_servers() as servers:
        own = {name: servers.environment[name] for name in ("DATABASE_URL", "REDIS_URL")}
        first = Up(clean_environment(folder / "state", **own)).ready()
        assert first.stop() == 0
        store_real_daily_bars(own)
        second = Up(clean_environment(folder / "state", **own))
        assert second.ended() == 1
        assert [line for line in second.lines if line.startswith("futsim: ")] == [
            "futsim: This database holds data from Databento, but futsim now gets it from stand-in. "
            "Name another DATABASE_URL and FUTSIM_DATA_ROOT."
        ]
