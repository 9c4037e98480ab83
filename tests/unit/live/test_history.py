"""Live bars in Valkey: read back as they were written, two sessions of an asset, and gone when time goes back."""

import asyncio

import pytest
from django.core.cache import cache

from futsim.hub import Hub
from live import history, topics
from live.engine.bars import SECOND_NS
from live.engine.ledger import Ledger
from live.history import History, Position, SessionKey
from market.sessions import parse_et

pytestmark = pytest.mark.django_db

DAYS = ("2026-03-10", "2026-03-11", "2026-03-12")


def key_of(day, contract=1):
    opening = parse_et(f"{day} 00:00") - 6 * 3_600 * SECOND_NS
    return SessionKey("NQ", day, contract, "NQH6", opening, opening)


def bars_of(key, seconds):
    return [(key.open_ns + second * SECOND_NS, 1, -2, 2**62, 4, 5) for second in seconds]


@pytest.fixture(autouse=True)
def nothing_held():
    history.forget()
    history.client().delete(history.name("position"))
    yield
    history.forget()
    history.client().delete(history.name("position"))


def write(*writes):
    """(key, bars) each into its ledger, then how far it is."""

    async def act():
        held = History()
        try:
            before = [await held.begin(key) for key, _, _ in writes]
            await held.write([(key, ledger.put(bars)) for key, ledger, bars in writes], [], [], Position(7, 1))
            return before
        finally:
            await held.close()

    return asyncio.run(act())


def rows(bars):
    return list(zip(*(getattr(bars, name).tolist() for name in type(bars).COLUMNS), strict=True))


def test_bars_are_read_as_they_were_written_from_any_index_on():
    key = key_of(DAYS[0])
    bars = bars_of(key, [0, 1, 5, 80_000])
    write((key, Ledger(), bars))
    assert history.sessions("NQ") == [key]
    assert rows(history.read(key)) == bars
    assert rows(history.read(key, 3)) == bars[3:]
    assert not len(history.read(key, 4))
    assert history.position() == Position(7, 1)


def test_emptying_the_cache_leaves_what_live_holds():
    key = key_of(DAYS[0])
    write((key, Ledger(), bars_of(key, [0, 1, 5])))
    cache.clear()
    assert len(history.read(key)) == 3


def test_writing_the_same_again_or_amending_leaves_each_bar_once():
    key, ledger = key_of(DAYS[0]), Ledger()
    write((key, ledger, bars_of(key, [0, 1, 5])))
    write((key, ledger, bars_of(key, [3])))
    assert rows(history.read(key)) == bars_of(key, [0, 1, 3, 5])


def test_a_ledger_goes_on_from_what_is_held():
    key = key_of(DAYS[0])
    write((key, Ledger(), bars_of(key, range(1_000))))
    ledger = history.ledger(key)
    assert ledger.count == 1_000
    assert ledger.put(bars_of(key, [998, 999])) is None
    assert ledger.put(bars_of(key, [1_000])).index == 1_000


def test_only_the_current_and_the_last_session_are_held():
    keys = [key_of(day, contract) for contract, day in enumerate(DAYS)]
    before = [write((key, Ledger(), bars_of(key, [0])))[0] for key in keys]
    assert before == [None, *keys[:2]]
    assert history.sessions("NQ") == keys[1:]
    assert not len(history.read(keys[0]))


def test_when_time_goes_back_everything_goes():
    key = key_of(DAYS[0])
    write((key, Ledger(), bars_of(key, [0])))
    history.forget()
    assert history.sessions("NQ") == []
    assert not len(history.read(key))


def test_what_is_told_with_the_bars_is_heard_once_they_are_held():
    key = key_of(DAYS[0])
    body = topics.roll_body(key, key)

    async def act():
        held, hub, heard = History(), Hub(), asyncio.Queue()
        try:
            await hub.subscribe(topics.bars("NQ"), lambda each: heard.put_nowait((each, len(history.read(key)))))
            await held.begin(key)
            put = Ledger().put(bars_of(key, range(3)))
            await held.write([(key, put)], [], [], Position(7, 1), [topics.packed(topics.bars("NQ"), body)])
            async with asyncio.timeout(10):
                return await heard.get()
        finally:
            await hub.stop()
            await held.close()

    assert asyncio.run(act()) == (body, 3)
