"""Browsers without a browser: Django's test client, logged in or not."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

from market import jobs, tapes
from market.gateway import gateway
from market.models import Asset, Job
from market.tasks import prepare_window
from replay import services
from replay.models import ReplaySession
from tests.conftest import People
from tests.filegateway import Records
from tests.web.opening import ENTRY_NS

SOME_ID = UUID("00000000-0000-4000-8000-000000000001")
SAMPLES = {"uuid": str(SOME_ID), "path": "1", "int": "1", "str": "1", "slug": "nothing"}
"""Something for each kind of argument in an address."""
CONVERTER = re.compile(r"<(?:(\w+):)?\w+>")

LogIn = Callable[..., Client]


@pytest.fixture
def owner(people: People) -> Client:
    return logged_in(people.owner)


@pytest.fixture
def colleague(people: People) -> Client:
    return logged_in(people.colleague)


@pytest.fixture
def admin(people: People) -> Client:
    return logged_in(people.admin)


def logged_in(user: Any) -> Client:
    browser = Client()
    browser.force_login(user)
    return browser


def log_in(name: str, password: str, browser: Client | None = None, **more: str) -> Any:
    """What the log-in form answers."""
    browser = browser or Client()
    return browser.post("/account/login/", {"username": name, "password": password} | more)


def is_logged_in(browser: Client) -> bool:
    return browser.get("/replay/").status_code == 200


def addresses() -> list[str]:
    """Every address of the site map, with sample arguments; those of regular expressions are left out."""
    return sorted(set(_addresses(get_resolver().url_patterns, "/")))


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern.pattern, RoutePattern):
            address = prefix + CONVERTER.sub(lambda match: SAMPLES[match[1] or "str"], str(pattern.pattern))
            if isinstance(pattern, URLResolver):
                yield from _addresses(pattern.url_patterns, address)
            else:
                yield address


@pytest.fixture(autouse=True)
def queued(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The jobs handed to Celery; no worker runs here."""
    handed: list[int] = []
    monkeypatch.setattr(prepare_window, "delay", handed.append)
    return handed


@pytest.fixture
def stored(small_market: Records, people: People) -> Records:
    """The data of FORM's replay is in the store."""
    replay = ReplaySession(
        owner=people.owner, asset=Asset.objects.get(root="NQ"), entry_ns=ENTRY_NS, lookback_days=30, timeframe="5m"
    )
    now = time.time_ns()
    window = services.window_around(replay, ENTRY_NS, ENTRY_NS, services.Available(0, now))
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    tapes.prepare(window, gateway(patient=False), now, jobs.Progress(job))
    job.delete()
    return small_market
