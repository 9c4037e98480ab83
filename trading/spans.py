"""The tapes that decide a take's fills, read from the store as the take has pinned them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from market import events, tapes
from market.halts import halts_of
from market.models import Contract, Coverage
from market.schemas import BAR_SCHEMAS, BOOK, STATUS, TRADES
from trading.engine.feed import Span


class NoTape(LookupError):
    """A session is not stored, or not as it was when it decided fills; the message says which."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """A session of a contract, and the stored pieces that decide its fills. checksums: by schema."""

    contract_id: int
    contract: str
    trade_date: date
    grade: str
    checksums: Mapping[str, str]


def best(contract_id: int, trade_date: date) -> tuple[Pinned, Span]:
    """What is stored of a session now, at its best grade. Raises NoTape, store.DamagedPiece."""
    rows = _rows(contract_id, trade_date)
    contract = Contract.objects.select_related("asset").get(pk=contract_id)
    grade = events.grade_of({schema for schema, row in rows.items() if row.rows})
    checksums = {schema: row.checksum for schema, row in rows.items() if schema in _deciding(grade)}
    pinned = Pinned(contract_id, contract.raw_symbol, trade_date, grade, checksums)
    return pinned, _read(contract, pinned, rows)


def load(pinned: Pinned) -> Span:
    """The pinned session. Raises NoTape, store.DamagedPiece."""
    rows = _rows(pinned.contract_id, pinned.trade_date)
    for schema, checksum in pinned.checksums.items():
        if schema not in rows or rows[schema].checksum != checksum:
            raise NoTape(f"The {schema} of {pinned.contract} {pinned.trade_date} is not what decided its fills.")
    return _read(Contract.objects.select_related("asset").get(pk=pinned.contract_id), pinned, rows)


def _deciding(grade: str) -> tuple[str, ...]:
    """The schemas that fills rest on; a session's hours come from its bars."""
    events_of_grade = {"book": (TRADES.name, BOOK.name), "trades": (TRADES.name,)}.get(grade, ())
    return (*BAR_SCHEMAS, STATUS.name, *events_of_grade)


def _rows(contract_id: int, trade_date: date) -> dict[str, Coverage]:
    rows = Coverage.objects.filter(contract=contract_id, trade_date=trade_date)
    return {row.schema: row for row in rows.select_related("contract__asset")}


def _read(contract: Contract, pinned: Pinned, rows: dict[str, Coverage]) -> Span:
    session = contract.asset.sessions.session(pinned.trade_date)
    bars = next((schema for schema in BAR_SCHEMAS if schema in rows), None)
    piece = tapes.stored_piece(contract, session, bars) if session is not None and bars is not None else None
    if piece is None:
        raise NoTape(f"There is no data of {pinned.contract} on {pinned.trade_date}.")
    segments, halts = piece.session.segments, halts_of(rows.get(STATUS.name), piece.session)
    if pinned.grade == "bars":
        return Span(piece.stored, segments, halts, piece.bar_ns)
    found = events.read({schema: rows[schema] for schema in (TRADES.name, BOOK.name) if schema in pinned.checksums})
    return Span(found.book if pinned.grade == "book" and found.book is not None else found.trades, segments, halts)
