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
from tests.sockets.test_trading import clock_of, money_of, orders_of, rows, submit
from trading.models import FillRecord, Take

LOTS = 3


async def seek(tab: Tab, moment: str) -> None:
    await tab.send(type="seek", et=moment)
    await tab.clock(lambda clock: clock["playhead"] == et(moment))


@database_sync_to_async
def journal_of(user_id: int) -> tuple[list[Any], statistics.Totals]:
    """The trades and their totals, as the page has them."""
    services.read_new(user_id)
    trades = access.trades_of(user_id).filter(is_retake=False)
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
