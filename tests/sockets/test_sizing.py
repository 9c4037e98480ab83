"""What the ticket sizes orders by: the value of a tick, and what one contract risks."""

from typing import Any

from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server
from tests.sockets.test_replay import ready


async def test_the_ticket_is_told_what_a_tick_is_worth(people: People, opened: OpenReplay, server: Server) -> None:
    tab = await ready(server, await opened(), people.owner)
    session = next(message["session"] for message in tab.messages if message["type"] == "snapshot")
    assert session["tick_value"] == "5.00"


async def test_the_risk_is_the_way_to_the_forming_bars_far_end(
    people: People, opened: OpenReplay, server: Server
) -> None:
    tab = await ready(server, await opened(), people.owner)
    assert next(message for message in tab.messages if message.get("charts"))["charts"][0]["risk"] is None
    await tab.send(type="speed", value=500)
    await tab.send(type="play")
    told: list[Any] = []
    while len(told) < 20:
        told += (await tab.until("frame"))["charts"]
    for body in (each for each in told if each["risk"]):
        low, high, close = (body["bars"][name][-1] for name in "lhc")
        assert body["risk"] == {"buy": f"{(close - low) * 5}.00", "sell": f"{(high - close) * 5}.00"}
    assert len({body["risk"]["buy"] for body in told if body["risk"]}) > 1
    await tab.send(type="step", unit="bar", count=1, chart="main")
    assert (await tab.until("frame", lambda message: bool(message["charts"])))["charts"][0]["risk"] is None
