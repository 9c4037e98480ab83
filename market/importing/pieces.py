"""A session's rows of a file, into the store: new, beside what is there, or not at all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from market import ingest, store
from market.engine.bars import Bars, aggregate, from_trades
from market.importing.merging import Columns, Merged, merge
from market.importing.report import Report, StoredPiece
from market.importing.spool import Spool
from market.locks import advisory_lock
from market.models import Contract, Coverage, ImportedFile, ImportedPiece
from market.schemas import SECONDS, TRADES, Schema
from market.sessions import SECOND_NS, Session

NEAR_NS = 15 * 60 * SECOND_NS
"""A recording that begins and ends so near to the session's ends is taken for whole."""
JUDGED_ROWS = 20
"""With fewer rows in common hours two recordings cannot be told apart."""
GROUP_ROWS = 131_072
"""Rows of a row group."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A session of a contract in one schema. made_from: the file's schema, where futsim made the rows from it."""

    contract: Contract
    schema: Schema
    session: Session
    made_from: str = ""

    @property
    def key(self) -> str:
        """A name for files."""
        return f"{self.schema.name}.{self.contract.pk}.{self.session.trade_date}"

    @property
    def name(self) -> store.PieceName:
        return ingest.piece_name(self.contract, self.schema.name, self.session.trade_date)

    def __str__(self) -> str:
        return f"{self.contract} {self.session.trade_date} {self.schema.name}"


@dataclass(slots=True)
class _Count:
    """What becomes of a piece's rows. first_ns, last_ns: the ends of what is stored."""

    accepted: int = 0
    known: int = 0
    refused: int = 0
    shared: int = 0
    same: int = 0
    first_ns: int = 0
    last_ns: int = 0

    def see(self, merged: Merged, time: str) -> None:
        self.accepted += len(merged.added)
        self.known += len(merged.known)
        self.refused += len(merged.other)
        self.shared += merged.shared[0]
        self.same += merged.shared[1]
        times = merged.columns[time]
        if len(times):
            self.first_ns = self.first_ns or int(times[0])
            self.last_ns = int(times[-1])

    def refuse_new(self) -> None:
        self.refused += self.accepted
        self.accepted = 0


def save(piece: Piece, spool: Spool, report: Report, file: ImportedFile | None = None) -> None:
    """Put a piece's rows into the store beside those that are there, and count them. Raises OSError.

    file: whose rows they are, where that is to be remembered.
    """
    with advisory_lock("ingest", piece.contract.pk, piece.schema.name):
        held = _coverage(piece.contract, piece.schema, piece.session)
        try:
            count = _write(piece, None, spool, report) if held is None else _join(piece, held, spool, report)
        except store.DamagedPiece:
            assert held is not None
            held.delete()
            store.set_aside(piece.name)
            count = _write(piece, None, spool, report)
        if count.accepted or count.known:
            _remember(piece, file)
    report.accepted += count.accepted
    report.known += count.known
    report.schemas.add(piece.schema.name)
    report.pieces.append(_told(piece, count))


def _remember(piece: Piece, file: ImportedFile | None) -> None:
    row = _coverage(piece.contract, piece.schema, piece.session)
    if file is not None and row is not None:
        ImportedPiece.objects.get_or_create(file=file, coverage=row)


def _coverage(contract: Contract, schema: Schema, session: Session) -> Coverage | None:
    rows = Coverage.objects.filter(contract=contract, schema=schema.name, trade_date=session.trade_date)
    return rows.select_related("contract__asset").first()


def _join(piece: Piece, held: Coverage, spool: Spool, report: Report) -> _Count:
    """Add what is new, unless it cannot stand beside what is there."""
    count, added, other = _Count(), [], []
    for merged in merge(piece.schema, _stored(held), spool.blocks(piece.key)):
        count.see(merged, piece.schema.time)
        added.append(merged.added)
        other.append(merged.other)
    reason = _objection(piece, held, count)
    if not reason and count.accepted:
        return _write(piece, held, spool, report)
    if count.refused:
        report.refuse(np.concatenate(other), _contradicts(piece))
    if count.accepted:
        report.refuse(np.concatenate(added), reason)
        count.refuse_new()
    return count


