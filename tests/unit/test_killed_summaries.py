"""A worker that is killed while it summarises, again and again: the summaries end up the same."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from market.models import Asset
from ranks import files
from ranks.models import Summary, SummaryMonth
from tests import ranking

KILLS = 5


@contextmanager
def summarising() -> Iterator["subprocess.Popen[str]"]:
    """A process that summarises, from just after it has begun."""
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "futsim.settings", "FUTSIM_DATA_ROOT": settings.DATA_ROOT}
    command = [sys.executable, "-m", "tests.summarising", str(connection.settings_dict["NAME"])]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        yield process


def finish() -> float:
    """Summarise undisturbed; the seconds it took."""
    with summarising() as process:
        began = time.monotonic()
        assert process.wait(120) == 0
    return time.monotonic() - began


def stored() -> set[str]:
    root = Path(settings.DATA_ROOT)
    found = (path for path in (root / "ranks").rglob("*") if path.is_file() and path.suffix != ".tmp")
    return {str(path.relative_to(root)) for path in found}


def named() -> set[str]:
    months = SummaryMonth.objects.select_related("contract__asset")
    return {files.path(month, timeframe) for month in months for timeframe in month.files}


@pytest.mark.django_db(transaction=True)
def test_killed_at_random_points_and_started_again_it_ends_in_the_same_summaries(assets: None) -> None:
    nq = Asset.objects.get(root="NQ")
    contract = ranking.contract(nq, 2026, 6, "NQM6")
    for session in nq.sessions.between(date(2026, 1, 5), date(2026, 4, 10)):
        ranking.store_session(contract, session)
    seconds = finish()
    wanted = stored(), set(Summary.objects.values_list("trade_date", "source", "made_with"))
    assert stored() == named()
    Summary.objects.all().delete()
    SummaryMonth.objects.all().delete()
    chance = random.Random(3)
    for _ in range(KILLS):
        with summarising() as process:
            time.sleep(chance.uniform(0, seconds))
            process.kill()
        # whatever it had come to, what the rows name is there
        assert named() <= stored()
    finish()
    assert (stored(), set(Summary.objects.values_list("trade_date", "source", "made_with"))) == wanted
    assert stored() == named()
