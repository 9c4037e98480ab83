"""The environment of futsim's processes, and how a command beside a running stack gets the same one."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from futsim.stack.checks import Address
from futsim.stack.console import StackError, complain
from futsim.stack.keys import Keys, write_private
from futsim.stack.paths import Places, locate

SHARED = (
    "FUTSIM_SECRET_KEY",
    "DATABASE_URL",
    "REDIS_URL",
    "FUTSIM_URL",
    "FUTSIM_ALLOWED_HOSTS",
    "FUTSIM_DATA_ROOT",
    "FUTSIM_BOOK_ROOT",
    "FUTSIM_UPLOAD_ROOT",
    "FUTSIM_GATEWAY",
    "FUTSIM_LIVE_GATEWAY",
)
"""What `env.json` holds. A real DATABENTO_API_KEY is never written to disk, the stand-in's key is."""
MARKET = ("DATABENTO_API_KEY", "FUTSIM_GATEWAY", "FUTSIM_LIVE_GATEWAY", "FUTSIM_DATA_ROOT")


@dataclass(frozen=True)
class Market:
    """Where market data comes from: Databento, the stand-in gateway, or a gateway that the user names."""

    has_key: bool
    gateway: str
    """FUTSIM_GATEWAY as the user set it; empty means none."""

    @property
    def needs_standin(self) -> bool:
        return not self.has_key and not self.gateway

    @property
    def is_synthetic(self) -> bool:
        return self.needs_standin or bool(self.gateway)

    @property
    def name(self) -> str:
        """Name of the data folder; the database is named after it too, so that the two never mix."""
        return "synthetic" if self.is_synthetic else "databento"

    @property
    def database(self) -> str:
        return "futsim_synthetic" if self.is_synthetic else "futsim"


def read_market(environment: Mapping[str, str]) -> Market:
    """The market that the user's environment asks for."""
    market = Market(bool(environment.get("DATABENTO_API_KEY")), environment.get("FUTSIM_GATEWAY", ""))
    if market.gateway and not market.has_key:
        raise StackError("FUTSIM_GATEWAY is set without DATABENTO_API_KEY. Set both, or neither for the stand-in.")
    return market


def for_children(
    user: Mapping[str, str],
    *,
    places: Places,
    keys: Keys,
    address: Address,
    database_url: str,
    redis_url: str,
    standin_port: int,
    standin_live_port: int,
) -> dict[str, str]:
    """The user's environment completed by ours. What the user set himself stays, but for empty variables."""
    market = read_market(user)
    ours = {
        "DJANGO_SETTINGS_MODULE": "futsim.settings",
        "PYTHONUNBUFFERED": "1",
        "FUTSIM_SECRET_KEY": keys.django,
        "FUTSIM_URL": address.url,
        "FUTSIM_ALLOWED_HOSTS": ",".join(dict.fromkeys(["127.0.0.1", "localhost", "[::1]", _host_header(address)])),
        "FUTSIM_DATA_ROOT": str(places.data(market.name)),
        "FUTSIM_BOOK_ROOT": str(places.books(market.name)),
        "FUTSIM_UPLOAD_ROOT": str(places.uploads),
    }
    if market.needs_standin:
        ours |= {
            "DATABENTO_API_KEY": keys.standin,
            "FUTSIM_GATEWAY": f"http://127.0.0.1:{standin_port}",
            "FUTSIM_LIVE_GATEWAY": f"127.0.0.1:{standin_live_port}",
        }
    given = {name: value for name, value in user.items() if value or name not in ours}
    return ours | given | {"DATABASE_URL": database_url, "REDIS_URL": redis_url}


def _host_header(address: Address) -> str:
    host = address.reachable_host
    return f"[{host}]" if ":" in host else host


def publish(environment: Mapping[str, str], file: Path, *, with_key: bool) -> None:
    """Writes what commands beside the running stack need."""
    names = [*SHARED, "DATABENTO_API_KEY"] if with_key else SHARED
    shared = {name: environment[name] for name in names if name in environment}
    write_private(file, json.dumps(shared, indent=2))


def adopt_running_stack() -> None:
    """Called by `manage.py` before Django loads, for every command but `up`.

    The command gets the variables that are not set from the stack that runs, or last ran, from this clone."""
    try:
        adopt(os.environ, locate(os.environ))
    except StackError as failure:
        complain(str(failure))
        raise SystemExit(1) from None


def adopt(environment: "os._Environ[str] | dict[str, str]", places: Places) -> None:
    """Fills in the missing variables from the stack's file. Does nothing where no stack ever ran."""
    from futsim.stack.lock import is_held

    try:
        shared = json.loads(places.environment_file.read_text())
    except (OSError, ValueError):
        return
    uses_its_database = "DATABASE_URL" not in environment
    if uses_its_database and "FUTSIM_GATEWAY" in shared:
        # a command on the synthetic database must not write real data into it, whatever key the shell has
        environment.update({name: shared[name] for name in MARKET if name in shared})
    for name, value in shared.items():
        environment.setdefault(name, value)
    if uses_its_database and not is_held(places.lock_file):
        complain("the stack is not running, so commands that need the database will fail. Start it with `make run`.")
