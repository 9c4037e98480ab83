"""Reading and writing the record of a take. All of one action is written in one transaction.

A line is a take with what it shares of those before it.
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from trading.codec import as_json, command_of, kind_of, of_json, settings_of
from trading.engine.commands import Command
from trading.engine.orders import Order
from trading.engine.records import Event, Explanation, Fill, explain
from trading.engine.risk import market_day
from trading.engine.rules import Rules
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import Change, Reason, Side
from trading.limits import announce
from trading.models import DayLock, EventRecord, FillRecord, LoggedCommand, OrderRecord, Pin, Take, TradingSession
from trading.spans import Pinned


class TakenOver(Exception):
    """Another process trades this session now."""


@dataclass(frozen=True, slots=True)
class Line:
    """What a broker is rebuilt from. commands: (playhead_ns, command), in order; fills: what they led to."""

    take: Take
    settings: FillSettings
    rules: Rules
    instruments: list[Instrument]
    commands: list[tuple[int, Command]]
    pins: list[Pinned]
    fills: list[tuple[object, ...]]
    events: int
    last_ns: int

    @property
    def names(self) -> set[str]:
        """The ids of all commands."""
        return {command.id for _, command in self.commands}


@dataclass(frozen=True, slots=True)
class News:
    """What has happened since the record was written last. orders: those that have changed."""

    orders: Sequence[Order] = ()
    events: Sequence[Event] = ()
    fills: Sequence[Fill] = ()
    pins: Sequence[Pinned] = ()


def identity(fill: Fill | FillRecord) -> tuple[object, ...]:
    """What must come out the same when a line is run again."""
    return fill.number, fill.order, fill.contract, int(fill.side), fill.quantity, fill.price, fill.ns


def take_over(session: TradingSession) -> None:
    """Become the process that writes; the one before finds out when it tries to."""
    with transaction.atomic():
        row = TradingSession.objects.select_for_update().get(pk=session.pk)
        row.epoch += 1
        row.save(update_fields=["epoch"])
    session.epoch = row.epoch


def latest(session: TradingSession) -> Line | None:
    """The line of the newest take; None before the first command."""
    take = session.takes.select_related("parent").order_by("-number").first()
    return None if take is None else line_of(take)


def last_ns(session: TradingSession) -> int:
    """UTC ns of the last thing on record in the newest take; 0 without any. What was shown is not taken back."""
    take = session.takes.order_by("-number").first()
    return 0 if take is None else _last_ns(take)


def _last_ns(take: Take) -> int:
    command, event = take.commands.order_by("seq").last(), take.events.order_by("number").last()
    return max(take.fork_ns or 0, command.playhead_ns if command else 0, event.ns if event else 0)


def line_of(take: Take) -> Line:
    """A take with what it shares of its parents."""
    commands = commands_of(take)
    fills = fills_of(take)
    return Line(
        take=take,
        settings=settings_of(take.settings),
        rules=of_json(take.rules, Rules),
        instruments=of_json(take.instruments, list[Instrument]),
        commands=commands,
        pins=pins_of(take),
        fills=[identity(fill) for fill in fills],
        events=take.inherited_events + take.events.count(),
        last_ns=_last_ns(take),
    )


def commands_of(take: Take) -> list[tuple[int, Command]]:
    """All commands of a line, in order."""
    shared = commands_of(take.parent)[: take.inherited_commands] if take.parent else []
    own = take.commands.order_by("seq")
    return shared + [(row.playhead_ns, command_of(row.kind, row.payload)) for row in own]


def fills_of(take: Take) -> list[FillRecord]:
    """All fills of a line, in order."""
    shared = fills_of(take.parent)[: take.inherited_fills] if take.parent else []
    return shared + list(take.fills.order_by("number"))


def fill_of(row: FillRecord) -> Fill:
    """The engine's fill of a row."""
    return Fill(
        number=row.number,
        order=row.order,
        client_id=row.name,
        contract=row.contract,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        ns=row.ns,
        fee=row.fee,
        of=row.of,
        why=of_json(row.why, Explanation),
    )


def pins_of(take: Take) -> list[Pinned]:
    """Which tapes decide a line's fills, by trade date."""
    return [
        Pinned(pin.contract_id, pin.contract.raw_symbol, pin.trade_date, pin.grade, pin.checksums)
        for pin in take.pins.select_related("contract").order_by("trade_date")
    ]


def fork(take: Take, epoch: int, fork_ns: int, commands: int, events: int, fills: int, pins: Iterable[Pinned]) -> Take:
    """A take that shares the first so many of the line's commands, events and fills, up to fork_ns.

    One that has nothing of its own yet is forked no further: its fork moves. Raises TakenOver.
    """
    shared = {"inherited_commands": commands, "inherited_events": events, "inherited_fills": fills}
    with transaction.atomic():
        hold(take.session_id, epoch)
        if take.parent_id and not take.commands.exists() and not take.events.exists():
            made = take
            take.pins.all().delete()
            Take.objects.filter(pk=take.pk).update(fork_ns=fork_ns, left_ns=None, left_marks=None, **shared)
            made.refresh_from_db()
        else:
            made = Take.objects.create(
                session_id=take.session_id,
                number=1 + Take.objects.filter(session=take.session_id).count(),
                parent=take,
                fork_ns=fork_ns,
                start_ns=take.start_ns,
                cash=take.cash,
                settings=take.settings,
                rules=take.rules,
                instruments=take.instruments,
                **shared,
            )
        _add_pins(made, pins)
    return made


