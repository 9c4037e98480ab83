"""The roll schedule of a continuous future (volume splice), and the shifts of its parts.

Pure functions of daily volumes and sessions. docs/splice.md explains the rules with a worked example.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

Volumes = npt.NDArray[np.int64]
"""int64 (sessions, contracts)."""

NO_BAR = -1
"""Volume of a session without a daily bar: unknown, not zero."""
SILENT_SESSIONS = 5
"""So many sessions in a row without a daily bar make a contract silent (the cache-gap fall-back)."""


@dataclass(frozen=True, slots=True)
class Change:
    """The front month from session number `session` on.

    kind: "seed" (the first one; from_contract None), "volume", "cache_gap" or "dead_contract".
    Volumes are those of the prior session (for the seed: of its own session); None without a daily bar.
    Contracts are indices into the list of contracts in order of expiry.
    """

    session: int
    kind: str
    from_contract: int | None
    to_contract: int
    from_volume: int | None
    to_volume: int | None


def schedule(trade_dates: Sequence[date], last_trade_dates: Sequence[date], volumes: Volumes) -> list[Change]:
    """The front month over the sessions, as its changes in order; empty while nothing has traded.

    trade_dates: one per session, ascending. last_trade_dates: one per contract, in order of expiry.
    volumes: int64 (sessions, contracts), NO_BAR where there is no daily bar. A change at session s depends on
    the volumes of sessions before s only, except for the seed, which takes the busiest contract of its session.
    """
    changes: list[Change] = []
    silent = 0
    for number, trade_date in enumerate(trade_dates):
        if not changes:
            seed = _busiest(volumes[number], 0)
            if seed is not None:
                changes.append(Change(number, "seed", None, seed, None, int(volumes[number, seed])))
            continue
        current = changes[-1].to_contract
        prior = volumes[number - 1]
        silent = silent + 1 if prior[current] == NO_BAR else 0
        change = _next(number, current, prior, silent, trade_date > last_trade_dates[current])
        if change is not None:
            changes.append(change)
            silent = 0
    return changes


def _next(number: int, current: int, prior: Volumes, silent: int, expired: bool) -> Change | None:
    later = _busiest(prior, current + 1)
    if silent == 0 and later is not None and prior[later] > prior[current]:
        return _change(number, "volume", current, later, prior)
    if silent >= SILENT_SESSIONS and later is not None:
        return _change(number, "cache_gap", current, later, prior)
    if expired and current + 1 < len(prior):
        return _change(number, "dead_contract", current, current + 1 if later is None else later, prior)
    return None


def _busiest(volumes: Volumes, first: int) -> int | None:
    """The contract from `first` on with the highest volume, the nearer one of equals; None if none traded."""
    if first >= len(volumes):
        return None
    best = first + int(np.argmax(volumes[first:]))
    return best if volumes[best] > 0 else None


def _change(number: int, kind: str, current: int, later: int, prior: Volumes) -> Change:
    known = [None if prior[contract] == NO_BAR else int(prior[contract]) for contract in (current, later)]
    return Change(number, kind, current, later, known[0], known[1])


def shift(spreads: Sequence[tuple[date, int]], entry: date, trade_date: date) -> int:
    """What to add to a session's prices (1e-9 units) so that they stand in the entry session's price space.

    spreads: trade date and spread (new minus old contract) of the rolls between entry and session at least;
    an incomplete roll counts 0. Forward Panama: sessions after a roll come down by its spread, those before go up.
    """
    return sum(spread for day, spread in spreads if day <= entry) - sum(
        spread for day, spread in spreads if day <= trade_date
    )
