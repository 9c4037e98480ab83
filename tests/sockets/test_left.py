"""Going back with a position open: the journal counts it at the last price that was seen."""

from decimal import Decimal
from typing import Any

from channels.db import database_sync_to_async

from journal import access, services, statistics
from market.facts import PRICE_SCALE
from replay.models import ReplaySession
from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server, Tab
from tests.sockets.test_replay import et, ready
from tests.sockets.test_trading import clock_of, give, money_of, orders_of, play, rows, submit
from trading.models import FillRecord, Take

LOTS = 3


async def seek(tab: Tab, moment: str) -> None:
    await tab.send(type="seek", et=moment)
    await tab.clock(lambda clock: clock["playhead"] == et(moment))


@database_sync_to_async
def journal_of(user_id: int) -> tuple[list[Any], statistics.Totals]:
    """The trades and their totals, as the page has them."""
    services.read_new(user_id)
    trades = access.first_takes(access.trades_of(user_id))
    return list(trades), statistics.totals(trades)


async def lose(tab: Tab) -> dict[str, Any]:
    """Buy, and go on until the position stands at a loss; it."""
    await submit(tab, "one", "buy", LOTS)
    for minute in range(31, 60):
        await seek(tab, f"2026-03-17 09:{minute}")
        positions = money_of(tab)["positions"]
        if positions and Decimal(positions[0]["open"]) < 0:
            return dict(positions[0])
    raise AssertionError(orders_of(tab))


async def test_a_loser_does_not_vanish_by_going_back(server: Server, opened: OpenReplay, people: People) -> None:
    replay: ReplaySession = await opened()
    tab = await ready(server, replay, people.owner)
    shown = await lose(tab)
    furthest = int(clock_of(tab)["playhead"])
    # a small step back first, to which the take goes on, makes the loss no smaller
    await tab.send(type="step", unit="second", count=-1)
    await tab.clock(lambda clock: int(clock["playhead"]) < furthest)
    assert len(await rows(Take)) == 1
    await seek(tab, "2026-03-17 09:29")
    left, now = await rows(Take)
    (fill,) = await rows(FillRecord)
    assert (left.left_ns, now.left_ns) == (furthest, None)
    assert list(left.left_marks) == [fill.contract]

    (trade,), totals = await journal_of(people.owner.pk)
    lost = Decimal(left.left_marks[fill.contract] - fill.price) / PRICE_SCALE * LOTS * 20  # dollars a point
    assert lost == Decimal(shown["open"])
    assert (trade.flags, trade.exit_ns, trade.gross) == (["left"], furthest, lost)
    assert (totals.count, totals.losses, totals.open, totals.net) == (1, 1, 0, lost - trade.fees)


async def test_a_loser_that_is_held_through_a_small_step_back_still_counts(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await lose(tab)
    await seek(tab, "2026-03-17 10:10")
    shown, furthest = money_of(tab)["positions"][0], int(clock_of(tab)["playhead"])
    await seek(tab, "2026-03-17 10:05")
    await give(tab, "flatten", "out")
    left, again = await rows(Take)
    assert (left.left_ns, again.parent_id, again.inherited_fills) == (furthest, left.pk, 1)
    assert money_of(tab)["positions"][0]["quantity"] == LOTS
    await play(tab, lambda known: any(name.startswith("out") and known[name]["status"] == "filled" for name in known))
    (first, second) = await rows(FillRecord)
    assert (first.take_id, second.take_id, second.is_retake) == (left.pk, again.pk, True)

    (trade,), totals = await journal_of(people.owner.pk)
    assert (trade.flags, trade.exit_ns, trade.gross) == (["left"], furthest, Decimal(shown["open"]))
    assert (totals.count, totals.open) == (1, 0)


async def test_what_is_held_through_a_step_back_and_closed_where_nobody_has_been_counts_as_it_ended(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await lose(tab)
    furthest = int(clock_of(tab)["playhead"])
    await tab.send(type="step", unit="second", count=-1)
    await tab.clock(lambda clock: int(clock["playhead"]) < furthest)
    # a limit far away is another take's, which goes on beyond what was seen
    await submit(tab, "far", "buy", type="limit", limit=70_000)
    await tab.send(type="step", unit="bar", count=1, chart="main")
    await tab.clock(lambda clock: int(clock["playhead"]) > furthest)
    await give(tab, "flatten", "out")
    await play(tab, lambda known: any(name.startswith("out") and known[name]["status"] == "filled" for name in known))
    (trade,), totals = await journal_of(people.owner.pk)
    assert (trade.take.number, trade.flags, trade.is_retake) == (2, [], False)
    assert trade.exit_ns is not None
    assert trade.exit_ns > furthest
    assert totals.count == 1
