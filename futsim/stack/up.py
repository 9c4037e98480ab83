"""The supervisor behind `make run`: starts everything in order, keeps it running, stops it in reverse order."""

import argparse
import contextlib
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

from futsim.stack import binaries, checks, environment, external, keys, postgres, programs, valkey
from futsim.stack.children import TICK, Child, Program, how_it_ended, kill_group, wait_until_ready
from futsim.stack.console import REFUSED, Console, StackError, complain, explain
from futsim.stack.lock import Lock
from futsim.stack.logs import Log
from futsim.stack.paths import CLONE, Places, check_reachable, locate
from futsim.stack.terminal import Interrupts, in_front_of_make
from futsim.stack.watch import Guard

WATCH_SECONDS = 0.2
TRIM_SECONDS = 60.0


def main(arguments: Sequence[str] = ()) -> int:
    """Runs the stack until a signal ends it. The exit code: 0 after an orderly stop, 1 after one line of error."""
    argparse.ArgumentParser(
        prog="manage.py up",
        description="Starts PostgreSQL, Valkey, the web server, the worker, the live feed, the alerts and, without a "
        "DATABENTO_API_KEY, the stand-in gateway. Ctrl-C stops them all. "
        "docs/operations.md lists the environment variables.",
    ).parse_args(list(arguments))
    interrupts = Interrupts()
    interrupts.listen()
    with in_front_of_make():
        code = _run(interrupts)
    interrupts.close_ears()
    return code


def _run(interrupts: Interrupts) -> int:
    console = Console()
    try:
        places = locate(os.environ)
        console.step(f"futsim is starting; its state is in {places.folder}")
        try:
            _run_in(places, console, interrupts)
        except OSError as failure:
            raise StackError(explain(failure, places.folder)) from None
    except StackError as failure:
        complain(str(failure))
        return 1
    return 0


def _run_in(places: Places, console: Console, interrupts: Interrupts) -> None:
    places.create()
    check_reachable(places.servers, places.account)
    lock = Lock(places.lock_file)
    lock.take(console)
    checks.check_free_space(places.folder)
    with Guard(keep_open=(lock.shared,)) as guard:
        Supervisor(places, console, interrupts, guard).run()
    lock.release()


