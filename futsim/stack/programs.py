"""futsim's own processes, as the supervisor runs them."""

import http.client
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from futsim.stack.checks import Address
from futsim.stack.children import Program
from futsim.stack.logs import Log
from futsim.stack.paths import Places

PROBE_SECONDS = 2.0
WORKER_PROCESSES = 2
BACKGROUND_GRACE_SECONDS = 1.0


def standin(environment: Mapping[str, str], port: int, live_port: int) -> Program:
    """The stand-in gateway: Databento's protocols over a synthetic market."""
    ports = ("--port", str(port), "--live-port", str(live_port))
    command = (sys.executable, "-m", "standin", "--host", "127.0.0.1", *ports)
    own = dict(environment) | {"FUTSIM_STANDIN_KEY": environment["DATABENTO_API_KEY"]}
    return Program("standin", command, own, is_ready=lambda _log: accepts("127.0.0.1", port))


def worker(environment: Mapping[str, str]) -> Program:
    """The Celery worker for what a user waits for."""
    return _worker("worker", "celery", WORKER_PROCESSES, environment)


def background(environment: Mapping[str, str]) -> Program:
    """The one for long work beside it: a year of sessions for ranks must not keep a replay from loading.

    It is not waited for at the end: a job that is broken off goes on at the next start.
    """
    return replace(_worker("background", "background", 1, environment), grace=BACKGROUND_GRACE_SECONDS)


def _worker(name: str, queue: str, processes: int, environment: Mapping[str, str]) -> Program:
    """On one machine workers need not wait a second for each other's answers (mingle)."""
    options = ("--pool", "prefork", "--concurrency", str(processes), "--queues", queue, "--loglevel", "INFO")
    command = (sys.executable, "-m", "celery", "-A", "futsim", "worker", *options, "--hostname", f"{name}@%h")
    brief = ("--without-mingle", "--without-gossip")
    return Program(name, (*command, *brief), environment, is_ready=says(" ready."))


def beat(environment: Mapping[str, str], places: Places) -> Program:
    """Celery's clock for tasks by the hour of the day."""
    options = ("--schedule", str(places.beat_schedule), "--loglevel", "INFO")
    command = (sys.executable, "-m", "celery", "-A", "futsim", "beat", *options)
    return Program("beat", command, environment, is_ready=says("beat: Starting"))


def live(environment: Mapping[str, str]) -> Program:
    """The live feed. It is ready at once and connects in the background; stopped, it releases its session."""
    return Program("live", (sys.executable, "manage.py", "live"), environment, is_ready=says("live: ready"))


def alerts(environment: Mapping[str, str]) -> Program:
    """The evaluator of alerts on the live market; it waits by itself for the first bars."""
    return Program("alerts", (sys.executable, "manage.py", "alerts"), environment, is_ready=says("alerts: ready"))


def web(environment: Mapping[str, str], address: Address) -> Program:
    """Pages, API and WebSockets."""
    command = (sys.executable, "-m", "daphne", "-b", address.host, "-p", str(address.port), "futsim.asgi:application")
    public = urlsplit(environment["FUTSIM_URL"]).netloc
    return Program("web", command, environment, is_ready=lambda _log: is_healthy(address, public))


def accepts(host: str, port: int) -> bool:
    """Whether something listens on the port."""
    try:
        with socket.create_connection((host, port), timeout=PROBE_SECONDS):
            return True
    except OSError:
        return False


def is_healthy(address: Address, host_header: str) -> bool:
    """Whether `/health` answers 200. The host header is the public one: Django refuses names it does not know."""
    connection = http.client.HTTPConnection(address.reachable_host, address.port, timeout=PROBE_SECONDS)
    try:
        connection.request("GET", "/health", headers={"Host": host_header})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def says(words: str) -> Callable[[Log], bool]:
    """A health check for processes that only tell their log when they are ready."""
    return lambda log: words in log.text()
