"""A worker that is killed while it fetches, again and again: the store ends up the same."""

import hashlib
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection

from market.models import Contract, Coverage, DailySpan, Roll
from tests.filegateway import Records

KILLS = 5


def stored(root: Path) -> dict[str, str]:
    """Every file of a store that is not left over from a kill, and its checksum."""
    files = (path for path in root.rglob("*") if path.is_file() and path.suffix != ".tmp")
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def recorded() -> dict[str, list[Any]]:
    """What the database says is there."""
    pieces = Coverage.objects.values_list("contract__raw_symbol", "schema", "trade_date", "state", "rows", "checksum")
    rolls = Roll.objects.values_list("trade_date", "kind", "to_contract__raw_symbol", "from_price", "to_price")
    return {
        "pieces": sorted(pieces),
        "rolls": sorted(rolls, key=str),
        "spans": list(DailySpan.objects.values_list("first_date", "end_date")),
    }


@contextmanager
def ingesting(data: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that fetches, from just after it has begun."""
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "futsim.settings",
        "FUTSIM_DATA_ROOT": str(data),
        "FUTSIM_GATEWAY": settings.DATABENTO_GATEWAY,
        "DATABENTO_API_KEY": settings.DATABENTO_API_KEY,
    }
    command = [sys.executable, "-m", "tests.ingesting", str(connection.settings_dict["NAME"])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process


def finish(data: Path) -> float:
    """Fetch undisturbed; the seconds it took."""
    with ingesting(data) as process:
        began = time.monotonic()
        assert process.wait(60) == 0
    return time.monotonic() - began


@pytest.mark.django_db(transaction=True)
def test_killed_at_random_points_and_started_again_it_ends_in_the_same_store(
    small_market: Records, tmp_path: Path
) -> None:
    seconds = finish(tmp_path / "undisturbed")
    wanted = stored(tmp_path / "undisturbed"), recorded()
    for table in (Roll, Contract, DailySpan):
        table.objects.all().delete()
    chance = random.Random(3)
    for _ in range(KILLS):
        with ingesting(tmp_path / "killed") as process:
            time.sleep(chance.uniform(0, seconds))
            process.kill()
    finish(tmp_path / "killed")
    assert (stored(tmp_path / "killed"), recorded()) == wanted
