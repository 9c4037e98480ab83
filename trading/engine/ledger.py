"""The broker's books: orders, what happened to them, fills, and all that follows from a fill."""

from collections.abc import Iterable
from dataclasses import replace

from trading.engine.account import Account
from trading.engine.commands import OrderSpec
from trading.engine.exits import ExitGroup, cut, lots_of
from trading.engine.feed import Feed
from trading.engine.guard import Guard
from trading.engine.market import Market
from trading.engine.orders import Order
from trading.engine.records import Event, Explanation, Fill, price_text
from trading.engine.risk import words
from trading.engine.rules import Rules
from trading.engine.settings import FIRST_EDITION, FillSettings, Instrument
from trading.engine.terms import Change, Grade, Reason, Side, Status


class Ledger:
    """See `market.House`. now: UTC ns. orders: by client order id, as they were made. markets: by name.

    agenda: orders that the event in progress made, which reach the market right after it.
    """

    def __init__(
        self,
        feed: Feed,
        instruments: Iterable[Instrument],
        settings: FillSettings,
        cash: int,
        rules: Rules,
        start_ns: int,
    ) -> None:
        self.now = self.start_ns = start_ns
        self.settings = settings
        self.account = Account(cash)
        self.instruments: dict[str, Instrument] = {each.name: each for each in instruments}
        self.orders: dict[str, Order] = {}
        self.events: list[Event] = []
        self.fills: list[Fill] = []
        self.markets: dict[str, Market] = {}
        self.agenda: list[Order] = []
        self.guard = Guard(self, rules)
        self._feed = feed
        self._numbers = 0

    # --- what there is ---

    def working(self, contract: str | None = None) -> list[Order]:
        """Orders that are not over, pending ones too, by number."""
        return [order for order in self.orders.values() if not order.is_over and contract in (None, order.contract)]

    def market(self, contract: str) -> Market:
        """The contract's market. Raises KeyError for a contract that was not given."""
        if contract not in self.markets:
            self.markets[contract] = Market(self.instruments[contract], self.settings, self._feed, self)
            self.markets = dict(sorted(self.markets.items()))
        return self.markets[contract]

    def mark(self, contract: str) -> int | None:
        """The last price known of a contract (1e-9 units)."""
        market = self.market(contract)
        if not market.is_active:
            market.sync()
        return market.last_print()

    @property
    def rules_keep_their_orders(self) -> bool:
        """Whether what the account's rules close with is nobody's to cancel; in older logs it was."""
        return self.settings.edition > FIRST_EDITION

    def closing(self, contract: str) -> int:
        """Lots with which the account's rules are closing a position, unsigned."""
        if not self.rules_keep_their_orders:
            return 0
        return sum(order.left for order in self.working(contract) if order.is_rules_own)

    def assume(self, settings: FillSettings) -> None:
        """Other assumptions of fills from now on."""
        self.settings = settings
        for market in self.markets.values():
            market.settings = settings

    def next_number(self) -> int:
        """Numbers of commands and orders, in the order in which they came."""
        self._numbers += 1
        return self._numbers

    def make(self, spec: OrderSpec, name: str, placed_ns: int, cause: Reason, number: int | None = None) -> Order:
        """A new order, with the exits it will have."""
        order = Order(
            number=self.next_number() if number is None else number,
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

    def send(self, order: Order) -> None:
        """An order of the engine's own: it reaches the market after the event in progress."""
        self.say(order, Change.PENDING, order.cause)
        self.agenda.append(order)

    def admit(self, order: Order) -> None:
        """The order reaches the exchange. The rules are asked again: price and position may have changed on the way."""
        if order.cause in (Reason.USER, Reason.TRIGGER):
            forbidden = words(self.guard.objections(order.spec, order.client_id))
            if forbidden:
                self.end(order, Change.REJECTED, Reason.RISK, forbidden)
                return
        order.is_short = order.side is Side.SELL and order.quantity > max(0, self.held(order.contract))
        self.market(order.contract).admit(order)

    # --- what leads from one command to many ---

    def cancel_all(self, contract: str | None, reason: Reason) -> None:
        """Cancel every order of a contract, or of all, but those with which the rules close a position."""
        for order in self.working(contract):
            if not order.is_over and not (order.is_rules_own and self.rules_keep_their_orders):
                self.end(order, Change.CANCELLED, reason)

    def flatten(self, name: str, contract: str | None, placed_ns: int, reason: Reason) -> None:
        """Cancel all and close the position at the market; of all contracts where it is None."""
        if contract is not None and contract not in self.instruments:
            self.refuse(name, Reason.NOTHING_TO_DO, f"there is no position in {contract}")
            return
        self.cancel_all(contract, reason)
        for each in [contract] if contract is not None else sorted(self.account.positions):
            held = self.account.quantity(each)
            lots = abs(held) - self.closing(each)
            if lots > 0:
                self.at_market(f"{name}.{each}", each, -lots if held > 0 else lots, placed_ns, reason, reduce_only=True)

    def at_market(
        self, name: str, contract: str, quantity: int, placed_ns: int, cause: Reason, *, reduce_only: bool = False
    ) -> None:
        side = Side.BUY if quantity > 0 else Side.SELL
        spec = OrderSpec(contract, side, abs(quantity), reduce_only=reduce_only, origin=cause)
        order = self.make(spec, name, placed_ns, cause)
        self.send(order)

    def settle(self, contract: str, grade: Grade) -> None:
        """See `market.House`: close what is held of a contract that has expired at its last price."""
        held, price = self.held(contract), self.mark(contract)
        if not held:
            return
        if price is None:  # it was taken from a book in which nothing has printed
            price = next(fill.price for fill in reversed(self.fills) if fill.contract == contract)
        side = Side.SELL if held > 0 else Side.BUY
        spec = OrderSpec(contract, side, abs(held), reduce_only=True, origin=Reason.EXPIRED)
        order = self.make(spec, self.own_name("expiry"), self.now, Reason.EXPIRED)
        self.say(order, Change.WORKING, Reason.EXPIRED)
        self.book(order, order.quantity, price, Explanation(grade, Reason.EXPIRED, (), 0, 0, self.settings.preset))

    # --- what markets and exits ask for ---

    def say(self, order: Order, change: Change, reason: Reason, text: str = "", fill: Fill | None = None) -> None:
        """Record a change of an order."""
        if change in (Change.WORKING, Change.PARTIAL, Change.FILLED):
            order.status = Status(change)
        self._tell_of(order, change, reason, text, fill)

    def end(self, order: Order, change: Change, reason: Reason, text: str = "") -> None:
        """The order is over without being filled; so is its OCO partner."""
        order.status = Status(change)
        self._tell_of(order, change, reason, text)
        if order.contract in self.markets:
            self.markets[order.contract].remove(order)
        if order.is_rules_own and self.rules_keep_their_orders:
            self.guard.failed(order)
        if reason is not Reason.OCO and change is not Change.EXPIRED:
            for mate in self._mates(order):
                self.end(mate, Change.CANCELLED, Reason.OCO, "its OCO partner is over")

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
        stop = order.stop if order.triggered else None
        why = replace(why, before=order.filled, stop=stop, set_off=order.set_off)
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
                is_first = self.settings.edition == FIRST_EDITION
                order.group.left_by(self, order, quantity, is_first_edition=is_first)
            else:
                order.group.entered(self, quantity, price)
        for mate in self._mates(order):
            self.shrink(mate, quantity, f"its OCO partner filled {quantity}")
        if order.status is Status.FILLED:
            for number, spec in enumerate(order.spec.triggers, start=1):
                self.send(self.make(spec, f"{order.client_id}.trigger{number}", self.now, Reason.TRIGGER))
        self._cancel_orphans(order.contract)
        if self.settings.edition > FIRST_EDITION:
            self._cut_exits(order.contract)

    def _cancel_orphans(self, contract: str) -> None:
        """Flat, or on the other side: exits have nothing to leave."""
        held = self.account.quantity(contract)
        market = self.market(contract)
        for group in market.groups:
            if held * group.side <= 0:
                for order in group.orders:
                    self.end(order, Change.CANCELLED, Reason.FLAT)
        market.groups = [group for group in market.groups if group.orders or not group.entry.is_over]

    def _cut_exits(self, contract: str) -> None:
        """Exits are for no more than is held, however it was closed: those of the oldest entry lose first."""
        held = abs(self.held(contract))
        groups = self.market(contract).groups
        for legs in zip(*(group.legs for group in groups), strict=True):
            every = [leg for each in legs for leg in each]
            cut(self, every, lots_of(every) - held, f"only {held} {'is' if held == 1 else 'are'} held")

    def open_exit(self, group: ExitGroup, spec: OrderSpec, name: str) -> Order:
        """See `exits.House`."""
        order = self.make(spec, name, self.now, Reason.EXIT)
        order.group, order.is_exit = group, True
        self.send(order)
        return order

    def grow(self, order: Order, quantity: int) -> None:
        """See `exits.House`."""
        order.quantity += quantity
        self.say(order, Change.REPLACED, Reason.EXIT)
        self.market(order.contract).requeue(order)

    def shrink(self, order: Order, quantity: int, text: str) -> None:
        """See `exits.House`."""
        if quantity < order.left:
            order.quantity -= quantity
            self.say(order, Change.REPLACED, Reason.OCO, text)
            self.market(order.contract).shrunk(order)
        else:
            self.end(order, Change.CANCELLED, Reason.OCO, text)

    def move_stop(self, order: Order, price: int, reason: Reason) -> None:
        """See `exits.House`."""
        order.stop = price
        self.say(order, Change.MOVED, reason, f"stop to {price_text(price)}")

    def tell(self, change: Change, reason: Reason, text: str) -> None:
        """Record something about the account."""
        self._record(change, reason, text=text)

    def own_name(self, kind: str) -> str:
        """A client order id of the broker's own."""
        return f".{kind}{self.next_number()}"

    def held(self, contract: str) -> int:
        """The signed position in a contract."""
        return self.account.quantity(contract)

    def marked(self, contract: str, low: int, high: int) -> None:
        """Prices were printed: the account's rules look at them."""
        self.guard.marked(contract, low, high)

    # --- inside ---

    def _mates(self, order: Order) -> list[Order]:
        if order.spec.oco is None or order.is_exit:
            return []
        return [
            mate
            for mate in self.orders.values()
            if mate.spec.oco == order.spec.oco and mate is not order and not mate.is_over and not mate.is_exit
        ]

    def refuse(self, client_id: str, reason: Reason, text: str) -> None:
        """Record that a command could not be done."""
        self._record(Change.REFUSED, reason, client_id, text)

    def _tell_of(self, order: Order, change: Change, reason: Reason, text: str = "", fill: Fill | None = None) -> None:
        event = Event(
            number=len(self.events) + 1,
            ns=self.now,
            change=change,
            reason=reason,
            order=order.number,
            client_id=order.client_id,
            text=text,
            fill=fill,
            quantity=order.quantity,
            filled=order.filled,
            limit=order.limit,
            stop=order.stop,
        )
        self.events.append(event)

    def _record(self, change: Change, reason: Reason, client_id: str = "", text: str = "") -> None:
        """Something that is about no order that there is."""
        self.events.append(Event(len(self.events) + 1, self.now, change, reason, client_id=client_id, text=text))
