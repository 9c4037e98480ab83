"""The stand-in's bars of a session, without its gateway and without Django."""

from datetime import date, timedelta

from market.engine.bars import Bars
from market.sessions import Session
from standin.market.bars import day_bars, day_of
from standin.market.contracts import Contract
from standin.market.volume import plan

SEED = 1


def ranked(root: str, trade_date: date) -> tuple[Contract, ...]:
    """The contracts of a trade date, the busiest first."""
    return plan(SEED, root, trade_date).ranked()


def seconds_of(contract: Contract, session: Session) -> Bars:
    """The one-second bars of a session."""
    day, last = day_of(session.open_ns), day_of(session.close_ns - 1)
    parts = []
    while day <= last:
        made = day_bars(SEED, [contract], "ohlcv-1s", day, session.open_ns, session.close_ns)
        parts.append(Bars(made.start_ns, made.open, made.high, made.low, made.close, made.volume))
        day += timedelta(days=1)
    return Bars.concatenate(parts)
