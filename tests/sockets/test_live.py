"""The live WebSocket: bars in order, without a hole, none twice, whatever is lost between the feed and the page."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.db import database_sync_to_async

from live import history
from market.models import Asset, Contract, Coverage
from market.schemas import SECONDS
from market.sessions import SECOND_NS
from tests.conftest import People
from tests.sockets.conftest import Message, Server, Tab
from tests.telling import TICK, Telling, forget
from workspace.viewer import UNACKED_LIMIT

pytestmark = pytest.mark.usefixtures("assets")

YESTERDAY, TODAY, TOMORROW = "2026-03-10", "2026-03-11", "2026-03-12"


@pytest.fixture
async def feed(transactional_db: None, assets: None) -> AsyncIterator[Telling]:
    """NQ: a session that is over and one that is half a minute old, of the same contract."""
    await database_sync_to_async(forget)()
    told = Telling()
    for day in (YESTERDAY, TODAY):
        await database_sync_to_async(told.begin_at)(day, "NQH6")
        await told.begin()
        await told.close(*(told.bar(second, 80_000 + second) for second in range(0, 30, 2)))
    yield told
    await told.stop()
    await database_sync_to_async(forget)()


class Chart:
    """A page's chart, made of the messages as static/js/net/feed.js makes it; it notices what is out of order."""

    def __init__(self, body: Message) -> None:
        self.unit = body["unit"]
        self.bars = dict(zip(body["bars"]["t"], rows(body["bars"]), strict=True))
        self.marks = body["marks"]
        assert list(self.bars) == sorted(self.bars)

    def take(self, message: Message) -> None:
        if message["type"] in ("snapshot", "chart"):
            body = message["charts"][0] if message["type"] == "snapshot" else message
            self.__init__(body)  # type: ignore[misc]
            return
        for change in message.get("charts", []):
            self.bars |= dict(zip(change["bars"]["t"], rows(change["bars"]), strict=True))
            assert list(change["bars"]["t"]) == sorted(set(change["bars"]["t"]))
        self.bars = dict(sorted(self.bars.items()))


def rows(columns: dict[str, list[int]]) -> list[tuple[int, ...]]:
    return list(zip(*(columns[name] for name in "tohlcv"), strict=True))


async def open_page(server: Server, user: Any, timeframe: str = "1m", root: str = "NQ") -> tuple[Tab, Message]:
    """A page on live, and its first snapshot with bars."""
    tab = await server.connect("/ws/live/", user)
    await tab.send(type="hello", root=root, charts=[{"chart": "main", "timeframe": timeframe}])
    snapshot = await tab.until("snapshot", lambda message: bool(message["charts"]))
    return tab, snapshot


async def chart_when(tab: Tab, chart: Chart, that: Any) -> None:
    """Reads on until the chart fulfils a condition."""
    async with asyncio.timeout(20):
        while not that(chart):
            chart.take(await tab.next())


def newest(chart: Chart) -> tuple[int, ...]:
    return list(chart.bars.values())[-1]


async def test_a_page_begins_with_two_sessions_and_follows_each_second(server: Server, people: People, feed: Telling):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    assert snapshot["session"]["state"] == "ready"
    assert snapshot["session"]["entry_contract"] == "NQH6"
    assert snapshot["clock"]["trade_date"] == TODAY
    assert [row[1:] for row in chart.bars.values()] == [(80_000, 80_030, 79_999, 80_028, 75)] * 2
    await feed.form(feed.bar(30, 80_100, 1))
    await chart_when(tab, chart, lambda seen: newest(seen)[5] == 76)
    await feed.close(feed.bar(30, 80_100, 2))
    await feed.close(feed.bar(60, 79_000))
    await chart_when(tab, chart, lambda seen: len(seen.bars) == 3)
    assert [row[4:] for row in chart.bars.values()] == [(80_028, 75), (80_100, 77), (79_000, 5)]
    frames = [message for message in tab.messages if message["type"] == "frame"]
    assert frames[-1]["last"]["price"] == str(79_000 * TICK)


