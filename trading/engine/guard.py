"""Watches an account's rules while it trades: what the day has brought, locks, and the loss that ends it.

Where the loss counts what is open, each position gets an alarm price: as far from its mark as its share of what may
still be lost. All together cannot lose more without one of them reaching its alarm; then the sum is looked at again.
"""

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING

from trading.engine import risk
from trading.engine.account import Position
from trading.engine.commands import Adopt, Locate, Lock, OrderSpec, Unlock
from trading.engine.orders import Order
from trading.engine.records import Fill
from trading.engine.risk import Lot, State, dollars
from trading.engine.rules import Rules
from trading.engine.scan import NO_HIGH, NO_LOW
from trading.engine.terms import Change, Reason

if TYPE_CHECKING:
    from trading.engine.ledger import Ledger

REALISED, OPEN = "realised", "with what is open"
ANY_PRINT = NO_HIGH, NO_HIGH
"""A watch that every print meets."""


class Guard:
    """The account's day. It begins anew at 17:00 ET."""

    def __init__(self, ledger: "Ledger", rules: Rules) -> None:
        self.rules = rules
        self.lock: str | None = None
        self.lock_is_hard = False
        self.trades = 0
        self.losses = 0
        self.located: dict[str, int] = {}
        self._ledger = ledger
        self._day_ends = 0
        self._realised_before = Fraction()
        self._peak = Fraction()
        self._forgiven = Fraction()
        """What was realised when a soft lock was lifted: the day's allowance begins anew there."""
        self._last_loss_ns = 0
        self._begun: dict[str, Fraction] = {}
        self._warned: set[str] = set()
        self._unclosed: set[str] = set()
        """Contracts whose closing order ended unfilled: the next print is looked at."""

    # --- before an order ---

    def objections(self, spec: OrderSpec, besides: str = "") -> list[risk.Objection]:
        """Every rule that forbids an order now. besides: the client id of the order itself, if it is made already."""
        self.roll()
        instrument = self._ledger.instruments[spec.contract]
        return risk.objections(self.rules, self._state(spec.contract, besides), instrument, spec)

    # --- while it trades ---

    def roll(self) -> None:
        """Begin a new market day where the last one is over."""
        now = self._ledger.now
        if now < self._day_ends:
            return
        self._day_ends = risk.market_day(now)[1]
        self._realised_before = self._ledger.account.realised
        self.lock, self.lock_is_hard = None, False
        self._forgiven = Fraction()
        self.trades = self.losses = 0
        self._peak = Fraction()
        self._warned = set()
        self.located = {}

    def filled(self, fill: Fill) -> None:
        """After a fill was booked: round trips, peaks, limits."""
        position = self._ledger.account.positions[fill.contract]
        before = position.quantity - fill.side * fill.quantity
        self._count(fill, position, before)
        if not position.quantity:
            self._unclosed.discard(fill.contract)
        self._peak = max(self._peak, self.day_realised)
        self._check()
        self._set_alarms()

    def marked(self, contract: str, low: int, high: int) -> None:
        """Prices were printed in a contract."""
        if self._watches or contract in self._unclosed:
            self.roll()
            self._close_again(contract)
            self._check({contract: (low, high)})
            self._set_alarms()

    def failed(self, order: Order) -> None:
        """An order with which the rules close a position is over, unfilled; nothing is done before the next print."""
        if self._ledger.held(order.contract):
            self._unclosed.add(order.contract)
            self._ledger.market(order.contract).watch = ANY_PRINT

    def _close_again(self, contract: str) -> None:
        """While the lock stands; without it the losses are looked at as ever."""
        if contract in self._unclosed:
            self._unclosed.discard(contract)
            if self.lock is not None and not self._is_leaving(contract):
                text = f"{contract} is closed again: the order that was to close it ended unfilled"
                self._ledger.tell(Change.WARNED, Reason.RISK, text)
                self._ledger.flatten(self._ledger.own_name("risk"), contract, self._ledger.now, Reason.RISK)

    def obey(self, command: Lock | Unlock | Adopt | Locate) -> None:
        """What is about the account, not about the market: it is done at once."""
        self.roll()
        match command:
            case Lock():
                self._lock(command.reason, command.hard)
                self._cancel_entries()
            case Unlock():
                self._unlock(command)
            case Locate():
                self._locate(command)
            case Adopt():
                self.rules = command.rules
                self._check()
        self._set_alarms()

    def _unlock(self, command: Unlock) -> None:
        if self.lock is None:
            self._ledger.refuse(command.id, Reason.USER, "the account is not locked")
        elif self.lock_is_hard:
            self._ledger.refuse(command.id, Reason.USER, "a hard lock holds until 17:00 ET")
        else:
            self.lock = None
            self._forgiven, self._peak, self._warned = self.day_realised, Fraction(), set()
            self._ledger.tell(Change.UNLOCKED, Reason.USER, command.reason)

    def _locate(self, command: Locate) -> None:
        """Borrow for this day; the fee is booked at once."""
        fee = self.rules.locate_fee.get(command.contract)
        if fee is None or command.contract not in self._ledger.instruments:
            self._ledger.refuse(command.id, Reason.NOTHING_TO_DO, f"{command.contract} needs no locate")
            return
        self.located[command.contract] = self.located.get(command.contract, 0) + command.shares
        self._ledger.account.of(self._ledger.instruments[command.contract]).fees += fee * command.shares
        text = f"{command.shares} {command.contract} for {dollars(fee * command.shares)}"
        self._ledger.tell(Change.LOCATED, Reason.USER, text)

    # --- figures ---

    @property
    def day_ends_ns(self) -> int:
        """When the market day is over, whose locks and figures these are (UTC ns)."""
        return self._day_ends

    def is_shut(self, ns: int) -> bool:
        """Whether a hard lock holds at an instant."""
        return self.lock_is_hard and ns < self._day_ends

    @property
    def day_realised(self) -> Fraction:
        """1e-9 dollars realised this market day, fees taken off."""
        return self._ledger.account.realised - self._realised_before

    def open_money(self, marks: dict[str, tuple[int, int]] | None = None) -> Fraction:
        """1e-9 dollars of all open positions, at the worse of the prices given, else at the last print."""
        return sum((self._open(position, marks or {}) for position in self._held()), Fraction())

    # --- inside ---

    @property
    def _watches(self) -> bool:
        return self.rules.max_day_loss_open is not None or self.rules.max_trade_loss is not None

    def _held(self) -> list[Position]:
        positions = self._ledger.account.positions
        return [positions[name] for name in sorted(positions) if positions[name].quantity]

    def _open(self, position: Position, marks: dict[str, tuple[int, int]]) -> Fraction:
        name = position.instrument.name
        last = self._ledger.mark(name)
        low, high = marks.get(name, (last, last))
        mark = low if position.quantity > 0 else high
        return Fraction() if mark is None else position.open_money(mark)

    def _state(self, contract: str, besides: str) -> State:
        ledger = self._ledger
        working = [order for order in ledger.working() if order.client_id != besides and not order.is_exit]
        lots = tuple(Lot(ledger.instruments[each.contract], each.side * each.left) for each in working)
        held = tuple(Lot(each.instrument, each.quantity) for each in self._held())
        names = {contract, *(lot.instrument.name for lot in (*held, *lots))}
        marks = {name: mark for name in sorted(names) if (mark := ledger.mark(name)) is not None}
        market = ledger.market(contract)
        return State(
            now=ledger.now,
            equity=ledger.account.cash + ledger.account.realised + self.open_money(),
            positions=held,
            working=lots,
            marks=marks,
            trades=self.trades,
            losses=self.losses,
            last_loss_ns=self._last_loss_ns,
            lock=self.lock,
            located=self.located.get(contract, 0),
            best_bid=market.best_bid(),
            low=market.low_so_far() if contract in self.rules.previous_close else None,
        )

    def _count(self, fill: Fill, position: Position, before: int) -> None:
        """Round trips begin and end where the position leaves or crosses zero."""
        net = position.realised - position.fees
        if before and before * position.quantity <= 0:
            gain = net - self._begun.pop(fill.contract, Fraction())
            self.losses = self.losses + 1 if gain < 0 else 0
            self._last_loss_ns = fill.ns if gain < 0 else self._last_loss_ns
        if position.quantity and before * position.quantity <= 0:
            self.trades += 1
            self._begun[fill.contract] = net

    def _check(self, marks: dict[str, tuple[int, int]] | None = None) -> None:
        if self.lock is not None and self._is_leaving_all:
            return
        rules = self.rules
        realised = self.day_realised - self._forgiven
        total = realised + self.open_money(marks)
        limits = ((REALISED, rules.max_day_loss, realised), (OPEN, rules.max_day_loss_open, total))
        for name, limit, money in limits:
            if limit is not None and money <= -limit:
                self._shut(f"max loss per day {dollars(limit)} ({name}): {dollars(money)}")
                return
            if limit is not None and money * 100 <= -limit * rules.warn_percent and name not in self._warned:
                self._warned.add(name)
                text = f"{dollars(money)} of {dollars(limit)} that may be lost today ({name})"
                self._ledger.tell(Change.WARNED, Reason.RISK, text)
        if rules.giveback_from is not None and self._peak >= rules.giveback_from:
            kept = self._peak * (100 - rules.giveback_percent) / 100
            if realised <= kept:
                self._shut(
                    f"{rules.giveback_percent} % of the peak {dollars(self._peak)} given back: {dollars(realised)}"
                )
                return
        self._check_trades(marks or {})

    def _check_trades(self, marks: dict[str, tuple[int, int]]) -> None:
        limit = self.rules.max_trade_loss
        for position in self._held() if limit is not None else ():
            assert limit is not None
            money = self._open(position, marks)
            name = position.instrument.name
            if money <= -limit and not self._is_leaving(name):
                self._ledger.tell(Change.WARNED, Reason.RISK, f"max loss per trade {dollars(limit)}: {dollars(money)}")
                self._ledger.flatten(self._ledger.own_name("risk"), name, self._ledger.now, Reason.RISK)

    @property
    def _is_leaving_all(self) -> bool:
        """Whether every position, if there is any, is being closed by the rules."""
        return all(self._is_leaving(position.instrument.name) for position in self._held())

    def _is_leaving(self, contract: str) -> bool:
        return any(order.is_rules_own for order in self._ledger.working(contract))

    def _shut(self, text: str) -> None:
        """All cancelled, flat, locked. A lock that holds already forbids what is new; what is held can still lose."""
        if self.lock is None:
            self._lock(text, self.rules.is_hard)
        else:
            self._ledger.tell(Change.WARNED, Reason.RISK, text)
        self._ledger.flatten(self._ledger.own_name("risk"), None, self._ledger.now, Reason.RISK)

    def _lock(self, text: str, hard: bool) -> None:
        self.lock, self.lock_is_hard = text, hard or self.lock_is_hard
        self._ledger.tell(Change.LOCKED, Reason.HARD_LOCK if self.lock_is_hard else Reason.RISK, text)

    def _cancel_entries(self) -> None:
        """What works and could open a position, or make one larger, is cancelled; what closes one stays."""
        kept: Counter[tuple[str, int]] = Counter()
        for order in self._ledger.working():
            if order.is_exit or order.reduces or order.is_over:
                continue
            way = order.contract, int(order.side)
            if order.left + kept[way] <= -order.side * self._ledger.held(order.contract):
                kept[way] += order.left
            else:
                self._ledger.end(order, Change.CANCELLED, Reason.RISK, "the account is locked")

    def _set_alarms(self) -> None:
        is_over = self.lock is not None and self._is_leaving_all
        held = self._held() if self._watches and not is_over else []
        for market in self._ledger.markets.values():
            market.watch = (NO_LOW, NO_HIGH)
        for position in held:
            self._ledger.market(position.instrument.name).watch = self._alarm(position, len(held))
        for name in self._unclosed:
            self._ledger.market(name).watch = ANY_PRINT

    def _alarm(self, position: Position, positions: int) -> tuple[int, int]:
        """The print at which a position may have lost its share of what may be lost."""
        instrument, quantity = position.instrument, position.quantity
        mark = self._ledger.mark(instrument.name)
        slack: list[Fraction] = []
        limit = self.rules.max_day_loss_open
        if limit is not None:
            shares = 100 if OPEN in self._warned else min(100, self.rules.warn_percent)
            left = self.day_realised - self._forgiven + self.open_money() + Fraction(limit * shares, 100)
            slack.append(left / positions)
        if self.rules.max_trade_loss is not None and not self._is_leaving(instrument.name):
            slack.append(self._open(position, {}) + self.rules.max_trade_loss)
        if mark is None or not slack:
            return NO_LOW, NO_HIGH
        away = int(max(min(slack), Fraction()) * instrument.tick // (instrument.tick_value * abs(quantity)))
        return (mark - away, NO_HIGH) if quantity > 0 else (NO_LOW, mark + away)
