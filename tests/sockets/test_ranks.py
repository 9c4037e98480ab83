"""Ranks on the wire: of the forming bar on each frame, of closed bars once, and the board."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market.models import Asset, Job
from market.sessions import SECOND_NS, parse_et
from ranks import access, services
from ranks.models import Summary, SummaryMonth
from ranks.tasks import summarise_new
from tests.conftest import People
from tests.sockets.conftest import OpenReplay, Server
from tests.sockets.test_replay import ready
from workspace import lookback

LOOKBACK = 30


@pytest.fixture
async def tab(server: Server, opened: OpenReplay, people: People) -> Any:
    """A page of a replay whose loaded sessions are summarised."""
    replay = await opened("2026-03-17 09:30", lookback_days=LOOKBACK)
    access.forget_cached()
    await database_sync_to_async(summarise_new)()
    return await ready(server, replay, people.owner)


async def test_closed_bars_have_their_final_ranks(tab: Any) -> None:
    told = (await tab.until("ranks"))["ranks"]
    chart = next(message for message in tab.messages if message["type"] in ("snapshot", "chart") and bars_of(message))
    closed = [time for time in bars_of(chart)["t"] if time + 300 <= parse_et("2026-03-17 09:30") // SECOND_NS]
    assert told["t"] == closed
    assert told["n"][-1] > 0
    assert 0 <= told["vr"][-1] <= 100


def bars_of(message: dict[str, Any]) -> dict[str, Any]:
    bodies = message.get("charts", [message])
    found: dict[str, Any] = bodies[0].get("bars", {}) if bodies else {}
    return found


async def test_the_forming_bar_has_metrics_on_each_frame(tab: Any) -> None:
    await tab.until("ranks")
    seen: list[dict[str, Any]] = []
    for _ in range(20):
        await tab.send(type="step", unit="second", count=1)
        frame = await tab.until("frame")
        seen += [body["metrics"] for body in frame["charts"] if body["metrics"]]
    assert len(seen) > 1
    assert {metrics["t"] for metrics in seen} == {parse_et("2026-03-17 09:30") // SECOND_NS}
    assert all(metrics["length"] == 300 and metrics["n"] > 0 for metrics in seen)
    assert all(metrics["vp"] >= metrics["vr"] for metrics in seen)


async def test_a_bar_that_closes_is_told_with_its_rank_on_the_same_frame(tab: Any) -> None:
    await tab.until("ranks")
    await tab.send(type="step", unit="bar", count=1, chart="main")
    start = parse_et("2026-03-17 09:30") // SECOND_NS
    frame = await tab.until("frame", lambda message: any(start in body["bars"]["t"] for body in message["charts"]))
    assert frame["charts"][0]["ranks"]["t"] == [start]


async def test_sessions_that_come_in_while_the_replay_is_paused_count_at_once(
    tab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookback, "GROWTH_SECONDS", 0.2)
    monkeypatch.setattr(access, "STAMP_SECONDS", 0.0)
    before = (await tab.until("ranks"))["ranks"]["n"][-1]
    nq = await Asset.objects.aget(root="NQ")
    # what was here is gone, as far as anybody can tell: fewer count from now on
    found = Summary.objects.filter(contract__asset=nq).order_by("trade_date")
    first = await found.afirst()
    await database_sync_to_async(Summary.objects.filter(pk=first.pk).update)(made_with="")
    await database_sync_to_async(SummaryMonth.objects.create)(
        contract_id=first.contract_id, month=date(2000, 1, 1), bytes=0
    )
    again = await tab.until("ranks", lambda message: message["ranks"]["n"] and message["ranks"]["n"][-1] != before)
    assert again["ranks"]["n"][-1] == before - 1


async def test_what_the_lookback_lacks_is_asked_for_and_told(tab: Any) -> None:
    told = await tab.until("lookback", lambda message: message["lookback"]["job"] is not None)
    job = await database_sync_to_async(Job.objects.get)(kind="ranks")
    assert told["lookback"]["job"]["id"] == job.pk
    assert 0 < told["lookback"]["stored"] < told["lookback"]["wanted"]
    assert (job.params["root"], job.params["until"], job.params["lookback_days"]) == ("NQ", "2026-03-17", LOOKBACK)


async def test_the_board_has_every_timeframe_of_the_assets_that_are_stored(tab: Any) -> None:
    await tab.send(type="board", on=True)
    row = await row_of(tab, "NQ", lambda row: row["cells"])
    assert (row["state"], row["name"]) == ("ready", "E-mini Nasdaq-100")
    assert row["at"] == parse_et("2026-03-17 09:30") // SECOND_NS
    assert list(row["cells"]) == ["1m", "5m", "15m", "30m", "1h", "90m", "3h", "4h", "1D"]
    assert row["cells"]["5m"]["n"] > 0


async def row_of(tab: Any, root: str, wanted: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """The row of an asset once it is as wanted."""

    def found(message: dict[str, Any]) -> list[dict[str, Any]]:
        return [row for row in message["board"]["rows"] if row["root"] == root and wanted(row)]

    return found(await tab.until("board", found))[0]


async def test_the_board_has_a_row_for_every_asset_and_says_why_one_is_empty(tab: Any) -> None:
    await database_sync_to_async(services.ready_for)(
        asset=await Asset.objects.aget(root="CL"), until=date(2026, 3, 18), lookback_days=LOOKBACK, asked_by_id=None
    )
    await tab.send(type="board", on=True)
    rows = (await tab.until("board", lambda message: any(row["cells"] for row in message["board"]["rows"])))["board"]
    states = {row["root"]: (row["state"], row["percent"]) for row in rows["rows"]}
    assert len(states) == 19
    assert (states.pop("NQ")[0], states.pop("CL")) == ("ready", ("queued", 0))
    assert set(states.values()) == {("absent", None)}


async def test_the_board_follows_the_playhead(tab: Any) -> None:
    await tab.send(type="board", on=True)
    before = await row_of(tab, "NQ", lambda row: row["cells"])
    for count in (1, 1, -1):
        await tab.send(type="step", unit="bar", count=count, chart="main")
    await row_of(tab, "NQ", lambda row: row["at"] == before["at"] + 300)


async def test_fetching_the_board_asks_for_every_asset_that_lacks_the_session(tab: Any) -> None:
    await tab.send(type="board.fetch")
    line = (await tab.until("log", lambda message: "being fetched" in message["line"]["text"]))["line"]
    roots = await database_sync_to_async(
        lambda: set(Job.objects.filter(kind="ranks", params__until="2026-03-18").values_list("params__root", flat=True))
    )()
    assert len(roots) == 18
    assert "NQ" not in roots
    assert line["text"] == "18 assets are being fetched, see Jobs."
