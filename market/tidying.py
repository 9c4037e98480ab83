"""What lies in the store and is of no use: damaged files, files that no row speaks of, rows whose file is gone."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from market import ingest, store
from market.locks import advisory_lock
from market.models import Coverage
from market.schemas import BY_NAME

YOUNG = timedelta(hours=1)
"""A worker may still be at a younger file: it is written before its row."""
READERS = 4


@dataclass(frozen=True, slots=True)
class Litter:
    """Something to be thrown away: a file (path, and its size in bytes, 0 where there is none), a row, or both."""

    reason: str
    path: str
    bytes: int
    row: Coverage | None = None


def litter(now: datetime | None = None) -> list[Litter]:
    """What can be thrown away, ordered by path."""
    before = (now or datetime.now(UTC)) - YOUNG
    rows = {str(_name(row)): row for row in Coverage.objects.filter(rows__gt=0).select_related("contract__asset")}
    files = {file.path: file for schema in BY_NAME for file in store.files(schema)}
    found = [
        Litter(reason, file.path, file.bytes)
        for file in files.values()
        if file.path not in rows and (reason := _reason(file, before)) is not None
    ]
    found += [Litter(_lost(row), path, 0, row) for path, row in rows.items() if path not in files]
    stored = [(files[path], row) for path, row in rows.items() if path in files]
    with ThreadPoolExecutor(READERS) as pool:
        fits = pool.map(_fits, [row for _, row in stored])
        found += [
            Litter("cut by another calendar", file.path, file.bytes, row)
            for (file, row), is_fine in zip(stored, fits, strict=True)
            if not is_fine
        ]
    return sorted(found, key=lambda each: each.path)


def _name(row: Coverage) -> store.PieceName:
    return ingest.piece_name(row.contract, row.schema, row.trade_date)


def _reason(file: store.FoundFile, before: datetime) -> str | None:
    """Why a file without a row is litter; None for one that is not ours, or too young to tell."""
    name = file.path.rpartition("/")[2]
    if ".parquet.damaged-" in name:
        return "damaged, set aside"
    is_young = file.changed_at is not None and file.changed_at > before
    if is_young:
        return None
    if name.endswith(".tmp"):
        return "left by a killed process"
    return "no row speaks of it" if name.endswith(".parquet") else None


def _lost(row: Coverage) -> str:
    if row.source == Coverage.FROM_FILE:
        return "a row without its file, to be imported again"
    return "a row without its file"


def _fits(row: Coverage) -> bool:
    """Whether a piece holds what the calendar of its asset gives to its trade date."""
    asset = row.contract.asset
    if asset.from_files:
        return True
    session, following = asset.sessions.session(row.trade_date), asset.sessions.after(row.trade_date, 1)
    if session is None:
        return False
    times = store.times(_name(row))
    # one that cannot be read is found damaged when it is wanted, and fetched again
    return times is None or (times[0] >= session.open_ns and (not following or times[1] < following[0].open_ns))


def throw_away(found: list[Litter]) -> Iterator[Litter]:
    """Delete litter; what has become of use meanwhile is left. Yields what went."""
    for each in found:
        if each.row is None:
            if not _is_wanted(each.path):
                store.remove(each.path)
                yield each
            continue
        with advisory_lock("ingest", each.row.contract_id, each.row.schema):
            unchanged = Coverage.objects.filter(pk=each.row.pk, checksum=each.row.checksum)
            if unchanged.delete()[0]:
                if each.bytes:
                    store.remove(each.path)
                yield each


def _is_wanted(path: str) -> bool:
    """Whether a row speaks of a file by now."""
    schema, _, code, name = path.split("/")
    day = name.removesuffix(".parquet")
    if len(day) != len("2026-03-18"):
        return False
    rows = Coverage.objects.filter(schema=schema, trade_date=day, rows__gt=0).select_related("contract__asset")
    return any(row.contract.code == code for row in rows)
