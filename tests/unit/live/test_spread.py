"""How far apart two contracts are at a roll: from the prints of both in the opening second (docs/live.md)."""

from datetime import date

import numpy as np
import pytest

from live.engine.ledger import Ledger
from live.feed import PRINT
from live.history import SessionKey
from live.track import Slot, Track
from market import facts
from market.sessions import SECOND_NS, calendar

OLD, NEW = 7, 8
SESSION = calendar(facts.EQUITY).between(date(2026, 3, 16), date(2026, 3, 16))[0]
BEFORE = calendar(facts.EQUITY).before(SESSION.trade_date, 1)[0]
OPEN = SESSION.open_ns


def key_of(session, contract_id):
    return SessionKey("NQ", session.trade_date.isoformat(), contract_id, f"NQ{contract_id}", session.open_ns, 0)


@pytest.fixture
def track():
    """It follows the session of the new contract from its opening on; the one before was of the old."""
    slot = Slot(SESSION, key_of(SESSION, NEW), Ledger())
    return Track("NQ", [slot], SESSION.close_ns, OPEN, key_of(BEFORE, OLD))


def prints(*rows):
    """(seconds after the opening, price)"""
    made = np.zeros(len(rows), PRINT)
    made["ts_recv"] = [OPEN + int(seconds * SECOND_NS) for seconds, _ in rows]
    made["price"] = [price for _, price in rows]
    made["size"] = 1
    made["side"] = b"A"
    return made


def spreads(track):
    list(track.close(OPEN + 5 * SECOND_NS))
    return [spread for _, _, spread in track.take_spreads()]


def test_it_is_the_opens_of_both_in_the_opening_second(track):
    track.take(OLD, prints((-1, 50), (0.4, 101), (0.2, 100), (1.2, 90)))
    track.take(NEW, prints((0.1, 130), (0.9, 150), (1.5, 170)))
    assert track.leaves == {OLD}
    assert spreads(track) == [30]
    assert spreads(track) == []


@pytest.mark.parametrize(("old", "new"), [((1.0, 100), (0.1, 130)), ((0.1, 100), (1.0, 130))])
def test_it_is_unknown_where_one_of_them_did_not_trade_then(track, old, new):
    track.take(OLD, prints(old))
    track.take(NEW, prints(new))
    assert spreads(track) == []


def test_prints_of_the_contract_that_is_left_make_no_bar(track):
    track.take(OLD, prints((0.2, 100)))
    assert track.strays == 1
    assert list(track.close(OPEN + 5 * SECOND_NS)) == []


def test_without_a_roll_nothing_is_left():
    slot = Slot(SESSION, key_of(SESSION, OLD), Ledger())
    track = Track("NQ", [slot], SESSION.close_ns, OPEN, key_of(BEFORE, OLD))
    track.take(OLD, prints((0.2, 100)))
    assert track.leaves == set()
    assert spreads(track) == []
