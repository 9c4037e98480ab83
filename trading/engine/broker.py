"""The broker: a deterministic state machine over commands and tapes.

One machine holds all contracts of an account, because what the account may do (its loss of the day, its buying power,
its locks) depends on the order of events over all of them. Events are carried out in the order of their time; at one
instant rows of the tapes come first (contracts by name), then commands in the order they were given, then openings and
closes. Nothing else decides: no wall clock, no frame, no randomness.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from trading.engine.account import Account
from trading.engine.commands import (
    Cancel,
    CancelAll,
    ClosePart,
    Command,
    Flatten,
    Lock,
    OrderSpec,
    Replace,
    Reverse,
    Submit,
    Unlock,
)
from trading.engine.exits import ExitGroup
from trading.engine.feed import Feed
from trading.engine.guard import Guard
from trading.engine.market import Market
from trading.engine.orders import Order
from trading.engine.records import Event, Explanation, Fill, digest, price_text
from trading.engine.risk import Rules
from trading.engine.scan import NO_HIGH
from trading.engine.settings import FillSettings, Instrument
from trading.engine.terms import Change, OrderType, Reason, Side, Status, TimeInForce

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

    now: the instant (UTC ns) up to which the tape has been read. events, fills: all so far, in order. Raises ValueError
    for a time before `now`.
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
        self.now = start_ns
        self.settings = settings
        self.account = Account(cash)
        self.instruments: Mapping[str, Instrument] = {each.name: each for each in instruments}
        self.orders: dict[str, Order] = {}
        self.events: list[Event] = []
        self.fills: list[Fill] = []
        self.guard = Guard(self, rules)
        self._feed = feed
        self._markets: dict[str, Market] = {}
        self._due: list[_Due] = []
        self._agenda: list[Order] = []
        self._commands: set[str] = set()
        self._numbers = 0
        self._quiet_until = start_ns
        """Nothing happens before this instant unless a command comes."""

    # --- the public face ---

    def apply(self, command: Command, at_ns: int) -> list[Event]:
        """Take a command at the trader's moment; what happened up to then, and what it caused at once.

        A command whose id was seen before does nothing.
        """
        before = len(self.events)
        self.advance(at_ns)
        self._wake()
        if command.id not in self._commands:
            self._commands.add(command.id)
            self._take(command)
            self.advance(at_ns)
        return self.events[before:]

    def advance(self, up_to_ns: int) -> list[Event]:
        """Read the tape up to an instant, included; what happened."""
        if self.now <= up_to_ns < self._quiet_until:
            self.now = up_to_ns
            return []
        if up_to_ns < self.now:
            raise ValueError(f"The broker is at {self.now} and cannot go back to {up_to_ns}.")
        before = len(self.events)
        while self._step(up_to_ns):
            self._work_agenda()
        self.now = up_to_ns
        self._quiet_until = self._find_quiet()
        return self.events[before:]

    def digest(self) -> str:
        """SHA-256 over the canonical list of fills."""
        return digest(self.fills)

    def working(self, contract: str | None = None) -> list[Order]:
        """Orders that are not over, pending ones too, by number."""
        return [order for order in self.orders.values() if not order.is_over and contract in (None, order.contract)]

    def mark(self, contract: str) -> int | None:
        """The last price known of a contract (1e-9 units)."""
        self._wake()
        market = self.market(contract)
        if not market.is_active:
            market.sync()
        return market.last_print()

    def queue_of(self, order: Order) -> tuple[int, int] | None:
        """Lots ahead and displayed, −1 for unknown; None where no queue is known."""
        self._wake()
        return self.market(order.contract).queue_of(order)

    def market(self, contract: str) -> Market:
        """The contract's market. Raises KeyError for a contract that was not given."""
        if contract not in self._markets:
            self._markets[contract] = Market(self.instruments[contract], self.settings, self._feed, self)
            self._markets = dict(sorted(self._markets.items()))
        return self._markets[contract]

    # --- time ---

    def _find_quiet(self) -> int:
        """Until when nothing can happen; looks ahead where orders work."""
        active = [market for market in self._markets.values() if market.is_active]
        quiet = self._due[0].act_ns if self._due else NO_HIGH
        return min([quiet, *(market.look_ahead() for market in active)])

    def _wake(self) -> None:
        """Every market back to the playhead: something looks at it, or acts."""
        if self._quiet_until > self.now:
            self._quiet_until = self.now
            for market in self._markets.values():
                market.come_back()

    def _step(self, up_to_ns: int) -> bool:
        """Carry out the next thing that happens by the instant; False where there is none."""
        active = [market for market in self._markets.values() if market.is_active]
        if not active and not self._due:
            return False
        due = self._next_due(active, up_to_ns)
        horizon = due[0] if due else up_to_ns
        market = self._next_market(active, horizon)
        if market is not None:
            market.settle()
        elif due is not None:
            self.now = max(self.now, due[1])
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
            self.now = self.now if at is None else max(self.now, at)
            return None if at is None else active[0]
        return self._first_of(active, horizon_ns)

    def _first_of(self, active: list[Market], horizon_ns: int) -> Market | None:
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
        self.now = max(self.now, limit + 1)
        for market, matcher, snapshot in seen:
            if market is not first:
                matcher.restore(snapshot)
                market.next_row(limit)
        return first

    def _work_agenda(self) -> None:
        """Orders that the event in progress made reach the market now."""
        while self._agenda:
            order = self._agenda.pop(0)
            if not order.is_over:
                self.market(order.contract).admit(order)

    # --- commands ---

    def _take(self, command: Command) -> None:
        number = self._next_number()
        act_ns = self.now + self.settings.latency(number)
        if isinstance(command, Submit):
            self._submit(command, number, act_ns)
        elif isinstance(command, Lock | Unlock):
            self.guard.obey(command)
            return
        elif isinstance(command, Replace | Cancel) and command.order in self.orders:
            # never before the order it is about
            act_ns = max(act_ns, self.orders[command.order].act_ns)
        heapq.heappush(self._due, _Due(act_ns, number, self.now, command))

    def _submit(self, command: Submit, number: int, act_ns: int) -> None:
        order = self._make(command.order, command.id, self.now, Reason.USER, number)
        order.act_ns = act_ns
        self.say(order, Change.PENDING, Reason.USER)
        wrong = self._wrong(command.order) or self.guard.objection(command)
        if wrong:
            self.end(
                order,
                Change.REJECTED,
                Reason.RISK if command.order.contract in self.instruments else Reason.NO_MARKET,
                wrong,
            )

    def _wrong(self, spec: OrderSpec) -> str | None:
        instrument = self.instruments.get(spec.contract)
        if instrument is None:
            return f"unknown contract {spec.contract}"
        prices = [price for price in (spec.limit, spec.stop) if price is not None]
        off = [price_text(price) for price in prices if price % instrument.tick]
        return f"{off[0]} is not a multiple of the tick {price_text(instrument.tick)}" if off else None

    def _act(self) -> None:
        due = heapq.heappop(self._due)
        command = due.command
        if isinstance(command, Submit):
            order = self.orders[command.id]
            if not order.is_over:
                self.market(order.contract).admit(order)
        elif isinstance(command, Cancel):
            self._cancel(command)
        elif isinstance(command, Replace):
            self._replace(command)
        elif isinstance(command, CancelAll):
            self.cancel_all(command.contract, Reason.CANCEL_ALL)
        elif isinstance(command, Flatten):
            self.flatten(command.id, command.contract, due.placed_ns, Reason.FLATTEN)
        elif isinstance(command, Reverse | ClosePart):
            self._turn(command, due.placed_ns)

    def _known(self, command: Cancel | Replace) -> Order | None:
        order = self.orders.get(command.order)
        if order is None:
            self._refuse(command.order, Reason.UNKNOWN_ORDER, f"there is no order {command.order}")
        elif order.is_over:
            self._refuse(command.order, Reason.ORDER_IS_OVER, f"order {command.order} is {order.status}")
        else:
            return order
        return None

    def _cancel(self, command: Cancel) -> None:
        order = self._known(command)
        if order is not None:
            self.end(order, Change.CANCELLED, Reason.USER)

    def _replace(self, command: Replace) -> None:
        order = self._known(command)
        if order is None:
            return
        wrong = self._wrong_change(order, command)
        if wrong:
            self._refuse(command.order, wrong[0], wrong[1])
            return
        limit = order.limit if command.limit is None else command.limit
        stop = order.stop if command.stop is None else command.stop
        quantity = order.quantity if command.quantity is None else command.quantity
        keeps = limit == order.limit and stop == order.stop and quantity <= order.quantity
        order.limit, order.stop, order.quantity = limit, stop, quantity
        order.offset = order.offset if command.offset is None else command.offset
        if order.left <= 0:
            order.quantity = order.filled
            self.end(order, Change.CANCELLED, Reason.USER, "replaced by no more than is filled")
            return
        self.say(order, Change.REPLACED, Reason.USER)
        market = self.market(order.contract)
        (market.shrunk if keeps else market.requeue)(order)

    def _wrong_change(self, order: Order, command: Replace) -> tuple[Reason, str] | None:
        has_limit = order.spec.type in (OrderType.LIMIT, OrderType.STOP_LIMIT)
        has_stop = order.spec.type in (OrderType.STOP, OrderType.STOP_LIMIT) and not order.triggered
        if command.limit is not None and not has_limit:
            return Reason.USER, f"a {order.spec.type} order has no limit to change"
        if command.stop is not None and not has_stop:
            return Reason.USER, f"this {order.spec.type} order has no stop price to change"
        if command.offset is not None and order.offset is None:
            return Reason.USER, f"a {order.spec.type} order has no offset to change"
        tick = self.instruments[order.contract].tick
        off = [price for price in (command.limit, command.stop) if price is not None and price % tick]
        if off:
            return Reason.USER, f"{price_text(off[0])} is not a multiple of the tick {price_text(tick)}"
        market = self.market(order.contract)
        if command.stop is not None and order.status is not Status.PENDING and market.is_passed(order, command.stop):
            return Reason.STOP_PASSED, f"the last print is already at or beyond {price_text(command.stop)}"
        return None

    def cancel_all(self, contract: str | None, reason: Reason) -> None:
        """Cancel every order of a contract, or of all."""
        for order in self.working(contract):
            if not order.is_over:
                self.end(order, Change.CANCELLED, reason)

    def flatten(self, name: str, contract: str | None, placed_ns: int, reason: Reason) -> None:
        """Cancel all and close the position at the market; of all contracts where it is None."""
        self.cancel_all(contract, reason)
        held = [contract] if contract is not None else sorted(self.account.positions)
        for each in held:
            quantity = self.account.quantity(each)
            if quantity:
                self._at_market(f"{name}.{each}", each, -quantity, placed_ns, reason, reduce_only=True)

    def _turn(self, command: Reverse | ClosePart, placed_ns: int) -> None:
        held = self.account.quantity(command.contract)
        if not held:
            self._refuse(command.id, Reason.NOTHING_TO_DO, f"there is no position in {command.contract}")
        elif isinstance(command, Reverse):
            self.cancel_all(command.contract, Reason.REVERSE)
            self._at_market(f"{command.id}.turn", command.contract, -2 * held, placed_ns, Reason.REVERSE)
        else:
            quantity = min(command.quantity, abs(held)) * (-1 if held > 0 else 1)
            name = f"{command.id}.part"
            self._at_market(name, command.contract, quantity, placed_ns, Reason.CLOSE_PART, reduce_only=True)

    def _at_market(
        self, name: str, contract: str, quantity: int, placed_ns: int, cause: Reason, *, reduce_only: bool = False
    ) -> None:
        side = Side.BUY if quantity > 0 else Side.SELL
        spec = OrderSpec(contract, side, abs(quantity), tif=TimeInForce.DAY, reduce_only=reduce_only, origin=cause)
        order = self._make(spec, name, placed_ns, cause)
        self.say(order, Change.PENDING, cause)
        self._agenda.append(order)

    # --- orders: what markets and exits ask for ---

    def say(self, order: Order, change: Change, reason: Reason, text: str = "", fill: Fill | None = None) -> None:
        """Record a change of an order."""
        if change in (Change.WORKING, Change.PARTIAL, Change.FILLED):
            order.status = Status(change)
        self._record(change, reason, order.number, order.client_id, text, fill)

    def end(self, order: Order, change: Change, reason: Reason, text: str = "") -> None:
        """The order is over without being filled; so is its OCO partner."""
        order.status = Status(change)
        self._record(change, reason, order.number, order.client_id, text)
        if order.contract in self._markets:
            self._markets[order.contract].remove(order)
        if reason is not Reason.OCO and change is not Change.EXPIRED:
            for mate in self._mates(order):
                self.end(mate, Change.CANCELLED, Reason.OCO)

    def book(self, order: Order, quantity: int, price: int, why: Explanation) -> None:
        """An execution: position, record, event, and all that follows from it."""
        self.guard.roll()
        held = self.account.quantity(order.contract)
        room = max(0, -held * order.side) if order.reduces else quantity
        quantity = min(quantity, order.left, room)
        if quantity:
            self._book(order, quantity, price, why)
        if room <= quantity < order.left + quantity and order.reduces and not order.is_over:
            self.end(order, Change.CANCELLED, Reason.REDUCE_ONLY, "nothing is left to reduce")

    def _book(self, order: Order, quantity: int, price: int, why: Explanation) -> None:
        instrument = self.instruments[order.contract]
        fee = instrument.fee * quantity
        self.account.of(instrument).take(order.side, quantity, price, fee)
        order.filled += quantity
        fill = Fill(
            number=len(self.fills) + 1,
            order=order.number,
            client_id=order.client_id,
            contract=order.contract,
            side=order.side,
            quantity=quantity,
            price=price,
            ns=self.now,
            fee=fee,
            of=order.quantity,
            why=why,
        )
        self.fills.append(fill)
        self.say(order, Change.PARTIAL if order.left else Change.FILLED, why.reason, "", fill)
        market = self.market(order.contract)
        (market.shrunk if order.left else market.remove)(order)
        self._follow(order, quantity, price)
        self.guard.filled(fill)

    def _follow(self, order: Order, quantity: int, price: int) -> None:
        """What hangs on an order that has filled: its exits, its partner, the orders it triggers."""
        if order.group is not None:
            if order.is_exit:
                order.group.left_by(self, order, quantity)
            else:
                order.group.entered(self, quantity, price)
        for mate in self._mates(order):
            self.shrink(mate, quantity)
        if order.status is Status.FILLED:
            for number, spec in enumerate(order.spec.triggers, start=1):
                self._send(self._make(spec, f"{order.client_id}.trigger{number}", self.now, Reason.TRIGGER))
        self._cancel_orphans(order.contract)

    def _cancel_orphans(self, contract: str) -> None:
        """Flat, or on the other side: exits have nothing to leave."""
        held = self.account.quantity(contract)
        market = self.market(contract)
        for group in market.groups:
            if held * group.side <= 0:
                for order in group.orders:
                    self.end(order, Change.CANCELLED, Reason.FLAT)
        market.groups = [group for group in market.groups if group.orders or not group.entry.is_over]

    def open_exit(self, group: ExitGroup, spec: OrderSpec, name: str) -> Order:
        """See `exits.House`."""
        order = self._make(spec, name, self.now, Reason.EXIT)
        order.group, order.is_exit = group, True
        self._send(order)
        return order

    def grow(self, order: Order, quantity: int) -> None:
        """See `exits.House`."""
        order.quantity += quantity
        self.say(order, Change.REPLACED, Reason.EXIT)
        self.market(order.contract).requeue(order)

    def shrink(self, order: Order, quantity: int) -> None:
        """See `exits.House`."""
        order.quantity -= min(quantity, order.left)
        if order.left:
            self.say(order, Change.REPLACED, Reason.OCO)
            self.market(order.contract).shrunk(order)
        else:
            self.end(order, Change.CANCELLED, Reason.OCO)

    def move_stop(self, order: Order, price: int, reason: Reason) -> None:
        """See `exits.House`."""
        order.stop = price
        self.say(order, Change.MOVED, reason, f"stop to {price_text(price)}")

    def tell(self, change: Change, reason: Reason, text: str) -> None:
        """Record something about the account."""
        self._record(change, reason, text=text)

    def own_name(self, kind: str) -> str:
        """A client order id of the broker's own."""
        return f"{kind}-{self._next_number()}"

    def markets(self) -> list[Market]:
        """All markets so far, by name."""
        return list(self._markets.values())

    def held(self, contract: str) -> int:
        """The signed position in a contract."""
        return self.account.quantity(contract)

    def marked(self, contract: str, low: int, high: int) -> None:
        """Prices were printed: the account's rules look at them."""
        self.guard.marked(contract, low, high)

    # --- inside ---

    def _send(self, order: Order) -> None:
        self.say(order, Change.PENDING, order.cause)
        self._agenda.append(order)

    def _make(self, spec: OrderSpec, name: str, placed_ns: int, cause: Reason, number: int | None = None) -> Order:
        order = Order(
            number=self._next_number() if number is None else number,
            client_id=name,
            spec=spec,
            placed_ns=placed_ns,
            act_ns=self.now,
            quantity=spec.quantity,
            limit=spec.limit,
            stop=spec.stop,
            offset=spec.offset,
            cause=cause,
        )
        self.orders[name] = order
        if spec.exits is not None and spec.contract in self.instruments:
            order.group = ExitGroup(order, spec.exits, self.instruments[spec.contract].tick)
            self.market(spec.contract).groups.append(order.group)
        return order

    def _mates(self, order: Order) -> list[Order]:
        if order.spec.oco is None or order.is_exit:
            return []
        return [
            mate
            for mate in self.orders.values()
            if mate.spec.oco == order.spec.oco and mate is not order and not mate.is_over and not mate.is_exit
        ]

    def _refuse(self, client_id: str, reason: Reason, text: str) -> None:
        self._record(Change.REFUSED, reason, None, client_id, text)

    def _record(
        self,
        change: Change,
        reason: Reason,
        order: int | None = None,
        client_id: str = "",
        text: str = "",
        fill: Fill | None = None,
    ) -> None:
        self.events.append(Event(len(self.events) + 1, self.now, change, reason, order, client_id, text, fill))

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers


def replay(broker: Broker, commands: Iterable[tuple[int, Command]], up_to_ns: int) -> Broker:
    """Run a command log, (at_ns, command) ascending, on a new broker: how a session is rebuilt."""
    for at_ns, command in commands:
        if at_ns > up_to_ns:
            break
        broker.apply(command, at_ns)
    broker.advance(up_to_ns)
    return broker
