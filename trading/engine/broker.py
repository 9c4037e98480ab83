"""The broker: a deterministic state machine over commands and tapes.

One machine holds all contracts of an account, because what the account may do (its loss of the day, its buying power,
its locks) depends on the order of events over all of them. Events are carried out in the order of their time; at one
instant rows of the tapes come first (contracts by name), then commands in the order they were given, then openings and
closes. Nothing else decides: no wall clock, no frame, no randomness.
"""

import heapq
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from trading.engine import acts
from trading.engine.commands import Adopt, Assume, Cancel, Command, Locate, Lock, OrderSpec, Replace, Submit, Unlock
from trading.engine.feed import Feed
from trading.engine.ledger import Ledger
from trading.engine.market import Market
from trading.engine.orders import Order
from trading.engine.records import Event, digest
from trading.engine.risk import Objection, words
from trading.engine.rules import Rules
from trading.engine.scan import NO_HIGH
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import Change, Reason

NO_RULES = Rules()


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """A command on its way. number: the order in which they were given."""

    act_ns: int
    number: int
    placed_ns: int
    command: Command


class Broker:
    """Takes commands, advances over the tape, and tells what happened.

    now: the instant (UTC ns) up to which the tape has been read. orders: by client order id. events, fills: all so
    far, in order. account: positions and money. guard: locks and the figures of the market day.
    """

    def __init__(
        self,
        feed: Feed,
        instruments: Iterable[Instrument],
        settings: FillSettings,
        *,
        cash: int = 0,
        rules: Rules = NO_RULES,
        start_ns: int = 0,
    ) -> None:
        self._ledger = Ledger(feed, instruments, settings, cash, rules, start_ns)
        self._due: list[_Due] = []
        self._commands: set[str] = set()
        self._quiet_until = start_ns
        """Nothing happens before this instant unless a command comes."""
        self._is_watched = False
        self.now = start_ns
        self.orders = self._ledger.orders
        self.events = self._ledger.events
        self.fills = self._ledger.fills
        self.account = self._ledger.account
        self.guard = self._ledger.guard

    # --- the public face ---

    def apply(self, command: Command, at_ns: int) -> list[Event]:
        """Take a command at the trader's moment; what happened up to then, and what it caused at once.

        A command whose id was seen before does nothing. Raises ValueError for a time before `now`.
        """
        before = len(self.events)
        self.advance(at_ns)
        self._wake()
        if command.id not in self._commands and command.id not in self.orders:
            self._commands.add(command.id)
            self._take(command)
            self.advance(at_ns)
        return self.events[before:]

    def advance(self, up_to_ns: int) -> list[Event]:
        """Read the tape up to an instant, included; what happened. Raises ValueError for a time before `now`."""
        if self.now <= up_to_ns < self._quiet_until:
            self.now = up_to_ns
            return []
        if up_to_ns < self.now:
            raise ValueError(f"The broker is at {self.now} and cannot go back to {up_to_ns}.")
        before = len(self.events)
        self._ledger.now = self.now
        while self._step(up_to_ns):
            self._work_agenda()
        self.now = self._ledger.now = up_to_ns
        self._quiet_until = self._find_quiet()
        return self.events[before:]

    def digest(self) -> str:
        """SHA-256 over the canonical list of fills."""
        return digest(self.fills)

    @property
    def settings(self) -> FillSettings:
        """How fills are assumed now."""
        return self._ledger.settings

    def working(self, contract: str | None = None) -> list[Order]:
        """Orders that are not over, pending ones too, by number."""
        return self._ledger.working(contract)

    def objections(self, spec: OrderSpec) -> list[Objection]:
        """The account's rules that forbid an order now, each with its words: asked before the command is logged."""
        self._wake()
        return self.guard.objections(spec)

    def know(self, instrument: Instrument) -> None:
        """Orders may be sent in one contract more; one that is known already stays as it is."""
        self._ledger.instruments.setdefault(instrument.name, instrument)

    def expiry(self, contract: str) -> int | None:
        """A contract's last close (UTC ns); None where none is known. Raises KeyError."""
        return self._ledger.instruments[contract].expires_ns or None

    def mark(self, contract: str) -> int | None:
        """The last price known of a contract (1e-9 units); None before the first. Raises KeyError."""
        self._wake()
        return self._ledger.mark(contract)

    def mid(self, contract: str) -> int | None:
        """The middle of the best bid and offer (1e-9 units); None where the book, or one side of it, is unknown."""
        self._wake()
        market = self._ledger.market(contract)
        if not market.is_active:
            market.sync()
        return market.mid()

    def queues(self) -> dict[str, tuple[int, int]]:
        """Lots ahead and displayed, −1 for unknown, of every order that rests in a book, by client order id."""
        books = [market for market in self._ledger.markets.values() if market.has_queues]
        if books:
            self._wake()
        return {name: queue for market in books for name, queue in market.queues().items()}

    # --- time ---

    def _find_quiet(self) -> int:
        """Until when nothing can happen; looks ahead where orders work, unless somebody looks at every frame."""
        if self._is_watched:
            self._is_watched = False
            return self.now
        active = [market for market in self._ledger.markets.values() if market.is_active]
        quiet = self._due[0].act_ns if self._due else NO_HIGH
        return min([quiet, *(market.look_ahead() for market in active)])

    def _wake(self) -> None:
        """Every market back to the playhead: something looks at it, or acts."""
        self._is_watched = True
        if self._quiet_until > self.now:
            self._quiet_until = self._ledger.now = self.now
            for market in self._ledger.markets.values():
                market.come_back()

    def _step(self, up_to_ns: int) -> bool:
        """Carry out the next thing that happens by the instant; False where there is none."""
        active = [market for market in self._ledger.markets.values() if market.is_active]
        if not active and not self._due:
            return False
        due = self._next_due(active, up_to_ns)
        horizon = due[0] if due else up_to_ns
        market = self._next_market(active, horizon)
        if market is not None:
            market.settle()
        elif due is not None:
            self._ledger.now = max(self._ledger.now, due[1])
            due[2]()
        else:
            return False
        return True

    def _next_due(self, active: list[Market], up_to_ns: int) -> tuple[int, int, Callable[[], None]] | None:
        """Until when rows come before it, when it is, and what to do."""
        found: tuple[int, int, Callable[[], None]] | None = None
        if self._due and self._due[0].act_ns <= up_to_ns:
            found = self._due[0].act_ns, self._due[0].act_ns, self._act
        for market in active:
            boundary = market.next_boundary()
            if boundary is None or boundary[0] > up_to_ns:
                continue
            at, opens = boundary
            # the first print may come at the very opening
            if found is None or at < found[1]:
                found = at - 1 if opens else at, at, market.pass_boundary
        return found

    def _next_market(self, active: list[Market], horizon_ns: int) -> Market | None:
        """The market whose row is next, with that row scanned and all others where they may be; sets `now`."""
        if len(active) == 1:
            at = active[0].next_row(horizon_ns)
            if at is None:
                return None
            self._ledger.now = max(self._ledger.now, at)
            return active[0]
        return self._first_of(active, horizon_ns)

    def _first_of(self, active: list[Market], horizon_ns: int) -> Market | None:
        """As `_next_market` of several: each is scanned up to the earliest found so far; who went too far goes back."""
        for market in active:
            market.come_back()
        first: Market | None = None
        seen = [(market, market.matcher, market.matcher.snapshot()) for market in active if market.matcher is not None]
        limit = horizon_ns
        for market, _, _ in seen:
            at = market.next_row(limit)
            if at is not None:
                first, limit = market, at - 1
        if first is None:
            return None
        self._ledger.now = max(self._ledger.now, limit + 1)
        for market, matcher, snapshot in seen:
            if market is not first:
                matcher.restore(snapshot)
                market.next_row(limit)
        return first

    def _work_agenda(self) -> None:
        """Orders that the event in progress made reach the market now."""
        while self._ledger.agenda:
            order = self._ledger.agenda.pop(0)
            if not order.is_over:
                self._ledger.admit(order)

    # --- commands ---

    def _take(self, command: Command) -> None:
        ledger = self._ledger
        number = ledger.next_number()
        act_ns = self.now + ledger.settings.latency(number)
        if isinstance(command, Lock | Unlock | Adopt | Locate):
            self.guard.obey(command)
            self._work_agenda()
            return
        if isinstance(command, Assume):
            ledger.assume(command.settings)
            return
        if isinstance(command, Submit):
            self._submit(command, number, act_ns)
        elif isinstance(command, Replace | Cancel) and command.order in self.orders:
            # never before the order it is about
            act_ns = max(act_ns, self.orders[command.order].act_ns)
        heapq.heappush(self._due, _Due(act_ns, number, self.now, command))

    def _submit(self, command: Submit, number: int, act_ns: int) -> None:
        ledger, spec = self._ledger, command.order
        order = ledger.make(spec, command.id, self.now, Reason.USER, number)
        order.act_ns = act_ns
        ledger.say(order, Change.PENDING, Reason.USER)
        wrong = acts.wrong_order(ledger, spec)
        if wrong:
            known = spec.contract in ledger.instruments
            ledger.end(order, Change.REJECTED, Reason.USER if known else Reason.NO_MARKET, wrong)
            return
        forbidden = words(self.guard.objections(spec, command.id))
        if forbidden:
            ledger.end(order, Change.REJECTED, Reason.RISK, forbidden)

    def _act(self) -> None:
        due = heapq.heappop(self._due)
        acts.act(self._ledger, due.command, due.placed_ns)


def replay(broker: Broker, commands: Iterable[tuple[int, Command]], up_to_ns: int) -> Broker:
    """Run a command log, (at_ns, command) ascending, on a new broker: how a session is rebuilt."""
    for at_ns, command in commands:
        if at_ns > up_to_ns:
            break
        broker.apply(command, at_ns)
    broker.advance(up_to_ns)
    return broker
