"""Trading in a running replay, or live: takes commands, keeps the record, and follows the playhead.

The broker's engine computes in memory; what it says is committed before anybody is shown it. While something is being
committed the clock stands, so a command acts at the very playhead at which it was given. After a failure the engine is
thrown away and rebuilt from the record: what was acknowledged is there, what was not is not.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Protocol, TypeVar

from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError

from market.models import Asset
from market.store import DamagedPiece
from trading import limits, record, services, spans
from trading.books import Books, log_lines
from trading.codec import of_json
from trading.engine.broker import Broker
from trading.engine.broker import replay as run_again
from trading.engine.commands import Adopt, Command, Lock
from trading.engine.feed import Span
from trading.engine.risk import market_day
from trading.engine.settings import Instrument
from trading.models import Take, TradingSession
from trading.record import Line, News
from trading.spans import NoTape, Pinned

log = logging.getLogger(__name__)

T = TypeVar("T")

MOST_WORKING = 200
"""A page shows no more, and a broken script sends no more."""
RULES_SECONDS = 5.0
"""Limits that have changed are told; in an outage of Valkey they hold after this."""


class NotKept(Exception):
    """A command that was not carried out; the message is fit for the user."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the playhead stands: the asset's front month, in the session in progress or the next one."""

    ns: int
    contract_id: int
    contract: str
    trade_date: date
    open_ns: int


class Receiver(Protocol):
    """Whose desk it is."""

    def say(self, level: str, text: str) -> None: ...
    def lacks(self, contract_id: int, contract: str, trade_date: date) -> None:
        """A session is not stored of a contract in which there is a position or an order."""


class PinnedFeed:
    """See `trading.engine.feed.Feed`: the sessions that are pinned, and no others."""

    def __init__(self) -> None:
        self._spans: dict[str, list[Span]] = {}

    def add(self, contract: str, span: Span) -> None:
        """One session more."""
        held = self._spans.setdefault(contract, [])
        held.append(span)
        held.sort(key=lambda each: each.open_ns)

    def span_at(self, contract: str, ns: int) -> Span | None:
        """The session in progress or the next of those that are pinned."""
        return next((span for span in self._spans.get(contract, ()) if ns < span.close_ns), None)

    def end_ns(self, contract: str) -> int:
        """The close of a contract's last session; 0 without one."""
        held = self._spans.get(contract)
        return held[-1].close_ns if held else 0


