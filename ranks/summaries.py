"""The stored summaries: which are due, making them, and reading them.

Files come first and are never altered, rows follow in one transaction, old files go last. So a crash leaves files that
no row names, and the next change of the month removes them; a row always names files that were written whole.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from market import ingest, store
from market.engine.bars import Bars
from market.locks import advisory_lock
from market.models import Asset, Contract, Coverage
from market.schemas import SECONDS
from market.sessions import Session
from market.timeframes import TIMEFRAMES
from ranks import files
from ranks.engine.summary import Summary as Curves
from ranks.engine.summary import summarise
from ranks.models import Summary, SummaryMonth

log = logging.getLogger(__name__)

VERSION = 1
"""Of what a summary holds; a higher one makes all stored summaries stale."""

Tell = Callable[[date], None]


@dataclass(frozen=True, slots=True)
class Month:
    """A contract's sessions in a calendar month of trade dates; day: its first."""

    contract: Contract
    day: date

    @property
    def dates(self) -> dict[str, date]:
        """As conditions of a query."""
        return {"trade_date__gte": self.day, "trade_date__lt": (self.day + timedelta(days=31)).replace(day=1)}


def month_of(contract: Contract, trade_date: date) -> Month:
    """The month that a session belongs to."""
    return Month(contract, trade_date.replace(day=1))


# --- what is due ------------------------------------------------------------------------------------------


def is_whole(until_ns: int, session: Session) -> bool:
    """Whether a piece has all of its session: data reached up to until_ns. Only such are summarised."""
    return until_ns >= session.close_ns


def made_with(asset: Asset, session: Session) -> str:
    """What else than its seconds decides a summary, as a word: the version, the session and the tick."""
    facts = repr((session.segments, asset.tick_size)).encode()
    return f"{VERSION}:{hashlib.sha256(facts).hexdigest()[:16]}"


def origin(checksum: str, asset: Asset, session: Session) -> tuple[str, str]:
    """`source` and `made_with` of a summary that is made now of the piece with this checksum."""
    return checksum, made_with(asset, session)


def new_months() -> list[Month]:
    """Months with pieces that have no summary, or one of another piece or version.

    Another calendar or tick is not seen here: `outdated_months` takes longer.
    """
    same = Summary.objects.filter(
        contract=OuterRef("contract"),
        trade_date=OuterRef("trade_date"),
        source=OuterRef("checksum"),
        made_with__startswith=f"{VERSION}:",
    )
    due = Coverage.objects.filter(~Exists(same), ~Q(state=Coverage.State.PARTIAL), schema=SECONDS.name)
    found = due.values_list("contract_id", "trade_date").order_by("trade_date")
    slots = {(contract_id, day.replace(day=1)) for contract_id, day in found}
    contracts = Contract.objects.select_related("asset").in_bulk({contract_id for contract_id, _ in slots})
    return [Month(contracts[contract_id], day) for contract_id, day in sorted(slots, key=lambda slot: slot[1])]


def outdated_months() -> list[Month]:
    """Months with a summary made by another calendar or with another tick. Looks at every summary there is."""
    contracts = Contract.objects.select_related("asset").filter(summaries__isnull=False).distinct().in_bulk()
    slots = set()
    for contract_id, day, word in Summary.objects.values_list("contract_id", "trade_date", "made_with"):
        asset = contracts[contract_id].asset
        session = asset.sessions.session(day)
        if session is None or made_with(asset, session) != word:
            slots.add((contract_id, day.replace(day=1)))
    return [Month(contracts[contract_id], day) for contract_id, day in sorted(slots)]


def with_pieces(rows: QuerySet[Summary]) -> QuerySet[Summary]:
    """Summaries with `piece`, the checksum of what is stored of their session now; None without it."""
    stored = Coverage.objects.filter(
        contract=OuterRef("contract"), trade_date=OuterRef("trade_date"), schema=SECONDS.name
    )
    return rows.select_related("contract__asset").annotate(piece=Subquery(stored.values("checksum")[:1]))


def is_fresh(row: Summary) -> bool:
    """Whether a summary of `with_pieces` counts: made of what is stored, by the calendar, tick and code of now."""
    asset = row.contract.asset
    session, piece = asset.sessions.session(row.trade_date), getattr(row, "piece")  # noqa: B009 - an annotation
    return session is not None and piece is not None and (row.source, row.made_with) == origin(piece, asset, session)


def in_state(rows: QuerySet[Summary], *, fresh: bool) -> list[int]:
    """The keys of those of `with_pieces` that are fresh, or that are stale."""
    return [row.pk for row in rows if is_fresh(row) == fresh]


# --- making them ------------------------------------------------------------------------------------------


