"""The only way market data comes into the store: `ensure`."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import TypeVar

import numpy as np
from django.db import transaction

from market import book_files, store
from market.contracts import symbols_between
from market.databento_historical import Download, HistoricalGateway, Request, bars_by_symbol
from market.engine.bars import Bars
from market.engine.book import BookTape
from market.jobs import Progress
from market.locks import advisory_lock
from market.models import Contract, Coverage
from market.schemas import BOOK, BY_NAME, Schema
from market.sessions import Session, utc_date

log = logging.getLogger(__name__)

T = TypeVar("T")

SESSIONS_PER_REQUEST = 5
"""Few large requests, yet a progress bar that moves and a cancel that is heard."""
BOOK_SESSIONS_PER_REQUEST = 1


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


def requests(contract: Contract, schema: str, sessions: list[Session], available_ns: int) -> list[Request]:
    """What `ensure` would fetch now, to know its cost."""
    wanted = missing(contract, schema, sessions, available_ns)
    runs = _runs(sessions, wanted, _longest(schema))
    return [_run(contract, BY_NAME[schema], run, available_ns).request for run in runs]


def _longest(schema: str) -> int:
    return BOOK_SESSIONS_PER_REQUEST if schema == BOOK.name else SESSIONS_PER_REQUEST


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
        here = len(sessions) - len(wanted)
        if here:
            progress.say(f"{contract}: {here} sessions are here", here, here=True)
        for run in _runs(sessions, wanted, _longest(schema)):
            progress.say(f"{contract} {schema}: {run[0].trade_date} to {run[-1].trade_date}")
            _fetch(gateway, _run(contract, BY_NAME[schema], run, available_ns), progress)


def _runs(sessions: list[Session], wanted: list[Session], longest: int) -> Iterator[list[Session]]:
    """The wanted sessions in runs without a gap, at most so long."""
    run: list[Session] = []
    for session in sessions:
        if session in wanted:
            run.append(session)
        if run and (session not in wanted or len(run) == longest):
            yield run
            run = []
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _Run:
    """Consecutive sessions of one contract and schema, fetched in one request."""

    contract: Contract
    schema: Schema
    sessions: list[Session]
    request: Request

    @property
    def names(self) -> list[store.PieceName]:
        return [piece_name(self.contract, self.schema.name, session.trade_date) for session in self.sessions]

    @property
    def title(self) -> str:
        return f"{self.contract} {self.schema.name}"


@dataclass(frozen=True, slots=True)
class _Stored:
    """The files of a run, and how far and with which words the gateway answered."""

    files: list[store.StoredFile]
    end_ns: int
    warnings: tuple[str, ...]


def _run(contract: Contract, schema: Schema, sessions: list[Session], available_ns: int) -> _Run:
    following = contract.asset.sessions.after(sessions[-1].trade_date, 1)[0]
    end_ns = min(following.open_ns, available_ns)
    symbols = symbols_between(contract, utc_date(sessions[0].open_ns), utc_date(end_ns - 1))
    request = Request(contract.asset.dataset, schema.name, symbols, sessions[0].open_ns, end_ns)
    return _Run(contract, schema, sessions, request)


def _fetch(gateway: HistoricalGateway, run: _Run, progress: Progress) -> None:
    store_run = _store_bars if run.schema.bar_seconds else _store_events
    stored = gateway.fetch(run.request, lambda download: store_run(run, download, progress))
    for session, file in zip(run.sessions, stored.files, strict=True):
        until_ns = min(session.close_ns, stored.end_ns)
        record(run.contract, run.schema, session, file, until_ns, gateway.name, stored.warnings)
        progress.say(f"{run.title}: stored {session.trade_date}", 1)


def _store_bars(run: _Run, download: Download, progress: Progress) -> _Stored:
    found = bars_by_symbol(download.rows(), download.mappings)
    bars = Bars.concatenate([each.bars for each in sorted(found, key=lambda each: int(each.bars.ts[0]))])
    parts = list(split_at_openings(bars, run.sessions))
    return _Stored(list(store.write_bars(run.names, parts)), download.request.end_ns, download.warnings)


def _store_events(run: _Run, download: Download, progress: Progress) -> _Stored:
    """Write the records as they are decoded: a busy day is larger than memory."""
    with store.writers(run.names) as pieces:
        done = 0
        for rows in download.chunks():
            columns = run.schema.columns_of(rows)
            for piece, part in zip(pieces, cut_at_openings(columns, run.schema, run.sessions), strict=True):
                piece.append(part)
            done += len(rows)
            # no number of records: how busy a session will have been is the future of whoever replays it
            progress.say(f"{run.title}: writing, {done * 100 // max(done, download.expected)} %")
        return _Stored([piece.commit() for piece in pieces], download.request.end_ns, download.warnings)


def cut_at_openings(columns: store.Columns, schema: Schema, sessions: list[Session]) -> Iterator[store.Columns]:
    """Each session's rows: a print after a close, where the calendar errs, belongs to the session it ends."""
    times = columns[schema.time]
    cuts = [0, *(int(np.searchsorted(times, session.open_ns)) for session in sessions[1:]), len(times)]
    for start, end in pairwise(cuts):
        yield {name: values[start:end] for name, values in columns.items()}