def _objection(piece: Piece, held: Coverage | None, count: _Count) -> str:
    """Why new rows cannot join what is there; empty where they can."""
    if held is None:
        return ""
    if held.source != Coverage.FROM_FILE:
        return f"{piece} was fetched from {held.source}, whose rows were kept."
    if not piece.schema.bar_seconds and count.shared >= JUDGED_ROWS and 2 * count.same < count.shared:
        return f"{piece}: other rows of the same hours are here, from another recording; they were kept."
    return ""


def _stored(held: Coverage | None) -> Iterator[Columns]:
    if held is not None and held.rows:
        name = ingest.piece_name(held.contract, held.schema, held.trade_date)
        yield from store.read_in_parts(name, held.checksum)


def _write(piece: Piece, held: Coverage | None, spool: Spool, report: Report) -> _Count:
    """Write the piece with the new rows."""
    count = _Count()

    def parts() -> Iterator[Columns]:
        for merged in merge(piece.schema, _stored(held), spool.blocks(piece.key)):
            count.see(merged, piece.schema.time)
            report.refuse(merged.other, _contradicts(piece))
            yield merged.columns

    with store.writers([piece.name]) as (writer,):
        for columns in _in_groups(piece.schema, parts()):
            writer.append(columns)
        file = writer.commit()
    made_from = piece.made_from if held is None or held.made_from == piece.made_from else ""
    _record(piece, file, count.first_ns, count.last_ns, made_from)
    return count


def _contradicts(piece: Piece) -> str:
    return f"{piece}: another bar of this time is here; it was kept."


def _record(piece: Piece, file: store.StoredFile, first_ns: int, last_ns: int, made_from: str) -> None:
    session = piece.session
    is_whole = first_ns <= session.open_ns + NEAR_NS and last_ns >= session.close_ns - NEAR_NS
    until_ns = session.close_ns if is_whole else min(last_ns, session.close_ns - 1)
    ingest.record(piece.contract, piece.schema, session, file, until_ns, Coverage.FROM_FILE, made_from=made_from)


def _in_groups(schema: Schema, parts: Iterable[Columns]) -> Iterator[Columns]:
    """The same rows in parts that make good row groups."""
    waiting: list[Columns] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += len(part[schema.time])
        if rows >= GROUP_ROWS:
            yield _joined(schema, waiting)
            waiting, rows = [], 0
    if waiting:
        yield _joined(schema, waiting)


def _joined(schema: Schema, parts: list[Columns]) -> Columns:
    if len(parts) == 1:
        return parts[0]
    return {name: np.concatenate([part[name] for part in parts]) for name in schema.columns}


def _told(piece: Piece, count: _Count) -> StoredPiece:
    return StoredPiece(
        asset=piece.contract.asset.root,
        contract=piece.contract.raw_symbol,
        schema=piece.schema.name,
        trade_date=piece.session.trade_date,
        accepted=count.accepted,
        known=count.known,
        refused=count.refused,
        first_ns=count.first_ns,
        last_ns=count.last_ns,
        made_from=piece.made_from,
    )


# --- bars from trades -------------------------------------------------------------------------------------


def make_bars(contract: Contract, session: Session, report: Report, of: ImportedFile | None = None) -> None:
    """Build a session's one-second bars from its trades, unless bars of another origin are here.

    of: the file that some of the trades are from, where that is to be remembered.
    """
    piece = Piece(contract, SECONDS, session, TRADES.name)
    with advisory_lock("ingest", contract.pk, SECONDS.name):
        held = _coverage(contract, SECONDS, session)
        trades = _coverage(contract, TRADES, session)
        if trades is None or not trades.rows or (held is not None and held.made_from != TRADES.name):
            return
        bars = _bars_of(trades)
        if not len(bars):
            return
        file = store.write(piece.name, store.bar_columns(bars))
        if held is not None and held.checksum == file.checksum:
            _remember(piece, of)
            return
        _record(piece, file, int(bars.ts[0]), int(bars.ts[-1]), TRADES.name)
        _remember(piece, of)
    count = _Count(accepted=len(bars), first_ns=int(bars.ts[0]), last_ns=int(bars.ts[-1]))
    report.pieces.append(_told(piece, count))


def _bars_of(trades: Coverage) -> Bars:
    each = [
        from_trades(columns["ts_recv"], columns["price"], columns["size"].astype(np.int64))
        for columns in _stored(trades)
    ]
    bars = Bars.concatenate(each)
    # a second at a seam has two bars
    return aggregate(bars, np.unique(bars.ts))
