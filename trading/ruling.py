"""Keeps a running line under the rules that are in force: limits change, sessions and market days come, others lock.

What is not as it should be becomes a command of the line, at its playhead, so that it comes out the same ever after.
"""

import time
from collections.abc import Iterator
from dataclasses import replace

from trading.engine.commands import Adopt, Assume, Command, Lock
from trading.limits import InForce, in_force
from trading.models import TradingSession
from trading.running import Running

LOOK_SECONDS = 15.0
"""Changes are told; in an outage of Valkey they hold after this."""
CHANGED = "The limits of the account have changed; they hold from here on."
ASSUMED = "The account's assumptions of fills have changed; they hold for what is sent and filled from here on."


class Ruling:
    """When to look, and what was found. until_ns: the instant from which the rules may be others of themselves."""

    def __init__(self, session: TradingSession) -> None:
        self._session = session
        self._seen = 0.0
        self.until_ns = 0

    def look_again(self) -> None:
        """The limits or locks of the user may have changed."""
        self._seen = 0.0

    def forget(self) -> None:
        """It is about another line, or an earlier instant."""
        self.until_ns = 0

    def is_due(self, ns: int, *, used: bool) -> bool:
        """Whether to look at an instant.

        used: something is held, works or is being asked for; in a market day or session without that nobody needs it.
        """
        return used if ns >= self.until_ns else time.monotonic() - self._seen >= LOOK_SECONDS

    def look(self, ns: int) -> tuple[InForce, list[str]]:
        """What is in force at an instant, and what is to be said about it once."""
        self._seen = time.monotonic()  # before reading: what changes meanwhile is looked at again
        now = in_force(self._session, ns)
        unknown = [now.unknown] if now.unknown and ns >= self.until_ns else []
        self.until_ns = now.until_ns
        return now, unknown


def corrections(run: Running, now: InForce) -> Iterator[Command]:
    """The commands that bring a line to what is in force; each is to be carried out before the next is asked for.

    Their ids have dots, so that no browser's can be the same.
    """
    guard = run.broker.guard
    if now.rules != guard.rules:
        yield Adopt(f"rules.{len(run.commands)}", now.rules)
    if now.settings != run.broker.settings:
        yield Assume(f"fills.{len(run.commands)}", now.settings)
    if now.lock is not None and not guard.is_shut(run.broker.now):
        yield Lock(f"lock.{len(run.commands)}", now.lock, hard=True)


def are_limits_changed(run: Running, now: InForce) -> bool:
    """Whether limits differ, not only what is known of a stock's session."""
    held = run.broker.guard.rules
    same_stock = replace(
        now.rules, previous_close=held.previous_close, restricted=held.restricted, locate_fee=held.locate_fee
    )
    return same_stock != held


def are_assumptions_changed(run: Running, now: InForce) -> bool:
    """Whether assumptions of fills differ, not only the edition of the engine's rules."""
    held = run.broker.settings
    return replace(now.settings, edition=held.edition) != held
