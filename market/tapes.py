"""From sessions to a tape: which pieces it takes, whether they are stored, and reading them."""

import contextlib
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from market import conditions, events, ingest, rolls, store
from market.databento_historical import HistoricalGateway
from market.engine.bars import Bars
from market.engine.tape import Part, Piece, RollMark, SharedCache, Tape
from market.history import count_requests, ensure_history, missing_spans
from market.jobs import Progress
from market.models import Contract, Coverage, Roll
from market.plans import Slot, Window, plan
from market.schemas import BY_NAME, SECONDS
from market.sessions import Session, to_ns

READERS = 4
"""Files read at a time: holding them against their checksum and decoding them leave Python free."""

cache: SharedCache[Piece] = SharedCache(settings.TAPE_CACHE_BYTES)


def prepare(window: Window, gateway: HistoricalGateway, available_ns: int, progress: Progress) -> None:
    """Fetch everything the window's tape takes and price its rolls.

    What it costs is asked in two steps: the history, and then, as it tells the contracts, their sessions. Raises
    GatewayError, NoMarket, JobCancelled, and what the gateway's purse raises.
    """
    asset = window.asset
    if asset.from_files:
        return
    _have_history(window, gateway, available_ns, progress)
    rolls.rebuild(asset)
    planned = plan(window)
    needed = planned.needed(asset.sessions)
    progress.expect(1 + sum(map(len, needed.values())))
    progress.say(f"{asset.root}: roll schedule ready", 1)
    gateway.afford(
        [
            request
            for contract, sessions in needed.items()
            for request in ingest.requests(contract, SECONDS.name, sessions, available_ns)
        ]
    )
    for contract, sessions in needed.items():
        ingest.ensure(gateway, contract, SECONDS.name, sessions, available_ns, progress)
    for roll in planned.rolls:
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
    if asset.from_files:
        return True
    if (
        missing_spans(asset, *window.history_span(available_ns))
        or asset.daily_spans.filter(is_scheduled=False).exists()
    ):
        return False
    planned = plan(window)
    needed = planned.needed(asset.sessions)
    priced = all(roll.spread_state != Roll.Spread.UNKNOWN for roll in planned.rolls)
    return priced and not any(
        ingest.missing(contract, SECONDS.name, sessions, available_ns) for contract, sessions in needed.items()
    )


def _price(roll: Roll, session: Session | None) -> None:
    """Fill in and keep the spread of a roll that has none yet."""
    if roll.spread_state == Roll.Spread.UNKNOWN:
        _measure(roll, session)
        roll.save(update_fields=["from_price", "to_price", "spread_state"])


def _measure(roll: Roll, session: Session | None) -> None:
    """The spread from the two contracts' first second; incomplete where one did not trade in it."""
    if roll.from_contract is None or session is None:
        return
    roll.from_price = _opening_price(roll.from_contract, session)
    roll.to_price = _opening_price(roll.to_contract, session)
    complete = roll.from_price is not None and roll.to_price is not None
    roll.spread_state = Roll.Spread.COMPLETE if complete else Roll.Spread.INCOMPLETE


def _opening_price(contract: Contract, session: Session) -> int | None:
    """The open of the one-second bar at the session's opening instant; None without one."""
    row = Coverage.objects.filter(contract=contract, schema=SECONDS.name, trade_date=session.trade_date).first()
    seconds = _piece(contract, session, row).stored
    return int(seconds.open[0]) if len(seconds) and int(seconds.ts[0]) == session.open_ns else None