def leave(take: Take, epoch: int, ns: int, marks: Mapping[str, int]) -> None:
    """Its user goes back from an instant with these positions open, at their last prices.

    The furthest instant stays: a small step back before a large one makes no loss smaller. Raises TakenOver.
    """
    with transaction.atomic():
        hold(take.session_id, epoch)
        row = Take.objects.get(pk=take.pk)
        if row.left_ns is None or row.left_ns < ns:
            row.left_ns, row.left_marks = ns, dict(marks)
        else:
            row.left_marks = {**marks, **(row.left_marks or {})}
        row.save(update_fields=["left_ns", "left_marks"])
    take.left_ns, take.left_marks = row.left_ns, row.left_marks


def hold(session_id: uuid.UUID, epoch: int) -> TradingSession:
    """Keep everybody else from writing until the transaction ends. Raises TakenOver."""
    session = TradingSession.objects.select_for_update().filter(pk=session_id, epoch=epoch).first()
    if session is None:
        raise TakenOver
    return session


def saw(session: TradingSession, ns: int) -> None:
    """The market was seen up to an instant, and goes back now: what trades up to there is a second try."""
    TradingSession.objects.filter(pk=session.pk, seen_ns__lt=ns).update(seen_ns=ns)


def seen_ns(session: TradingSession) -> int:
    """The furthest instant (UTC ns) from which its user has gone back; 0 where he never has."""
    return TradingSession.objects.values_list("seen_ns", flat=True).get(pk=session.pk)


def write(
    take: Take,
    epoch: int,
    news: News,
    command: tuple[int, int, Command] | None = None,
    instruments: Iterable[Instrument] | None = None,
) -> None:
    """Keep a command (its place in the line, playhead, itself) with all it caused, or what the market did, as one.

    instruments: all that the take knows, where there are more than before. Raises TakenOver.
    """
    with transaction.atomic():
        session = hold(take.session_id, epoch)
        if instruments is not None:
            take.instruments = [as_json(each) for each in instruments]
            take.save(update_fields=["instruments"])
        _add_pins(take, news.pins)
        if command is not None:
            seq, playhead_ns, asked = command
            LoggedCommand.objects.create(
                take=take, seq=seq, playhead_ns=playhead_ns, kind=kind_of(asked), name=asked.id, payload=as_json(asked)
            )
        EventRecord.objects.bulk_create([_event(take, event) for event in news.events])
        FillRecord.objects.bulk_create([_fill(take, fill, is_retake=fill.ns <= session.seen_ns) for fill in news.fills])
        _save_orders(take, news.orders)
        _lock_day(session, news.events)


def _lock_day(session: TradingSession, events: Iterable[Event]) -> None:
    """A hard lock holds in all replays of its account."""
    for event in events:
        if event.change is Change.LOCKED and event.reason is Reason.HARD_LOCK:
            DayLock.objects.get_or_create(
                account_id=session.account_id, market_day=market_day(event.ns)[0], defaults={"text": event.text}
            )
            announce(session.owner_id)


def _add_pins(take: Take, pins: Iterable[Pinned]) -> None:
    rows = [
        Pin(
            take=take,
            contract_id=pin.contract_id,
            trade_date=pin.trade_date,
            grade=pin.grade,
            checksums=dict(pin.checksums),
        )
        for pin in pins
    ]
    Pin.objects.bulk_create(rows)


_CHANGING = ("quantity", "filled", "limit", "stop", "status", "is_short")


def _save_orders(take: Take, orders: Sequence[Order]) -> None:
    if orders:
        OrderRecord.objects.bulk_create(
            [_order(take, order) for order in orders],
            update_conflicts=True,
            unique_fields=["take", "number"],
            update_fields=_CHANGING,
        )


def _order(take: Take, order: Order) -> OrderRecord:
    return OrderRecord(
        take=take,
        number=order.number,
        name=order.client_id,
        contract=order.contract,
        side=order.side,
        type=order.spec.type,
        tif=order.spec.tif,
        quantity=order.quantity,
        filled=order.filled,
        limit=order.limit,
        stop=order.stop,
        status=order.status,
        cause=order.cause,
        is_exit=order.is_exit,
        is_short=order.is_short,
        origin=order.spec.origin,
        placed_ns=order.placed_ns,
    )


def _event(take: Take, event: Event) -> EventRecord:
    return EventRecord(
        take=take,
        number=event.number,
        ns=event.ns,
        change=event.change,
        reason=event.reason,
        order=event.order,
        name=event.client_id,
        text=event.text,
        quantity=event.quantity,
        filled=event.filled,
        limit=event.limit,
        stop=event.stop,
    )


def _fill(take: Take, fill: Fill, *, is_retake: bool) -> FillRecord:
    return FillRecord(
        take=take,
        number=fill.number,
        order=fill.order,
        name=fill.client_id,
        contract=fill.contract,
        side=fill.side,
        quantity=fill.quantity,
        price=fill.price,
        ns=fill.ns,
        fee=fill.fee,
        of=fill.of,
        why=as_json(fill.why),
        text=explain(fill),
        is_retake=is_retake,
    )
