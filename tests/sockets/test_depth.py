"""The prints and the order book over the wire: got when asked for, shown as stored, up to the playhead."""

from datetime import date
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market import events
from market.engine.trades import Trades
from market.events import SessionEvents
from market.models import Contract, Coverage, Job
from market.sessions import parse_et
from market.tasks import get_events
from tests.conftest import People
from tests.datafiles import blank, book_rows, some_trades, trade_rows
from tests.filegateway import Records
from tests.sockets.conftest import OpenReplay, Server, Tab
from tests.sockets.test_costs import line_with
from tests.sockets.test_replay import et, ready

TICK = 250_000_000
DAY = date(2026, 3, 17)
SHOWN_PRINTS = 200


def prints_of(opening: str, seed: int) -> Trades:
    """Ten hours of prints around the entry, some ten a minute."""
    return some_trades(parse_et(opening), 6_000, price=80_700 * TICK, tick=TICK, seed=seed, step_ns=6 * 10**9)


def add_events(records: Records, trades: Trades) -> None:
    """Let the gateway have these prints of NQM6, and a book around them."""
    records.events["trades", "NQM6"] = trade_rows(trades)
    records.events["mbp-10", "NQM6"] = book_rows(trades, TICK)


@pytest.fixture
def eventful(small_market: Records, monkeypatch: pytest.MonkeyPatch) -> Records:
    """The small market with prints and a book of NQM6 on two days; no worker runs beside these tests."""
    monkeypatch.setattr(get_events, "delay", lambda job_id: None)
    days = [prints_of("2026-03-17 04:00", 7), prints_of("2026-03-18 04:00", 8)]
    add_events(small_market, Trades.concatenate(days))
    return small_market


async def got(tab: Tab, grade: str = "book") -> dict[str, Any]:
    """Ask for the session's events and do the worker's part; the first clock with the new grade."""
    await tab.send(type="events.get", grade=grade)
    await worked(tab)
    return await tab.clock(lambda clock: clock["grade"] == grade)


async def worked(tab: Tab) -> int:
    """Do the worker's part of the next job that the page is told of; the job's id."""
    job_id: int = (await tab.until("job", lambda message: message["job"] is not None))["job"]["id"]
    await database_sync_to_async(get_events)(job_id)
    return job_id


async def stored(day: date = DAY) -> SessionEvents:
    """What the store has of NQM6's session."""

    def read() -> SessionEvents:
        contract = Contract.objects.get(asset__root="NQ", raw_symbol="NQM6")
        return events.read(events.rows_of(contract.pk, day))

    found: SessionEvents = await database_sync_to_async(read)()
    return found


class Screen:
    """What a page shows after these messages."""

    def __init__(self) -> None:
        self.book: dict[str, Any] | None = None
        self.prints: list[tuple[int, int, int, str]] = []
        self.left_out = 0
        self.volumes: dict[int, int] = {}
        self.playhead = 0

    def apply(self, message: dict[str, Any]) -> "Screen":
        if message["type"] in ("snapshot", "frame"):
            self.playhead = int(message["clock"]["playhead"])
            self.book = message.get("book", self.book)
            self._print(message)
            self._trade(message)
        return self

    def _print(self, message: dict[str, Any]) -> None:
        if (told := message.get("prints")) is not None:
            rows = list(zip(map(int, told["t"]), told["p"], told["s"], told["side"], strict=True))
            self.left_out = told["left_out"] + (0 if told["reset"] else self.left_out)
            # after a gap only what follows it can be held against the store in one piece
            self.prints = rows if told["reset"] or told["left_out"] else self.prints + rows

    def _trade(self, message: dict[str, Any]) -> None:
        if (told := message.get("volumes")) is not None:
            self.volumes = {} if told["reset"] else self.volumes
            for price, lots in zip(told["p"], told["v"], strict=True):
                self.volumes[price] = self.volumes.get(price, 0) + lots


