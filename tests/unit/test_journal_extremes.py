"""MAE and MFE of trades: from the tapes that decided the fills, once, in a worker."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pytest

from journal import access, services
from journal.models import Trade
from journal.tasks import bring_up_to_date
from market import tapes
from market.engine.bars import Bars
from market.models import Asset, Contract
from tests import ranking
from tests.conftest import People
from tests.journaling import TICK, at, fill, fork, leave, pin, take_of
from trading.models import Take

TUESDAY, WEDNESDAY = date(2026, 3, 17), date(2026, 3, 18)
A_DAY = 86_400
ROWS = [(1, 100, 120, 90), (2, 100, 104, 97), (4, 104, 110, 99), (5, 105, 106, 104), (6, 105, 140, 60)]
"""(second after 09:30, open, high, low): 120 to 90 is over when the trades begin, 140 to 60 comes after them."""


@pytest.fixture
def nqm6(assets: None) -> Contract:
    return ranking.contract(Asset.objects.get(root="NQ"), 2026, 6, "NQM6")


def store(contract: Contract, day: date, rows: Sequence[tuple[float, int, int, int]], volume: int = 40) -> None:
    """A session of these bars, which close where they opened."""
    session = contract.asset.sessions.session(day)
    assert session is not None
    columns = [np.array(column, np.int64) for column in zip(*[row[1:] for row in rows], strict=True)]
    ts = np.array([at(row[0]) for row in rows], np.int64)
    opens, highs, lows = (column * TICK for column in columns)
    bars = Bars(ts, opens, highs, lows, opens, np.full(len(ts), volume))
    ranking.store_session(contract, session, seconds=bars)


def take_on_bars(people: People, contract: Contract) -> Take:
    """Bought at 100 and sold at 105, four seconds later."""
    store(contract, TUESDAY, ROWS)
    take = take_of(people.owner, (1, 100, 2), (-1, 105, 6))
    pin(take, contract, TUESDAY)
    return take


def measured(people: People) -> list[Trade]:
    bring_up_to_date(people.owner.pk)
    return sorted(access.trades_of(people.owner.pk), key=lambda trade: trade.number)


def test_they_are_the_position_s_money_at_the_tape_s_extremes(people: People, nqm6: Contract) -> None:
    take_on_bars(people, nqm6)
    (trade,) = measured(people)
    # 97 is three ticks of $5 below the entry, 110 ten above
    assert (trade.worst, trade.best, trade.is_measured) == (-15, 50, True)


def test_a_trade_that_is_open_waits_for_its_end(people: People, nqm6: Contract) -> None:
    take = take_on_bars(people, nqm6)
    fill(take, (-1, 105, 6))
    assert [(trade.is_measured, trade.worst) for trade in measured(people)] == [(True, -15), (False, None)]


def test_a_trade_left_open_is_measured_up_to_where_it_was_left(people: People, nqm6: Contract) -> None:
    store(nqm6, TUESDAY, ROWS)
    take = take_of(people.owner, (1, 100, 2))
    pin(take, nqm6, TUESDAY)
    leave(take, 6, ticks=105)
    fork(take, 1, fills=0)
    (trade,) = measured(people)
    # as if it had been sold at 105 after four seconds; the bar from 140 to 60 comes later
    assert (trade.gross, trade.worst, trade.best, trade.is_measured) == (25, -15, 50, True)


def test_what_is_measured_is_not_looked_up_again(
    people: People, nqm6: Contract, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_on_bars(people, nqm6)
    measured(people)
    Trade.objects.update(worst=-1)
    (trade,) = measured(people)
    assert trade.worst == -1
    services.read_again([trade])
    (again,) = measured(people)
    assert again.worst == -15


def test_a_trade_overnight_is_measured_on_both_tapes(people: People, nqm6: Contract) -> None:
    store(nqm6, TUESDAY, [(2, 100, 104, 97)])
    store(nqm6, WEDNESDAY, [(A_DAY + 1, 100, 150, 95), (A_DAY + 2, 105, 106, 104)])
    take = take_of(people.owner, (1, 100, 2), (-1, 105, A_DAY + 3))
    for day in (TUESDAY, WEDNESDAY):
        pin(take, nqm6, day)
    (trade,) = measured(people)
    assert (trade.worst, trade.best) == (-25, 250)


def test_without_the_tape_that_decided_the_fills_they_are_not_known(people: People, nqm6: Contract) -> None:
    store(nqm6, TUESDAY, [(2, 100, 104, 97)])
    store(nqm6, WEDNESDAY, [(A_DAY + 1, 100, 150, 95)])
    take = take_of(people.owner, (1, 100, 2), (-1, 105, 3), (1, 100, 4), (-1, 105, A_DAY + 3))
    for day in (TUESDAY, WEDNESDAY):
        pin(take, nqm6, day)
    # Wednesday is stored anew, otherwise than it was
    tapes.cache.clear()
    store(nqm6, WEDNESDAY, [(A_DAY + 1, 100, 150, 95)], volume=41)
    # half of the second trade's time would make figures that look whole and are not
    assert [(trade.worst, trade.best, trade.is_measured) for trade in measured(people)] == [
        (-15, 25, True),
        (None, None, True),
    ]
