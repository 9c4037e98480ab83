"""Years of the stand-in's sessions, put into the throw-away store without the way over its gateway."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from django.conf import settings

from market.facts import MONTH_CODES
from market.models import Asset, Contract, Coverage
from market.sessions import Session
from standin.market.contracts import Contract as Listed
from tests import ranking
from tests.bench.invented import ranked, seconds_of

LAST = date(2026, 3, 17)
WRITERS = 2


def fronts(asset: Asset, sessions: list[Session]) -> dict[Session, Listed]:
    """The busiest contract of each session, never an earlier delivery than the day before."""
    found: dict[Session, Listed] = {}
    latest = (0, 0)
    for session in sessions:
        listed = ranked(asset.root, session.trade_date)
        best = next(each for each in listed if (each.year, each.month) >= latest)
        latest, found[session] = (best.year, best.month), best
    return found


def make(asset: Asset, count: int) -> int:
    """Store the last `count` sessions up to LAST with their roll schedule; how many bars they have."""
    _clear(asset)
    sessions = [*asset.sessions.before(LAST, count - 1), *asset.sessions.between(LAST, LAST)]
    listed = fronts(asset, sessions)
    rows: dict[Listed, Contract] = {}
    rolls: dict[date, Contract] = {}
    for session, each in listed.items():
        if each not in rows:
            symbol = f"{asset.root}{MONTH_CODES[each.month - 1]}{each.year % 10}"
            rows[each] = ranking.contract(asset, each.year, each.month, symbol)
            rolls[session.trade_date] = rows[each]
    ranking.front(asset, sessions[0].trade_date, LAST + timedelta(days=7), rolls)
    total = 0
    with ThreadPoolExecutor(WRITERS) as pool:
        for session, seconds in pool.map(lambda pair: (pair[0], seconds_of(pair[1], pair[0])), listed.items()):
            ranking.store_session(rows[listed[session]], session, seconds=seconds)
            total += len(seconds)
    return total


def _clear(asset: Asset) -> None:
    """Whatever else the benchmarks stored of it."""
    Coverage.objects.filter(contract__asset=asset).delete()
    asset.rolls.all().delete()
    asset.daily_spans.all().delete()


def forget_pages(folder: str) -> None:
    """Have the kernel drop the files of a folder of the store from its memory, so that they are read from disk."""
    for path in _files(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def bytes_of(folder: str) -> int:
    """Size of a folder of the store."""
    return sum(path.stat().st_size for path in _files(folder))


def _files(folder: str) -> Iterator[Path]:
    return (path for path in (Path(settings.DATA_ROOT) / folder).rglob("*") if path.is_file())


def path_of(name: str) -> Path:
    """Where a file of the store lies."""
    return Path(settings.DATA_ROOT) / name
