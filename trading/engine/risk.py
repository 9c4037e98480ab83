"""The account's rules: pure functions of a state, each with words and figures for what it forbids.

Money is int (or an exact fraction) in 1e-9 dollars, prices int64 1e-9 units, times UTC ns.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction

from market.sessions import et_ns, to_et
from trading.engine.commands import OrderSpec
from trading.engine.records import price_text
from trading.engine.rules import Rules
from trading.engine.settings import Instrument
from trading.engine.terms import OrderType, Side

DOLLAR = 1_000_000_000
MARKET_DAY_ENDS = time(17)
SSR_PERCENT = 90
"""A stock at or under this share of the last close may be sold short only above the best bid (Rule 201)."""
Money = int | Fraction


@dataclass(frozen=True, slots=True)
class Lot:
    """A position, or what of an order is left, signed."""

    instrument: Instrument
    quantity: int


@dataclass(frozen=True, slots=True)
class State:
    """The account at an instant. equity: cash, all realised and all open. lock: why it is locked, None where not.

    price, best_bid, low: of the order's contract: the last print, the best bid, the session's low so far; None where
    unknown. trades: round trips begun this market day. losses: losing ones in a row up to now.
    """

    now: int
    equity: Money
    positions: tuple[Lot, ...] = ()
    working: tuple[Lot, ...] = ()
    marks: Mapping[str, int] = field(default_factory=dict)
    trades: int = 0
    losses: int = 0
    last_loss_ns: int = 0
    lock: str | None = None
    located: int = 0
    best_bid: int | None = None
    low: int | None = None

    def held(self, contract: str) -> int:
        return sum(lot.quantity for lot in self.positions if lot.instrument.name == contract)

    def on_the_way(self, contract: str, side: Side) -> int:
        """Lots of working orders of this side, unsigned."""
        lots = (lot.quantity for lot in self.working if lot.instrument.name == contract)
        return sum(abs(quantity) for quantity in lots if quantity * side > 0)


@dataclass(frozen=True, slots=True)
class Objection:
    """A rule that forbids an order, and its words."""

    rule: str
    text: str


Rule = Callable[[Rules, State, Instrument, OrderSpec], str | None]


def objections(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> list[Objection]:
    """Every rule that forbids the order. What only reduces a position is never forbidden."""
    if only_reduces(state, spec):
        return []
    found = ((name, rule(rules, state, instrument, spec)) for name, rule in RULES.items())
    return [Objection(name, text) for name, text in found if text is not None]


def words(found: Sequence[Objection]) -> str:
    """All words of objections; empty without any."""
    return "; ".join(each.text for each in found)


def only_reduces(state: State, spec: OrderSpec) -> bool:
    """Whether the order, with all that works on its side, at most closes the position."""
    held = state.held(spec.contract)
    closing = state.on_the_way(spec.contract, spec.side) + spec.quantity
    return spec.reduce_only or (held * spec.side < 0 and closing <= abs(held))


def _lock(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    return None if state.lock is None else f"the account is locked: {state.lock}"


def _order_size(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    if rules.max_order is None or spec.quantity <= rules.max_order:
        return None
    return f"max order size {rules.max_order}: this order has {spec.quantity}"


def _position(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    limit = rules.max_position.get(spec.contract, rules.max_position_each)
    would = _would_hold(state, spec)
    if limit is None or would <= limit:
        return None
    return f"max position {limit}: this order would make {would}"


def _position_all(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    limit = rules.max_position_all
    others = {lot.instrument.name for lot in (*state.positions, *state.working)} - {spec.contract}
    would = _would_hold(state, spec) + sum(_largest(state, name) for name in others)
    if limit is None or would <= limit:
        return None
    return f"max position over all {limit}: this order would make {would}"


def _trades(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    if rules.max_trades is None or state.trades < rules.max_trades or state.held(spec.contract):
        return None
    return f"max trades a day {rules.max_trades}: this would be number {state.trades + 1}"


def _hours(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    at = to_et(state.now)
    minute = at.hour * 60 + at.minute
    if not rules.hours or any(start <= minute < end for start, end in rules.hours):
        return None
    allowed = ", ".join(f"{_clock(start)}–{_clock(end)}" for start, end in rules.hours)
    return f"trading hours {allowed} ET: it is {at:%H:%M}"


def _cooldown(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    left = state.last_loss_ns + rules.cooldown_ns - state.now
    if not rules.cooldown_losses or state.losses < rules.cooldown_losses or left <= 0:
        return None
    return f"cool-down after {rules.cooldown_losses} losses in a row: {-(-left // DOLLAR)} s are left"


def _trade_loss(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    stop = spec.exits.stop if spec.exits else None
    if rules.max_trade_loss is None or stop is None:
        return None
    risk = stop * instrument.tick_value * spec.quantity
    if risk <= rules.max_trade_loss:
        return None
    return f"max loss per trade {dollars(rules.max_trade_loss)}: the stop of this order risks {dollars(risk)}"


def _buying_power(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    price = spec.limit or spec.stop or state.marks.get(spec.contract)
    if not rules.buying_power or price is None:
        return None
    names = {lot.instrument.name: lot.instrument for lot in (*state.positions, *state.working)}
    needed = sum(
        required(each, _largest(state, name), state.marks.get(name, price), rules.leverage)
        for name, each in names.items()
        if name != spec.contract
    ) + required(instrument, _would_hold(state, spec), price, rules.leverage)
    if needed <= state.equity:
        return None
    return f"buying power {dollars(state.equity)}: this order would need {dollars(needed)}"


def _short_sale(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    close = rules.previous_close.get(spec.contract)
    begun = close is not None and is_restricted(state.low, close)
    if not _opens_short(state, instrument, spec) or not (begun or spec.contract in rules.restricted):
        return None
    price = spec.limit if spec.type is OrderType.LIMIT else None
    if price is not None and state.best_bid is not None and price > state.best_bid:
        return None
    bid = "unknown" if state.best_bid is None else price_text(state.best_bid)
    return f"SSR: sold short only with a limit above the best bid {bid}"


def _locate(rules: Rules, state: State, instrument: Instrument, spec: OrderSpec) -> str | None:
    if not _opens_short(state, instrument, spec) or spec.contract not in rules.locate_fee:
        return None
    would = state.on_the_way(spec.contract, Side.SELL) + spec.quantity - state.held(spec.contract)
    if would <= state.located:
        return None
    return f"hard to borrow: {would} short needs a locate, {state.located} are located"


RULES: Mapping[str, Rule] = {
    "lock": _lock,
    "order_size": _order_size,
    "position": _position,
    "position_all": _position_all,
    "trades": _trades,
    "hours": _hours,
    "cooldown": _cooldown,
    "trade_loss": _trade_loss,
    "buying_power": _buying_power,
    "ssr": _short_sale,
    "locate": _locate,
}


def is_restricted(low: int | None, previous_close: int) -> bool:
    """Whether SSR begins: the stock has been 10 % under the last close. It holds for this session and the next."""
    return low is not None and low * 100 <= previous_close * SSR_PERCENT


def required(instrument: Instrument, quantity: int, price: int, leverage: int) -> int:
    """1e-9 dollars that so many contracts or shares bind, rounded up.

    Stocks: value ÷ leverage. Futures: margin × contracts, or a share of the notional value.
    """
    value = abs(quantity) * price * instrument.tick_value
    if instrument.is_stock:
        return -(-value // (instrument.tick * leverage))
    if instrument.margin_kind == "usd":
        return abs(quantity) * instrument.margin
    return -(-value * instrument.margin // (instrument.tick * 1_000_000))


def market_day(ns: int) -> tuple[date, int]:
    """The market day of an instant and the UTC ns at which it ends, 17:00 ET."""
    at = to_et(ns)
    day = at.date() + timedelta(days=at.time() >= MARKET_DAY_ENDS)
    return day, et_ns(day, MARKET_DAY_ENDS)


def dollars(money: Money) -> str:
    """1e-9 dollars as $1,234.50."""
    cents = round(Fraction(money) / (DOLLAR // 100))
    return f"{'−' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02}"


def _would_hold(state: State, spec: OrderSpec) -> int:
    """The largest position, unsigned, that the order with all that works on its side can make."""
    return abs(state.held(spec.contract) + spec.side * (state.on_the_way(spec.contract, spec.side) + spec.quantity))


def _largest(state: State, contract: str) -> int:
    held = state.held(contract)
    return max(abs(held + side * state.on_the_way(contract, side)) for side in Side)


def _opens_short(state: State, instrument: Instrument, spec: OrderSpec) -> bool:
    if not instrument.is_stock or spec.side is Side.BUY:
        return False
    return state.on_the_way(spec.contract, Side.SELL) + spec.quantity > max(0, state.held(spec.contract))


def _clock(minute: int) -> str:
    return f"{datetime(2000, 1, 1) + timedelta(minutes=minute):%H:%M}"  # noqa: DTZ001 - only its clock is shown
