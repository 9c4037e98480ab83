"""Trading in a replay: the desk follows the playhead, and an order goes where the playhead stands."""

from collections.abc import Callable
from datetime import date
from typing import Any, Protocol

from django.db import InterfaceError, OperationalError

from market.bus import Bus
from market.engine.tape import Tape
from replay import services
from replay.models import ReplaySession
from trading import limits
from trading import protocol as trading
from trading.desk import Desk, NotKept, Place
from trading.record import TakenOver
from workspace.following import patiently
from workspace.protocol import Refused

GetTraded = Callable[[int, str, date], None]
"""Has the session of a contract (its key and name) fetched."""


class Market(Protocol):
    """What trading sees of the player."""

    @property
    def tape(self) -> Tape | None: ...
    @property
    def playhead_ns(self) -> int: ...
    @property
    def is_jumping(self) -> bool: ...
    @property
    def tick(self) -> int: ...

    def say(self, level: str, text: str, job_id: int | None = ...) -> None: ...
    def stand(self) -> None:
        """Stop the clock where it is."""

    def need_tape(self) -> Tape:
        """Raises Refused."""

    def lose(self) -> None:
        """Another process runs the replay now."""


class Trading:
    """The trading of one replay. desk: None before `start`."""

    def __init__(self, replay: ReplaySession, bus: Bus, market: Market, get_traded: GetTraded) -> None:
        self.desk: Desk | None = None
        self._replay, self._bus, self._market = replay, bus, market
        self._get_traded = get_traded

    async def start(self) -> int:
        """Trade in this replay from now on; UTC ns of the last thing on record, which is not taken back."""
        last_ns = await patiently(services.take_desk, self._replay)
        assert self._replay.trading is not None
        self.desk = Desk(self._replay.trading, self._replay.asset, self)
        await self._bus.subscribe(limits.topic(self._replay.owner_id), self._limits_changed)
        return int(last_ns)

    async def stop(self) -> None:
        """Listen no longer."""
        await self._bus.unsubscribe(limits.topic(self._replay.owner_id), self._limits_changed)

    def _limits_changed(self, body: dict[str, Any]) -> None:
        if self.desk is not None:
            self.desk.look_again()

    @property
    def is_busy(self) -> bool:
        """Whether something is being committed; the clock stands meanwhile."""
        return self.desk is not None and self.desk.is_busy

    @property
    def is_active(self) -> bool:
        """Whether there is a position or an order."""
        return self.desk is not None and self.desk.is_active

    @property
    def limit_ns(self) -> int | None:
        """The last instant up to which the market of all that is traded is at hand; None where nothing is."""
        return None if self.desk is None else self.desk.limit_ns

    def found(self) -> None:
        """What was lacking may be stored now."""
        if self.desk is not None:
            self.desk.found()

    async def follow(self) -> int:
        """Have the desk come to the playhead; how far it came, less where a session is missing."""
        ns = self._market.playhead_ns
        if self.desk is None or self.desk.is_busy or self._market.is_jumping:
            return ns
        try:
            return await self.desk.follow(ns)
        except (OperationalError, InterfaceError):
            return ns  # the record of the replay pauses it where this lasts
        except TakenOver:
            self._market.lose()
            return ns

    async def move(self, ns: int) -> int:
        """Have the desk come to an instant that the playhead is put to; how far it came."""
        return ns if self.desk is None else await self.desk.follow(ns)

    async def give(self, message: trading.Message) -> None:
        """Carry out what a trader asks of the broker; it is on record when this returns. Raises Refused."""
        place, desk = self._place(), self.desk
        assert desk is not None
        try:
            await desk.give(trading.command_of(message, place.contract, self._market.tick), self._place)
        except ValueError as problem:
            raise Refused("bad_order", str(problem)) from None
        except NotKept as problem:
            raise Refused("not_done", str(problem)) from None
        except TakenOver:
            self._market.lose()
            raise Refused("not_done", "This replay goes on elsewhere; this was not done.") from None

    def _place(self) -> Place:
        """Where an order goes now: the front month's session in progress, or the next one. Raises Refused."""
        tape, ns = self._market.need_tape(), self._market.playhead_ns
        index = tape.index_at(ns)
        if ns >= tape.parts[index].piece.session.close_ns and index + 1 < len(tape.parts):
            index += 1
        part = tape.parts[index]
        if part.contract_id is None or self._market.is_jumping:
            raise Refused("not_ready", "The market data is still being loaded.")
        session = part.piece.session
        return Place(ns, part.contract_id, part.piece.contract, session.trade_date, session.open_ns)

    # --- what the desk has to say -------------------------------------------------------------------------

    def say(self, level: str, text: str) -> None:
        """A line for the log."""
        self._market.say(level, text)

    def lacks(self, contract_id: int, contract: str, trade_date: date) -> None:
        """The session of a contract that is traded is not here."""
        self._market.stand()
        held = f"You still have a position or an order in {contract}"
        if self._replay.asset.from_files:
            self.say("error", f"{held}, of which no file has {trade_date}. Close it, or import one.")
            return
        self.say("warn", f"{held}. Its data of {trade_date} are being fetched; press Play when they are here.")
        self._get_traded(contract_id, contract, trade_date)
