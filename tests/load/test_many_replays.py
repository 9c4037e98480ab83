"""The short form of `make load`: how fast it goes is not asserted, only that nobody is left behind."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.load.replays import measure
from tests.product import Up, clean_environment, finish, remove

REPLAYS, SECONDS, EVERY = 10, 5.0, 1.0


@pytest.fixture
def up() -> Iterator[Up]:
    state = Path(tempfile.mkdtemp(prefix="futsim-load-"))
    started = Up(clean_environment(state))
    yield started
    finish(started)
    remove(state)


def test_ten_replays_at_once_all_move_on_and_every_order_is_acknowledged(up: Up) -> None:
    load = asyncio.run(measure(up.ready(), REPLAYS, SECONDS, EVERY))
    assert len(load.moved_ns) == REPLAYS
    assert min(load.moved_ns) > 0
    assert load.waits
    assert load.unanswered == []
