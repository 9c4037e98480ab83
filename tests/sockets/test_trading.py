"""Orders over the wire: acknowledged is committed, shown is committed, and all of it comes back."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market import tapes
from market.models import Contract, Job
from market.sessions import parse_et
from market.tasks import get_events
from replay.models import ReplaySession
from tests.conftest import People
from tests.sockets.conftest import PATIENCE, Message, OpenReplay, Server, Tab
from tests.sockets.test_replay import et, ready
from trading import desk
from trading.models import EventRecord, FillRecord, LoggedCommand, OrderRecord, Take
from trading.record import identity

Orders = dict[str, dict[str, Any]]


def merged(known: Orders, message: Message) -> Orders:
    """The orders known after a message, by id."""
    if "trading" not in message:
        return known
    trading = message["trading"]
    return ({} if trading["reset"] else known) | {order["id"]: order for order in trading["orders"]}


def orders_of(tab: Tab) -> Orders:
    """The orders that a page knows by now."""
    known: Orders = {}
    for message in tab.messages:
        known = merged(known, message)
    return known


async def orders(tab: Tab, that: Callable[[Orders], bool]) -> Orders:
    """Read on until the orders known fulfil `that`."""
    async with asyncio.timeout(PATIENCE * 2):
        while not that(orders_of(tab)):
            await tab.next()
    return orders_of(tab)


def money_of(tab: Tab) -> dict[str, Any]:
    """Positions and account as a page was told last."""
    money: dict[str, Any] = [message["money"] for message in tab.messages if "money" in message][-1]
    return money


def clock_of(tab: Tab) -> dict[str, Any]:
    """The clock as a page was told last."""
    clock: dict[str, Any] = [message["clock"] for message in tab.messages if "clock" in message][-1]
    return clock


async def give(tab: Tab, kind: str, name: str, **fields: Any) -> None:
    """Send a command of the broker and wait for its acknowledgement."""
    await tab.send(type=kind, id=name, ref=name, **fields)
    await tab.until("done", lambda message: message["ref"] == name)


async def submit(tab: Tab, name: str, side: str = "buy", quantity: int = 1, **fields: Any) -> None:
    await give(tab, "order.submit", name, order={"side": side, "quantity": quantity} | fields)


async def play(tab: Tab, until: Callable[[Orders], bool], speed: float | str = 200) -> Orders:
    """Let the market run until the orders fulfil `until`, and stop it."""
    await tab.send(type="speed", value=speed)
    await tab.send(type="play")
    found = await orders(tab, until)
    await tab.send(type="pause")
    await tab.clock(lambda clock: not clock["playing"])
    return found


def has(name: str, *status: str) -> Callable[[Orders], bool]:
    return lambda known: known.get(name, {}).get("status") in status


@database_sync_to_async
def rows(model: Any) -> list[Any]:
    return list(model.objects.order_by("pk"))


@pytest.fixture
async def replay(opened: OpenReplay) -> ReplaySession:
    return await opened()


@pytest.fixture
async def tab(server: Server, replay: ReplaySession, people: People) -> Tab:
    page: Tab = await ready(server, replay, people.owner)
    return page


# --- the record ---


async def test_an_order_is_on_record_when_it_is_acknowledged_and_filled_when_it_is_shown(tab: Tab) -> None:
    await submit(tab, "one", "buy", 2)
    assert [(row.kind, row.name, row.seq) for row in await rows(LoggedCommand)] == [("submit", "one", 1)]
    assert (await orders(tab, has("one", "pending")))["one"]["origin"] == "ticket"
    await play(tab, has("one", "filled"))
    fills = await rows(FillRecord)
    assert sum(fill.quantity for fill in fills) == 2
    assert "the worse end of the bar of " in fills[0].text
    assert (await rows(OrderRecord))[0].status == "filled"
    assert money_of(tab)["positions"][0]["quantity"] == 2


async def test_the_same_id_a_second_time_does_nothing(tab: Tab) -> None:
    await submit(tab, "one")
    await submit(tab, "one")
    await submit(tab, "one", "sell", 9)
    assert len(await rows(LoggedCommand)) == 1
    await play(tab, has("one", "filled"))
    assert money_of(tab)["positions"][0]["quantity"] == 1


async def test_orders_fills_and_money_come_back_with_the_page_and_with_another_server(
    tab: Tab, server: Server, replay: ReplaySession, people: People
) -> None:
    await submit(tab, "one", "buy", 2, exits={"targets": [{"ticks": 4000}], "stop": 4000})
    await play(tab, has("one", "filled"))
    await submit(tab, "rest", "buy", 1, type="limit", limit=70_000, tif="gtc")
    known, money = await orders(tab, has("rest", "pending")), money_of(tab)
    assert {order["status"] for name, order in known.items() if order["exit"]} == {"working"}

    again = await ready(server, replay, people.owner)
    assert (orders_of(again), money_of(again)) == (known, money)

    await server.stop()
    other = Server()
    try:
        later = await ready(other, replay, people.owner)
        await later.until("frame", lambda message: "trading" in message)
        assert (orders_of(later), money_of(later)) == (known, money)
        await play(later, has("rest", "working"))
    finally:
        await other.stop()
    assert len(await rows(LoggedCommand)) == 2
    assert [row.number for row in await rows(EventRecord)] == list(range(1, 1 + len(await rows(EventRecord))))


async def test_snapshot_and_frames_make_what_a_fresh_snapshot_shows(
    tab: Tab, server: Server, replay: ReplaySession, people: People
) -> None:
    await submit(tab, "in", "buy", 2, exits={"targets": [{"ticks": 8, "quantity": 1}, {"ticks": 4000}], "stop": 4000})
    await play(tab, has("in.target1", "filled"), speed=1000)
    await give(tab, "order.replace", "move", order="in.stop3", stop=70_000)
    await give(tab, "order.cancel", "no", order="in.target2")
    known = await play(tab, has("in.target2", "cancelled"), speed=1000)
    assert known["in.stop3"]["stop"] == 70_000
    fresh = await ready(server, replay, people.owner)
    assert orders_of(fresh) == orders_of(tab)
    assert money_of(fresh) == money_of(tab)


async def test_an_order_says_when_a_change_of_it_could_not_be_made(tab: Tab) -> None:
    await submit(tab, "one", type="limit", limit=70_000)
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, has("one", "working"))
    assert not known["one"]["refused"]
    await give(tab, "order.replace", "two", order="one", stop=70_000)
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, lambda known: known["one"]["refused"])
    assert (known["one"]["limit"], known["one"]["text"]) == (70_000, "this limit order has no stop price to change")
    await give(tab, "order.replace", "three", order="one", limit=70_001)
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, lambda known: known["one"]["limit"] == 70_001)
    assert not known["one"]["refused"]


# --- going back ---


async def test_going_back_begins_another_take_and_what_came_after_stays_on_record(tab: Tab) -> None:
    await submit(tab, "one", "buy", 2)
    await play(tab, has("one", "filled"))
    await tab.send(type="seek", et="2026-03-17 09:30")
    await orders(tab, lambda known: known.get("one", {}).get("status") == "pending")
    assert clock_of(tab)["playhead"] == et("2026-03-17 09:30")
    take = (await rows(Take))[-1]
    assert (take.number, take.inherited_commands, take.inherited_fills) == (2, 1, 0)
    assert len(await rows(FillRecord)) == 1

    await give(tab, "order.cancel", "no", order="one")
    await play(tab, has("one", "cancelled", "filled"))
    assert [(row.take.number, row.name) for row in await database_sync_to_async(
        lambda: list(LoggedCommand.objects.select_related("take").order_by("pk"))
    )()] == [(1, "one"), (2, "no")]  # fmt: skip


async def test_going_back_before_everything_is_a_clean_start(tab: Tab) -> None:
    await submit(tab, "one", "buy", 2)
    await play(tab, has("one", "filled"))
    await tab.send(type="seek", et="2026-03-16 10:00")
    await orders(tab, lambda known: known == {})
    assert money_of(tab)["positions"] == []
    await submit(tab, "two", "sell", 1)
    await play(tab, has("two", "filled"))
    takes = await rows(Take)
    assert [take.number for take in takes] == [1, 2]
    assert takes[1].start_ns < takes[0].start_ns
    assert money_of(tab)["positions"][0]["quantity"] == -1


async def test_going_back_without_anything_after_it_is_no_take(tab: Tab) -> None:
    await submit(tab, "one", "buy", 2)
    await play(tab, has("one", "filled"))
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    ahead = await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-17 11:00")))
    await tab.send(type="seek", et="2026-03-17 10:59")
    await tab.clock(lambda clock: int(clock["playhead"]) < int(ahead["playhead"]))
    await tab.send(type="step", unit="second", count=1)
    assert len(await rows(Take)) == 1
    assert money_of(tab)["positions"][0]["quantity"] == 2


async def test_the_speed_does_not_matter(server: Server, opened: OpenReplay, people: People) -> None:
    until = int(et("2026-03-17 10:00"))
    outcomes = []
    for speed in (200, 1000, "max"):
        page: Tab = await ready(server, await opened(), people.owner)
        await submit(page, "in", "buy", 2, exits={"targets": [{"ticks": 6}], "stop": 6})
        await submit(page, "dip", "buy", 1, type="limit", limit=80_690)
        await page.send(type="speed", value=speed)
        await page.send(type="play")
        await page.clock(lambda clock: int(clock["playhead"]) > until)
        session = page.messages[0]["session"]["id"]
        fills = FillRecord.objects.filter(take__session__replay=session, ns__lte=until).order_by("number")
        outcomes.append(await database_sync_to_async(lambda fills=fills: [identity(fill) for fill in fills])())
    assert len(outcomes[0]) >= 2
    assert outcomes[0] == outcomes[1] == outcomes[2]


# --- sessions and rolls ---


async def test_a_position_lives_on_in_its_own_contract_after_the_roll(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab: Tab = await ready(server, await opened("2026-03-11 15:00"), people.owner)
    await submit(tab, "in", "buy", 2)
    await play(tab, has("in", "filled"))
    assert money_of(tab)["positions"][0]["contract"] == "NQH6"
    await tab.send(type="speed", value="max")
    await tab.send(type="play")
    # the roll's own session is here, for its spread; the one after it is fetched
    job: Message = await tab.until("job", lambda message: message["job"] is not None)
    assert job["job"]["kind"] == "seconds"
    while clock_of(tab)["playing"]:
        await tab.next()
    assert clock_of(tab)["contract"] == "NQM6"
    await database_sync_to_async(get_events)(job["job"]["id"])
    await tab.until("job", lambda message: message["job"] is None)
    await tab.send(type="play")
    await tab.clock(lambda clock: clock["trade_date"] == "2026-03-13")
    await submit(tab, "new", "buy", 1)
    await give(tab, "flatten", "out", contract="NQH6")
    await play(tab, lambda known: any(known[name]["status"] == "filled" for name in known if name.startswith("out")))
    held = {position["contract"]: position["quantity"] for position in money_of(tab)["positions"]}
    assert held == {"NQH6": 0, "NQM6": 1}
    assert await database_sync_to_async(Job.objects.filter(kind="seconds").count)() >= 1


async def test_what_is_held_of_a_contract_that_expires_is_settled_and_the_replay_goes_on(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab: Tab = await ready(server, await opened("2026-03-11 15:00"), people.owner)
    expiring = Contract.objects.filter(raw_symbol="NQH6")
    await database_sync_to_async(expiring.update)(last_trade_date=date(2026, 3, 12))
    await submit(tab, "in", "buy", 2)
    await submit(tab, "gtc", "buy", 1, type="limit", limit=70_000, tif="gtc")
    await play(tab, has("in", "filled"))
    await tab.send(type="speed", value="max")
    await tab.send(type="play")
    await tab.clock(lambda clock: clock["trade_date"] == "2026-03-13")
    # the session after the last one is not asked for
    assert not await database_sync_to_async(Job.objects.filter(kind="seconds").exists)()
    known = await orders(tab, has("gtc", "cancelled"))
    assert (known["gtc"]["reason"], known["gtc"]["text"]) == ("expired", "NQH6 has expired")
    *bought, settled = await rows(FillRecord)
    close = parse_et("2026-03-12 17:00")
    assert (settled.side, settled.quantity, settled.ns, settled.contract) == (-1, 2, close, "NQH6")
    last = await database_sync_to_async(last_close)("NQH6", date(2026, 3, 12))
    assert (settled.price, settled.why["reason"]) == (last, "expired")
    assert settled.text.endswith("NQH6 expired, what was held is settled at its last price.")
    shown = [fill["text"] for message in tab.messages for fill in message.get("trading", {}).get("fills", [])]
    assert settled.text in shown
    assert money_of(tab)["positions"][0]["quantity"] == 0
    assert sum(fill.quantity for fill in bought) == 2


def last_close(symbol: str, trade_date: date) -> int:
    """The last price that is stored of a session, 1e-9 units."""
    contract = Contract.objects.select_related("asset").get(raw_symbol=symbol)
    session = contract.asset.sessions.session(trade_date)
    assert session is not None
    piece = tapes.stored_piece(contract, session, "ohlcv-1s")
    assert piece is not None
    return int(piece.stored.close[-1])


async def test_a_jump_beyond_what_is_loaded_is_refused_while_something_is_held(tab: Tab) -> None:
    await submit(tab, "in", "buy", 2)
    refused = await tab.error(type="seek", et="2026-04-20 10:00", ref="far")
    assert (refused["code"], refused["ref"]) == ("holding", "far")


# --- what is refused ---

GOOD: dict[str, Any] = {"side": "buy", "quantity": 1}


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"quantity": 0}, ">= 1"),
        ({"quantity": 1.5}, "int"),
        ({"quantity": 10**7}, "<= 1000000"),
        ({"side": "long"}, "side"),
        ({"type": "magic"}, "type"),
        ({"type": "limit"}, "has a limit"),
        ({"limit": 80_000}, "has no limit"),
        ({"type": "stop", "limit": 5, "stop": 5}, "has no limit"),
        ({"type": "trailing_stop"}, "has an offset"),
        ({"type": "limit", "limit": 10**12}, "limit"),
        ({"tif": "forever"}, "tif"),
        ({"post_only": True}, "post-only"),
        ({"exits": {"stop": 0}}, ">= 1"),
        ({"exits": {"trail": {"trigger": 1, "distance": 1}}}, "give one"),
        ({"exits": {"targets": [{"ticks": 1}, {"ticks": 2}]}}, "Only the last target"),
        ({"triggers": [GOOD] * 6}, "<= 5"),
        ({"contract": ""}, "contract"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_bad_order_is_refused_in_words_and_changes_nothing(tab: Tab, order: dict[str, Any], words: str) -> None:
    refused = await tab.error(type="order.submit", id="bad", order=GOOD | order, ref="bad")
    assert words in refused["message"]
    assert refused["ref"] == "bad"
    assert await rows(LoggedCommand) == []
    await submit(tab, "bad")


@pytest.mark.parametrize("name", ["", "with.dot", "x" * 41, "a b", 7])
async def test_a_bad_id_is_refused(tab: Tab, name: Any) -> None:
    await tab.error(type="order.submit", id=name, order=GOOD)
    assert await rows(LoggedCommand) == []


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"type": "order.cancel", "order": "nobody"}, "there is no order nobody"),
        ({"type": "order.replace", "order": "nobody", "quantity": 2}, "there is no order nobody"),
        ({"type": "reverse"}, "there is no position"),
        ({"type": "position.close", "quantity": 3}, "there is no position"),
        ({"type": "flatten", "contract": "ZZZ9"}, "there is no position in ZZZ9"),
        ({"type": "locate", "shares": 100}, "needs no locate"),
        ({"type": "unlock", "reason": "why not"}, "is not locked"),
    ],
)
async def test_what_cannot_be_done_is_said(tab: Tab, message: dict[str, Any], words: str) -> None:
    await tab.send(id="odd", ref="odd", **message)
    await tab.until("done", lambda found: found["ref"] == "odd")
    await tab.send(type="speed", value=100)
    await tab.send(type="play")
    told = [found["line"]["text"] for found in tab.messages if found["type"] == "log"]
    if not any(words in text for text in told):
        await tab.until("log", lambda found: words in found["line"]["text"])
    assert [row.name for row in await rows(LoggedCommand)] == ["odd"]
    assert await rows(FillRecord) == []


async def test_an_order_in_an_unknown_contract_is_rejected_and_the_replay_goes_on(tab: Tab) -> None:
    await submit(tab, "odd", contract="ZZZ9")
    await submit(tab, "later", triggers=[GOOD | {"contract": "ZZZ9"}])
    known = await orders(tab, lambda known: len(known) == 2)
    assert {order["text"] for order in known.values()} == {"unknown contract ZZZ9"}
    await submit(tab, "good")
    await play(tab, has("good", "filled"))


async def test_orders_before_the_market_is_loaded_are_refused(
    server: Server, opened: OpenReplay, people: People
) -> None:
    page = await server.open((await opened(fetch=False)).pk, people.owner)
    await page.hello()
    assert (await page.error(type="order.submit", id="soon", order=GOOD))["code"] == "not_ready"


async def test_a_flood_is_stopped_with_words(tab: Tab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MOST_WORKING", 2)
    for number in range(12):
        await tab.send(type="order.submit", id=f"f{number}", order=GOOD | {"type": "limit", "limit": 70_000})
    refused = await tab.until("error")
    assert (refused["code"], refused["message"]) == ("not_done", "At most 2 orders work at a time. Cancel some.")
    logged = {row.name for row in await rows(LoggedCommand)}
    done = {message["id"] for message in tab.messages if message["type"] == "done"}
    assert done <= logged


async def test_what_had_been_seen_before_is_marked_as_a_second_try(tab: Tab) -> None:
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-17 10:00")))
    await tab.send(type="pause")
    await tab.send(type="seek", et="2026-03-17 09:40")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 09:40"))
    await submit(tab, "seen")
    await play(tab, has("seen", "filled"))
    await tab.send(type="seek", et="2026-03-17 14:00")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 14:00"))
    await submit(tab, "new")
    await play(tab, has("new", "filled"))
    assert [(fill.name, fill.is_retake) for fill in await rows(FillRecord)] == [("seen", True), ("new", False)]