class Supervisor:
    """All processes of one stack."""

    def __init__(self, places: Places, console: Console, interrupts: Interrupts, guard: Guard) -> None:
        self.places = places
        self.console = console
        self.interrupts = interrupts
        self.guard = guard
        self.user = postgres.without_user_settings(os.environ)
        self.children: list[Child] = []
        self._next_trim = time.monotonic() + TRIM_SECONDS

    def run(self) -> None:
        """Starts, watches and stops. Raises StackError when something cannot start; all that did is stopped then."""
        try:
            self._start()
            while not self.interrupts.stopping():
                self._tick()
                time.sleep(WATCH_SECONDS)
        finally:
            self._stop()

    # --- start -------------------------------------------------------------------------------------
    def _start(self) -> None:
        address = checks.read_address(self.user)
        market = environment.read_market(self.user)
        checks.check_public_url(self.user)
        checks.check_port(address)
        secrets = keys.load_or_create(self.places.keys_file)
        database_url, redis_url = self._start_servers(secrets, market)
        if self.interrupts.stopping():
            return
        port, live_port = checks.free_loopback_ports(2)
        env = environment.for_children(
            self.user,
            places=self.places,
            keys=secrets,
            address=address,
            database_url=database_url,
            redis_url=redis_url,
            standin_port=port,
            standin_live_port=live_port,
        )
        environment.publish(env, self.places.environment_file, with_key=market.needs_standin)
        if market.needs_standin:
            self._launch(programs.standin(env, port, live_port))
        self._bring_database_up_to_date(env)
        self._start_ourselves(env, address)
        if not self.interrupts.stopping():
            self._announce(env, market)

    def _start_servers(self, secrets: keys.Keys, market: environment.Market) -> tuple[str, str]:
        """Starts or checks the two servers. Returns DATABASE_URL and REDIS_URL."""
        database_url, redis_url = self.user.get("DATABASE_URL", ""), self.user.get("REDIS_URL", "")
        self._check_external(database_url, redis_url)
        if database_url and redis_url:
            return database_url, redis_url
        found = binaries.find(self.places)
        store = valkey.embedded(self.places, found)
        if not redis_url:
            store.prepare()
            self._launch(store.program())
        database = postgres.embedded(self.places, found, secrets)
        if not database_url:
            self._make_cluster(database)
            self._launch(database.program())
        self._wait_until_ready()
        if not database_url and not self.interrupts.stopping():
            database.ensure_database(market.database)
        return database_url or database.url(market.database), redis_url or store.url

    def _check_external(self, database_url: str, redis_url: str) -> None:
        if database_url:
            self.console.step("connecting to the server in DATABASE_URL")
            external.check_database(database_url)
        if redis_url:
            self.console.step("connecting to the server in REDIS_URL")
            external.check_redis(redis_url)

    def _make_cluster(self, database: postgres.Postgres) -> None:
        if not database.exists:
            self.console.step("creating the database cluster (first start only)")
        database.prepare()

    def _bring_database_up_to_date(self, env: dict[str, str]) -> None:
        """Runs `first_steps` and passes on what it prints. Raises StackError when it fails."""
        if self.interrupts.stopping():
            return
        self.console.step("bringing the database up to date")
        log = Log(self.places.logs, "first_steps")
        log.rotate()
        with log.open() as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "futsim.stack.first_steps"],
                env=env,
                cwd=CLONE,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self.guard.add(process.pid, signal.SIGTERM)
        try:
            self._relay(process)
        finally:
            kill_group(process.pid)
            process.wait()
            self.guard.remove(process.pid)
        if process.returncode != 0 and not self.interrupts.stopping():
            if process.returncode == REFUSED:
                raise StackError(log.last_lines(1)[-1])
            for line in log.last_lines(6):
                self.console.detail(line)
            how = how_it_ended(process.returncode)
            raise StackError(f"the database cannot be brought up to date ({how}). All of its words are in {log.file}")

    def _relay(self, process: subprocess.Popen[bytes]) -> None:
        """Shows a process's output line by line until it ends, watching the other children meanwhile."""
        assert process.stdout is not None
        unfinished = b""
        with process.stdout as output:
            while True:
                if select.select([output], [], [], TICK)[0]:
                    chunk = os.read(output.fileno(), 65536)
                    if not chunk:
                        break
                    *lines, unfinished = (unfinished + chunk).split(b"\n")
                    for line in lines:
                        self.console.detail(line.decode(errors="replace"))
                self._tick()
                if self.interrupts.stopping():
                    break  # and be killed: each migration is one transaction
        if not self.interrupts.stopping():
            process.wait()

    def _start_ourselves(self, env: dict[str, str], address: checks.Address) -> None:
        if self.interrupts.stopping():
            return
        for program in (programs.worker(env), programs.beat(env, self.places), programs.web(env, address)):
            self._launch(program)
        self._wait_until_ready()
        if not self.interrupts.stopping():
            # after all that a page needs: the one has a day of the market to catch up with, the other perhaps a year
            self._launch(programs.live(env))
            self._launch(programs.alerts(env))
            self._launch(programs.background(env))

    def _launch(self, program: Program) -> None:
        """Starts a child without waiting for it."""
        self.console.step(f"starting {program.name}")
        log = Log(self.places.logs, program.name)
        log.rotate()
        child = Child(program, log, self.console, self.guard)
        self.children.append(child)
        child.start()

    def _wait_until_ready(self) -> None:
        wait_until_ready(self.children, self.interrupts.stopping)

    def _announce(self, env: dict[str, str], market: environment.Market) -> None:
        self.console.step(f"futsim runs at {env['FUTSIM_URL']}")
        if market.needs_standin:
            self.console.detail("Synthetic market: no DATABENTO_API_KEY is set, prices are made up.")
        self.console.detail("Ctrl-C stops everything.")

    # --- run and stop ------------------------------------------------------------------------------
    def _tick(self) -> None:
        for child in self.children:
            child.tick()
        if time.monotonic() >= self._next_trim:
            self._next_trim = time.monotonic() + TRIM_SECONDS
            for child in self.children:
                with contextlib.suppress(OSError):  # a full disk must not end the stack
                    child.log.trim()

    def _stop(self) -> None:
        begun = self.console.elapsed
        for child in reversed(self.children):
            if child.process:
                self.console.step(f"stopping {child.name}")
            child.stop(self.interrupts.hurried)
        if self.children:
            self.console.step(f"all stopped in {self.console.elapsed - begun:.1f} s")
