"""Orders over the wire: acknowledged is committed, shown is committed, and all of it comes back."""

from typing import Any

from channels.db import database_sync_to_async

from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server, Tab
from tests.sockets.test_replay import ready
from trading.models import FillRecord, LoggedCommand, OrderRecord


async def submit(tab: Tab, name: str, side: str = "buy", quantity: int = 1, **fields: Any) -> None:
    """Send an order and wait for its acknowledgement."""
    order = {"side": side, "quantity": quantity} | fields
    await tab.send(type="order.submit", id=name, order=order, ref=name)
    await tab.until("done", lambda message: message["ref"] == name)


async def orders(tab: Tab, that: Any = lambda orders: True) -> dict[str, Any]:
    """Read on until the orders known fulfil `that`; by id."""
    known: dict[str, Any] = {}
    for message in tab.messages:
        known = merged(known, message)
    while not that(known):
        known = merged(known, await tab.next())
    return known


def merged(known: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    if "trading" not in message:
        return known
    trading = message["trading"]
    before = {} if trading["reset"] else known
    return before | {order["id"]: order for order in trading["orders"]}


async def test_a_market_order_is_filled_and_on_record(people: People, opened: OpenReplay, server: Server) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await submit(tab, "one", "buy", 2)
    assert await database_sync_to_async(LoggedCommand.objects.count)() == 1
    known = await orders(tab, lambda known: "one" in known)
    assert known["one"]["status"] == "pending"
    await tab.send(type="play")
    known = await orders(tab, lambda known: known.get("one", {}).get("status") == "filled")
    fills = await database_sync_to_async(lambda: list(FillRecord.objects.all()))()
    assert sum(fill.quantity for fill in fills) == 2
    row = await database_sync_to_async(OrderRecord.objects.get)()
    assert row.status == "filled"


async def test_an_order_says_when_a_change_of_it_could_not_be_made(
    people: People, opened: OpenReplay, server: Server
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await submit(tab, "one", type="limit", limit=1)
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, lambda known: known.get("one", {}).get("status") == "working")
    assert not known["one"]["refused"]
    await tab.send(type="order.replace", id="two", order="one", stop=1, ref="two")
    await tab.until("done", lambda message: message["ref"] == "two")
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, lambda known: known["one"]["refused"])
    assert (known["one"]["limit"], known["one"]["text"]) == (1, "this limit order has no stop price to change")
    await tab.send(type="order.replace", id="three", order="one", limit=2, ref="three")
    await tab.until("done", lambda message: message["ref"] == "three")
    await tab.send(type="step", unit="second", count=1)
    known = await orders(tab, lambda known: known["one"]["limit"] == 2)
    assert not known["one"]["refused"]
