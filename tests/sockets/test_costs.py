"""What a download costs, over the wire: asked, answered, cancelled; the market waits for it only at its end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market.models import Job, Purchase
from market.tasks import REPLAY_DATA, prepare_window
from replay.models import ReplaySession
from tests.conftest import People
from tests.filegateway import Records
from tests.sockets.conftest import ENTRY, PATIENCE, OpenReplay, Server, Tab
from tests.sockets.test_replay import et, ready

LAST_LOADED = "2026-03-24 17:00"
DOLLARS_A_RECORD = 0.001


async def work(job_id: int) -> None:
    """The worker's part."""
    await database_sync_to_async(prepare_window)(job_id)


def asks(message: dict[str, Any]) -> bool:
    return message["job"] is not None and message["job"]["state"] == "asking"


async def asked(tab: Tab) -> dict[str, Any]:
    """The question of the next load, with the worker's part until then done here."""
    waiting = await tab.until("job", lambda message: message["job"] is not None)
    await work(waiting["job"]["id"])
    job: dict[str, Any] = (await tab.until("job", asks))["job"]
    return job


def lines(tab: Tab) -> list[dict[str, Any]]:
    """Every line of the log that came, in a snapshot or by itself."""
    told = []
    for message in tab.messages:
        told += message["log"] if message["type"] == "snapshot" else []
        told += [message["line"]] if message["type"] == "log" else []
    return told


async def line_with(tab: Tab, words: str) -> dict[str, Any]:
    """The line of the log that holds these words; waits for it."""
    async with asyncio.timeout(PATIENCE):
        while not (found := [line for line in lines(tab) if words in line["text"]]):
            await tab.next()
    return found[0]


async def stored(name: str, **fields: Any) -> Any:
    return await database_sync_to_async(lambda: getattr(Job.objects.get(**fields), name))()


@pytest.fixture
def dear(small_market: Records) -> Callable[[], None]:
    """Makes what is fetched from now on dear."""

    def make() -> None:
        small_market.dollars_a_record = DOLLARS_A_RECORD

    return make


async def first_question(server: Server, opened: OpenReplay, people: People) -> tuple[ReplaySession, Tab, Any]:
    replay = await opened(fetch=False)
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello()
    assert snapshot["session"]["state"] == "loading"
    return replay, tab, await asked(tab)


