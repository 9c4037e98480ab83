"""How long `manage.py up` takes until its pages answer, on a state folder that has been used before."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.data import Market
from tests.bench.measure import Result
from tests.product import Up, clean_environment, finish, remove

REPETITIONS = 5
TARGET_SECONDS = 5.0


def run(_market: Market) -> Iterator[Result]:
    state = Path(tempfile.mkdtemp(prefix="futsim-start-"))
    try:
        first, *later = [_start(state) for _ in range(1 + REPETITIONS)]
    finally:
        remove(state)
    note = "manage.py up, from the process's start to the line with the address"
    yield Result("starting", "first start, packages installed", "s", [first], note=note)
    yield Result("starting", "second start", "s", later, target=TARGET_SECONDS, note=note)


def _start(state: Path) -> float:
    up = Up(clean_environment(state))
    try:
        seconds = up.wait_for("futsim runs at")
        up.stop()
        return seconds
    finally:
        finish(up)
