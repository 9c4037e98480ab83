"""A replay over its WebSocket: what the trader does, and what the page is told."""

import asyncio
from typing import Any

import numpy as np
import pytest
from channels.db import database_sync_to_async

from market import queue
from market.models import Job
from market.sessions import parse_et
from market.tasks import prepare_window
from replay import supply
from replay.models import ReplaySession
from tests.conftest import People
from tests.filegateway import Records
from tests.sockets.conftest import ENTRY, OpenReplay, Server

SECOND = 10**9


def et(text: str) -> str:
    return str(parse_et(text))


async def test_a_snapshot_shows_the_market_up_to_the_entry(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened()
    tab = await server.open(replay.pk, people.owner)
    await tab.hello()
    shown = (await tab.until("snapshot") if not tab.messages[0]["charts"] else tab.messages[0])["charts"][0]
    assert shown["timeframe"] == "5m"
    assert shown["unit"] == 250_000_000
    assert shown["bars"]["t"][-1] * SECOND < int(et(ENTRY))
    assert len({len(column) for column in shown["bars"].values()}) == 1
    assert [(mark["from"], mark["to"], mark["complete"]) for mark in shown["marks"]] == [("NQH6", "NQM6", True)]


async def ready(server: Server, replay: ReplaySession, user: Any, timeframe: str = "5m") -> Any:
    """An open tab that has its chart."""
    tab = await server.open(replay.pk, user)
    snapshot = await tab.hello(timeframe)
    while snapshot["session"]["state"] != "ready" or not snapshot["charts"]:
        snapshot = await tab.until("snapshot")
    return tab


async def test_play_moves_the_market_and_pause_stops_it(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    first = await tab.clock(lambda clock: clock["playing"] and int(clock["playhead"]) > int(et("2026-03-17 09:35")))
    await tab.send(type="pause")
    paused = await tab.clock(lambda clock: not clock["playing"])
    assert int(paused["playhead"]) >= int(first["playhead"])
    closed = [m for m in tab.messages if m["type"] == "frame" and m["charts"]]
    assert closed
    assert all(len(m["charts"][0]["bars"]["t"]) >= 1 for m in closed)


async def test_messages_are_numbered_without_a_gap(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-17 10:00")))
    assert [message["seq"] for message in tab.messages] == list(range(1, len(tab.messages) + 1))


async def test_what_the_browser_pieced_together_is_what_a_fresh_snapshot_shows(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner, "1m")
    held: dict[int, tuple[int, ...]] = {}

    def draw(bars: dict[str, list[int]]) -> None:
        held.update({row[0]: row for row in zip(*(bars[name] for name in "tohlcv"), strict=True)})

    await tab.send(type="speed", value=500)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-17 09:55")))
    await tab.send(type="pause")
    await tab.clock(lambda clock: not clock["playing"])
    for message in tab.messages:
        for chart in message.get("charts", []):
            draw(chart["bars"])
    fresh = await ready(server, replay, people.owner, "1m")
    snapshot = fresh.messages[-1]["charts"][0]["bars"]
    assert held == {row[0]: row for row in zip(*(snapshot[name] for name in "tohlcv"), strict=True)}


async def test_steps_move_by_a_second_or_a_bar_and_pause(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    start = int(et(ENTRY))
    await tab.send(type="step", unit="second", count=1)
    await tab.clock(lambda clock: int(clock["playhead"]) == start + SECOND)
    await tab.send(type="step", unit="second", count=-1)
    await tab.clock(lambda clock: int(clock["playhead"]) == start)
    await tab.send(type="step", unit="bar", count=1, chart="main")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 09:35"))
    await tab.send(type="step", unit="bar", count=-1, chart="main")
    chart = await tab.until("chart")
    assert int(chart["clock"]["playhead"]) <= start
    assert chart["bars"]["t"][-1] * SECOND < start


async def test_a_jump_back_redraws_the_chart_and_forgets_the_future(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="seek", et="2026-03-16 12:00")
    chart = await tab.until("chart")
    assert chart["bars"]["t"][-1] * SECOND < int(et("2026-03-16 12:00"))


async def test_a_jump_out_of_what_is_loaded_fetches_and_goes_there(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="seek", et="2026-04-15 10:00")
    job = await tab.until("job")
    await database_sync_to_async(prepare_window)(job["job"]["id"])
    chart = await tab.until("chart")
    assert chart["clock"]["playhead"] == et("2026-04-15 10:00")
    assert chart["bars"]["t"][-1] * SECOND < int(et("2026-04-15 10:00"))


async def test_a_far_jump_shows_what_a_replay_entered_there_shows(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened("2026-04-15 10:00")
    tab = await ready(server, replay, people.owner)
    assert tab.messages[-1]["session"]["entry_contract"] == "NQM6"
    await tab.send(type="seek", et="2026-02-20 10:00")
    jumped = await landed(tab, "2026-02-20 10:00")
    assert jumped["session"]["entry_contract"] == "NQH6"
    entered_there = await ready(server, await opened("2026-02-20 10:00"), people.owner)
    assert jumped["charts"] == entered_there.messages[-1]["charts"]
    after_a_restart = Server()
    again = await ready(after_a_restart, replay, people.owner)
    assert again.messages[-1]["charts"] == jumped["charts"]
    await after_a_restart.stop()


async def landed(tab: Any, moment: str) -> Any:
    """The snapshot after a jump that had to fetch, with the worker's part done here."""
    waiting = await tab.until("job", lambda message: message["job"] is not None)
    await database_sync_to_async(prepare_window)(waiting["job"]["id"])
    return await tab.until("snapshot", lambda message: message["clock"]["playhead"] == et(moment))


async def test_while_a_jump_loads_the_market_stands_still_and_says_so(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened("2026-04-15 10:00"), people.owner)
    await tab.send(type="play")
    await tab.clock(lambda clock: clock["playing"])
    await tab.send(type="seek", et="2026-02-20 10:00")
    held = await tab.clock(lambda clock: clock["loading"])
    waiting = await tab.until("job", lambda message: message["job"] is not None)
    await asyncio.sleep(0.3)
    assert {m["clock"]["playhead"] for m in tab.messages[-3:] if "clock" in m} <= {held["playhead"]}
    await database_sync_to_async(prepare_window)(waiting["job"]["id"])
    moved = await tab.clock(lambda clock: not clock["loading"] and int(clock["playhead"]) < int(held["playhead"]))
    assert moved["playing"]
    assert any(message["type"] == "job" and message["job"] is None for message in tab.messages)


async def test_a_step_gives_up_a_jump_that_is_loading(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened("2026-04-15 10:00"), people.owner)
    await tab.send(type="seek", et="2026-02-20 10:00")
    await tab.clock(lambda clock: clock["loading"])
    await tab.send(type="step", unit="second", count=1)
    # the jump is given up at once; the playhead moves when the desk has come along
    clock = await tab.clock(lambda clock: clock["playhead"] != et("2026-04-15 10:00"))
    assert int(clock["playhead"]) == int(et("2026-04-15 10:00")) + SECOND
    assert not clock["loading"]


async def test_after_a_jump_back_inside_what_is_loaded_ten_sessions_lie_before_it(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner, "1D")
    await tab.send(type="seek", et="2026-03-05 12:00")
    short = await tab.until("chart")
    assert len(short["bars"]["t"]) == 3
    waiting = await tab.until("job", lambda message: message["job"] is not None)
    await database_sync_to_async(prepare_window)(waiting["job"]["id"])
    await tab.until("chart", lambda message: len(message["bars"]["t"]) == 11)


async def test_a_change_of_timeframe_keeps_playing(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send(type="play")
    await tab.send(type="chart.timeframe", chart="main", timeframe="90m")
    chart = await tab.until("chart")
    assert chart["timeframe"] == "90m"
    steps = np.diff(chart["bars"]["t"])
    assert (steps >= 3_600).all()
    clock = await tab.clock(lambda clock: True)
    assert clock["playing"]


async def test_loading_shows_progress_and_ends_in_a_chart(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened(fetch=False)
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello()
    assert (snapshot["session"]["state"], snapshot["charts"]) == ("loading", [])
    waiting = await tab.until("job")
    assert waiting["job"]["state"] == "queued"
    assert replay.job is not None
    await database_sync_to_async(prepare_window)(replay.job.pk)
    await tab.until("snapshot", lambda message: message["session"]["state"] == "ready")
    shown = [message["job"] for message in tab.messages if message["type"] == "job"]
    assert any(job["state"] == "running" and job["total"] >= 16 for job in shown)


async def test_a_failed_load_says_why(server: Server, opened: OpenReplay, people: People, settings: Any) -> None:
    replay = await opened(fetch=False)
    settings.DATABENTO_GATEWAY = "http://127.0.0.1:9"
    from market.databento_historical import HistoricalGateway

    assert replay.job is not None
    await database_sync_to_async(Job.objects.filter(pk=replay.job.pk).update)(
        state="failed", message="The data gateway says: no. Check the key."
    )
    assert HistoricalGateway
    tab = await server.open(replay.pk, people.owner)
    await tab.hello()
    failed = await tab.until("snapshot", lambda message: message["session"]["state"] == "failed")
    assert "Check the key" in failed["session"]["problem"]
    refused = await tab.error(type="play", ref="p1")
    assert (refused["code"], refused["ref"]) == ("not_ready", "p1")


async def test_a_failed_load_that_is_tried_once_more_elsewhere_revives_the_page(
    server: Server, opened: OpenReplay, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supply, "RETRY_LOOK_SECONDS", 0.05)
    replay = await opened(fetch=False)
    assert replay.job is not None
    failed = Job.objects.filter(pk=replay.job.pk)
    await database_sync_to_async(failed.update)(state="failed", message="The data gateway says: no.")
    tab = await server.open(replay.pk, people.owner)
    await tab.hello()
    await tab.until("snapshot", lambda message: message["session"]["state"] == "failed")
    again = await database_sync_to_async(lambda: queue.retry(failed.get()))()
    revived = await tab.until("snapshot", lambda message: message["session"]["state"] == "loading")
    assert revived["session"]["problem"] is None
    await database_sync_to_async(prepare_window)(again.pk)
    await tab.until("snapshot", lambda message: message["session"]["state"] == "ready")

    def kept() -> tuple[str, int | None]:
        row = ReplaySession.objects.get(pk=replay.pk)
        return row.state, row.job_id

    await server.players.stop()
    assert await database_sync_to_async(kept)() == ("ready", again.pk)


async def test_two_tabs_see_the_same_replay(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened()
    left, right = await ready(server, replay, people.owner), await ready(server, replay, people.owner, "1m")
    await left.send(type="step", unit="second", count=1)
    target = str(int(et(ENTRY)) + SECOND)
    await left.clock(lambda clock: clock["playhead"] == target)
    await right.clock(lambda clock: clock["playhead"] == target)


async def test_the_playhead_survives_the_server_process(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await tab.send(type="step", unit="bar", count=1, chart="main")
    await tab.clock(lambda clock: clock["playhead"] == et("2026-03-17 09:35"))
    await asyncio.sleep(0.2)
    other = Server()
    fresh = await ready(other, replay, people.owner)
    assert fresh.messages[-1]["clock"]["playhead"] == et("2026-03-17 09:35")
    await tab.until("close")
    assert tab.closed == 4409
    await other.stop()


async def test_what_the_browser_showed_before_a_crash_is_not_taken_back(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened()
    shown = str(int(et(ENTRY)) + SECOND)
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello(last_seq=7, playhead=shown)
    assert snapshot["clock"]["playhead"] == shown


async def test_a_browser_cannot_push_the_playhead_far_ahead_that_way(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await server.open((await opened()).pk, people.owner)
    snapshot = await tab.hello(playhead=et("2026-03-17 09:31"))
    assert snapshot["clock"]["playhead"] == et(ENTRY)


async def test_the_clock_skips_the_daily_break_and_the_weekend(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened("2026-03-20 16:59"), people.owner, "1h")
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et("2026-03-22 18:00")))
    seen = [int(message["clock"]["playhead"]) for message in tab.messages if "clock" in message]
    assert not [ns for ns in seen if int(et("2026-03-20 17:00")) < ns < int(et("2026-03-22 18:00"))]


async def test_playing_over_a_roll_tells_it_and_whose_prices_the_chart_keeps(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened("2026-03-11 16:59:50"), people.owner)
    await tab.send(type="speed", value=10)
    await tab.send(type="play")
    line = await tab.until("log", lambda message: "Roll" in message["line"]["text"])
    assert line["line"]["text"] == (
        "Roll: the front month is NQM6 from here on. The chart keeps the prices of NQH6, 175.00 below those of NQM6."
    )
    assert int(await marked(tab)) >= parse_et("2026-03-11 18:00:01")


async def marked(tab: Any) -> str:
    """The playhead of the message that brings the mark, already here or still to come."""
    shown = [m for m in tab.messages if m["type"] == "frame" and any(chart["marks"] for chart in m["charts"])]
    message = shown[0] if shown else await tab.until("frame", lambda m: any(chart["marks"] for chart in m["charts"]))
    playhead: str = message["clock"]["playhead"]
    return playhead


async def test_at_the_end_of_the_data_it_pauses_and_says_so(
    server: Server, opened: OpenReplay, people: People, small_market: Records
) -> None:
    small_market.end_ns = parse_et("2026-03-17 17:00")
    tab = await ready(server, await opened("2026-03-17 16:58"), people.owner)
    await tab.send(type="speed", value=1000)
    await tab.send(type="play")
    line = await tab.until("log", lambda message: "ends" in message["line"]["text"])
    assert line["line"]["level"] == "info"
    clock = await tab.clock(lambda clock: not clock["playing"])
    assert clock["at_end"]
    assert clock["playhead"] == et("2026-03-17 17:00")


async def test_the_next_sessions_are_fetched_before_the_clock_gets_there(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner, "1D")
    await tab.send(type="seek", et="2026-03-24 12:00")
    await tab.send(type="play")
    job = await tab.until("job")
    await database_sync_to_async(prepare_window)(job["job"]["id"])
    await tab.send(type="seek", et="2026-03-31 12:00")
    await tab.clock(lambda clock: int(clock["playhead"]) >= int(et("2026-03-31 12:00")))
    assert not [message for message in tab.messages if message["type"] == "error"]


@pytest.mark.parametrize("speed", ["max", 1000])
async def test_a_browser_that_does_not_acknowledge_gets_no_growing_queue(
    server: Server, opened: OpenReplay, people: People, speed: Any
) -> None:
    tab = await ready(server, await opened(), people.owner)
    tab.acks = False
    await tab.send(type="speed", value=speed)
    await tab.send(type="play")
    await asyncio.sleep(3)
    await tab.send(type="pause")
    count = 0
    while not await tab.wire.receive_nothing(timeout=0.2):
        await tab.next()
        count += 1
    assert count <= 45
    tab.acks = True
    await tab.send(type="ack", seq=tab.messages[-1]["seq"])
    clock = await tab.clock(lambda clock: not clock["playing"])
    assert int(clock["playhead"]) > int(et(ENTRY))
