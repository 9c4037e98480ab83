"""Trading in a running replay, or live: takes commands, keeps the record, and follows the playhead.

The broker's engine computes in memory; what it says is committed before anybody is shown it. While something is being
committed the clock stands, so a command acts at the very playhead at which it was given. After a failure the engine is
thrown away and rebuilt from the record: what was acknowledged is there, what was not is not.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError

from market.database import in_database
from market.models import Asset
from market.store import DamagedPiece
from trading import record, services, spans
from trading.books import Books, log_lines
from trading.engine.commands import Command, Submit
from trading.engine.settings import Instrument
from trading.models import Take, TradingSession
from trading.record import Line
from trading.ruling import ASSUMED, CHANGED, Ruling, are_assumptions_changed, are_limits_changed, corrections
from trading.running import Running, contracts_of, feed_of, run_again
from trading.spans import NoTape, Pinned

log = logging.getLogger(__name__)

MOST_WORKING = 200
"""A page shows no more, and a broken script sends no more."""


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


class Desk:
    """One trading session's engine. All methods are called in the event loop; one thing happens at a time."""

    def __init__(self, session: TradingSession, asset: Asset, receiver: Receiver) -> None:
        self.session, self.asset = session, asset
        self.books = Books()
        self._receiver = receiver
        self._ruling = Ruling(session)
        self._lock = asyncio.Lock()
        self._is_open = False
        self._shown_ns = 0
        self._looks_until_ns = 0
        """Up to there the trader only looks at what he has seen: he went back, and has given no command since."""
        self._forget()

    def _forget(self) -> None:
        self._run: Running | None = None
        self._empty: Take | None = None
        """A take in which nothing was traded yet."""
        self._asked_for: set[tuple[str, date]] = set()
        self._ruling.forget()

    # --- what there is ---

    @property
    def is_active(self) -> bool:
        """Whether there is a position or an order."""
        return self._run is not None and bool(self._run.active())

    @property
    def limit_ns(self) -> int | None:
        """The last instant up to which the market of all orders and positions is at hand; None without any."""
        return None if self._run is None else self._run.limit_ns

    @property
    def is_busy(self) -> bool:
        """Whether something is being carried out or committed; the clock stands meanwhile."""
        return self._lock.locked()

    def money(self) -> dict[str, Any]:
        """Positions and the account at the last prices."""
        if self._run is None:
            return self.books.money({}, 0)
        broker = self._run.broker
        return self.books.money({name: broker.mark(name) for name in self.books.held}, broker.now)

    def queues(self) -> dict[str, tuple[int, int]]:
        """Lots ahead and displayed of the orders that rest in a book, by id; −1: not known."""
        if self._run is None or not self._run.broker.working():
            return {}
        return self._run.broker.queues()

    # --- what happens ---

    async def follow(self, ns: int) -> int:
        """Have the engine come to an instant, forward or back; how far it came, less where a session is missing.

        Nothing is shown of what did not get into the record. Raises OperationalError and InterfaceError while Postgres
        is away, TakenOver.
        """
        async with self._lock:
            return await self._come_to(ns)

    async def give(self, command: Command, where: Callable[[], Place]) -> None:
        """Carry out a command at the playhead; it is in the record when this returns. An id seen before does nothing.

        Raises NotKept, TakenOver.
        """
        async with self._lock:
            place = where()
            try:
                await self._come_to(place.ns)
                if self._run is None or not self._run.has(command.id):
                    await self._carry_out(command, place)
            except (OperationalError, InterfaceError):
                self._is_open = False
                raise NotKept("The database does not answer, so this was not done. Try again in a moment.") from None
            except (NoTape, DamagedPiece) as problem:
                raise NotKept(f"This cannot be traded now: {problem}") from None

    def look_again(self) -> None:
        """The limits or locks of the user may have changed."""
        self._ruling.look_again()

    def found(self) -> None:
        """What was lacking may be stored now."""
        self._asked_for.clear()

    async def _come_to(self, ns: int) -> int:
        """How far it came: less than `ns` where the market of what is traded is not at hand."""
        if not self._is_open:
            await self._open(ns)
        if ns < self._shown_ns:
            await in_database(record.saw, self.session, self._shown_ns)
            self._looks_until_ns = max(self._looks_until_ns, self._shown_ns)
        self._shown_ns = ns
        if self._run is not None and ns < self._run.broker.now:
            await self._go_back(self._run, ns)  # the clock is to follow at once: rules are looked at from there on
        elif self._run is not None:
            await self._look_at_rules(self._run)
        while (run := self._run) is not None:
            broker, limit = run.broker, run.limit_ns
            until_ns = self._looks_until_ns if self._only_looks(run) else self._ruling.until_ns
            broker.advance(ns if limit is None else max(broker.now, min(ns, limit, until_ns)))
            pins = await self._lengthen(run, limit) if limit is not None and broker.now >= limit else []
            await self._keep(run, pins=pins)
            if broker.now >= ns or (not pins and limit is not None and broker.now >= limit == run.limit_ns):
                return min(ns, broker.now)
            await self._look_at_rules(run)
        return ns

    async def _lengthen(self, run: Running, limit_ns: int) -> list[Pinned]:
        """Pin the next session of every contract whose last one ends here; what is not stored is asked for, once."""
        pins = []
        for last in run.ending(limit_ns):
            following = self.asset.sessions.after(last.trade_date, 1)[0].trade_date
            if (last.contract, following) in self._asked_for:
                continue
            try:
                pins += await _pin(run, last.contract_id, last.contract, following)
            except (NoTape, DamagedPiece):
                self._asked_for.add((last.contract, following))
                self._receiver.lacks(last.contract_id, last.contract, following)
        return pins

    async def _carry_out(self, command: Command, place: Place) -> None:
        run = self._run or await self._begin(place)
        if run.was_left_beyond(place.ns):
            run = await self._try_again(run, place.ns)
        self._looks_until_ns = 0
        await self._look_at_rules(run, commanding=True)
        if isinstance(command, Submit) and len(run.broker.working()) >= MOST_WORKING:
            raise NotKept(f"At most {MOST_WORKING} orders work at a time. Cancel some.")
        instruments = None
        if not run.knows(place.contract):
            made = await in_database(services.instrument, place.contract_id, place.trade_date)
            instruments = run.instruments_with(made)
            run.broker.know(made)
        pins = await _pin(run, place.contract_id, place.contract, place.trade_date)
        for name in contracts_of(command) - {place.contract}:
            # one that was the front month before; the engine refuses those that never were
            known = run.pinned(name)
            pins += [] if known is None else await _pin(run, known.contract_id, name, place.trade_date)
        await self._keep(run, run.obey(command, place.ns), pins, instruments)

    async def _look_at_rules(self, run: Running, *, commanding: bool = False) -> None:
        """Have what the account may do now hold from here on; nothing is ruled while the trader only looks."""
        ns = run.broker.now
        if self._only_looks(run) or not self._ruling.is_due(ns, used=commanding or bool(run.active())):
            return
        now, unknown = await in_database(self._ruling.look, ns)
        told = [("warn", text) for text in unknown]
        if are_limits_changed(run, now):
            told.append(("info", CHANGED))
        if are_assumptions_changed(run, now):
            told.append(("info", ASSUMED))
        for command in corrections(run, now):
            await self._keep(run, run.obey(command, ns))
        for level, text in told:
            self._receiver.say(level, text)

    def _only_looks(self, run: Running) -> bool:
        return run.broker.now < self._looks_until_ns

    # --- the record ---

    async def _keep(
        self,
        run: Running,
        command: tuple[int, int, Command] | None = None,
        pins: Sequence[Pinned] = (),
        instruments: list[Instrument] | None = None,
    ) -> None:
        """Commit what is new, then show it."""
        news = run.news(pins)
        if command is None and not news.events and not news.pins:
            return
        try:
            await in_database(record.write, run.take, self.session.epoch, news, command, instruments)
        except BaseException:
            self._is_open = False  # whether it was committed, only the record knows
            raise
        run.kept(news)
        self.books.update(run.broker, news.orders, news.events, news.fills)
        for level, text in log_lines(news.events, run.broker.orders):
            self._receiver.say(level, text)

    async def _begin(self, place: Place) -> Running:
        """Begin to trade, in the first take or in an empty one."""
        made = await in_database(services.instrument, place.contract_id, place.trade_date)
        take = await in_database(services.begin_take, self.session, self._empty, place.open_ns, made)
        line = await in_database(record.line_of, take)
        await self._rebuild(line, place.ns)
        assert self._run is not None
        return self._run

    async def _open(self, ns: int) -> None:
        """Rebuild from the record, as it stood at an instant."""
        line = await in_database(record.latest, self.session)
        await self._stand(line, max(ns, line.last_ns if line else 0))
        if self._run is not None and self._run.is_looked_at(ns):
            self._looks_until_ns = max(self._looks_until_ns, await in_database(record.seen_ns, self.session))
        self._is_open = True

    async def _stand(self, line: Line | None, ns: int) -> None:
        """Have what a line was at an instant; one without commands needs no engine yet."""
        if line is not None and line.commands:
            await self._rebuild(line, ns)
            return
        self._forget()
        self._empty = line.take if line else None
        self.books.clear(await in_database(services.cash_of, self.session), line.take.number if line else 0)

    async def _rebuild(self, line: Line, ns: int) -> None:
        self._forget()
        try:
            feed = await in_database(feed_of, line)
            run = await asyncio.to_thread(run_again, line, feed, ns)
            problem = "It would lead to other fills now."
        except (NoTape, DamagedPiece) as lacking:
            run, problem = None, str(lacking)
        if run is None:
            await self._begin_anew(line.take, ns, problem)
            return
        self._run = run
        await self._keep(run)
        self.books.reset(run.broker, line.take.number, self.asset.tick_size)

    async def _begin_anew(self, take: Take, ns: int, problem: str) -> None:
        """The data that decided fills are not what they were: the record stays, and a flat take begins here."""
        log.error("%s cannot be run again: %s", take, problem)
        words = f"What was traded before cannot be run again: {problem} It stays on record; you are flat here."
        self._receiver.say("error", words)
        await self._fork(take, ns, (0, 0, 0), [])

    async def _go_back(self, run: Running, ns: int) -> None:
        """Stand at an earlier instant; where anything has happened after it, that stays in its take and another begins.

        Limits and locks of now hold in that from its first command on.
        """
        shared, marks = run.shared(ns), run.marks()
        if marks:
            await in_database(record.leave, run.take, self.session.epoch, run.broker.now, marks)
        if shared is None:
            await self._stand(await in_database(record.line_of, run.take), ns)
            return
        take = await self._fork(run.take, ns, shared, run.decided(self.asset, ns))
        self._receiver.say("info", f"Take {take.number} begins here. What came after stays on record.")

    async def _try_again(self, run: Running, ns: int) -> Running:
        """What was held further on is done otherwise: that try ends where it was left, and another take begins."""
        take = await self._fork(run.take, ns, run.everything(), run.decided(self.asset, ns))
        self._receiver.say("info", f"Take {take.number} begins here. The position stays on record as it was left.")
        assert self._run is not None
        return self._run

    async def _fork(self, take: Take, ns: int, shared: tuple[int, int, int], pins: Sequence[Pinned]) -> Take:
        made = await in_database(record.fork, take, self.session.epoch, ns, *shared, pins)
        await self._stand(await in_database(record.line_of, made), ns)
        return made


async def _pin(run: Running, contract_id: int, contract: str, trade_date: date) -> list[Pinned]:
    """Have a session's tape decide from now on; empty where it does already. Raises NoTape, DamagedPiece."""
    if not run.lacks(contract, trade_date):
        return []
    pinned, span = await in_database(spans.best, contract_id, trade_date)
    run.add(pinned, span)
    return [pinned]
