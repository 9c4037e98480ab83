"""The feed against the stand-in gateway with the real client: what it keeps is what the vendor's history says."""

import numpy as np
import pytest

from live import history
from market.engine.bars import Bars
from market.gateway import gateway
from tests.faults.conftest import ROOTS, following
from tests.live import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def of_history(symbol: str, first_ns: int, end_ns: int) -> Bars:
    """Databento's own `ohlcv-1s` of a period, through the real client."""
    found = gateway().bars("GLBX.MDP3", [symbol], "ohlcv-1s", first_ns, end_ns)
    return found[0].bars if found else Bars.empty()


def assert_equals_history(root: str) -> int:
    """Every closed bar of an asset's session, byte for byte, against the historical half; how many there are."""
    key = history.sessions(root)[-1]
    held = history.read(key)
    end_ns = int(held.ts[-1]) + 1_000_000_000
    wanted = of_history(key.symbol, key.since_ns, end_ns)
    for name in Bars.COLUMNS:
        assert np.array_equal(getattr(held, name), getattr(wanted, name)), f"{root} {name}"
    assert [getattr(held, name).tobytes() for name in Bars.COLUMNS] == [
        getattr(wanted, name).tobytes() for name in Bars.COLUMNS
    ]
    return len(held)


def available(clock, ns: int) -> None:
    """Until the historical half reaches an instant: it is a minute behind."""
    wait_for(lambda: clock() > ns + 130_000_000_000, lambda: str(clock()), seconds=60)


def test_live_bars_are_the_historical_bars_of_the_same_time(market, clock):
    with following() as feed:
        feed.wait_until_live()
        begun = feed.state["market_ns"]
        feed.wait_for(lambda state: state["market_ns"] > begun + 60_000_000_000)
    available(clock, feed.supervisor.teller._state["market_ns"])
    counts = [assert_equals_history(root) for root in ROOTS]
    assert min(counts) > 1_000
