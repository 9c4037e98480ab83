"""The life of one installation: first start, accidents, stop, second start, a killed supervisor."""

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.product import CLONE, Up, clean_environment, finish, wait_until


@pytest.fixture(scope="module")
def up(state: Path) -> Iterator[Up]:
    running = Up(clean_environment(state))
    yield running.ready()
    finish(running)


def serves(up: Up) -> bool:
    try:
        with urllib.request.urlopen(f"{up.url}/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def command(up: Up, *words: str, **extra: str) -> subprocess.CompletedProcess[str]:
    """A manage.py command in another terminal of the same user, who set nothing but the state folder."""
    environment = clean_environment(up.state, **extra)
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=CLONE, env=environment, text=True, capture_output=True
    )


def test_the_first_start_serves_the_url_it_prints_and_the_passwords_once(up: Up) -> None:
    assert f"futsim runs at {up.url}" in up.output
    assert serves(up)
    assert up.output.count("created user demo with password") == 1
    assert "0.0 s  futsim is starting" in up.lines[0]


def test_without_a_key_the_market_is_synthetic_and_kept_apart(up: Up) -> None:
    shared = json.loads((up.state / "env.json").read_text())
    assert "Synthetic market" in up.output
    assert "/futsim_synthetic?" in shared["DATABASE_URL"]
    assert shared["FUTSIM_DATA_ROOT"] == str(up.state / "data" / "synthetic")
    assert shared["FUTSIM_GATEWAY"].startswith("http://127.0.0.1:")
    host, port = shared["FUTSIM_LIVE_GATEWAY"].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as live:
        assert live.recv(100).startswith(b"lsg_version=")


def test_secrets_are_readable_by_their_owner_alone(up: Up) -> None:
    for name in ("env.json", "keys.json"):
        assert stat.S_IMODE((up.state / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((up.state / "servers" / "run").stat().st_mode) == 0o700
    assert stat.S_IMODE((up.state / "log").stat().st_mode) == 0o700


def test_servers_do_not_run_as_root(up: Up) -> None:
    for words in ("/postgres -D", "valkey-server"):
        assert Path(f"/proc/{up.pid_of(words)}").stat().st_uid != 0


def test_a_command_beside_the_running_stack_finds_its_database(up: Up) -> None:
    result = command(up, "shell", "-c", "from accounts.models import User; print('users:', User.objects.count())")
    assert "users: 2" in result.stdout, result.stderr
    assert "not running" not in result.stderr


def test_a_real_key_in_the_shell_does_not_reach_the_synthetic_database(up: Up) -> None:
    code = "from django.conf import settings; print(settings.DATABENTO_API_KEY, settings.SYNTHETIC_MARKET)"
    result = command(up, "shell", "-c", code, DATABENTO_API_KEY="db-real")
    assert "db-real" not in result.stdout
    assert "True" in result.stdout


def test_a_second_start_in_the_same_folder_is_refused_in_one_line(up: Up, start: Callable[..., Up]) -> None:
    second = start()
    assert second.ended() == 1
    assert f"futsim: already running from this state folder (process {up.process.pid})" in second.lines[-1]
    assert serves(up)


def test_a_killed_web_process_is_restarted_and_said_so(up: Up) -> None:
    os.kill(up.pid_of("daphne"), signal.SIGKILL)
    up.wait_for("web stopped (killed by signal 9); restarting in 1 s")
    up.wait_for("web is back")
    assert serves(up)


def test_a_killed_worker_takes_its_pool_along_and_comes_back(up: Up) -> None:
    before = {pid for pid, words in up.processes().items() if "worker@" in words}
    assert len(before) == 3
    os.kill(min(before), signal.SIGKILL)
    up.wait_for("worker is back")
    after = {pid for pid, words in up.processes().items() if "worker@" in words}
    assert not before & after


def test_killed_servers_come_back_and_the_web_uses_them_again(up: Up) -> None:
    os.kill(up.pid_of("/postgres -D"), signal.SIGKILL)
    os.kill(up.pid_of("valkey-server"), signal.SIGKILL)
    up.wait_for("postgres is back")
    up.wait_for("valkey is back")
    result = command(up, "shell", "-c", "from market.models import Asset; print('assets:', Asset.objects.count())")
    assert "assets: 19" in result.stdout, result.stderr


def test_sigterm_stops_everything_in_order_with_exit_code_0(up: Up) -> None:
    assert up.stop() == 0
    order = [line.rsplit("stopping ", 1)[1] for line in up.lines if "stopping " in line]
    assert order == ["background", "alerts", "live", "web", "beat", "worker", "standin", "postgres", "valkey"]
    assert up.processes() == {}


def test_a_second_start_uses_what_the_first_made(up: Up, start: Callable[..., Up]) -> None:
    if up.process.poll() is None:
        up.stop()
    again = start().ready()
    assert "password" not in again.output
    assert again.stop(signal.SIGINT) == 0
    assert again.processes() == {}


def test_a_killed_supervisor_leaves_no_process_and_the_next_start_waits_for_that(start: Callable[..., Up]) -> None:
    killed = start().ready()
    killed.process.kill()
    following = start()
    following.ready()
    remaining = {pid for pid in following.processes() if os.getsid(pid) == killed.process.pid}
    assert not remaining
    assert sum("daphne" in words for words in following.processes().values()) == 1
    following.process.kill()
    wait_until(lambda: following.processes() == {}, following.processes)


def test_leftovers_of_a_supervisor_and_its_guard_do_not_stop_the_next_start(start: Callable[..., Up]) -> None:
    first = start().ready()
    leftover = first.pid_of("/postgres -D")
    os.kill(first.pid_of("guard.py"), signal.SIGKILL)
    time.sleep(0.2)
    first.process.kill()
    first.process.wait()
    for pid, words in first.processes().items():
        if "postgres" not in words and "valkey" not in words:
            os.kill(pid, signal.SIGKILL)
    assert leftover in first.processes()
    second = start().ready()
    assert leftover not in second.processes()
    assert second.stop(signal.SIGHUP) == 0
    assert second.processes() == {}


def test_a_stranger_with_the_number_in_a_stale_pid_file_is_left_alone(state: Path, start: Callable[..., Up]) -> None:
    owner = (state / "servers" / "postgres").stat()
    stranger = subprocess.Popen(["sleep", "300"], user=owner.st_uid)
    pid_file = state / "servers" / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{pid_file.parent}\n")
    (state / "servers" / "run" / ".s.PGSQL.5432.lock").write_text(f"{stranger.pid}\n{pid_file.parent}\n")
    try:
        up = start()
        up.wait_for("postgres is ready")
        assert up.stop() == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_ctrl_c_during_the_first_start_stops_cleanly(state: Path, start: Callable[..., Up]) -> None:
    shutil.rmtree(state / "servers" / "postgres")
    up = start()
    up.wait_for("creating the database cluster")
    assert up.stop(signal.SIGINT) == 0
    assert up.processes() == {}
    again = start()
    again.wait_for("created user demo")
    again.process.send_signal(signal.SIGINT)
    time.sleep(0.6)
    assert again.stop(signal.SIGINT) == 0
    assert again.processes() == {}