def load(window: Window) -> Tape:
    """The window's tape in the price space of the entry's front month.

    Every piece must be stored. Raises NoMarket, and store.DamagedPiece when a file is gone or altered: its row is
    dropped then, so that `prepare` fetches it again.
    """
    planned = plan(window)
    if window.asset.from_files:
        for roll in planned.rolls:
            _measure(roll, window.asset.sessions.session(roll.trade_date))
    stored = _coverage(planned.slots)
    rows = [stored.get((slot.contract.pk, slot.schema, slot.session.trade_date)) for slot in planned.slots]
    _read_ahead(planned.slots, rows)
    flaws = conditions.flaws(window.asset.dataset, [slot.session for slot in planned.slots])
    grades = events.grades([(slot.contract.pk, slot.session.trade_date) for slot in planned.slots])
    parts = [
        Part(
            _piece(slot.contract, slot.session, row),
            planned.shift(window.entry, slot.session),
            _mark(slot),
            flaws.get(slot.session.trade_date),
            grades[slot.contract.pk, slot.session.trade_date],
            slot.contract.pk,
        )
        for slot, row in zip(planned.slots, rows, strict=True)
    ]
    return Tape(tuple(parts), planned.entry_contract)


def stored_piece(contract: Contract, session: Session, schema: str = SECONDS.name) -> Piece | None:
    """A contract's bars of a session, where they are here; None where they are not. Raises store.DamagedPiece."""
    rows = Coverage.objects.filter(contract=contract, schema=schema, trade_date=session.trade_date)
    row = rows.select_related("contract__asset").first()
    return None if row is None else _piece(contract, session, row)


def regraded(tape: Tape) -> Tape:
    """The tape with the grades that its sessions have by now."""
    keys = [(part.contract_id, part.piece.session.trade_date) for part in tape.parts]
    grades = events.grades([(held, day) for held, day in keys if held is not None])
    parts = [
        part if held is None else dataclasses.replace(part, grade=grades[held, day])
        for part, (held, day) in zip(tape.parts, keys, strict=True)
    ]
    return dataclasses.replace(tape, parts=tuple(parts))


def _read_ahead(slots: list[Slot], rows: list[Coverage | None]) -> None:
    """Bring the pieces into the cache, several at a time; damage is left for `_piece` to find."""

    def read(slot: Slot, row: Coverage | None) -> None:
        if row is None or row.state == Coverage.State.EMPTY:
            return
        name, checksum = ingest.piece_name(slot.contract, row.schema, row.trade_date), row.checksum
        with contextlib.suppress(store.DamagedPiece):
            cache.get(_key(row), lambda: _as_piece(slot.contract, slot.session, row, store.read_bars(name, checksum)))

    with ThreadPoolExecutor(READERS) as pool:
        list(pool.map(read, slots, rows))


def _coverage(slots: list[Slot]) -> dict[tuple[int, str, date], Coverage]:
    rows = Coverage.objects.filter(
        contract__in={slot.contract.pk for slot in slots},
        schema__in={slot.schema for slot in slots},
        trade_date__gte=slots[0].session.trade_date,
        trade_date__lte=slots[-1].session.trade_date,
    ).select_related("contract__asset")
    return {(row.contract_id, row.schema, row.trade_date): row for row in rows}


def _piece(contract: Contract, session: Session, row: Coverage | None) -> Piece:
    if row is None or row.state == Coverage.State.EMPTY:
        return Piece(session, contract.raw_symbol, Bars.empty())
    return cache.get(_key(row), lambda: _as_piece(contract, session, row, ingest.read_bars(row)))


def _key(row: Coverage) -> tuple[object, ...]:
    return row.contract_id, row.schema, row.trade_date, row.checksum


def _as_piece(contract: Contract, session: Session, row: Coverage, bars: Bars) -> Piece:
    return Piece(session, contract.raw_symbol, bars, BY_NAME[row.schema].bar_seconds)


def _mark(slot: Slot) -> RollMark | None:
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


def _volumes_known(slot: Slot) -> int:
    """The prior session's daily bars end at the UTC midnight inside the roll session."""
    before = slot.contract.asset.sessions.before(slot.session.trade_date, 1)[-1].trade_date
    following = before + timedelta(days=1)
    return to_ns(datetime(following.year, following.month, following.day, tzinfo=UTC))
