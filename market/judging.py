"""Holding the calendars against what is stored: which pieces to judge, and what a finding means for an override."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import numpy as np

from market import facts, ingest, rolls, store
from market.engine import judge
from market.models import Asset, Coverage
from market.schemas import BY_NAME, SECONDS, STATUS, TRADES
from market.sessions import GROUPS, ROUND_THE_CLOCK_FROM, Session, to_et

PRINTS = (SECONDS.name, TRADES.name)
"""Schemas that tell when a contract traded; the first of them is the smaller."""
QUARTER = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """A finding, ready to be shown. override: the line for session_overrides.csv, "" where none can say it."""

    trade_date: date
    contract: str
    calendar: str
    tape: str
    verdict: str
    override: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the tape says of an asset's calendar. damaged: pieces that could not be read."""

    asset: Asset
    judged: list[date]
    contradictions: list[Contradiction]
    damaged: list[str]


@dataclass(slots=True)
class _Piece:
    """A session, what was seen of its front month's prints, and its status where stored."""

    row: Coverage
    session: Session
    known: judge.Known
    seen: judge.Seen
    status: Coverage | None


def judge_asset(asset: Asset, first: date, last: date) -> Verdict:
    """Judge the stored sessions of the trade dates from first to last."""
    rows = list(_rows(asset, first, last))
    damaged: list[str] = []
    pieces = [piece for row, status in rows if (piece := _read(row, status, damaged)) is not None]
    usually = judge.usual([quiet for piece in pieces for quiet in piece.seen.silences if quiet])
    contradictions = [_gone(row) for row, _ in rows if asset.sessions.session(row.trade_date) is None]
    for piece in pieces:
        contradictions += _judge(piece, usually, damaged)
    contradictions.sort(key=lambda found: found.trade_date)
    return Verdict(asset, sorted({row.trade_date for row, _ in rows}), contradictions, damaged)


def _rows(asset: Asset, first: date, last: date) -> Iterator[tuple[Coverage, Coverage | None]]:
    """Of each trade date the piece with the front month's prints (the busiest where it is unknown), and its status.

    What a file has only a part of says nothing of when the market closed.
    """
    stored = (
        Coverage.objects.filter(
            contract__asset=asset, schema__in=(*PRINTS, STATUS.name), trade_date__gte=first, trade_date__lte=last
        )
        .exclude(source=Coverage.FROM_FILE, state=Coverage.State.PARTIAL)
        .select_related("contract__asset")
    )
    by_day: dict[date, list[Coverage]] = {}
    for row in stored:
        by_day.setdefault(row.trade_date, []).append(row)
    fronts = rolls.fronts(asset, sorted(by_day))
    for day, rows in sorted(by_day.items()):
        prints = [row for row in rows if row.schema in PRINTS]
        if day in fronts and any(row.contract_id == fronts[day].pk for row in prints):
            mine = [row for row in prints if row.contract_id == fronts[day].pk]
            # a front month without a print may have been the wrong one: then another tells
            prints = mine if any(row.rows for row in mine) else prints
        elif day in fronts:
            continue  # only a later contract is here, which trades when it likes
        if prints:
            best = max(prints, key=lambda row: (row.rows > 0, -PRINTS.index(row.schema), row.rows))
            yield best, next((row for row in rows if row.schema == STATUS.name and row.contract == best.contract), None)


def _read(row: Coverage, status: Coverage | None, damaged: list[str]) -> _Piece | None:
    """None on a day that the calendar does not have, and where the file cannot be read."""
    calendar = row.contract.asset.sessions
    session = calendar.session(row.trade_date)
    following = calendar.after(row.trade_date, 1)
    if session is None or not following:
        return None
    expires_ns = row.contract.expires_ns
    if expires_ns is None and row.contract.last_trade_date == row.trade_date:
        expires_ns = session.open_ns
    known = judge.Known(following[0].open_ns, row.until_ns, expires_ns)
    try:
        return _Piece(row, session, known, judge.look(session, _instants(row), known), status)
    except store.DamagedPiece as problem:
        damaged.append(str(problem))
        return None


def _instants(row: Coverage) -> judge.Int64s:
    if not row.rows:
        return np.empty(0, np.int64)
    name = ingest.piece_name(row.contract, row.schema, row.trade_date)
    schema = BY_NAME[row.schema]
    parts = [columns[schema.time] for columns in store.read_in_parts(name, row.checksum)]
    return np.concatenate(parts)


def _judge(piece: _Piece, usually: judge.Silence, damaged: list[str]) -> Iterator[Contradiction]:
    for finding in judge.judge_prints(piece.session, piece.seen, piece.known, usually):
        yield _shown(piece, finding, "prints")
    if piece.status is not None and piece.status.rows:
        name = ingest.piece_name(piece.status.contract, STATUS.name, piece.status.trade_date)
        try:
            columns = store.read(name, piece.status.checksum)
        except store.DamagedPiece as problem:
            damaged.append(str(problem))
            return
        order = np.argsort(columns["ts_event"], kind="stable")
        changes = columns["ts_event"][order], columns["is_trading"][order]
        for finding in judge.judge_status(piece.session, *changes, piece.known):
            yield _shown(piece, finding, "status")


def _gone(row: Coverage) -> Contradiction:
    return Contradiction(
        row.trade_date, str(row.contract), "no session", f"{row.rows:,} rows stored", "stored by another calendar", ""
    )


# --- how it is shown ----------------------------------------------------------------------------------------


def _shown(piece: _Piece, finding: judge.Finding, source: str) -> Contradiction:
    trade_date = piece.row.trade_date
    if finding.calendar == (piece.known.following_ns,):
        trade_date = piece.row.contract.asset.sessions.after(trade_date, 1)[0].trade_date
    return Contradiction(
        trade_date,
        str(piece.row.contract),
        _span(finding.calendar) or "no session",
        _span(finding.tape) or "no print",
        f"{finding.kind} ({source})",
        _override(piece.row.contract.asset, finding, exact=source == "status"),
    )


def _span(instants: tuple[int, ...]) -> str:
    """One ET instant, or two with the second's date only where it is another."""
    if not instants:
        return ""
    first, *more = (to_et(ns) for ns in instants)
    text = f"{first:%a %m-%d %H:%M:%S}"
    for last in more:
        text += f" to {last:%H:%M:%S}" if last.date() == first.date() else f" to {last:%a %m-%d %H:%M:%S}"
    return text


def _override(asset: Asset, finding: judge.Finding, *, exact: bool) -> str:
    """The line that would bring the calendar's close to the tape's.

    Closes lie on quarters of an hour, and the last print a little before them; a status tells the minute.
    """
    group = GROUPS.get(asset.calendar)
    if group is None or finding.close_ns is None or len(finding.tape) != 1:
        return ""
    close = to_et(finding.close_ns)
    day = close.date()
    if asset.calendar == facts.CRYPTO and day >= ROUND_THE_CLOCK_FROM:
        return ""
    tape = to_et(finding.tape[0]) if exact else _next_quarter(to_et(finding.tape[0]))
    # the library's session of a day closes on that day
    if tape.date() != day:
        return ""
    return f"{group},{day},{tape:%H:%M},"


def _next_quarter(at: datetime) -> datetime:
    midnight = datetime.combine(at.date(), time(), at.tzinfo)
    quarters = -((midnight - at) // QUARTER)
    return midnight + quarters * QUARTER
