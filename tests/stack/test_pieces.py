"""The parts of the supervisor that need no processes, or only small ones."""

import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from futsim.stack.backoff import Backoff
from futsim.stack.checks import Address
from futsim.stack.children import Child, Program
from futsim.stack.console import Console, StackError
from futsim.stack.environment import adopt, for_children, publish
from futsim.stack.keys import load_or_create, new_keys
from futsim.stack.logs import Log
from futsim.stack.paths import SOCKET_PATH_LIMIT, Places, fits_a_socket, own_folder
from futsim.stack.watch import Guard


def test_delays_double_up_to_half_a_minute() -> None:
    backoff = Backoff()
    assert [backoff.after(1.0) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_minute_without_trouble_forgives() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(1.0)
    assert backoff.after(60.0) == 1
    assert backoff.after(1.0) == 2


class Watched:
    """A child of a few lines of Python, with a clock that the test moves."""

    def __init__(self, tmp_path: Path, guard: Guard, code: str, ready: Callable[[Log], bool]) -> None:
        self.now = 0.0
        self.said: list[str] = []
        console = Console()
        console._write = self.said.append  # type: ignore[method-assign]
        program = Program("thing", (sys.executable, "-c", code), {}, is_ready=ready, grace=0.3)
        self.child = Child(program, Log(tmp_path, "thing"), console, guard, clock=lambda: self.now)

    def tick_until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < deadline, self.said
            self.child.tick()
            time.sleep(0.01)

    def heard(self, words: str) -> bool:
        return any(words in line for line in self.said)


@pytest.fixture
def guard() -> Guard:
    with Guard() as one:
        yield one


def test_a_child_that_dies_again_and_again_waits_longer_each_time(tmp_path: Path, guard: Guard) -> None:
    thing = Watched(tmp_path, guard, "print('up'); import sys; sys.exit('oh no')", lambda log: True)
    thing.child.start()
    thing.child.tick()
    thing.tick_until(lambda: thing.heard("thing stopped (exit code 1); restarting in 1 s"))
    assert thing.heard("thing: oh no")
    thing.now += 0.9
    thing.child.tick()
    assert thing.child.process is None
    thing.now += 0.2
    thing.tick_until(lambda: thing.heard("thing stopped (exit code 1); restarting in 2 s"))


def test_a_child_that_never_was_ready_is_an_error_and_not_a_restart(tmp_path: Path, guard: Guard) -> None:
    thing = Watched(tmp_path, guard, "raise SystemExit('no such module')", lambda log: False)
    thing.child.start()
    with pytest.raises(StackError, match=r"thing does not start \(exit code 1\)"):
        thing.tick_until(lambda: False)
    assert thing.heard("no such module")


def test_a_child_that_hangs_at_its_start_is_given_up(tmp_path: Path, guard: Guard) -> None:
    thing = Watched(tmp_path, guard, "import time; time.sleep(60)", lambda log: False)
    thing.child.start()
    thing.now += 1000
    with pytest.raises(StackError, match="not ready after 90 s"):
        thing.child.tick()
    assert thing.child.process is None


def test_a_child_that_ignores_its_signal_is_killed(tmp_path: Path, guard: Guard) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    thing = Watched(tmp_path, guard, code, lambda log: "deaf" in log.text())
    thing.child.clock = time.monotonic
    thing.child.start()
    thing.tick_until(lambda: thing.child.is_running)
    started = time.monotonic()
    thing.child.stop(lambda: False)
    assert 0.3 <= time.monotonic() - started < 2
    assert thing.child.process is None


def test_the_guard_stops_what_its_owner_left(tmp_path: Path) -> None:
    guard = Guard()
    thing = Watched(tmp_path, guard, "import time; time.sleep(60)", lambda log: True)
    thing.child.start()
    process = thing.child.process
    assert process is not None
    started = time.monotonic()
    guard.close()
    assert time.monotonic() - started < 2
    assert process.wait(1) == -signal.SIGTERM


def test_logs_keep_three_starts_and_a_bounded_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("futsim.stack.logs.LARGEST", 10)
    log = Log(tmp_path, "web")
    for start in range(5):
        log.rotate()
        log.file.write_text(f"start {start}")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["web.log", "web.log.1", "web.log.2"]
    with log.open() as stream:
        stream.write(b" and a lot more")
        stream.flush()
        log.trim()
        stream.write(b"after")
    assert log.file.read_text() == "after"
    assert (tmp_path / "web.log.1").read_text() == "start 4 and a lot more"


def test_a_log_tells_only_of_the_present_run(tmp_path: Path) -> None:
    log = Log(tmp_path, "worker")
    log.file.write_text("celery ready.\n")
    log.mark()
    assert log.text() == ""
    log.file.write_text("celery ready.\nbroken\n\n")
    assert log.last_lines(5) == ["broken"]


def test_sockets_of_a_long_path_move_to_a_short_private_folder(tmp_path: Path) -> None:
    places = Places(tmp_path / ("x" * 90))
    assert fits_a_socket(places.sockets())
    assert len(str(places.sockets() / ".s.PGSQL.5432.lock")) <= SOCKET_PATH_LIMIT
    assert not fits_a_socket(Path("/srv/with space"))


def test_a_folder_that_a_stranger_made_in_the_temporary_folder_is_refused(tmp_path: Path) -> None:
    trap = tmp_path / "futsim-123"
    trap.symlink_to(tmp_path)
    with pytest.raises(StackError, match="belongs to somebody else"):
        own_folder(trap, None)


def test_keys_are_made_once_and_a_damaged_file_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = load_or_create(file)
    assert load_or_create(file) == keys
    assert keys.standin.startswith("db-")
    assert len(keys.standin) == 32
    file.write_text("{")
    with pytest.raises(StackError, match="damaged"):
        load_or_create(file)
    assert file.read_text() == "{"


def environment_for(places: Places, **user: str) -> dict[str, str]:
    return for_children(
        user,
        places=places,
        keys=new_keys(),
        address=Address("0.0.0.0", 8000),
        database_url="postgresql://u@h/d",
        redis_url="redis://h",
        standin_port=4711,
        standin_live_port=4712,
    )


def test_a_real_key_means_real_data_and_is_never_written_to_disk(tmp_path: Path) -> None:
    environment = environment_for(Places(tmp_path), DATABENTO_API_KEY="db-real")
    assert "FUTSIM_GATEWAY" not in environment
    assert environment["FUTSIM_DATA_ROOT"].endswith("/data/databento")
    publish(environment, tmp_path / "env.json", with_key=False)
    assert "db-real" not in (tmp_path / "env.json").read_text()


def test_what_the_user_set_stays(tmp_path: Path) -> None:
    environment = environment_for(Places(tmp_path), FUTSIM_URL="https://f.example.org", FUTSIM_DATA_ROOT="s3://b/p")
    assert environment["FUTSIM_URL"] == "https://f.example.org"
    assert environment["FUTSIM_DATA_ROOT"] == "s3://b/p"
    assert environment_for(Places(tmp_path), FUTSIM_URL="")["FUTSIM_URL"] == "http://127.0.0.1:8000"


def test_adoption_fills_in_only_what_is_missing(tmp_path: Path) -> None:
    publish(environment_for(Places(tmp_path)), tmp_path / "env.json", with_key=True)
    environment = {"REDIS_URL": "redis://mine"}
    adopt(environment, Places(tmp_path))
    assert environment["REDIS_URL"] == "redis://mine"
    assert environment["DATABASE_URL"] == "postgresql://u@h/d"
    assert environment["FUTSIM_GATEWAY"] == "http://127.0.0.1:4711"
    assert environment["FUTSIM_LIVE_GATEWAY"] == "127.0.0.1:4712"
