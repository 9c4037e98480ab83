"""From sessions to a tape: which pieces it takes, whether they are stored, and reading them."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from market import ingest, rolls, store
from market.databento_historical import HistoricalGateway
from market.engine import splice
from market.engine.bars import Bars, empty
from market.engine.tape import Part, Piece, PieceCache, RollMark, Tape
from market.history import Span, count_requests, ensure_history, missing_spans
from market.jobs import Progress
from market.models import Asset, Contract, Coverage, Roll
from market.sessions import SECOND_NS, Session, SessionCalendar, to_ns

SECONDS = "ohlcv-1s"
HISTORY_AFTER = timedelta(days=14)
"""Daily bars wanted past the window, so that a prefetch seldom asks again."""

READERS = 4
"""Files read at a time: holding them against their checksum and decoding them leave Python free."""

cache = PieceCache(settings.TAPE_CACHE_BYTES)


class NoMarket(LookupError):
    """The asset did not trade there; the message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Window:
    """A run of sessions to be replayed.

    entry: the trade date whose front month keeps its true prices. history_from: the UTC date from which on the
    roll schedule must be known, not after the first session and the entry.
    """

    asset: Asset
    sessions: list[Session]
    entry: date
    history_from: date

    def history_span(self, available_ns: int) -> Span:
        """The UTC dates [first, end) of daily bars that decide the window's front months; days that are over only."""
        today = datetime.fromtimestamp(available_ns // SECOND_NS, UTC).date()
        return self.history_from, min(today, self.sessions[-1].trade_date)

    def fetched_span(self, available_ns: int) -> Span:
        """What to fetch when something is missing: a little more."""
        first, end = self.history_span(available_ns)
        today = datetime.fromtimestamp(available_ns // SECOND_NS, UTC).date()
        return first, min(today, end + HISTORY_AFTER)


@dataclass(frozen=True, slots=True)
class _Slot:
    """One session of a window: its front month, and the roll at its open if there is one."""

    session: Session
    contract: Contract
    roll: Roll | None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A window's slots, and all rolls between its sessions and the entry: their spreads make the shifts."""

    slots: list[_Slot]
    rolls: list[Roll]
    entry_contract: str

    def shift(self, entry: date, session: Session) -> int:
        spreads = [(roll.trade_date, roll.spread) for roll in self.rolls]
        return splice.shift(spreads, entry, session.trade_date)

    def needed(self, sessions: SessionCalendar) -> dict[Contract, list[Session]]:
        """The sessions of each contract: where it is the front month, and both sides of every roll (the spread)."""
        wanted = {(slot.contract, slot.session) for slot in self.slots}
        for roll in self.rolls:
            session = sessions.session(roll.trade_date)
            if session is not None and roll.from_contract is not None:
                wanted |= {(roll.from_contract, session), (roll.to_contract, session)}
        needed: dict[Contract, list[Session]] = {}
        for contract, session in sorted(wanted, key=lambda pair: pair[1].open_ns):
            needed.setdefault(contract, []).append(session)
        return needed


def _plan(window: Window) -> _Plan:
    """Raises NoMarket when no contract had traded yet."""
    asset, dates = window.asset, [session.trade_date for session in window.sessions]
    schedule = rolls.schedule_at(asset, dates[-1]) or []
    fronts = rolls.front_months(schedule, dates)
    slots = []
    for session, front in zip(window.sessions, fronts, strict=True):
        if front is not None:
            here = front.trade_date == session.trade_date and front.kind != Roll.Kind.SEED
            slots.append(_Slot(session, front.to_contract, front if here else None))
    if not slots:
        raise NoMarket(f"No contract of {asset.root} has traded around {dates[0]}. Choose a later moment.")
    first, last = min(window.entry, dates[0]), max(window.entry, dates[-1])
    between = [roll for roll in schedule if roll.kind != Roll.Kind.SEED and first <= roll.trade_date <= last]
    entry = rolls.front_months(schedule, [window.entry])[0]
    return _Plan(slots, between, str(entry.to_contract) if entry else slots[0].contract.raw_symbol)


def prepare(window: Window, gateway: HistoricalGateway, available_ns: int, progress: Progress) -> None:
    """Fetch everything the window's tape takes and price its rolls. Raises GatewayError, NoMarket, JobCancelled."""
    asset = window.asset
    _have_history(window, gateway, available_ns, progress)
    rolls.rebuild(asset)
    plan = _plan(window)
    needed = plan.needed(asset.sessions)
    progress.expect(1 + sum(map(len, needed.values())))
    progress.say(f"{asset.root}: roll schedule ready", 1)
    for contract, sessions in needed.items():
        ingest.ensure(gateway, contract, SECONDS, sessions, available_ns, progress)
    for roll in plan.rolls:
        _price(roll, asset.sessions.session(roll.trade_date))


def _have_history(window: Window, gateway: HistoricalGateway, available_ns: int, progress: Progress) -> None:
    """Before the roll schedule is known, a window is taken to need each session once."""
    asset, after = window.asset, 1 + len(window.sessions)
    if missing_spans(asset, *window.history_span(available_ns)):
        span = window.fetched_span(available_ns)
        progress.expect(count_requests(asset, *span) + after)
        ensure_history(asset, gateway, *span, progress)
    else:
        progress.expect(after)


def is_stored(window: Window, available_ns: int) -> bool:
    """Whether the window can be opened without fetching anything."""
    asset = window.asset
    if (
        missing_spans(asset, *window.history_span(available_ns))
        or asset.daily_spans.filter(is_scheduled=False).exists()
    ):
        return False
    plan = _plan(window)
    needed = plan.needed(asset.sessions)
    priced = all(roll.spread_state != Roll.Spread.UNKNOWN for roll in plan.rolls)
    return priced and not any(
        ingest.missing(contract, SECONDS, sessions, available_ns) for contract, sessions in needed.items()
    )


def _price(roll: Roll, session: Session | None) -> None:
    """Fill in the spread from the two contracts' first second; incomplete where one did not trade in it."""
    if roll.spread_state != Roll.Spread.UNKNOWN or roll.from_contract is None or session is None:
        return
    roll.from_price = _opening_price(roll.from_contract, session)
    roll.to_price = _opening_price(roll.to_contract, session)
    complete = roll.from_price is not None and roll.to_price is not None
    roll.spread_state = Roll.Spread.COMPLETE if complete else Roll.Spread.INCOMPLETE
    roll.save(update_fields=["from_price", "to_price", "spread_state"])


def _opening_price(contract: Contract, session: Session) -> int | None:
    """The open of the one-second bar at the session's opening instant; None without one."""
    row = Coverage.objects.filter(contract=contract, schema=SECONDS, trade_date=session.trade_date).first()
    seconds = _piece(contract, session, row).seconds
    return int(seconds.open[0]) if len(seconds) and int(seconds.ts[0]) == session.open_ns else None


def load(window: Window) -> Tape:
    """The window's tape in the price space of the entry's front month.

    Every piece must be stored. Raises NoMarket, and store.DamagedPiece when a file is gone or altered: its row is
    dropped then, so that `prepare` fetches it again.
    """
    plan = _plan(window)
    stored = _coverage(plan.slots)
    rows = [stored.get((slot.contract.pk, slot.session.trade_date)) for slot in plan.slots]
    _read_ahead(plan.slots, rows)
    parts = [
        Part(_piece(slot.contract, slot.session, row), plan.shift(window.entry, slot.session), _mark(slot))
        for slot, row in zip(plan.slots, rows, strict=True)
    ]
    return Tape(tuple(parts), plan.entry_contract)


def _read_ahead(slots: list[_Slot], rows: list[Coverage | None]) -> None:
    """Bring the pieces into the cache, several at a time; damage is left for `_piece` to find."""

    def read(slot: _Slot, row: Coverage | None) -> None:
        if row is None or row.state == Coverage.State.EMPTY:
            return
        name, checksum = ingest.piece_name(slot.contract, SECONDS, row.trade_date), row.checksum
        with contextlib.suppress(store.DamagedPiece):
            cache.get(_key(row), lambda: _as_piece(slot.contract, slot.session, store.read_bars(name, checksum)))

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(read, slots, rows))


def _coverage(slots: list[_Slot]) -> dict[tuple[int, date], Coverage]:
    rows = Coverage.objects.filter(
        contract__in={slot.contract.pk for slot in slots},
        schema=SECONDS,
        trade_date__gte=slots[0].session.trade_date,
        trade_date__lte=slots[-1].session.trade_date,
    ).select_related("contract__asset")
    return {(row.contract_id, row.trade_date): row for row in rows}


def _piece(contract: Contract, session: Session, row: Coverage | None) -> Piece:
    if row is None or row.state == Coverage.State.EMPTY:
        return _as_piece(contract, session, empty())
    return cache.get(_key(row), lambda: _as_piece(contract, session, ingest.read_piece(row)))


def _key(row: Coverage) -> tuple[object, ...]:
    return row.contract_id, row.schema, row.trade_date, row.checksum


def _as_piece(contract: Contract, session: Session, seconds: Bars) -> Piece:
    return Piece(session, contract.raw_symbol, seconds)


def _mark(slot: _Slot) -> RollMark | None:
    roll = slot.roll
    if roll is None or roll.from_contract is None:
        return None
    return RollMark(
        at_ns=slot.session.open_ns,
        known_ns=_volumes_known(slot),
        kind=roll.kind,
        from_contract=roll.from_contract.raw_symbol,
        to_contract=roll.to_contract.raw_symbol,
        complete=roll.spread_state == Roll.Spread.COMPLETE,
        spread=roll.spread,
        from_volume=roll.from_volume,
        to_volume=roll.to_volume,
    )


def _volumes_known(slot: _Slot) -> int:
    """The prior session's daily bars end at the UTC midnight inside the roll session."""
    before = slot.contract.asset.sessions.before(slot.session.trade_date, 1)[-1].trade_date
    following = before + timedelta(days=1)
    return to_ns(datetime(following.year, following.month, following.day, tzinfo=UTC))
