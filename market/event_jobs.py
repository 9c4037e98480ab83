"""Getting one session of a contract, for those who ask for it: its trades, its order book, or just its seconds."""

from datetime import date
from typing import Any

from market import events, ingest
from market.databento_historical import HistoricalGateway
from market.jobs import Failed, Progress
from market.models import Contract, Job
from market.schemas import BOOK, SECONDS, STATUS, TRADES, Schema
from market.sessions import Session

SCHEMAS: dict[str, tuple[Schema, ...]] = {"bars": (SECONDS,), "trades": (TRADES,), "book": (TRADES, BOOK)}
"""What a session of that grade takes."""
KINDS = {"bars": "seconds", "trades": "trades", "book": "order book"}
"""The kind of the job that gets it, which is also its name for people."""
RANK = ("bars", "trades", "book")
"""Grades from the least to the most."""


def title(grade: str, contract: str, trade_date: date) -> str:
    """What is got, as "order book of NQM6 2026-03-17"."""
    return f"{KINDS[grade]} of {contract} {trade_date}"


def params(contract: Contract, trade_date: date, grade: str) -> dict[str, Any]:
    """One session as a job's parameters; `run` reads them."""
    day = trade_date.isoformat()
    return {"root": contract.raw_symbol, "first": day, "last": day, "contract": contract.pk, "grade": grade}


def run(job: Job, contract: Contract, gateway: HistoricalGateway, available_ns: int, progress: Progress) -> str:
    """Fetch what the grade takes, and the exchange's status messages where they are offered; what to tell of it.

    Raises Failed where the vendor has none, GatewayError, JobCancelled, and what the gateway's purse raises.
    """
    session, grade = _session(job, contract), job.params["grade"]
    schemas = _offered(gateway, contract.asset.dataset, grade)
    progress.expect(len(schemas) + 1)
    gateway.afford(
        [request for schema in schemas for request in ingest.requests(contract, schema.name, [session], available_ns)]
    )
    for schema in schemas:
        ingest.ensure(gateway, contract, schema.name, [session], available_ns, progress)
    if grade == "book":
        # here, not where a page waits for it: made once, opened at once ever after
        progress.say(f"{contract}: making the order book of {session.trade_date} ready")
        events.book(contract, session)
    if RANK.index(events.grade(contract, session)) < RANK.index(grade):
        raise Failed(f"{gateway.name} has no {title(grade, str(contract), session.trade_date)}.")
    return f"The {title(grade, str(contract), session.trade_date)} can be used now."


def _session(job: Job, contract: Contract) -> Session:
    session = contract.asset.sessions.session(date.fromisoformat(job.params["first"]))
    if session is None:
        raise Failed("The exchange's calendar has no such session any more. Load the replay again.")
    return session


def _offered(gateway: HistoricalGateway, dataset: str, grade: str) -> list[Schema]:
    offered = gateway.schemas(dataset)
    lacking = [schema.name for schema in SCHEMAS[grade] if schema.name not in offered]
    if lacking:
        raise Failed(f"{gateway.name} has no {KINDS[grade]} of {dataset}: there is no {' and no '.join(lacking)}.")
    return [*SCHEMAS[grade], *([STATUS] if STATUS.name in offered else [])]