async def test_a_first_load_asks_and_loads_after_a_yes(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    dear()
    _, tab, job = await first_question(server, opened, people)
    assert job["message"] == f"This download costs about {job['cost']}."
    line = await line_with(tab, f"Loading NQ costs about {job['cost']}.")
    assert (line["job"], line["level"]) == (job["id"], "warn")
    while True:
        await tab.send(type="job.approve", job=job["id"], cost=job["cost"])
        await tab.until("job", lambda message: message["job"]["state"] == "queued")
        await work(job["id"])
        if await stored("state", pk=job["id"]) == "done":
            break
        job = (await tab.until("job", asks))["job"]  # the history first, then the sessions
    snapshot = await tab.until("snapshot", lambda message: message["session"]["state"] == "ready")
    assert snapshot["charts"]
    assert await database_sync_to_async(Purchase.objects.filter(user=people.owner).exists)()


async def test_a_page_that_comes_later_sees_the_question_too(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    dear()
    replay, _, job = await first_question(server, opened, people)
    other = await server.open(replay.pk, people.owner)
    snapshot = await other.hello()
    assert snapshot["job"] == job
    assert [line["job"] for line in snapshot["log"]] == [job["id"]]


async def test_a_no_ends_the_first_load(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    dear()
    _, tab, job = await first_question(server, opened, people)
    await tab.send(type="job.cancel", job=job["id"])
    snapshot = await tab.until("snapshot", lambda message: message["session"]["state"] == "failed")
    assert snapshot["session"]["problem"] == "Cancelled."
    assert snapshot["job"] is None
    assert await stored("state", pk=job["id"]) == "cancelled"


async def test_a_load_is_cancelled_while_it_waits_for_a_worker(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened(fetch=False)
    tab = await server.open(replay.pk, people.owner)
    await tab.hello()
    waiting = await tab.until("job")
    await tab.send(type="job.cancel", job=waiting["job"]["id"])
    await tab.until("snapshot", lambda message: message["session"]["problem"] == "Cancelled.")


async def test_a_yes_holds_for_the_figure_and_the_job_that_were_shown(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    dear()
    _, tab, job = await first_question(server, opened, people)
    error = await tab.error(type="job.approve", job=job["id"], cost="$0.01", ref="yes")
    assert (error["code"], error["ref"]) == ("too_late", "yes")
    for command in ({"type": "job.approve", "cost": job["cost"]}, {"type": "job.cancel"}):
        assert (await tab.error(**command, job=job["id"] + 1))["code"] == "no_such_job"
    assert await stored("state", pk=job["id"]) == "asking"


async def test_nobody_answers_for_a_replay_that_loads_nothing(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    assert (await tab.error(type="job.cancel", job=1))["code"] == "no_such_job"


@pytest.mark.parametrize(
    "text",
    [
        '{"type": "job.approve", "job": 1}',
        '{"type": "job.approve", "job": "1", "cost": "$1.00"}',
        '{"type": "job.approve", "job": 1, "cost": 1.0}',
        '{"type": "job.cancel", "job": 0}',
        '{"type": "job.cancel"}',
    ],
)
async def test_a_malformed_answer_is_refused(server: Server, opened: OpenReplay, people: People, text: str) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.send_raw(text)
    assert (await tab.until("error"))["code"] == "malformed"


async def test_a_jump_that_asks_and_is_cancelled_leaves_the_replay_where_it_was(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    tab = await ready(server, await opened("2026-04-15 10:00"), people.owner)
    dear()
    await tab.send(type="seek", et="2026-02-20 10:00")
    job = await asked(tab)
    await tab.send(type="job.cancel", job=job["id"])
    clock = await tab.clock(lambda clock: not clock["loading"])
    assert clock["playhead"] == et("2026-04-15 10:00")
    assert (await line_with(tab, "Cancelled."))["level"] == "info"


async def test_the_market_goes_on_until_the_end_of_what_is_loaded_while_more_of_it_asks(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    tab = await ready(server, await opened(ENTRY), people.owner)
    dear()
    await play_towards_the_end(tab)
    job = await asked(tab)
    clock = await tab.clock(lambda clock: not clock["playing"])
    assert clock["playhead"] == et(LAST_LOADED)
    await line_with(tab, "The data ends here until you answer")
    await answer_all(tab, job)
    await tab.send(type="play")
    await tab.clock(lambda clock: int(clock["playhead"]) > int(et(LAST_LOADED)))


async def play_towards_the_end(tab: Tab) -> None:
    """Play on where most of what was loaded ahead lies behind."""
    await tab.send(type="seek", et="2026-03-24 12:00")
    await tab.send(type="speed", value="max")
    await tab.send(type="play")


async def answer_all(tab: Tab, job: dict[str, Any]) -> None:
    """Say yes until the load is over."""
    while True:
        await tab.send(type="job.approve", job=job["id"], cost=job["cost"])
        await tab.until("job", lambda message: message["job"]["state"] == "queued")
        await work(job["id"])
        if await stored("state", pk=job["id"]) == "done":
            return
        job = (await tab.until("job", asks))["job"]


async def test_more_that_was_cancelled_is_asked_again_only_by_who_plays_on_at_the_end(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    tab = await ready(server, await opened(ENTRY), people.owner)
    dear()
    await play_towards_the_end(tab)
    first = await asked(tab)
    await tab.send(type="job.cancel", job=first["id"])
    await tab.clock(lambda clock: not clock["playing"] and clock["at_end"])
    await line_with(tab, "The data ends here")
    assert await database_sync_to_async(Job.objects.filter(kind=REPLAY_DATA).count)() == 2
    await tab.send(type="play")
    again = await asked(tab)
    assert again["id"] != first["id"]


async def test_a_question_that_nobody_answered_is_not_asked_twice(
    server: Server, opened: OpenReplay, people: People, dear: Callable[[], None]
) -> None:
    replay = await opened("2026-04-15 10:00")
    tab = await ready(server, replay, people.owner)
    dear()
    await tab.send(type="seek", et="2026-02-20 10:00")
    job = await asked(tab)
    await tab.send(type="step", unit="second", count=1)
    await tab.clock(lambda clock: not clock["loading"])
    await tab.send(type="seek", et="2026-02-20 11:00")
    again = await tab.until("job", asks)
    assert again["job"]["id"] == job["id"]


# --- degraded days ----------------------------------------------------------------------------------


def degraded(message: dict[str, Any]) -> list[dict[str, Any]]:
    charts = message["charts"] if message["type"] in {"snapshot", "frame"} else [message]
    return [mark for chart in charts for mark in chart["marks"] if mark["kind"] == "degraded"]


async def test_a_degraded_day_is_marked_and_told_once_its_session_has_begun(
    server: Server, opened: OpenReplay, people: People, small_market: Records
) -> None:
    small_market.conditions = {"2026-03-13": "degraded", "2026-03-19": "missing"}
    tab = await ready(server, await opened(ENTRY), people.owner)
    past = degraded(tab.messages[-1])
    assert [(mark["at_ns"], mark["days"]) for mark in past] == [
        (et("2026-03-12 18:00"), {"2026-03-13": "degraded"}),
    ]
    await line_with(tab, "Databento calls the data of 2026-03-13 degraded.")
    await tab.send(type="speed", value="max")
    await tab.send(type="play")
    frame = await tab.until("frame", lambda message: bool(degraded(message)))
    (mark,) = degraded(frame)
    assert (mark["at_ns"], mark["t"]) == (et("2026-03-18 18:00"), int(et("2026-03-18 18:00")) // 10**9)
    assert int(frame["clock"]["playhead"]) >= int(mark["at_ns"])
    await line_with(tab, "2026-03-19 missing")
    await tab.send(type="seek", et="2026-03-13 12:00")
    chart = await tab.until("chart")
    assert len(degraded(chart)) == 1
    await tab.send(type="resync")
    told = [line["text"] for line in (await tab.until("snapshot"))["log"]]
    assert sum("2026-03-13 degraded" in text for text in told) == 1
