"""What an alert would have fired in the last sessions that are stored: the engine of the live market, over the past.

A worker computes it, sessions one after the other, so that what is known at the end of one is known at the beginning of
the next. Question, progress and answer are in the cache, for a while.
"""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Max

from alerts.engine.edges import fold
from alerts.engine.flood import Flood
from alerts.engine.group import Definition, Group, Standing, group
from alerts.engine.trace import trace
from alerts.recording import Hit, hit
from alerts.services import Terms
from market import tapes
from market.access import offered
from market.models import Asset, Contract
from market.sessions import SECOND_NS, Session
from market.store import DamagedPiece
from ranks import access, series
from ranks.engine.metrics import ENOUGH
from ranks.engine.sample import Sample
from ranks.models import Summary

log = logging.getLogger(__name__)

SESSIONS = 60
SPAN = timedelta(days=120)
"""So many days have at least 60 sessions."""
MOST_SHOWN = 200
HOUR_NS = 3_600 * SECOND_NS
KEPT_SECONDS = 600
WANTED_SECONDS = 30
"""What no page has asked for since so long is given up."""
LOST_SECONDS = 60
"""A worker says at least so often that it is at work."""

Say = Callable[[int, int], None]
"""Is told how many sessions are done, of how many."""


class NotWanted(Exception):
    """Nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Question:
    """The terms of an alert, as far as they decide when it fires. root: None for all assets.

    until_ns: sessions that close later are left out; None for all that are summarised.
    """

    root: str | None
    metric: str
    operator: str
    threshold: float
    timeframe: str
    lookback_days: int
    repeat: str
    until_ns: int | None = None

    @classmethod
    def of(cls, terms: Terms, until_ns: int | None = None) -> "Question":
        """until_ns: taken to the hour, so that the same is asked for as long as one session is in progress."""
        same = ("metric", "operator", "timeframe", "lookback_days", "repeat")
        root = None if terms.asset is None else terms.asset.root
        hour_ns = None if until_ns is None else until_ns // HOUR_NS * HOUR_NS
        more = {name: getattr(terms, name) for name in same}
        return cls(root=root, threshold=float(terms.threshold), until_ns=hour_ns, **more)

    @property
    def key(self) -> str:
        """What it is kept under: the same for whoever asks the same."""
        return hashlib.sha256(json.dumps(asdict(self)).encode()).hexdigest()[:32]

    @property
    def definition(self) -> Definition:
        return Definition(
            0, 0, None, self.metric, self.operator == "gte", self.threshold, self.timeframe, self.lookback_days,
            self.repeat,
        )  # fmt: skip


@dataclass(slots=True)
class Past:
    """What came of it at one asset. sessions: of the calendar. stored: those that were evaluated. thin: those of them
    in which no bar had enough to be compared with. first, last: trade dates of the calendar's; None where nothing is
    stored.
    """

    hits: list[Hit] = field(default_factory=list)
    sessions: int = SESSIONS
    stored: int = 0
    thin: int = 0
    first: date | None = None
    last: date | None = None


# --- computing ---


def look_back(question: Question, say: Say) -> dict[str, Any]:
    """What it would have fired, as `answer` has it."""
    assets = offered().filter(from_files=False).order_by("root")
    covered = list(assets if question.root is None else assets.filter(root=question.root))
    pasts = []
    for number, asset in enumerate(covered):
        begun = number * SESSIONS
        pasts.append(past(question, asset, lambda done, begun=begun: say(begun + done, len(covered) * SESSIONS)))  # type: ignore[misc]
    return _answer(question, pasts)


def past(question: Question, asset: Asset, say: Callable[[int], None] = lambda done: None) -> Past:
    """At one asset: its last sessions up to the newest one that is summarised."""
    sessions = _sessions(asset, question.until_ns)
    if not sessions:
        return Past()
    found = Past(sessions=len(sessions), first=sessions[0].trade_date, last=sessions[-1].trade_date)
    state = series.state(asset, sessions)
    summarised = set(state.summarised)
    members = group([(question.definition, Standing(0))])
    for number, session in enumerate(sessions):
        say(number)
        if session.trade_date not in summarised:
            members.forget()  # as live does where bars are missing
        else:
            _fold_session(question, asset, state.fronts[session.trade_date], session, members, found)
    return found


def _sessions(asset: Asset, until_ns: int | None) -> list[Session]:
    rows = Summary.objects.filter(contract__asset=asset)
    if until_ns is not None:
        rows = rows.filter(trade_date__lt=asset.sessions.first_closing_after(until_ns).trade_date)
    newest = rows.aggregate(day=Max("trade_date"))["day"]
    return [] if newest is None else asset.sessions.between(newest - SPAN, newest)[-SESSIONS:]


def _fold_session(
    question: Question, asset: Asset, contract: Contract, session: Session, members: Group, found: Past
) -> None:
    try:
        piece = tapes.stored_piece(contract, session)
    except DamagedPiece as problem:
        log.warning("%s on %s is left out: %s", contract, session.trade_date, problem)
        piece = None
    if piece is None:
        members.forget()
        return
    sample = _sample(asset, question, session.trade_date)
    begin, end = session.open_ns, session.close_ns
    line = trace(sample, session, question.timeframe, piece.stored, asset.tick_size, begin, end)
    fired = fold(members.watch, line)
    found.hits += [hit(asset.root, members, line, 0, at) for at in fired.instant.tolist()]
    found.stored += 1
    found.thin += not len(line) or int(line.n.max()) < ENOUGH


def _sample(asset: Asset, question: Question, day: date) -> Sample | None:
    try:
        return access.table(asset, question.timeframe, day, question.lookback_days)
    except access.NoRanks:
        return None


def _answer(question: Question, pasts: list[Past]) -> dict[str, Any]:
    """count: firings, of which the newest are listed. sessions, stored, thin: of all assets. is_flood: live it would
    have been stopped on the way, which is not done here."""
    hits = sorted((each for past in pasts for each in past.hits), reverse=True)
    if question.repeat == "once":
        hits = hits[-1:]  # which stops it at all assets
    days = [day for past in pasts for day in (past.first, past.last) if day is not None]
    rows = [{"root": each.root, "market_ns": each.market_ns, "value": each.value, "n": each.n} for each in hits]
    return {
        "count": len(hits),
        "is_flood": _is_flood(hits),
        "rows": rows[:MOST_SHOWN],
        "sessions": sum(past.sessions for past in pasts),
        "stored": sum(past.stored for past in pasts),
        "thin": sum(past.thin for past in pasts),
        "assets": len(pasts),
        "first": min(days).isoformat() if days else None,
        "last": max(days).isoformat() if days else None,
    }


def _is_flood(hits: list[Hit]) -> bool:
    flood = Flood()
    return any(flood.note((0, 0), each.market_ns) for each in reversed(hits))


# --- question and answer in the cache ---


def ask(question: Question, queue: Callable[[str], object]) -> str:
    """Have it computed, unless it is known or being computed; its key. queue: hands the key to a worker."""
    key = question.key
    cache.set(_name("wanted", key), True, WANTED_SECONDS)
    told = cache.get(_name("told", key))
    if told is None or _is_lost(told):
        told = {"question": asdict(question), "done": 0, "total": 0, "at": time.time(), "answer": None, "problem": ""}
        cache.set(_name("told", key), told, KEPT_SECONDS)
        queue(key)
    return key


def told(key: str, queue: Callable[[str], object]) -> dict[str, Any] | None:
    """How it stands: {question, done, total, answer, problem}; None where it was forgotten. It is still wanted."""
    found: dict[str, Any] | None = cache.get(_name("told", key))
    if found is not None and not found["problem"]:
        ask(Question(**found["question"]), queue)
    return found


def work(key: str) -> None:
    """The worker's part."""
    found = cache.get(_name("told", key))
    if found is None or found["answer"] is not None:
        return

    def say(done: int, total: int) -> None:
        if cache.get(_name("wanted", key)) is None:
            raise NotWanted
        _keep(key, found | {"done": done, "total": total})

    try:
        answer = look_back(Question(**found["question"]), say)
    except NotWanted:
        cache.delete(_name("told", key))
    except Exception:
        _keep(key, found | {"problem": "Something went wrong in futsim; the log has the details."})
        raise
    else:
        _keep(key, found | {"answer": answer})


def _keep(key: str, found: dict[str, Any]) -> None:
    cache.set(_name("told", key), found | {"at": time.time()}, KEPT_SECONDS)


def _is_lost(told: dict[str, Any]) -> bool:
    """It failed, or its worker has said nothing for long."""
    return bool(told["problem"]) or (told["answer"] is None and time.time() - told["at"] > LOST_SECONDS)


def _name(what: str, key: str) -> str:
    return f"alerts.looking_back.{what}.{key}"