class Desk:
    """One trading session's engine. All methods are called in the event loop; one thing happens at a time."""

    def __init__(self, session: TradingSession, asset: Asset, receiver: Receiver) -> None:
        self.session, self.asset = session, asset
        self.books = Books()
        self._receiver = receiver
        self._lock = asyncio.Lock()
        self._is_open = False
        self._forget()

    def _forget(self) -> None:
        self._take: Take | None = None
        self._broker: Broker | None = None
        self._feed = PinnedFeed()
        self._pins: dict[tuple[str, date], Pinned] = {}
        self._commands: list[tuple[int, Command]] = []
        self._events = self._fills = 0
        self._rules_until = 0
        self._rules_seen = 0.0

    # --- what there is ---

    @property
    def is_active(self) -> bool:
        """Whether there is a position or an order."""
        return bool(self._active())

    @property
    def limit_ns(self) -> int | None:
        """The last instant up to which the market of all orders and positions is at hand; None without any."""
        names = self._active()
        return min(self._feed.end_ns(name) for name in names) - 1 if names else None

    @property
    def is_busy(self) -> bool:
        """Whether something is being carried out or committed; the clock stands meanwhile."""
        return self._lock.locked()

    def money(self) -> dict[str, Any]:
        """Positions and the account at the last prices."""
        marks = {name: self._broker.mark(name) for name in self.books.held} if self._broker else {}
        return self.books.money(marks)

    def queues(self) -> dict[str, tuple[int, int]]:
        """Lots ahead and displayed of the orders that rest in a book, by id; −1: not known."""
        if self._broker is None or not self._broker.working():
            return {}
        return self._broker.queues()

    def _active(self) -> set[str]:
        if self._broker is None:
            return set()
        held = {name for name, position in self._broker.account.positions.items() if position.quantity}
        return held | {order.contract for order in self._broker.working()}

    # --- what happens ---

    def look_again(self) -> None:
        """The limits or locks of the user may have changed."""
        self._rules_seen = 0.0

    async def follow(self, ns: int) -> int:
        """Have the engine come to an instant, forward or back; how far it came, less where a session is missing.

        Nothing is shown of what did not get into the record. Raises OperationalError while Postgres is away.
        """
        async with self._lock:
            return await self._come_to(ns)

    async def give(self, command: Command, where: Callable[[], Place]) -> None:
        """Carry out a command at the playhead; it is in the record when this returns. An id seen before does nothing.

        Raises NotKept.
        """
        async with self._lock:
            place = where()
            try:
                await self._come_to(place.ns)
                if any(command.id == known.id for _, known in self._commands):
                    return
                if self._broker is not None and len(self._broker.working()) >= MOST_WORKING:
                    raise NotKept(f"At most {MOST_WORKING} orders work at a time. Cancel some.")
                await self._carry_out(command, place)
            except (OperationalError, InterfaceError):
                self._is_open = False
                raise NotKept("The database does not answer, so this was not done. Try again in a moment.") from None
            except (NoTape, DamagedPiece) as problem:
                raise NotKept(f"This cannot be traded now: {problem}") from None

    async def _come_to(self, ns: int) -> int:
        if not self._is_open:
            await self._open(ns)
        if self._broker is not None and ns < self._broker.now:
            await self._go_back(ns)
        await self._look_at_rules()
        while (broker := self._broker) is not None and broker.now < ns:
            limit = self.limit_ns
            broker.advance(ns if limit is None else max(broker.now, min(ns, limit, self._rules_until)))
            pins = await self._lengthen(limit) if limit is not None and broker.now >= limit else []
            await self._keep(broker, pins=pins)
            await self._look_at_rules()
            if limit is not None and not pins and broker.now >= limit == self.limit_ns:
                return limit
        return ns

    async def _lengthen(self, limit_ns: int) -> list[Pinned]:
        """Pin the next session of whatever contract ends here; those that are not stored are asked for."""
        pins = []
        for name in sorted(self._active()):
            if self._feed.end_ns(name) != limit_ns + 1:
                continue
            last = max(trade_date for contract, trade_date in self._pins if contract == name)
            contract_id = self._pins[name, last].contract_id
            following = self.asset.sessions.after(last, 1)[0].trade_date
            try:
                pins += await self._pin(contract_id, name, following)
            except (NoTape, DamagedPiece):
                self._receiver.lacks(contract_id, name, following)
        return pins

    async def _pin(self, contract_id: int, contract: str, trade_date: date) -> list[Pinned]:
        """Have a session's tape decide from now on; empty where it does already. Raises NoTape, DamagedPiece."""
        if (contract, trade_date) in self._pins:
            return []
        pinned, span = await in_database(spans.best, contract_id, trade_date)
        self._pins[contract, trade_date] = pinned
        self._feed.add(contract, span)
        return [pinned]

    # --- the record ---

    async def _carry_out(self, command: Command, place: Place) -> None:
        broker, instruments = await self._know(place)
        pins = await self._pin(place.contract_id, place.contract, place.trade_date)
        await self._look_at_rules(commanding=True)
        await self._obey(broker, command, place.ns, pins, instruments)

    async def _look_at_rules(self, *, commanding: bool = False) -> None:
        """Have what the account may do now hold from here on: its limits, a stock's session, the day's hard lock.

        In a market day or session in which nothing is traded yet, it is looked at with the first command.
        """
        broker = self._broker
        if broker is None:
            return
        is_over = broker.now >= self._rules_until
        if is_over and not (commanding or self.is_active):
            return
        if not is_over and time.monotonic() - self._rules_seen < RULES_SECONDS:
            return
        self._rules_seen = time.monotonic()
        now = await in_database(limits.in_force, self.session, broker.now)
        if now.unknown and is_over:
            self._receiver.say("warn", now.unknown)
        self._rules_until = now.until_ns
        await self._hold(broker, now)

    async def _hold(self, broker: Broker, now: limits.InForce) -> None:
        """Carry out what makes the broker's rules those in force. No browser's id has a dot."""
        held = broker.guard.rules
        if now.rules != held:
            same_session = replace(now.rules, previous_close=held.previous_close, locate_fee=held.locate_fee)
            if same_session != held:
                self._receiver.say("info", "The limits of the account have changed; they hold from here on.")
            await self._obey(broker, Adopt(f"rules.{len(self._commands)}", now.rules), broker.now)
        if now.lock is not None and not broker.guard.is_shut(broker.now):
            await self._obey(broker, Lock(f"lock.{len(self._commands)}", now.lock, hard=True), broker.now)

    async def _obey(
        self,
        broker: Broker,
        command: Command,
        ns: int,
        pins: Sequence[Pinned] = (),
        instruments: list[Instrument] | None = None,
    ) -> None:
        broker.apply(command, ns)
        self._commands.append((ns, command))
        await self._keep(broker, (len(self._commands), ns, command), pins, instruments)

    async def _keep(
        self,
        broker: Broker,
        command: tuple[int, int, Command] | None = None,
        pins: Sequence[Pinned] = (),
        instruments: list[Instrument] | None = None,
    ) -> None:
        """Commit what is new, then show it."""
        assert self._take is not None
        events, fills = broker.events[self._events :], broker.fills[self._fills :]
        if command is None and not events and not pins:
            return
        names = dict.fromkeys(event.client_id for event in events if event.order is not None)
        news = News([broker.orders[name] for name in names], events, fills, pins)
        try:
            await in_database(record.write, self._take, self.session.epoch, news, command, instruments)
        except BaseException:
            self._is_open = False  # whether it was committed, only the record knows
            raise
        self._events, self._fills = len(broker.events), len(broker.fills)
        self.books.update(broker, news.orders, events, fills)
        for level, text in log_lines(events, broker.orders):
            self._receiver.say(level, text)

    async def _know(self, place: Place) -> tuple[Broker, list[Instrument] | None]:
        """The broker, which knows the contract; all its contracts where there is one more, else None."""
        known = [] if self._take is None else of_json(self._take.instruments, list[Instrument])
        if self._broker is not None and any(each.name == place.contract for each in known):
            return self._broker, None
        made = await in_database(services.instrument, place.contract_id, place.trade_date)
        if self._broker is None or self._take is None:
            self._take = await in_database(services.begin_take, self.session, place.open_ns, made)
            await self._rebuild(await in_database(record.line_of, self._take), place.ns)
            assert self._broker is not None
            return self._broker, None
        self._broker.know(made)
        return self._broker, [*known, made]

    async def _open(self, ns: int) -> None:
        """Rebuild from the record, as it stood at an instant."""
        line = await in_database(record.latest, self.session)
        self._forget()
        if line is None:
            self.books.clear(await in_database(services.cash_of, self.session))
        else:
            await self._rebuild(line, max(ns, line.last_ns))
        self._is_open = True

    async def _rebuild(self, line: Line, up_to_ns: int) -> None:
        try:
            feed = await in_database(_feed_of, line)
            broker = await asyncio.to_thread(_run, line, feed, up_to_ns)
            same = [record.identity(fill) for fill in broker.fills[: len(line.fills)]] == line.fills
            problem = None if same else "It would lead to other fills now."
        except (NoTape, DamagedPiece) as lacking:
            problem = str(lacking)
        if problem is not None:
            await self._begin_anew(line, up_to_ns, problem)
            return
        self._broker, self._feed, self._take = broker, feed, line.take
        self._commands = list(line.commands)
        self._pins = {(pin.contract, pin.trade_date): pin for pin in line.pins}
        self._events, self._fills = min(line.events, len(broker.events)), min(len(line.fills), len(broker.fills))
        self._rules_until = 0
        self.books.reset(broker, line.take.number, self.asset.tick_size)

    async def _begin_anew(self, line: Line, ns: int, problem: str) -> None:
        """The data that decided fills are not what they were: the record stays, and a flat take begins here."""
        log.error("%s cannot be run again: %s", line.take, problem)
        self._receiver.say(
            "error",
            f"What was traded before cannot be run again: {problem} It stays in the journal; you are flat here.",
        )
        take = await in_database(record.fork, line.take, ns, 0, 0, 0, [])
        await self._rebuild(await in_database(record.line_of, take), ns)

    async def _go_back(self, ns: int) -> None:
        """Stand at an earlier instant; where anything has happened after it, that stays in its take and another begins.

        A hard lock holds for its market day, whatever take.
        """
        broker, take = self._broker, self._take
        assert broker is not None and take is not None
        commands = sum(at_ns <= ns for at_ns, _ in self._commands)
        events = sum(event.ns <= ns for event in broker.events)
        if commands == len(self._commands) and events == len(broker.events):
            await self._rebuild(await in_database(record.line_of, take), ns)
            return
        lock = broker.guard.lock if broker.guard.lock_is_hard and market_day(ns) == market_day(broker.now) else None
        fills = sum(fill.ns <= ns for fill in broker.fills)
        pins = [pin for pin in self._pins.values() if self._has_decided(pin, ns)]
        take = await in_database(record.fork, take, ns, commands, events, fills, pins)
        await self._rebuild(await in_database(record.line_of, take), ns)
        self._receiver.say("info", f"Take {take.number} begins here. What came after stays in the journal.")
        if lock is not None and self._broker is not None and self._broker.guard.lock is None:
            await self._obey(self._broker, Lock(f"lock.{len(self._commands)}", lock, hard=True), ns)

    def _has_decided(self, pin: Pinned, ns: int) -> bool:
        """Whether a session's tape has decided anything by an instant: then it must stay the same."""
        session = self.asset.sessions.session(pin.trade_date)
        if session is None or session.open_ns > ns:
            return False
        assert self._broker is not None
        happened = [*(at_ns for at_ns, _ in self._commands), *(event.ns for event in self._broker.events)]
        return session.close_ns <= ns or any(session.open_ns <= at_ns <= ns for at_ns in happened)


async def in_database(call: Callable[..., T], *arguments: Any) -> T:
    """Run a function that uses the database, in a thread."""
    result: T = await database_sync_to_async(call)(*arguments)
    return result


def _feed_of(line: Line) -> PinnedFeed:
    feed = PinnedFeed()
    for pinned in line.pins:
        feed.add(pinned.contract, spans.load(pinned))
    return feed


def _run(line: Line, feed: PinnedFeed, up_to_ns: int) -> Broker:
    take = line.take
    broker = Broker(feed, line.instruments, line.settings, cash=take.cash, rules=line.rules, start_ns=take.start_ns)
    return run_again(broker, line.commands, max(up_to_ns, take.start_ns))
