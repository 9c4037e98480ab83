"""What limits would end at once if they were saved: each running line is asked, on an engine of its own."""

from collections.abc import Iterable
from dataclasses import dataclass

from market.store import DamagedPiece
from trading import record
from trading.engine.broker import Broker
from trading.engine.commands import Adopt
from trading.engine.terms import Change, Reason
from trading.limits import forced_limits, merged
from trading.models import Account, Limits, TradingSession
from trading.running import Running, feed_of, run_again
from trading.spans import NoTape


@dataclass(frozen=True, slots=True)
class Hit:
    """A replay in which limits that are asked about are passed already. held: "long 2 NQM6"; words: of the limit."""

    asset: str
    held: str
    words: str
    locks: bool

    @property
    def before(self) -> str:
        """Before it is saved."""
        lock = " and locks the day" if self.locks else ""
        return f"{self.asset}: {self.words}. Saving this closes {self.held} at the market{lock}."

    @property
    def after(self) -> str:
        """When it is saved."""
        lock = ", and the day is locked" if self.locks else ""
        held = self.held[0].upper() + self.held[1:]
        return f"{self.asset}: {self.words}. {held} is closed at the market{lock}."


def hits(account: Account, limits: Limits) -> list[Hit]:
    """The account's replays with open positions, in which limits of it would end something at once."""
    moments = dict(account.sessions.exclude(replay=None).values_list("pk", "replay__playhead_ns"))
    sessions = account.sessions.select_related("asset", "account__owner__forced_limits").filter(pk__in=moments)
    return [hit for session in sessions if (hit := _hit(session, moments[session.pk], limits)) is not None]


def _hit(session: TradingSession, ns: int, limits: Limits) -> Hit | None:
    run = _line(session, ns)
    if run is None:
        return None
    held = _held(run.broker)
    forced = forced_limits(session.account.owner)
    rules = merged([limits] if forced is None else [limits, forced], session.asset.root)
    events = run.broker.apply(Adopt("asked", rules), run.broker.now)
    closes = [event for event in events if event.change is Change.PENDING and event.reason is Reason.RISK]
    said = [event for event in events if event.change in (Change.LOCKED, Change.WARNED)]
    if not held or not closes or not said:
        return None
    return Hit(session.asset.root, held, said[-1].text, any(event.change is Change.LOCKED for event in events))


def _line(session: TradingSession, ns: int) -> Running | None:
    """The newest take where its replay stands; None where nothing is held, or its user only looks at the past."""
    line = record.latest(session)
    if line is None or not line.commands or not _is_open(line.fills):
        return None
    try:
        run = run_again(line, feed_of(line), max(ns, line.last_ns))
    except (NoTape, DamagedPiece):
        return None
    if run is None or (run.is_looked_at(ns) and ns < session.seen_ns):
        return None
    return run


def _is_open(fills: Iterable[tuple[object, ...]]) -> bool:
    lots: dict[object, int] = {}
    for _, _, contract, side, quantity, *_ in fills:
        assert isinstance(side, int) and isinstance(quantity, int)
        lots[contract] = lots.get(contract, 0) + side * quantity
    return any(lots.values())


def _held(broker: Broker) -> str:
    positions = sorted(broker.account.positions.items())
    lots = [(name, position.quantity) for name, position in positions if position.quantity]
    return " and ".join(f"{'long' if held > 0 else 'short'} {abs(held)} {name}" for name, held in lots)
