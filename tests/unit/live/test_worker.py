"""What the worker tells of itself: how late prints come, and where the market is."""

import time
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from live import feed
from live.engine.ledger import Ledger
from live.history import Position, SessionKey
from live.track import Slot, Track
from live.worker import Worker
from market import facts
from market.sessions import SECOND_NS, calendar

SESSION = calendar(facts.EQUITY).session(date(2026, 3, 10))
OPEN = SESSION.open_ns


@pytest.fixture
def worker() -> Worker:
    """Of a session that replays, whose market is that of a past day."""
    key = SessionKey("NQ", "2026-03-10", 1, "NQH6", OPEN, OPEN)
    track = Track("NQ", [Slot(SESSION, key, Ledger())], SESSION.close_ns + 3_600 * SECOND_NS, OPEN)
    planned: Any = SimpleNamespace(
        tracks=[track],
        contracts={"NQH6": (track, 1)},
        position=Position(OPEN, 1),
        clock=SimpleNamespace(shift_ns=time.time_ns() - OPEN - 3_600 * SECOND_NS),
        beginning=SimpleNamespace(start_ns=OPEN),
    )
    made = Worker(planned, lambda pulse: None)
    made._map(feed.Mapping(7, "NQH6", "NQH6"))
    return made


def trade(worker: Worker, ts_ns: int) -> None:
    """A print comes, and what it changed is told."""
    rows = np.zeros(1, feed.PRINT)
    rows["ts_recv"], rows["instrument_id"], rows["price"], rows["size"], rows["side"] = ts_ns, 7, 5, 1, b"B"
    worker._take_prints(rows)
    worker._compose(time.monotonic_ns(), at_once=True)


async def test_only_what_trades_after_the_replay_tells_how_late_prints_come(worker: Worker) -> None:
    an_hour_in = OPEN + 3_600 * SECOND_NS
    trade(worker, an_hour_in - 60 * SECOND_NS)
    worker._hear(feed.Said("replayed", "", an_hour_in))
    trade(worker, an_hour_in - 20 * SECOND_NS)  # has waited in the line while it was replayed
    assert worker._newest == []
    trade(worker, an_hour_in + 60 * SECOND_NS)
    assert worker._newest == [an_hour_in + 60 * SECOND_NS]


async def test_before_the_first_record_with_a_time_no_market_is_said_to_be_closed(worker: Worker) -> None:
    assert "assets" not in worker.describe()
    trade(worker, OPEN + SECOND_NS)
    assert worker.describe()["assets"]["NQ"]["is_open"] is True
