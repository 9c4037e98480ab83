"""Small hand-made markets for tests."""

from datetime import date

import numpy as np

from market.engine.bars import Bars
from market.sessions import SECOND_NS, Session, SessionCalendar

TICK = 250_000_000


def sparse_session(session: Session, *, seed: int, base: int, share: float = 0.01, size: int = 20) -> Bars:
    """A random market that trades in the first second and then in a small share of the seconds.

    base: price level in ticks of 0.25. All prices lie on the tick grid.
    """
    rng = np.random.default_rng([seed, session.trade_date.toordinal()])
    every = np.concatenate([np.arange(start, end, SECOND_NS) for start, end in session.segments])
    traded = rng.random(len(every)) < share
    traded[0] = True
    ts = every[traded]
    close = base + np.cumsum(rng.integers(-2, 3, len(ts)))
    open_ = np.concatenate([[base], close[:-1]])
    high, low = np.maximum(open_, close) + rng.integers(0, 3, len(ts)), np.minimum(open_, close) - 1
    return Bars(ts, open_ * TICK, high * TICK, low * TICK, close * TICK, rng.integers(1, size, len(ts)))


def sparse_contract(
    calendar: SessionCalendar, first: date, last: date, *, seed: int, base: int, size: int = 20
) -> Bars:
    """`sparse_session` over the trade dates from first to last."""
    sessions = calendar.between(first, last)
    return Bars.concatenate([sparse_session(session, seed=seed, base=base, size=size) for session in sessions])
