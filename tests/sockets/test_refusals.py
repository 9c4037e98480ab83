"""What the socket refuses, and that nothing changes then."""

import json
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.db import OperationalError

from market.sessions import parse_et
from tests.conftest import People
from tests.sockets.conftest import ENTRY, OpenReplay, Server, Tab
from tests.sockets.test_replay import ready

MALFORMED: list[Any] = [
    " ",
    "not json",
    "null",
    "[]",
    "{}",
    '"play"',
    '{"type": "fly"}',
    '{"type": "play", "extra": 1}',
    '{"type": "speed"}',
    '{"type": "speed", "value": 0}',
    '{"type": "speed", "value": 1e9}',
    '{"type": "speed", "value": "warp"}',
    '{"type": "speed", "value": null}',
    '{"type": "step", "unit": "week", "count": 1}',
    '{"type": "step", "unit": "bar", "count": 2}',
    '{"type": "seek"}',
    '{"type": "seek", "et": 5}',
    '{"type": "chart.open", "chart": "", "timeframe": "5m"}',
    '{"type": "chart.open", "chart": "a b", "timeframe": "5m"}',
    '{"type": "chart.open", "chart": "x", "timeframe": "7m"}',
    '{"type": "ack", "seq": -1}',
    '{"type": "ack", "seq": 99999999999999999999999}',
    '{"type": "play", "ref": "' + "x" * 65 + '"}',
    "[" * 2000,
    '{"type": "play", "x": "' + "x" * 5000 + '"}',
    '{"type": "\\ud800"}',
]


@pytest.mark.parametrize("text", MALFORMED, ids=range(len(MALFORMED)))
async def test_a_malformed_message_gets_an_error_and_changes_nothing(
    server: Server, opened: OpenReplay, people: People, text: str
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await tab.send_raw(text)
    error = await tab.until("error")
    assert error["message"]
    await tab.send(type="resync")
    clock = (await tab.until("snapshot"))["clock"]
    assert (clock["playhead"], clock["playing"], clock["speed"]) == (str(parse_et(ENTRY)), False, 1.0)


async def test_bytes_are_refused(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    await tab.wire.send_to(bytes_data=b'{"type": "play"}')
    assert (await tab.until("error"))["code"] == "malformed"


async def test_an_error_names_the_field_and_gives_back_the_ref(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    error = await tab.error(type="speed", value=5000, ref="s1")
    assert "value" in error["message"]
    assert error["ref"] == "s1"


async def test_hello_comes_first_and_once(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened()
    tab = await server.open(replay.pk, people.owner)
    assert (await tab.error(type="play"))["code"] == "no_hello"
    await tab.hello()
    assert (await tab.error(type="hello", charts=[]))["code"] == "hello_again"


@pytest.mark.parametrize(
    ("et", "code"),
    [
        ("yesterday", "bad_time"),
        ("2026-02-30 10:00", "bad_time"),
        ("2026-03-08 02:30", "bad_time"),
        ("2026-03-21 12:00", "bad_moment"),  # a Saturday
        ("2026-04-03 12:00", "bad_moment"),  # Good Friday, after its early close
        ("2035-03-20 12:00", "bad_moment"),
    ],
)
async def test_an_impossible_jump_is_refused_and_the_playhead_stays(
    server: Server, opened: OpenReplay, people: People, et: str, code: str
) -> None:
    tab = await ready(server, await opened(), people.owner)
    assert (await tab.error(type="seek", et=et))["code"] == code
    await tab.send(type="resync")
    assert (await tab.until("snapshot"))["clock"]["playhead"] == str(parse_et(ENTRY))


async def test_a_jump_to_a_closed_market_names_the_next_opening(
    server: Server, opened: OpenReplay, people: People
) -> None:
    tab = await ready(server, await opened(), people.owner)
    error = await tab.error(type="seek", et="2026-03-21 12:00")
    assert "Sun 2026-03-22 18:00 ET" in error["message"]


async def test_a_page_has_a_bounded_number_of_charts(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    for number in range(15):
        await tab.send(type="chart.open", chart=f"c{number}", timeframe="1D")
    assert (await tab.error(type="chart.open", chart="one-more", timeframe="1D"))["code"] == "too_many_charts"


async def test_a_flood_is_refused(server: Server, opened: OpenReplay, people: People) -> None:
    tab = await ready(server, await opened(), people.owner)
    for _ in range(150):
        await tab.send(type="pause")
    assert (await tab.until("error"))["code"] == "too_many"


async def closing_code(tab: Tab) -> int | None:
    await tab.until("close")
    return tab.closed


async def test_a_stranger_is_turned_away(server: Server, opened: OpenReplay) -> None:
    replay = await opened()
    tab = await server.open(replay.pk)
    assert await closing_code(tab) == 4401
    assert tab.messages == []


async def test_a_colleague_cannot_tell_somebody_elses_replay_from_none(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened()
    told = []
    for replay_id in (replay.pk, "00000000-0000-4000-8000-000000000000"):
        tab = await server.open(replay_id, people.colleague)
        assert await closing_code(tab) == 4404
        told.append(json.dumps(tab.messages))
    assert told[0] == told[1]


async def test_logging_out_closes_the_sockets_of_that_login(server: Server, opened: OpenReplay, people: People) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    other = await ready(server, replay, people.owner)
    await database_sync_to_async(tab.client.post)("/account/logout/")
    assert await closing_code(tab) == 4401
    await other.send(type="step", unit="second", count=1)
    await other.clock(lambda clock: clock["playhead"] == str(parse_et(ENTRY) + 10**9))


async def test_a_login_that_was_ended_elsewhere_closes_its_sockets(
    server: Server, opened: OpenReplay, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workspace.consumers.RECHECK_SECONDS", 0.0)
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await database_sync_to_async(tab.client.session.flush)()
    assert await closing_code(tab) == 4401


async def test_a_hello_that_the_server_cannot_answer_closes_the_socket_so_that_the_page_tries_again(
    server: Server, opened: OpenReplay, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = await server.open((await opened()).pk, people.owner)

    def away(*_: object) -> None:
        raise OperationalError("the database is being restarted")

    monkeypatch.setattr("replay.consumers.get_session", away)
    await tab.send(type="hello", charts=[])
    assert await closing_code(tab) == 1011


async def test_a_replay_that_is_deleted_closes_its_sockets_as_gone(
    server: Server, opened: OpenReplay, people: People
) -> None:
    replay = await opened()
    tab = await ready(server, replay, people.owner)
    await database_sync_to_async(replay.delete)()
    await tab.send(type="step", unit="second", count=1)
    assert await closing_code(tab) == 4404
