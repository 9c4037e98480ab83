"""Fixtures for all tests: people, assets, an empty store, gateways, the real market data."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache

from market.engine.bars import Bars
from tests import filegateway
from tests.filegateway import FileGateway, Records
from tests.markets import sparse_contract

REAL_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Tests that empty the cache must not empty that of those that run beside them: each process has its database."""
    from django.conf import settings

    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    settings.CACHES["default"]["OPTIONS"]["db"] += int(number)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real market data; skips with a clear line where it is absent."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real market data in ../{REAL_DATA.parent.name}/{REAL_DATA.name}")
    return REAL_DATA


@pytest.fixture(autouse=True)
def own_store(settings: Any, tmp_path: Path) -> None:
    """Each test has a store of its own and empty caches."""
    from market import tapes
    from ranks import access

    settings.DATA_ROOT = str(tmp_path / "data")
    settings.BOOK_ROOT = str(tmp_path / "books")
    settings.UPLOAD_ROOT = str(tmp_path / "uploads")
    tapes.cache.clear()
    access.forget_cached()


@pytest.fixture(autouse=True)
def quick_passwords(settings: Any) -> None:
    """Hashing as slowly as it should be would be most of many tests' time."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@dataclass
class People:
    """An owner, a colleague on the same installation, and an admin; all with the password `right-horse`."""

    owner: Any
    colleague: Any
    admin: Any

    password = "right-horse"


@pytest.fixture
def people(db: None) -> People:
    from accounts.models import User

    make = User.objects.create_user
    return People(
        owner=make("owner", password=People.password),
        colleague=make("colleague", password=People.password),
        admin=make("admin", password=People.password, is_staff=True, is_superuser=True),
    )


@pytest.fixture
def assets(db: None) -> None:
    """The 19 assets."""
    from market.services import load_assets

    load_assets()


@pytest.fixture
def records(settings: Any) -> Iterator[Records]:
    """A gateway over records that the test fills in; the real client is pointed at it."""
    cache.clear()
    held = Records()
    with filegateway.serve(FileGateway(held).app) as url:
        settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = url, filegateway.KEY
        yield held


@pytest.fixture
def small_market(assets: None, records: Records) -> Records:
    """NQ in March 2026, sparse. NQM6 is the busier one on the 11th for the first time: it takes over on the 12th."""
    from market.models import Asset

    calendar = Asset.objects.get(root="NQ").sessions
    busy = sparse_contract(calendar, date(2026, 2, 2), date(2026, 3, 10), seed=1, base=80_000, size=40)
    dying = sparse_contract(calendar, date(2026, 3, 11), date(2026, 3, 18), seed=1, base=80_000, size=3)
    records.add("NQH6", Bars.concatenate([busy, dying]))
    records.add("NQM6", sparse_contract(calendar, date(2026, 2, 2), date(2026, 4, 24), seed=2, base=80_700))
    return records
