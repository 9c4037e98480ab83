"""A line in memory: the broker with the tapes that decide its fills, and how much of what it says is on record."""

from collections.abc import Sequence
from datetime import date

from market.models import Asset
from trading import record, spans
from trading.codec import of_json
from trading.engine.broker import Broker, replay
from trading.engine.commands import Command, Submit
from trading.engine.feed import Span
from trading.engine.settings import Instrument
from trading.models import Take
from trading.record import Line, News
from trading.spans import Pinned


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


class Running:
    """A take that is traded. No method waits for anything; what is new is on record once `kept` has been said."""

    def __init__(self, line: Line, broker: Broker, feed: PinnedFeed) -> None:
        self.take: Take = line.take
        self.broker = broker
        self.commands = list(line.commands)
        self._names = {command.id for _, command in line.commands}
        self._feed = feed
        self._pins = {(pin.contract, pin.trade_date): pin for pin in line.pins}
        self._events, self._fills = min(line.events, len(broker.events)), min(len(line.fills), len(broker.fills))

    # --- what there is ---

    def has(self, name: str) -> bool:
        """Whether a command with this id was given."""
        return name in self._names

    def active(self) -> set[str]:
        """The contracts in which there is a position or an order."""
        positions = self.broker.account.positions
        held = {name for name, position in positions.items() if position.quantity}
        return held | {order.contract for order in self.broker.working()}

    @property
    def limit_ns(self) -> int | None:
        """The last instant up to which the market of all orders and positions is at hand; None without any."""
        ends = [self._feed.end_ns(name) for name in self.active() if not self._ends_here(name)]
        return min(ends) - 1 if ends else None

    def _ends_here(self, contract: str) -> bool:
        """Whether a contract's last session is pinned: nothing of it will be lacking."""
        expires_ns = self.broker.expiry(contract)
        return expires_ns is not None and expires_ns <= self._feed.end_ns(contract)

    def ending(self, limit_ns: int) -> list[Pinned]:
        """The last pinned session of each active contract whose market is not at hand after an instant."""
        names = [
            name
            for name in sorted(self.active())
            if self._feed.end_ns(name) <= limit_ns + 1 and not self._ends_here(name)
        ]
        return [self._pins[name, max(day for held, day in self._pins if held == name)] for name in names]

    def lacks(self, contract: str, trade_date: date) -> bool:
        """Whether a session is not pinned."""
        return (contract, trade_date) not in self._pins

    def pinned(self, contract: str) -> Pinned | None:
        """A session of a contract that was traded; None for another."""
        return next((pin for pin in self._pins.values() if pin.contract == contract), None)

    def instruments_with(self, instrument: Instrument) -> list[Instrument]:
        """All contracts that the take knows, and this one."""
        return [*of_json(self.take.instruments, list[Instrument]), instrument]

    def knows(self, contract: str) -> bool:
        """Whether orders can be sent in a contract."""
        return any(each["name"] == contract for each in self.take.instruments)

    # --- what happens ---

    def add(self, pinned: Pinned, span: Span) -> None:
        """Have a session's tape decide from now on."""
        self._pins[pinned.contract, pinned.trade_date] = pinned
        self._feed.add(pinned.contract, span)

    def obey(self, command: Command, ns: int) -> tuple[int, int, Command]:
        """Apply a command; its place in the line, the playhead, and itself: how the record keeps it."""
        self.broker.apply(command, ns)
        self.commands.append((ns, command))
        self._names.add(command.id)
        return len(self.commands), ns, command

    def news(self, pins: Sequence[Pinned]) -> News:
        """What is not on record yet."""
        events, fills = self.broker.events[self._events :], self.broker.fills[self._fills :]
        names = dict.fromkeys(event.client_id for event in events if event.order is not None)
        return News([self.broker.orders[name] for name in names], events, fills, pins)

    def kept(self, news: News) -> None:
        """These are on record."""
        self._events += len(news.events)
        self._fills += len(news.fills)

    # --- going back ---

    def marks(self) -> dict[str, int]:
        """The last prices of what is held, as far as they are known."""
        held = [name for name, position in self.broker.account.positions.items() if position.quantity]
        return {name: price for name in held if (price := self.broker.mark(name)) is not None}

    def was_left_beyond(self, ns: int) -> bool:
        """Whether what is held was held further on too, and its user went back from there."""
        left_ns = self.take.left_ns
        return left_ns is not None and ns < left_ns and bool(self.marks())

    def is_looked_at(self, ns: int) -> bool:
        """Whether its user went back to here and has given no command since, as far as the record tells."""
        is_fresh = self.take.parent_id is not None and len(self.commands) == self.take.inherited_commands
        return is_fresh or self.was_left_beyond(ns)

    def everything(self) -> tuple[int, int, int]:
        """How many commands, events and fills there are."""
        return len(self.commands), len(self.broker.events), len(self.broker.fills)

    def shared(self, ns: int) -> tuple[int, int, int] | None:
        """How many commands, events and fills there were at an instant; None where there are no later ones."""
        commands = sum(at_ns <= ns for at_ns, _ in self.commands)
        events = sum(event.ns <= ns for event in self.broker.events)
        if commands == len(self.commands) and events == len(self.broker.events):
            return None
        return commands, events, sum(fill.ns <= ns for fill in self.broker.fills)

    def decided(self, asset: Asset, ns: int) -> list[Pinned]:
        """The sessions whose tapes have decided anything by an instant: they must stay as they are."""
        happened = [at_ns for at_ns, _ in self.commands] + [event.ns for event in self.broker.events]
        return [pin for pin in self._pins.values() if _has_decided(asset, pin, happened, ns)]


def _has_decided(asset: Asset, pin: Pinned, happened: list[int], ns: int) -> bool:
    session = asset.sessions.session(pin.trade_date)
    if session is None or session.open_ns > ns:
        return False
    return session.close_ns <= ns or any(session.open_ns <= at_ns <= ns for at_ns in happened)


def contracts_of(command: Command) -> set[str]:
    """The contracts that a command names."""
    if isinstance(command, Submit):
        return {each.contract for each in (command.order, *command.order.triggers)}
    named = getattr(command, "contract", None)
    return {named} if named else set()


def feed_of(line: Line) -> PinnedFeed:
    """The pinned sessions of a line, from the store. Raises NoTape, store.DamagedPiece."""
    feed = PinnedFeed()
    for pinned in line.pins:
        feed.add(pinned.contract, spans.load(pinned))
    return feed


def run_again(line: Line, feed: PinnedFeed, up_to_ns: int) -> Running | None:
    """A line rebuilt from its commands, as it stood at an instant; None where the fills on record do not come out."""
    take = line.take
    broker = Broker(feed, line.instruments, line.settings, cash=take.cash, rules=line.rules, start_ns=take.start_ns)
    replay(broker, line.commands, max(up_to_ns, take.start_ns))
    fills = [record.identity(fill) for fill in broker.fills[: len(line.fills)]]
    return Running(line, broker, feed) if fills == line.fills else None
