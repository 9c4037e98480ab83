"""Prints and books of stored sessions, shared by everyone who replays them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.conf import settings

from market import book_files, ingest, store
from market.engine import trades as engine_trades
from market.engine.book import BookTape
from market.engine.tape import SharedCache
from market.engine.trades import Trades
from market.models import Contract, Coverage
from market.schemas import BOOK, TRADES
from market.sessions import Session

cache: SharedCache[Trades] = SharedCache(settings.TAPE_CACHE_BYTES)


@dataclass(frozen=True, slots=True)
class SessionEvents:
    """A session's prints, and its book; None where that is not stored."""

    trades: Trades
    book: BookTape | None


def trades(contract: Contract, session: Session) -> Trades | None:
    """The prints of a session; None where they are not stored. Raises DamagedPiece."""
    row = _stored(contract, TRADES.name, session)
    if row is None:
        return None
    if not row.rows:
        return Trades.empty()
    return cache.get(_key(row), lambda: engine_trades.from_columns(ingest.read_piece(row)))


def book(contract: Contract, session: Session) -> BookTape | None:
    """The book of a session, memory-mapped; None where it is not stored or was empty all day. Raises DamagedPiece."""
    row = _stored(contract, BOOK.name, session)
    return None if row is None or not row.rows else ingest.open_book(row)


def rows_of(contract_id: int, trade_date: date) -> dict[str, Coverage]:
    """The rows of a session's stored trades and book, by schema; those without any event are left out."""
    rows = Coverage.objects.filter(
        contract=contract_id, trade_date=trade_date, schema__in=(TRADES.name, BOOK.name), rows__gt=0
    )
    return {row.schema: row for row in rows.select_related("contract__asset")}


def read(rows: dict[str, Coverage]) -> SessionEvents:
    """What these rows tell of, without a word to the database. Raises DamagedPiece; `check` then mends."""
    prints, book = rows.get(TRADES.name), rows.get(BOOK.name)
    return SessionEvents(
        cache.get(_key(prints), lambda: _read_trades(prints)) if prints else Trades.empty(),
        book_files.open_book(_name(book), book.checksum) if book else None,
    )


def check(rows: dict[str, Coverage]) -> None:
    """Have a damaged piece set aside and its row dropped, so that it can be got again. Raises DamagedPiece."""
    for row in rows.values():
        if row.schema == BOOK.name:
            ingest.open_book(row)
        else:
            ingest.read_piece(row)


def _read_trades(row: Coverage) -> Trades:
    return engine_trades.from_columns(store.read(_name(row), row.checksum))


def _name(row: Coverage) -> store.PieceName:
    return ingest.piece_name(row.contract, row.schema, row.trade_date)


def _key(row: Coverage) -> tuple[object, ...]:
    return row.contract_id, row.trade_date, row.checksum


def grade(contract: Contract, session: Session) -> str:
    """What the stored data of a session can decide: "book", "trades" or "bars"."""
    return grades([(contract.pk, session.trade_date)])[contract.pk, session.trade_date]


def grades(wanted: Sequence[tuple[int, date]]) -> dict[tuple[int, date], str]:
    """The grade of each session, by contract (its id) and trade date."""
    if not wanted:
        return {}
    dates = [trade_date for _, trade_date in wanted]
    rows = Coverage.objects.filter(
        contract__in={contract_id for contract_id, _ in wanted},
        schema__in=(BOOK.name, TRADES.name),
        trade_date__range=(min(dates), max(dates)),
        rows__gt=0,
    ).values_list("contract", "trade_date", "schema")
    stored: dict[tuple[int, date], set[str]] = {key: set() for key in wanted}
    for contract_id, trade_date, schema in rows:
        stored.get((contract_id, trade_date), set()).add(schema)
    return {key: grade_of(schemas) for key, schemas in stored.items()}


def grade_of(schemas: Collection[str]) -> str:
    """What these schemas of a session can decide."""
    if {BOOK.name, TRADES.name} <= set(schemas):
        return "book"
    return "trades" if TRADES.name in schemas else "bars"


def _stored(contract: Contract, schema: str, session: Session) -> Coverage | None:
    rows = Coverage.objects.filter(contract=contract, schema=schema, trade_date=session.trade_date)
    return rows.select_related("contract__asset").first()
