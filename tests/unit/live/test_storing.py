"""After the close a live session becomes a piece of the store, which a replay takes without a download."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from live import history, storing
from live.engine.ledger import Ledger
from live.history import History, Position, SessionKey
from market import ingest
from market.models import Asset, Contract, Coverage
from market.sessions import SECOND_NS

pytestmark = pytest.mark.usefixtures("assets")

DAY = date(2026, 3, 10)


@pytest.fixture
def session():
    return Asset.objects.get(root="NQ").sessions.session(DAY)


@pytest.fixture
def key(session):
    contract = Contract.objects.create(asset=Asset.objects.get(root="NQ"), year=2026, month=3, raw_symbol="NQH6")
    return SessionKey("NQ", DAY.isoformat(), contract.pk, "NQH6", session.open_ns, session.open_ns)


@pytest.fixture(autouse=True)
def nothing_held():
    yield
    history.forget()
    history.client().delete(history.name("position"))


def hold(key, until_ns):
    """A live session of three bars, and how far the feed has come."""

    async def act():
        held = History()
        await held.begin(key)
        bars = [(key.open_ns + second * SECOND_NS, 5, 7, 3, 6, 2) for second in (0, 1, 60)]
        await held.write([(key, Ledger().put(bars))], [], [], Position(until_ns, 1))
        await held.close()

    asyncio.run(act())


def over(session):
    return session.close_ns + storing.SETTLED_NS


def test_a_session_that_is_over_and_whole_is_stored_once(key, session, settings):
    settings.MARKET_SOURCE = "stand-in"
    hold(key, over(session))
    assert storing.store_finished() == ["NQH6 2026-03-10"]
    row = Coverage.objects.get()
    assert (row.source, row.state, row.rows, row.until_ns) == ("stand-in live", "complete", 3, session.close_ns)
    assert ingest.read_bars(row).ts.tobytes() == history.read(key).ts.tobytes()
    assert not ingest.missing(row.contract, "ohlcv-1s", [session], 2**62), "a replay downloads nothing"
    assert storing.store_finished() == []


def test_a_session_that_is_not_over_is_not_stored(key, session):
    hold(key, over(session) - 1)
    assert storing.store_finished() == []


def test_a_session_with_a_hole_is_left_to_the_vendors_history(key, session):
    hold(replace(key, since_ns=session.open_ns + SECOND_NS), over(session))
    assert storing.store_finished() == []
    assert not Coverage.objects.exists()


def test_what_history_has_stored_already_stays(key, session):
    contract = Contract.objects.get()
    Coverage.objects.create(
        contract=contract, schema="ohlcv-1s", trade_date=DAY, state="empty", rows=0, bytes=0,
        source="stand-in", until_ns=session.close_ns,
    )  # fmt: skip
    hold(key, over(session))
    assert storing.store_finished() == []
    assert Coverage.objects.get().source == "stand-in"


def test_a_live_piece_is_fetched_again_when_asked_and_stays_until_then(key, session, settings):
    settings.MARKET_SOURCE = "stand-in"
    hold(key, over(session))
    storing.store_finished()
    assert storing.ask_again(["CL"]) == 0
    assert storing.ask_again(["NQ"]) == 1
    row = Coverage.objects.get()
    assert ingest.missing(row.contract, "ohlcv-1s", [session], 2**62) == [session]
    assert len(ingest.read_bars(row)) == 3