async def test_the_session_before_stands_in_the_prices_of_todays_contract(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    await database_sync_to_async(feed.begin_at)(TOMORROW, "NQM6", 2)
    await feed.begin()
    await feed.close(feed.bar(0, 81_000))
    first = await tab.until("snapshot", lambda message: message["session"]["entry_contract"] == "NQM6")
    mark = first["charts"][0]["marks"][0]
    assert (mark["from"], mark["to"], mark["complete"], mark["kind"]) == ("NQH6", "NQM6", False, "live")
    assert Chart(first["charts"][0]).bars.popitem()[1][4] == 81_000
    await feed.spread(1_000 * TICK)
    redrawn = await tab.until("chart", lambda message: message["marks"][0]["complete"])
    closes = [row[4] for row in Chart(redrawn).bars.values()]
    assert closes == [80_028 + 1_000, 81_000]
    assert redrawn["marks"][0]["spread"] == 1_000 * TICK
    told = [message["line"]["text"] for message in tab.messages if message["type"] == "log"]
    assert told[0] == "The front month is NQM6 from here on, before NQH6."


async def test_a_late_print_changes_its_bar_on_the_page(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(feed.bar(70, 80_050))
    await chart_when(tab, chart, lambda seen: len(seen.bars) == 3)
    await feed.close(feed.bar(4, 90_000, 50))
    await chart_when(tab, chart, lambda seen: list(seen.bars.values())[1][2] == 90_002)
    _, fresh = await open_page(server, people.owner)
    assert chart.bars == Chart(fresh["charts"][0]).bars


async def test_a_second_that_closes_once_the_next_bar_has_begun_is_in_its_bar_on_the_page(server, people, feed):
    """The feed tells the newest second that has not closed; the one before it closes a moment later."""
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.form(feed.bar(59, 80_050))
    await chart_when(tab, chart, lambda seen: newest(seen)[4] == 80_050)
    await feed.form(feed.bar(60, 80_060))
    await chart_when(tab, chart, lambda seen: len(seen.bars) == 3)
    await feed.close(feed.bar(59, 80_051, 7), forming=feed.bar(60, 80_060, 6))
    await chart_when(tab, chart, lambda seen: newest(seen)[5] == 6)
    _, fresh = await open_page(server, people.owner)
    assert chart.bars == Chart(fresh["charts"][0]).bars
    assert list(chart.bars.values())[1][4:] == (80_051, 75 + 7)


async def test_what_was_amended_among_more_bars_than_a_message_carries_is_read_from_the_history(server, people, feed):
    """As when a feed that was away for minutes corrects the second in which it had been killed."""
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(feed.bar(28, 80_500, 9), *(feed.bar(second) for second in range(100, 500)))
    await chart_when(tab, chart, lambda seen: sum(row[5] for row in seen.bars.values()) == 2 * 75 + 4 + 400 * 5)
    assert list(chart.bars.values())[1][4] == 80_500


async def test_a_feed_that_catches_up_moves_the_clock_by_what_it_has_told_only(server, people, feed):
    """Its state is minutes ahead of its bars then, and a bar whose prints are to come is not over."""
    tab, _ = await open_page(server, people.owner)
    told = feed.market_ns
    await feed.tell_state(feed="replaying", market_ns=told + 100 * SECOND_NS)
    frame = await tab.until("frame", lambda message: message.get("feed", {}).get("feed") == "replaying")
    assert int(frame["clock"]["playhead"]) <= told
    await feed.tell_state(market_ns=told + 100 * SECOND_NS)
    await tab.until("frame", lambda message: int(message["clock"]["playhead"]) == told + 100 * SECOND_NS)


async def test_a_message_that_was_lost_is_noticed_by_the_next(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(feed.bar(40, 80_040), told=False)
    await feed.close(feed.bar(41, 80_041))
    await chart_when(tab, chart, lambda seen: newest(seen)[5] == 75 + 10)


async def test_a_message_that_was_lost_is_noticed_by_the_state_where_no_other_follows(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(feed.bar(40, 80_040), told=False)
    for _ in range(2):
        await feed.tell_state()
    await chart_when(tab, chart, lambda seen: newest(seen)[5] == 80)


async def test_what_was_told_while_valkey_did_not_take_the_subscription_is_noticed_by_the_state(
    server, people, feed, monkeypatch
):
    async def refuse(channel: str) -> None:
        monkeypatch.undo()
        raise OSError("slow")

    monkeypatch.setattr(server.hub, "_align", refuse)
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(feed.bar(40, 80_040))
    await asyncio.sleep(1.0)
    for _ in range(2):
        await feed.tell_state()
    await chart_when(tab, chart, lambda seen: newest(seen)[5] == 80)


async def test_more_bars_than_a_message_carries_are_read_from_the_history(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    await feed.close(*(feed.bar(second) for second in range(100, 500)))
    assert len(history.read(feed.key)) == 415
    await chart_when(tab, chart, lambda seen: sum(row[5] for row in seen.bars.values()) == 2 * 75 + 400 * 5)


async def test_a_market_whose_time_goes_back_begins_anew(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    await database_sync_to_async(history.forget)()
    feed.epoch += 1
    feed.market_ns = 0
    await database_sync_to_async(feed.begin_at)("2026-03-04", "NQH6")
    await feed.begin()
    await feed.close(feed.bar(10, 70_000))
    message = await tab.until("chart", lambda message: message["clock"]["trade_date"] == "2026-03-04")
    assert [row[4] for row in Chart(message).bars.values()] == [70_000]


async def test_whatever_happens_a_page_ends_with_what_a_fresh_one_sees(server, people, feed):
    """Prints, lost messages, late prints, repeats after a restart, dropped lines, in any order."""
    rng = random.Random(11)
    tab, snapshot = await open_page(server, people.owner)
    chart, second = Chart(snapshot["charts"][0]), 30
    for _ in range(120):
        second += rng.choice((1, 1, 1, 2, 9))
        kind = rng.choice(("close", "close", "form", "lost", "late", "repeat", "reconnect", "state"))
        price = 80_000 + rng.randrange(-50, 50)
        if kind == "form":
            await feed.form(feed.bar(second, price))
        elif kind == "late":
            await feed.close(feed.bar(second - rng.randrange(3, 60), price, rng.randrange(1, 90)))
        elif kind == "repeat":
            tail = feed.ledger._tail[-rng.randrange(1, 20) :]
            await feed.tell(feed.ledger.count - len(tail), tail)
        elif kind == "reconnect":
            await tab.wire.disconnect()
            tab, snapshot = await open_page(server, people.owner)
            chart = Chart(snapshot["charts"][0])
        elif kind == "state":
            await feed.tell_state()
        else:
            await feed.close(feed.bar(second, price, rng.randrange(1, 90)), told=kind == "close")
    last = feed.bar(second + 100, 80_000)
    await feed.close(last)
    # a page that is opened before this one is told may be shown less than this one
    await chart_when(tab, chart, lambda seen: newest(seen)[0] == last[0] // SECOND_NS // 60 * 60)
    _, fresh = await open_page(server, people.owner)
    wanted = Chart(fresh["charts"][0]).bars
    assert chart.bars == wanted
    held = history.read(feed.key)
    assert sum(row[5] for row in wanted.values()) == 75 + int(held.volume.sum())


async def test_another_asset_is_shown_in_the_same_charts_and_the_first_one_no_more(server, people, feed):
    oil = Telling("CL")
    await database_sync_to_async(oil.begin_at)(TODAY, "CLJ6", 3)
    await oil.begin()
    await oil.close(oil.bar(0, 300))
    tab, _ = await open_page(server, people.owner)
    await tab.send(type="show", root="CL")
    shown = await tab.until("snapshot", lambda message: message["session"]["root"] == "CL" and message["charts"])
    assert [row[4:] for row in Chart(shown["charts"][0]).bars.values()] == [(300 * TICK // oil_tick(shown), 5)]
    await feed.close(feed.bar(33, 1))
    await oil.close(oil.bar(61, 301))
    # where Valkey was slow to take the subscription, this is how the page comes by what was told meanwhile
    for _ in range(2):
        await oil.tell_state()
    frame = await tab.until("frame", lambda message: bool(message["charts"]))
    assert frame["clock"]["contract"] == "CLJ6"
    assert frame["charts"][0]["bars"]["t"][-1] == (oil.key.open_ns + 60 * 10**9) // 10**9
    await oil.stop()


def oil_tick(shown: Message) -> int:
    unit: int = shown["charts"][0]["unit"]
    return unit


async def test_a_slow_browser_gets_fewer_frames_and_then_all_that_it_missed_in_one(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    chart = Chart(snapshot["charts"][0])
    tab.acks = False
    for second in range(100, 200):
        await feed.close(feed.bar(second))
        await asyncio.sleep(0.01)
    while not await tab.wire.receive_nothing(timeout=0.5):
        chart.take(await tab.next())
    assert len(tab.messages) <= UNACKED_LIMIT + 2
    before = len(tab.messages)
    tab.acks = True
    await tab.send(type="ack", seq=tab.messages[-1]["seq"])
    await chart_when(tab, chart, lambda seen: sum(row[5] for row in seen.bars.values()) == 2 * 75 + 500)
    assert len(tab.messages) - before <= 3


async def test_a_page_hears_that_the_feed_has_died_and_that_it_is_back(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    await feed.tell_state()
    await tab.until("frame", lambda message: message.get("feed", {}).get("feed") == "live")
    await feed.tell_state(feed="no feed", words="There is no feed: silence for 15 s; killed.")
    told = await tab.until("frame", lambda message: message.get("feed", {}).get("feed") == "no feed")
    assert told["feed"]["words"].endswith("killed.")
    await feed.tell_state()
    await tab.until("frame", lambda message: message.get("feed", {}).get("feed") == "live")


async def test_a_page_of_a_closed_market_shows_the_last_print_of_before(server, people, feed):
    tab, snapshot = await open_page(server, people.owner)
    assert snapshot.get("last") is None
    last = [feed.market_ns, 80_028 * TICK, 5, "B"]
    asset = {"symbol": "NQH6", "trade_date": TODAY, "bars": feed.ledger.count, "is_open": False, "last": last}
    await feed.tell_state(assets={"NQ": asset})
    told = await tab.until("frame", lambda message: bool(message.get("last")))
    assert told["last"] == {"t": str(feed.market_ns), "price": str(80_028 * TICK), "size": 5, "side": "B"}


async def test_a_supervisor_that_tells_nothing_any_more_is_no_feed(server, people, feed, monkeypatch):
    monkeypatch.setattr("live.engine.standing.STALE_NS", 300_000_000)
    tab, _ = await open_page(server, people.owner)
    await feed.tell_state()
    told = await tab.until("frame", lambda message: message.get("feed", {}).get("feed") == "off")
    assert "does not run" in told["feed"]["words"]


async def test_the_board_has_every_asset_that_live_follows(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    await tab.send(type="board", on=True)

    def rows(message: Any) -> dict[str, Any]:
        return {row["root"]: row for row in message["board"]["rows"]}

    told = rows(await tab.until("board", lambda message: bool(rows(message).get("NQ", {}).get("cells"))))
    assert len(told) == 19
    assert (told["CL"]["state"], told["CL"]["cells"]) == ("silent", {})
    assert set(told["NQ"]["cells"]) == {"1m", "5m", "15m", "30m", "1h", "90m", "3h", "4h", "1D"}


async def test_the_session_that_is_over_is_offered_for_replay_once_it_is_stored(server, people, feed, monkeypatch):
    monkeypatch.setattr("live.screen.STORED_SECONDS", 0.1)
    tab, _ = await open_page(server, people.owner)
    told = await tab.until("frame", lambda message: bool(message.get("feed", {}).get("over")))
    assert told["feed"]["over"] == {"trade_date": YESTERDAY, "entry": f"{YESTERDAY} 09:30", "stored": False}
    nq = await Asset.objects.aget(root="NQ")
    june = await Contract.objects.acreate(asset=nq, year=2026, month=6, raw_symbol="NQM6")
    await Coverage.objects.acreate(
        contract=june,
        schema=SECONDS.name,
        trade_date=YESTERDAY,
        state="complete",
        rows=30,
        bytes=1,
        checksum="a",
        until_ns=1,
    )
    await tab.until("frame", lambda message: message.get("feed", {}).get("over", {}).get("stored"))


async def test_an_asset_without_bars_is_shown_as_waiting_and_appears_by_itself(server, people, feed):
    tab = await server.connect("/ws/live/", people.owner)
    await tab.send(type="hello", root="GC", charts=[{"chart": "main", "timeframe": "5m"}])
    assert (await tab.until("snapshot"))["session"]["state"] == "loading"
    gold = Telling("GC")
    await database_sync_to_async(gold.begin_at)(TODAY, "GCJ6", 4)
    await gold.begin()
    await gold.close(gold.bar(0))
    for _ in range(2):
        await gold.tell_state()
    await tab.until("snapshot", lambda message: message["session"]["state"] == "ready")
    await gold.stop()


async def test_an_asset_without_bars_shows_no_price_of_the_asset_before(server, people, feed):
    tab = await server.connect("/ws/live/", people.owner)
    await tab.send(type="hello", root="NQ", charts=[{"chart": "main", "timeframe": "5m"}])
    await tab.until("snapshot")
    await tab.send(type="show", root="GC")
    told = await tab.until("snapshot", lambda message: message["session"]["root"] == "GC")
    assert (told["charts"], told["last"]) == ([], None)


async def test_nobody_sees_live_without_a_login(server):
    tab = await server.connect("/ws/live/")
    assert (await tab.next())["type"] == "close"
    assert tab.closed == 4401


async def test_a_login_that_ends_closes_the_page(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    await database_sync_to_async(tab.client.logout)()
    while tab.closed is None:
        await tab.next()
    assert tab.closed == 4401


async def test_what_live_does_not_have_is_refused_and_the_page_goes_on(server, people, feed):
    tab, _ = await open_page(server, people.owner)
    assert (await tab.error(type="show", root="ES9"))["code"] == "no_such_asset"
    assert (await tab.error(type="show", root="x" * 13))["code"] == "malformed"
    assert (await tab.error(type="play"))["code"] == "malformed"
    assert (await tab.error(type="hello", root="NQ", charts=[]))["code"] == "hello_again"
    await database_sync_to_async(Asset.objects.filter(root="CL").update)(is_active=False)
    assert (await tab.error(type="show", root="CL"))["code"] == "no_such_asset"
    await feed.close(feed.bar(31))
    await tab.until("frame", lambda message: bool(message["charts"]))


async def test_a_colleague_cannot_answer_what_somebody_elses_lookback_costs(server, people, feed):
    from market.models import Job

    job = await Job.objects.acreate(kind="ranks", asked_by=people.owner, state=Job.State.ASKING)
    tab, _ = await open_page(server, people.colleague)
    refused = await tab.error(type="job.cancel", job=job.pk)
    assert refused["code"] == "no_such_job"
    await job.arefresh_from_db()
    assert job.state == Job.State.ASKING
