"""Sessions and their summaries for the tests of ranks, put into the store as ingest leaves them."""

from datetime import date

from market import ingest, store
from market.engine.bars import Bars
from market.models import Asset, Contract, Coverage, DailySpan, Roll
from market.schemas import SECONDS
from market.sessions import Session
from ranks import summaries
from tests.markets import sparse_session


def contract(asset: Asset, year: int, month: int, symbol: str) -> Contract:
    return Contract.objects.get_or_create(asset=asset, year=year, month=month, defaults={"raw_symbol": symbol})[0]


def front(asset: Asset, first: date, last: date, rolls: dict[date, Contract]) -> None:
    """A schedule: its first contract is the seed, each other one takes over on its date."""
    DailySpan.objects.create(asset=asset, first_date=first, end_date=last, is_scheduled=True, source="stand-in")
    before = None
    for day, to_contract in rolls.items():
        kind = Roll.Kind.VOLUME if before else Roll.Kind.SEED
        Roll.objects.create(asset=asset, trade_date=day, kind=kind, from_contract=before, to_contract=to_contract)
        before = to_contract


def seconds_of(session: Session, seed: int = 1, share: float = 0.01) -> Bars:
    return sparse_session(session, seed=seed, base=80_000, share=share)


def store_session(
    contract: Contract, session: Session, *, seed: int = 1, until_ns: int | None = None, seconds: Bars | None = None
) -> Coverage:
    """A stored session of random seconds, or of these. until_ns: data were available up to here."""
    bars = seconds_of(session, seed) if seconds is None else seconds
    name = ingest.piece_name(contract, SECONDS.name, session.trade_date)
    file = store.write(name, store.bar_columns(bars))
    ingest.record(contract, SECONDS, session, file, until_ns or session.close_ns, "stand-in")
    return Coverage.objects.get(contract=contract, schema=SECONDS.name, trade_date=session.trade_date)


def summarise_all() -> int:
    """Do what `ranks.tasks.summarise_new` does; how many sessions were summarised."""
    return sum(summaries.build(month) for month in summaries.new_months())
