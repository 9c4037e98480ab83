"""Whole stacks for tests that start and kill them."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.product import Up, clean_environment, finish, remove


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.stack)


@pytest.fixture(scope="module")
def state() -> Iterator[Path]:
    """A state folder with a short path; pytest's own folders are too deep for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="futsim-up-"))
    yield folder
    remove(folder)


@pytest.fixture
def start(state: Path) -> Iterator[Callable[..., Up]]:
    """Starts stacks that are stopped after the test."""
    started: list[Up] = []

    def begin(folder: Path = state, **extra: str) -> Up:
        up = Up(clean_environment(folder, **extra))
        started.append(up)
        return up

    yield begin
    for up in started:
        finish(up)
