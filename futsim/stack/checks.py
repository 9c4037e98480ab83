"""What must hold before anything starts: room on the disk, a free port."""

import contextlib
import errno
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from futsim.stack.console import StackError

NEEDED_MEGABYTES = 500
"""PostgreSQL's first cluster and journal take 60 MB, a few sessions of market data the rest."""
EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104


@dataclass(frozen=True)
class Address:
    """Where the web server listens."""

    host: str
    port: int

    @property
    def reachable_host(self) -> str:
        """The host to connect to, which differs when the server listens on every interface."""
        return EVERY_INTERFACE.get(self.host, self.host)

    @property
    def url(self) -> str:
        host = self.reachable_host
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def read_address(environment: Mapping[str, str]) -> Address:
    """FUTSIM_HOST and FUTSIM_PORT. Raises StackError for a port that is none."""
    text = environment.get("FUTSIM_PORT") or "8000"
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 65535):
        raise StackError(f"FUTSIM_PORT={text} is not a port. Use a number from 1 to 65535.")
    return Address(environment.get("FUTSIM_HOST") or "127.0.0.1", int(text))


def check_public_url(environment: Mapping[str, str]) -> None:
    """Raises StackError for a FUTSIM_URL that is no web address."""
    text = environment.get("FUTSIM_URL")
    if not text:
        return
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise StackError(f"FUTSIM_URL={text} is not a web address. Write it as https://futsim.example.org")


def check_port(address: Address) -> None:
    """Raises StackError when the web server could not listen at the address."""
    try:
        family, kind, _, _, target = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            # as the web server does it: connections of an earlier run in TIME_WAIT do not count
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(target)
            probe.listen(1)
    except OSError as failure:
        raise StackError(_why_not(address, failure)) from None


def _why_not(address: Address, failure: OSError) -> str:
    if failure.errno == errno.EADDRINUSE:
        free = address.port + 1 if address.port < 65535 else 8000
        return (
            f"port {address.port} on {address.host} is in use by another program. "
            f"Stop that program, or choose another port: FUTSIM_PORT={free} make run"
        )
    if failure.errno == errno.EACCES:
        return f"port {address.port} is reserved for root. Choose one above 1023: FUTSIM_PORT=8000 make run"
    return f"cannot listen on FUTSIM_HOST={address.host}: {failure.strerror}. Use an address of this machine."


def check_free_space(folder: Path) -> None:
    """Raises StackError when the disk that holds the folder is nearly full."""
    free = shutil.disk_usage(folder).free // 1_000_000
    if free < NEEDED_MEGABYTES:
        raise StackError(
            f"{folder} has {free} MB of free space left and futsim needs {NEEDED_MEGABYTES} MB. "
            "Free some, or set FUTSIM_STATE to a folder on another disk."
        )


def free_loopback_port() -> int:
    """A port of 127.0.0.1 that nothing listens on at this moment."""
    return free_loopback_ports(1)[0]


def free_loopback_ports(count: int) -> list[int]:
    """The same for several different ports."""
    with contextlib.ExitStack() as probes:
        ports = []
        for _ in range(count):
            probe = probes.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports.append(int(probe.getsockname()[1]))
    return ports
