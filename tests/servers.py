"""A pytest plugin, loaded first: the real PostgreSQL and Valkey for every way of starting the tests.

pytest-django reads the settings before any conftest.py, so the servers must be there earlier still.
"""

import os

import pytest

from futsim.stack.testing import ThrowawayServers, start_throwaway_servers

_servers: ThrowawayServers | None = None

# xdist's workers and `make test` find the variables set.
if "DATABASE_URL" not in os.environ:
    _servers = start_throwaway_servers()
    os.environ.update(_servers.environment)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what was started here."""
    if _servers is not None:
        _servers.stop()
