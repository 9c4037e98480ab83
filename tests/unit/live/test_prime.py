"""What a live page begins with, where live was not there from the opening on and a replay has fetched the session."""

from datetime import date

import pytest

from live import history, prime, storing
from live.engine.growing import Growing
from live.history import SessionKey
from market.models import Asset, Contract
from tests.unit.live.test_storing import hold, over

pytestmark = pytest.mark.usefixtures("assets")

YESTERDAY, TODAY = date(2026, 3, 10), date(2026, 3, 11)


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    history.forget()
    history.client().delete(history.name("position"))


@pytest.fixture
def nq():
    return Asset.objects.get(root="NQ")


@pytest.fixture
def march(nq):
    return Contract.objects.create(asset=nq, year=2026, month=3, raw_symbol="NQH6")


def key_of(nq, march, day, *, missed_ns=0):
    session = nq.sessions.session(day)
    return SessionKey("NQ", day.isoformat(), march.pk, "NQH6", session.open_ns, session.open_ns + missed_ns)


def store(nq, march, *days):
    """Sessions in the store, and nothing held."""
    for day in days:
        hold(key_of(nq, march, day), over(nq.sessions.session(day)))
        storing.store_finished()
        history.forget()


def shown(nq):
    found = prime.read(nq)
    return [(part.piece.session.trade_date, type(part.piece) is Growing) for part in found.tape.parts]


def test_a_session_in_progress_is_shown_as_live_has_it_also_where_part_of_it_is_stored(nq, march):
    store(nq, march, YESTERDAY, TODAY)
    session = nq.sessions.session(TODAY)
    hold(key_of(nq, march, TODAY, missed_ns=1), session.open_ns + 10**12)
    assert shown(nq) == [(YESTERDAY, False), (TODAY, True)]


def test_a_session_that_is_over_is_shown_as_it_is_stored_where_live_missed_its_beginning(nq, march):
    store(nq, march, TODAY)
    hold(key_of(nq, march, TODAY, missed_ns=1), over(nq.sessions.session(TODAY)))
    assert shown(nq) == [(TODAY, False)]


def test_a_session_that_live_has_from_the_opening_on_follows_the_stored_one_before_it(nq, march):
    store(nq, march, YESTERDAY)
    hold(key_of(nq, march, TODAY), nq.sessions.session(TODAY).open_ns + 10**12)
    assert shown(nq) == [(YESTERDAY, False), (TODAY, True)]
