"""Prints and books of stored sessions, shared by everyone who replays them."""

from collections.abc import Sequence
from datetime import date

from django.conf import settings

from market import ingest
from market.engine import trades as engine_trades
from market.engine.book import BookTape
from market.engine.tape import SharedCache
from market.engine.trades import Trades
from market.models import Contract, Coverage
from market.schemas import BOOK, TRADES
from market.sessions import Session

cache: SharedCache[Trades] = SharedCache(settings.TAPE_CACHE_BYTES)


def trades(contract: Contract, session: Session) -> Trades | None:
    """The prints of a session; None where they are not stored. Raises DamagedPiece."""
    row = _stored(contract, TRADES.name, session)
    if row is None:
        return None
    if not row.rows:
        return Trades.empty()
    key = (row.contract_id, row.trade_date, row.checksum)
    return cache.get(key, lambda: engine_trades.from_columns(ingest.read_piece(row)))


def book(contract: Contract, session: Session) -> BookTape | None:
    """The book of a session, memory-mapped; None where it is not stored or was empty all day. Raises DamagedPiece."""
    row = _stored(contract, BOOK.name, session)
    return None if row is None or not row.rows else ingest.open_book(row)


def grade(contract: Contract, session: Session) -> str:
    """What the stored data of a session can decide: "book", "trades" or "bars"."""
    return grades([(contract, session)])[contract.pk, session.trade_date]


def grades(wanted: Sequence[tuple[Contract, Session]]) -> dict[tuple[int, date], str]:
    """The grade of each session, by contract and trade date."""
    dates = [session.trade_date for _, session in wanted]
    rows = Coverage.objects.filter(
        contract__in={contract.pk for contract, _ in wanted},
        schema__in=(BOOK.name, TRADES.name),
        trade_date__range=(min(dates), max(dates)),
        rows__gt=0,
    ).values_list("contract", "trade_date", "schema")
    stored: dict[tuple[int, date], set[str]] = {(held.pk, session.trade_date): set() for held, session in wanted}
    for contract_id, trade_date, schema in rows:
        stored.get((contract_id, trade_date), set()).add(schema)
    return {key: grade_of(schemas) for key, schemas in stored.items()}


def grade_of(schemas: set[str]) -> str:
    """What these schemas of a session can decide."""
    if {BOOK.name, TRADES.name} <= schemas:
        return "book"
    return "trades" if TRADES.name in schemas else "bars"


def _stored(contract: Contract, schema: str, session: Session) -> Coverage | None:
    rows = Coverage.objects.filter(contract=contract, schema=schema, trade_date=session.trade_date)
    return rows.select_related("contract__asset").first()
