"""Going back only to look: nothing is ruled and no command is made, until the trader's own or where nobody has been."""

from decimal import Decimal

import pytest

from replay.models import ReplaySession
from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server, Tab
from tests.sockets.test_left import seek
from tests.sockets.test_replay import et, ready
from tests.sockets.test_risk import force, in_thread, log_kinds, logged, rejection, rich
from tests.sockets.test_trading import clock_of, money_of, orders_of, rows, submit
from trading.models import DayLock, FillRecord, LoggedCommand, Take

__all__ = ["rich"]
LOTS = 3
CALMER = 100
"""Dollars that the position must have come back by: more than its fees."""


async def open_money(tab: Tab) -> Decimal | None:
    positions = money_of(tab)["positions"]
    return Decimal(positions[0]["open"]) if positions else None


@pytest.fixture
async def replay(opened: OpenReplay) -> ReplaySession:
    return await opened()


@pytest.fixture
async def tab(server: Server, replay: ReplaySession, people: People) -> Tab:
    return await ready(server, replay, people.owner)


@pytest.fixture
async def worst(tab: Tab, people: People, monkeypatch: pytest.MonkeyPatch) -> str:
    """The moment of the worst loss; now it is less, and the limit that an admin forces here is not reached."""
    monkeypatch.setattr("workspace.consumers.MESSAGES_PER_SECOND", 10_000)  # nobody looks at an hour this fast
    await submit(tab, "one", quantity=LOTS)
    await submit(tab, "far", type="limit", limit=70_000, tif="gtc")
    lowest, moment = Decimal(0), ""
    for minute in range(31, 90):
        now = f"2026-03-17 {9 + minute // 60:02}:{minute % 60:02}"
        await seek(tab, now)
        money = await open_money(tab)
        if money is not None and money < lowest:
            lowest, moment = money, now
        if money is not None and moment and money > lowest + CALMER:
            break
    await submit(tab, "later", type="limit", limit=70_000)
    await in_thread(lambda: force(people, max_day_loss_open=-lowest))
    await logged(tab, "The limits of the account have changed")
    assert len(await rows(FillRecord)) == 1, orders_of(tab)
    return moment


async def test_looking_back_is_no_command_and_what_is_held_there_is_left_alone(
    tab: Tab, replay: ReplaySession, worst: str, server: Server, people: People
) -> None:
    given = await in_thread(lambda: log_kinds(replay))
    await seek(tab, worst)
    await tab.send(type="step", unit="second", count=1)
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et(worst)))
    assert await in_thread(lambda: log_kinds(replay)) == given
    assert money_of(tab)["account"]["lock"] is None
    assert [orders_of(tab)[name]["status"] for name in ("one", "far")] == ["filled", "working"]
    # nor is it ruled by another process that takes the replay over
    await server.players.stop()
    again = await ready(server, replay, people.owner)
    await again.send(type="step", unit="second", count=1)
    await again.clock(lambda clock: int(clock["playhead"]) > int(clock_of(tab)["playhead"]))
    assert await in_thread(lambda: log_kinds(replay)) == given


async def test_limits_count_there_from_the_first_own_command_on(tab: Tab, replay: ReplaySession, worst: str) -> None:
    await seek(tab, worst)
    assert "the account is locked: max loss per day" in await rejection(tab, "own")
    own = await in_thread(lambda: list(Take.objects.last().commands.values_list("kind", flat=True)))  # type: ignore[union-attr]
    assert own == ["adopt", "submit"]
    assert any(each["origin"] == "risk" for each in orders_of(tab).values())


async def test_limits_count_again_where_nobody_has_been(tab: Tab, replay: ReplaySession, worst: str) -> None:
    furthest = int(clock_of(tab)["playhead"])
    await seek(tab, worst)
    await tab.send(type="seek", et="2026-03-17 11:00")
    await tab.clock(lambda clock: int(clock["playhead"]) == int(et("2026-03-17 11:00")))
    adopts = LoggedCommand.objects.filter(kind="adopt").order_by("take__number", "seq")
    found = await in_thread(lambda: list(adopts.values_list("take__number", "playhead_ns")))
    assert found == [(1, furthest), (2, furthest)]


async def test_a_hard_lock_of_later_is_told_with_the_first_command_in_the_past(
    tab: Tab, replay: ReplaySession, worst: str
) -> None:
    await tab.send(type="lock", id="enough", reason="enough for today", hard=True, ref="enough")
    await tab.until("done", lambda message: message["ref"] == "enough")
    given = await in_thread(lambda: log_kinds(replay))
    await seek(tab, worst)
    assert await in_thread(lambda: log_kinds(replay)) == given
    assert (await in_thread(DayLock.objects.count)) == 1
    assert "the account is locked" in await rejection(tab, "own")
