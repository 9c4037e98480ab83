"""The only way market data comes into the store: `ensure`."""

import logging
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import numpy as np
from django.db import transaction

from market import store
from market.databento_historical import HistoricalGateway
from market.engine import bars as engine_bars
from market.engine.bars import Bars
from market.jobs import Progress
from market.locks import advisory_lock
from market.models import Contract, Coverage
from market.sessions import Session

log = logging.getLogger(__name__)

SESSIONS_PER_REQUEST = 5
"""Few large requests, yet a progress bar that moves and a cancel that is heard."""


def piece_name(contract: Contract, schema: str, trade_date: date) -> store.PieceName:
    """Where a piece of a contract lies in the store."""
    return store.PieceName(schema, contract.asset.dataset, contract.code, trade_date)


def missing(contract: Contract, schema: str, sessions: list[Session], available_ns: int) -> list[Session]:
    """The sessions whose piece is not stored, or was stored before its session was over and can now grow."""
    rows = Coverage.objects.filter(contract=contract, schema=schema)
    until = {row.trade_date: row.until_ns for row in rows}
    return [
        session
        for session in sessions
        if session.open_ns < available_ns and until.get(session.trade_date, 0) < min(session.close_ns, available_ns)
    ]


def ensure(
    gateway: HistoricalGateway,
    contract: Contract,
    schema: str,
    sessions: list[Session],
    available_ns: int,
    progress: Progress,
) -> None:
    """Have the pieces of these sessions in the store, as far as data is available (up to available_ns, UTC).

    Fetches only what is missing. Two workers asking for the same share one fetch. Raises GatewayError,
    JobCancelled; what was stored before that stays.
    """
    with advisory_lock("ingest", contract.pk, schema):
        wanted = missing(contract, schema, sessions, available_ns)
        progress.say(f"{contract}: {len(sessions) - len(wanted)} sessions are here", len(sessions) - len(wanted))
        for run in _runs(sessions, wanted):
            progress.say(f"{contract} {schema}: {run[0].trade_date} to {run[-1].trade_date}")
            _fetch(gateway, contract, schema, run, available_ns, progress)


def _runs(sessions: list[Session], wanted: list[Session]) -> Iterator[list[Session]]:
    """The wanted sessions in runs without a gap, at most SESSIONS_PER_REQUEST long."""
    run: list[Session] = []
    for session in sessions:
        if session in wanted:
            run.append(session)
        if run and (session not in wanted or len(run) == SESSIONS_PER_REQUEST):
            yield run
            run = []
    if run:
        yield run


def _fetch(
    gateway: HistoricalGateway,
    contract: Contract,
    schema: str,
    run: list[Session],
    available_ns: int,
    progress: Progress,
) -> None:
    following = contract.asset.sessions.after(run[-1].trade_date, 1)[0]
    end_ns = min(following.open_ns, available_ns)
    found = gateway.bars(contract.asset.dataset, [contract.raw_symbol], schema, run[0].open_ns, end_ns)
    bars = found[0].bars if found else engine_bars.empty()
    parts = list(split_at_openings(bars, run))
    names = [piece_name(contract, schema, session.trade_date) for session in run]
    for session, part, file in zip(run, parts, store.write_many(names, parts), strict=True):
        until_ns = min(session.close_ns, available_ns)
        _record(contract, schema, session, len(part), file, until_ns, gateway.name)
        progress.say(f"{contract} {schema}: stored {session.trade_date}", 1)


def split_at_openings(bars: Bars, run: list[Session]) -> Iterator[Bars]:
    """Each session's bars: a print after a close, where the calendar errs, belongs to the session it ends."""
    cuts = [0, *(int(np.searchsorted(bars.ts, session.open_ns)) for session in run[1:]), len(bars)]
    for start, end in pairwise(cuts):
        yield bars[start:end]


def _record(
    contract: Contract,
    schema: str,
    session: Session,
    rows: int,
    file: store.StoredFile,
    until_ns: int,
    source: str,
) -> None:
    """Write the row that says that a piece is there. Its file comes first.

    A crash between the two leaves a file that nobody believes; the next attempt writes it again.
    """
    over = until_ns >= session.close_ns
    state = Coverage.State.COMPLETE if over else Coverage.State.PARTIAL
    Coverage.objects.update_or_create(
        contract=contract,
        schema=schema,
        trade_date=session.trade_date,
        defaults={
            "state": state if rows else Coverage.State.EMPTY,
            "rows": rows,
            "bytes": file.bytes,
            "checksum": file.checksum,
            "source": source[:40],
            "until_ns": until_ns,
        },
    )


def read_piece(row: Coverage) -> Bars:
    """The bars of a stored piece.

    Raises DamagedPiece when its file is gone or altered; the file is set aside then and the row dropped, so that the
    next `ensure` fetches the piece again.
    """
    name = piece_name(row.contract, row.schema, row.trade_date)
    try:
        return store.read_bars(name, row.checksum)
    except store.DamagedPiece:
        # A worker may be between writing a longer file and its row: wait for it before believing in damage.
        with advisory_lock("ingest", row.contract_id, row.schema):
            return _read_or_forget(row, name)


def _read_or_forget(row: Coverage, name: store.PieceName) -> Bars:
    current = Coverage.objects.filter(pk=row.pk).first()
    if current is None:
        raise store.DamagedPiece(f"{name} was set aside.")
    try:
        return store.read_bars(name, current.checksum)
    except store.DamagedPiece:
        log.warning("%s is damaged; set aside, to be fetched again", name)
        with transaction.atomic():
            current.delete()
            store.set_aside(name)
        raise