def build(month: Month, tell: Tell = lambda _: None) -> int:
    """Have the summaries of all whole pieces of a month; how many sessions were summarised.

    What is fresh is left as it is. tell: called with the trade date after each. Two workers at the same month take
    turns; the second finds it done. What `tell` raises leaves the month as it was.
    """
    with advisory_lock("ranks", month.contract.pk, month.day):
        pieces = _whole_pieces(month)
        rows = list(Summary.objects.filter(contract=month.contract, **month.dates))
        kept = [row.trade_date for row in rows if _is_kept(row, pieces, month.contract.asset)]
        if len(kept) == len(rows) == len(pieces):
            return 0
        stored = SummaryMonth.objects.select_related("contract__asset").filter(contract=month.contract, month=month.day)
        old = _read_kept(stored.first(), kept)
        made = dict(_make([piece for day, piece in sorted(pieces.items()) if not old or day not in kept], tell))
        _store(month, kept if old else [], old, made, pieces)
        return len(made)


def _whole_pieces(month: Month) -> dict[date, Coverage]:
    rows = Coverage.objects.filter(contract=month.contract, schema=SECONDS.name, **month.dates)
    found = {}
    for row in rows.select_related("contract__asset"):
        session = month.contract.asset.sessions.session(row.trade_date)
        if session is not None and is_whole(row.until_ns, session):
            found[row.trade_date] = row
    return found


def _is_kept(row: Summary, pieces: dict[date, Coverage], asset: Asset) -> bool:
    piece, session = pieces.get(row.trade_date), asset.sessions.session(row.trade_date)
    if piece is None or session is None:
        return False
    return (row.source, row.made_with) == origin(piece.checksum, asset, session)


def _read_kept(stored: SummaryMonth | None, days: list[date]) -> dict[str, files.Bars]:
    """The rows of these days by timeframe; nothing where there are none, or where a file is damaged."""
    if stored is None or not days:
        return {}
    try:
        return {timeframe: files.read(stored, timeframe).of(days) for timeframe in TIMEFRAMES}
    except store.DamagedPiece as problem:
        log.warning("%s: its summaries are made again: %s", stored, problem)
        return {}


def _make(pieces: list[Coverage], tell: Tell) -> Iterator[tuple[date, Curves]]:
    for piece in pieces:
        asset = piece.contract.asset
        session = asset.sessions.session(piece.trade_date)
        assert session is not None, "a whole piece has its session"
        try:
            seconds = ingest.read_bars(piece) if piece.rows else Bars.empty()
        except store.DamagedPiece as problem:
            log.warning("%s %s has no summary: %s", piece.contract, piece.trade_date, problem)
            continue
        yield piece.trade_date, summarise(session, seconds, asset.tick_size)
        tell(piece.trade_date)


def _store(
    month: Month,
    kept: list[date],
    old: dict[str, files.Bars],
    made: dict[date, Curves],
    pieces: dict[date, Coverage],
) -> None:
    """Write the month's files, then its rows, then remove what no row names any more."""
    written = SummaryMonth(contract=month.contract, month=month.day)
    if kept or made:
        _write_files(written, old, made)
    with transaction.atomic():
        SummaryMonth.objects.filter(contract=month.contract, month=month.day).delete()
        Summary.objects.filter(contract=month.contract, **month.dates).exclude(trade_date__in=kept).delete()
        if kept or made:
            written.save()
            Summary.objects.bulk_create(_row(pieces[day]) for day in made)
    named = {files.path(written, timeframe) for timeframe in written.files}
    for file in store.files(files.folder(written)):
        if file.path not in named:
            store.remove(file.path)


def _write_files(month: SummaryMonth, old: dict[str, files.Bars], made: dict[date, Curves]) -> None:
    # one after the other: four threads took 200 MB more, and the cores have another worker
    month.bytes = 0
    for timeframe in TIMEFRAMES:
        new = [files.bars_of(curves[timeframe], day) for day, curves in made.items()]
        body = files.encode(files.joined([old[timeframe], *new] if old else new))
        files.write(month, timeframe, body)
        month.bytes += len(body)


def _row(piece: Coverage) -> Summary:
    asset = piece.contract.asset
    session = asset.sessions.session(piece.trade_date)
    assert session is not None, "a whole piece has its session"
    source, word = origin(piece.checksum, asset, session)
    return Summary(contract=piece.contract, trade_date=piece.trade_date, source=source, made_with=word)


def forget(month: SummaryMonth) -> None:
    """Drop a month whose files are damaged, unless it has been made again meanwhile: it is due then."""
    with transaction.atomic():
        if SummaryMonth.objects.filter(pk=month.pk, files=month.files).delete()[0]:
            Summary.objects.filter(contract=month.contract, **Month(month.contract, month.month).dates).delete()