def split_at_openings(bars: Bars, sessions: list[Session]) -> Iterator[Bars]:
    """`cut_at_openings` for bars in memory."""
    for part in cut_at_openings(store.bar_columns(bars), BY_NAME["ohlcv-1s"], sessions):
        yield Bars(*part.values())


def record(
    contract: Contract,
    schema: Schema,
    session: Session,
    file: store.StoredFile,
    until_ns: int,
    source: str,
    warnings: Sequence[str] = (),
    made_from: str = "",
) -> None:
    """Write the row that says that a piece is there. Its file comes first.

    A crash between the two leaves a file that nobody believes; the next attempt writes it again.
    """
    over = until_ns >= session.close_ns
    state = Coverage.State.COMPLETE if over else Coverage.State.PARTIAL
    Coverage.objects.update_or_create(
        contract=contract,
        schema=schema.name,
        trade_date=session.trade_date,
        defaults={
            "state": state if file.rows else Coverage.State.EMPTY,
            "rows": file.rows,
            "bytes": file.bytes,
            "checksum": file.checksum,
            "source": source[:40],
            "until_ns": until_ns,
            "warnings": "\n".join(warnings),
            "made_from": made_from,
        },
    )


def read_bars(row: Coverage) -> Bars:
    """The bars of a stored piece. Raises DamagedPiece as `read_piece` does."""
    return Bars(*read_piece(row).values())


def read_piece(row: Coverage) -> store.Columns:
    """The columns of a stored piece.

    Raises DamagedPiece when its file is gone or altered; the file is set aside then and the row dropped, so that the
    next `ensure` fetches the piece again.
    """
    name = piece_name(row.contract, row.schema, row.trade_date)
    return _mending(row, lambda checksum: store.read(name, checksum))


def open_book(row: Coverage) -> BookTape:
    """The book of a stored `mbp-10` piece. Raises DamagedPiece as `read_piece` does."""
    name = piece_name(row.contract, row.schema, row.trade_date)
    return _mending(row, lambda checksum: book_files.open_book(name, checksum))


def _mending(row: Coverage, read: Callable[[str], T]) -> T:
    """What `read` makes of the file with the row's checksum."""
    try:
        return read(row.checksum)
    except store.DamagedPiece:
        # A worker may be between writing a longer file and its row: wait for it before believing in damage.
        with advisory_lock("ingest", row.contract_id, row.schema):
            return _read_or_forget(row, read)


def _read_or_forget(row: Coverage, read: Callable[[str], T]) -> T:
    name = piece_name(row.contract, row.schema, row.trade_date)
    current = Coverage.objects.filter(pk=row.pk).first()
    if current is None:
        raise store.DamagedPiece(f"{name} was set aside.")
    try:
        return read(current.checksum)
    except store.DamagedPiece:
        log.warning("%s is damaged; set aside, to be fetched again", name)
        with transaction.atomic():
            current.delete()
            store.set_aside(name)
        raise
