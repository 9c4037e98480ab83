"""Importing one file: read it, refuse what cannot be right, cut it into sessions, store the pieces."""

import errno
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from market.importing import checks, definitions, formats, pieces, spool
from market.importing.contracts import Instrument, Instruments, Unknown
from market.importing.orders import Books
from market.importing.parts import DEFINITION, MBO, Definitions, Part, Reader
from market.importing.pieces import Piece
from market.importing.report import NotImportable, Report
from market.importing.scale import Scales
from market.importing.spool import Spool
from market.models import Contract, ImportedFile
from market.schemas import TRADES
from market.sessions import Session

READING = 0.7
"""Share of the work that reading is; storing the pieces is the rest."""
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
DISK_FULL = "The disk of this installation is full. Nothing more was stored; free some space and import the file again."

Tell = Callable[[float], None]
"""Hears how much of the work is done, 0 to 1; may raise to stop it."""


def import_file(path: Path, name: str, tell: Tell = lambda _: None, row: ImportedFile | None = None) -> Report:
    """Import a file, whatever it is; the report says what became of it.

    name: the one that its owner gave it. row: remembers which pieces the file has rows of, so that it can be undone.
    What `tell` raises goes through; pieces that were stored until then stay.
    """
    report = Report()
    try:
        with closing(formats.open_file(path, name)) as reader:
            _import(_Import(reader, report, row), tell)
    except NotImportable as problem:
        report.problem = str(problem)
    except OSError as problem:
        if problem.errno not in FULL_DISK:
            raise
        report.problem = DISK_FULL
    report.close()
    return report


def _import(work: "_Import", tell: Tell) -> None:
    spool.remove_left_overs()
    with spool.folder() as folder:
        kept = Spool(folder)
        work.read(kept, tell)
        work.store(kept, tell)


class _Import:
    """The rows of one file on their way."""

    def __init__(self, reader: Reader, report: Report, row: ImportedFile | None) -> None:
        self._reader = reader
        self._report = report
        self._row = row
        self._scales = Scales(report)
        self._instruments = Instruments(reader.dataset)
        self._books = Books()
        self._pieces: dict[str, Piece] = {}
        self._contracts: dict[tuple[Instrument, Session], Contract | Unknown] = {}
        self._last_ns: dict[tuple[str, Instrument], int] = {}
        self._now_ns = time.time_ns()

    def read(self, kept: Spool, tell: Tell) -> None:
        """Read the whole file; nothing is stored yet but contracts."""
        for part in self._reader.parts(self._report):
            if isinstance(part, Definitions):
                definitions.take(part, self._reader.dataset, self._report)
            else:
                self._take(part, kept)
            tell(READING * self._reader.share())
        self._books.tell(self._report)

    def _take(self, part: Part, kept: Spool) -> None:
        try:
            instrument = self._instruments.of(part)
        except Unknown as problem:
            self._report.refuse(part.rows, str(problem))
            return
        key = part.schema.name, instrument
        part = checks.sound(part, instrument, self._last_ns.get(key, 0), self._now_ns, self._report)
        if not len(part):
            return
        self._last_ns[key] = int(part.columns[part.schema.time][-1])
        if part.schema is MBO:
            for made in self._books.expand(part):
                self._keep(made, instrument, MBO.name, kept)
        else:
            self._keep(part, instrument, "", kept)

    def _keep(self, part: Part, instrument: Instrument, made_from: str, kept: Spool) -> None:
        for session, mine in checks.cut(part, instrument.calendar, self._report):
            contract = self._contract(instrument, session)
            if isinstance(contract, Unknown):
                self._report.refuse(mine.rows, str(contract))
                continue
            mine = self._scales.fitting(mine, contract, session)
            if len(mine):
                piece = Piece(contract, part.schema, session, made_from)
                self._pieces.setdefault(piece.key, piece)
                kept.add(piece.key, part.schema, mine.columns, mine.rows)

    def _contract(self, instrument: Instrument, session: Session) -> Contract | Unknown:
        key = instrument, session
        if key not in self._contracts:
            try:
                self._contracts[key] = instrument.contract_on(session.trade_date)
            except Unknown as problem:
                self._contracts[key] = problem
        return self._contracts[key]

    def store(self, kept: Spool, tell: Tell) -> None:
        """Store the pieces, one after the other."""
        for number, piece in enumerate(self._pieces.values()):
            tell(READING + (1 - READING) * number / len(self._pieces))
            pieces.save(piece, kept, self._report, self._row)
            kept.drop(piece.key)
        for piece in self._pieces.values():
            if piece.schema is TRADES:
                pieces.make_bars(piece.contract, piece.session, self._report, self._row)
        tell(1.0)


def holds_definitions(path: Path, name: str) -> bool:
    """Whether a file defines instruments, so that others had better wait for it."""
    try:
        with closing(formats.open_file(path, name)) as reader:
            return reader.schema == DEFINITION
    except (NotImportable, OSError):
        return False