def assert_as_stored(screen: Screen, held: SessionEvents) -> None:
    """The screen shows the last prints, the volumes and the book of the store at its playhead."""
    known = held.trades[: held.trades.known_at(screen.playhead)]
    last = known[-len(screen.prints) :]
    rows = zip(
        last.ts.tolist(), (last.price // TICK).tolist(), last.size.tolist(), bytes(last.side).decode(), strict=True
    )
    assert screen.prints == list(rows)
    traded: dict[int, int] = {}
    for price, lots in zip((known.price // TICK).tolist(), known.size.tolist(), strict=True):
        traded[price] = traded.get(price, 0) + lots
    assert screen.volumes == traded
    assert held.book is not None and screen.book is not None
    there = held.book.at(screen.playhead)
    for side, levels in (("bids", there.bids), ("asks", there.asks)):
        shown = screen.book[side]
        assert [price * TICK for price in shown["p"]] == [level.price for level in levels]
        assert shown["s"] == [level.size for level in levels]
        assert shown["n"] == [level.count for level in levels]


WATCH_ALL = {"type": "watch", "book": True, "prints": True, "ladder": True}


async def seated(server: Server, opened: OpenReplay, people: People, at: str = "2026-03-17 09:30") -> Tab:
    """A tab whose panels are open."""
    tab: Tab = await ready(server, await opened(at), people.owner)
    await tab.send(**WATCH_ALL)
    return tab


def folded(tab: Tab) -> Screen:
    screen = Screen()
    for message in tab.messages:
        screen.apply(message)
    return screen


async def test_nothing_is_told_of_events_that_nobody_looks_at(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await got(tab)
    await tab.send(type="step", unit="bar", count=1, chart="main")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 09:35"))
    assert not any({"book", "prints", "volumes"} & message.keys() for message in tab.messages)


async def test_a_session_of_bars_has_no_events_until_they_are_asked_for(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await seated(server, opened, people)
    empty = await tab.until("frame", lambda message: "book" in message)
    assert (empty["book"], empty["prints"], empty["volumes"], empty["clock"]["grade"]) == (None, None, None, "bars")
    assert not any("trades" in path or "mbp" in path for path in eventful.calls)
    assert not await database_sync_to_async(Coverage.objects.filter(schema="trades").exists)()
    await got(tab)
    await tab.until("frame", lambda message: message.get("book") is not None)
    assert_as_stored(folded(tab), await stored())
    assert len(folded(tab).prints) == SHOWN_PRINTS


async def test_trades_alone_come_without_a_book(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await seated(server, opened, people)
    await got(tab, "trades")
    frame = await tab.until("frame", lambda message: message.get("prints") is not None)
    assert frame["book"] is None
    assert frame["prints"]["reset"] and len(frame["prints"]["t"]) == SHOWN_PRINTS
    assert not await database_sync_to_async(Coverage.objects.filter(schema="mbp-10").exists)()


async def test_frames_add_up_to_what_is_stored_and_to_a_fresh_snapshot(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await seated(server, opened, people)
    await got(tab)
    await tab.send(type="speed", value=100)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-17 09:33")))
    await tab.send(type="pause")
    await tab.clock(lambda clock: not clock["playing"])
    await tab.send(type="resync")
    before = folded(tab)
    fresh = Screen().apply(await tab.until("snapshot"))
    while before.playhead != fresh.playhead:
        before = folded(tab)
    assert before.left_out == 0 and len(before.prints) > SHOWN_PRINTS
    assert before.prints[-SHOWN_PRINTS:] == fresh.prints
    assert (before.book, before.volumes) == (fresh.book, fresh.volumes)
    assert_as_stored(fresh, await stored())


async def test_a_long_way_forward_leaves_prints_out_and_says_how_many(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await seated(server, opened, people)
    await got(tab)
    await tab.until("frame", lambda message: message.get("prints") is not None)
    await tab.send(type="seek", et="2026-03-17 11:00")
    frame = await tab.until("frame", lambda message: message["clock"]["playhead"] == et("2026-03-17 11:00"))
    held = await stored()
    passed = held.trades.known_at(int(et("2026-03-17 11:00"))) - held.trades.known_at(int(et("2026-03-17 09:30")))
    assert len(frame["prints"]["t"]) == SHOWN_PRINTS
    assert frame["prints"]["left_out"] == passed - SHOWN_PRINTS
    assert_as_stored(folded(tab), held)


async def test_a_step_back_takes_back_what_came_after(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await seated(server, opened, people)
    await got(tab)
    await tab.until("frame", lambda message: message.get("prints") is not None)
    await tab.send(type="step", unit="bar", count=-1, chart="main")
    frame = await tab.until("frame", lambda message: message.get("prints") is not None)
    assert frame["clock"]["playhead"] == et("2026-03-17 09:25")
    assert frame["prints"]["reset"] and frame["volumes"]["reset"]
    assert int(frame["prints"]["t"][-1]) <= int(et("2026-03-17 09:25"))
    assert_as_stored(folded(tab), await stored())


async def test_the_contract_keeps_its_own_prices_beside_a_shifted_chart(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    """Entered in NQH6's space, the 17th shows NQM6 on a shifted chart; the ladder has its true prices."""
    replay = await opened("2026-03-11 15:00")
    tab = await ready(server, replay, people.owner)
    await tab.send(type="seek", et="2026-03-17 09:30")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 09:30"))
    await tab.send(**WATCH_ALL)
    await got(tab)
    frame = await tab.until("frame", lambda message: message.get("book") is not None)
    assert frame["book"]["contract"] == frame["prints"]["contract"] == "NQM6"
    assert frame["book"]["shift"] == frame["prints"]["shift"] != 0
    assert_as_stored(folded(tab), await stored())


async def test_each_session_is_got_as_it_comes_while_that_is_switched_on(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await ready(server, await opened("2026-03-17 13:00"), people.owner)
    await tab.send(type="events.keep", grade="trades")
    first = await worked(tab)
    await tab.clock(lambda clock: clock["grade"] == "trades" and clock["keeps"] == "trades")
    await tab.until("job", lambda message: message["job"] is not None and message["job"]["id"] != first)
    job = await database_sync_to_async(lambda: Job.objects.latest("pk"))()
    assert (job.kind, job.params["first"]) == ("trades", "2026-03-18")
    await database_sync_to_async(get_events)(job.pk)
    await tab.until("job", lambda message: message["job"] is None)
    await tab.send(type="seek", et="2026-03-18 09:30")
    await tab.clock(lambda clock: clock["trade_date"] == "2026-03-18" and clock["grade"] == "trades")


async def test_a_no_to_one_ends_the_keeping(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="events.keep", grade="book")
    job = (await tab.until("job", lambda message: message["job"] is not None))["job"]
    await tab.send(type="job.cancel", job=job["id"])
    await tab.clock(lambda clock: clock["keeps"] == "bars")
    assert [message["job"] for message in tab.messages if message["type"] == "job"][-1] is None


async def test_a_dear_book_asks_first(
    server: Server, opened: OpenReplay, people: People, eventful: Records, settings: Any
) -> None:
    tab = await seated(server, opened, people)
    settings.SYNTHETIC_MARKET = False
    eventful.dollars_a_record = 0.001
    await tab.send(type="events.get", grade="book")
    await worked(tab)
    asked = (await tab.until("job", lambda message: message["job"] is not None and message["job"]["cost"]))["job"]
    assert (asked["state"], asked["kind"]) == ("asking", "order book")
    assert not await database_sync_to_async(Coverage.objects.filter(schema="trades").exists)()
    line = await line_with(tab, f"The order book of NQM6 2026-03-17 costs about {asked['cost']}.")
    assert line["job"] == asked["id"]
    await tab.send(type="job.approve", job=asked["id"], cost=asked["cost"])
    await tab.until("job", lambda message: message["job"] is not None and message["job"]["state"] == "queued")
    await database_sync_to_async(get_events)(asked["id"])
    await tab.clock(lambda clock: clock["grade"] == "book")


async def test_a_vendor_without_a_book_is_told_in_words(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    del eventful.events["mbp-10", "NQM6"]
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="events.get", grade="book")
    await worked(tab)
    line = (await tab.until("log", lambda message: message["line"]["level"] == "error"))["line"]
    assert line["text"].endswith("has no order book of GLBX.MDP3: there is no mbp-10.")
    assert tab.messages[-1]["type"] == "log" and tab.closed is None


async def test_a_session_without_a_trade_is_told_in_words(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await ready(server, await opened("2026-03-19 10:00"), people.owner)
    await tab.send(type="events.get", grade="trades")
    await worked(tab)
    line = (await tab.until("log", lambda message: message["line"]["level"] == "error"))["line"]
    assert line["text"].endswith("has no trades of NQM6 2026-03-19.")


async def test_the_exchanges_status_comes_along_where_it_is_offered(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    status = blank("status", 1)
    status["ts_recv"] = status["ts_event"] = parse_et("2026-03-17 09:00")
    eventful.events["status", "NQM6"] = status
    tab = await ready(server, await opened(), people.owner)
    await got(tab)
    rows = Coverage.objects.filter(trade_date=DAY, contract__raw_symbol="NQM6").exclude(schema="ohlcv-1s")
    found = await database_sync_to_async(lambda: dict(rows.values_list("schema", "rows")))()
    assert found == {"trades": 6_000, "mbp-10": 12_000, "status": 1}


async def test_what_is_here_is_not_got_again(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await got(tab, "trades")
    error = await tab.error(type="events.get", grade="trades", ref="mine")
    assert (error["code"], error["ref"]) == ("here_already", "mine")


async def test_an_asset_of_files_says_where_its_events_come_from(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    server.players._players[replay.pk].replay.asset.from_files = True
    error = await tab.error(type="events.get", grade="book")
    assert error["code"] == "from_files" and "Data" in error["message"]


async def test_a_second_tab_sees_the_same_events(
    server: Server, opened: OpenReplay, people: People, eventful: Records
) -> None:
    replay = await opened()
    first = await ready(server, replay, people.owner)
    await got(first)
    second = await server.open(replay.pk, people.owner)
    snapshot = await second.hello(watch={"book": True, "prints": True, "ladder": True})
    if snapshot["prints"] is None:  # it was being opened
        await second.until("frame", lambda message: message.get("prints") is not None)
    assert_as_stored(folded(second), await stored())


async def test_a_damaged_book_is_set_aside_and_can_be_got_again(
    server: Server, opened: OpenReplay, people: People, eventful: Records, settings: Any, tmp_path: Any
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await got(tab)
    settings.BOOK_ROOT = str(tmp_path / "elsewhere")
    for path in (tmp_path / "data" / "mbp-10").rglob("*.parquet"):
        path.write_bytes(path.read_bytes()[:-100])
    await tab.send(**WATCH_ALL)
    line = (await tab.until("log", lambda message: message["line"]["level"] == "error"))["line"]
    assert "set aside" in line["text"]
    await tab.clock(lambda clock: clock["grade"] == "trades")
    await got(tab)


@pytest.mark.parametrize("message", [{"type": "watch", "book": 1}, {"type": "events.get", "grade": "bars"}])
async def test_a_malformed_wish_changes_nothing(
    server: Server, opened: OpenReplay, people: People, small_market: Records, message: dict[str, Any]
) -> None:
    tab = await ready(server, await opened(), people.owner)
    assert (await tab.error(**message))["code"] == "malformed"
