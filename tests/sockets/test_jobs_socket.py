"""The socket of the jobs page: each change of one's own jobs, an admin's of everybody's."""

import asyncio
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market import consumers, jobs
from market.models import Job
from tests.conftest import People
from tests.sockets.conftest import Server, Tab


async def listening(server: Server, user: Any) -> Tab:
    tab = await server.connect("/ws/jobs/", user)
    assert (await tab.next())["type"] == "ready"
    return tab


async def changed(user: Any, **fields: Any) -> Job:
    """A job of a user that has just changed."""

    def make() -> Job:
        job = Job.objects.create(kind="x", asked_by=user, **fields)
        jobs.publish(job)
        return job

    return await database_sync_to_async(make)()


async def test_a_user_hears_of_his_own_jobs_and_an_admin_of_all(server: Server, people: People) -> None:
    mine, all_ = await listening(server, people.owner), await listening(server, people.admin)
    theirs = await changed(people.colleague, state="running", done=1, total=4)
    own = await changed(people.owner, state="queued")
    nobodys = await changed(None, state="queued")
    heard = await mine.until("job")
    assert (heard["job"]["id"], heard["job"]["user"], heard["job"]["state"]) == (own.pk, people.owner.pk, "queued")
    seen = {(await all_.until("job"))["job"]["id"] for _ in range(3)}
    assert seen == {theirs.pk, own.pk, nobodys.pk}
    assert await mine.wire.receive_nothing(0.4)


async def test_changes_that_come_fast_are_one_message(server: Server, people: People) -> None:
    tab = await listening(server, people.owner)
    job = await changed(people.owner, state="running", total=9)

    def go_on() -> None:
        for done in range(1, 9):
            job.done = done
            jobs.publish(job)

    await database_sync_to_async(go_on)()
    await tab.until("job", lambda message: message["job"]["done"] == 8)
    assert len(tab.messages) <= 4


async def test_a_quiet_list_beats(server: Server, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.1)
    tab = await listening(server, people.owner)
    await tab.until("beat")


async def test_who_is_not_logged_in_is_turned_away(server: Server) -> None:
    tab = await server.connect("/ws/jobs/")
    await tab.next()
    assert tab.closed == 4401


async def test_logging_out_closes_the_socket(server: Server, people: People) -> None:
    tab = await listening(server, people.owner)
    await database_sync_to_async(tab.client.post)("/account/logout/")  # type: ignore[attr-defined]
    await tab.next()
    assert tab.closed == 4401


@pytest.mark.parametrize("grant", [True, False])
async def test_who_becomes_or_was_an_admin_connects_again(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch, grant: bool
) -> None:
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "RECHECK_SECONDS", 0.0)
    user = people.owner if grant else people.admin
    tab = await listening(server, user)

    def change() -> None:
        type(user).objects.filter(pk=user.pk).update(is_staff=grant)

    await database_sync_to_async(change)()
    async with asyncio.timeout(5):
        while tab.closed is None:
            await tab.next()
    assert tab.closed == 1012


async def test_what_a_page_says_is_not_listened_to(server: Server, people: People) -> None:
    tab = await listening(server, people.owner)
    await tab.send_raw('{"type": "job.cancel", "job": 1}')
    job = await changed(people.owner, state="queued")
    assert (await tab.until("job"))["job"]["id"] == job.pk
