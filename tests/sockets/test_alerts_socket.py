"""The alerts socket: every page of a user hears what fires, and nobody hears of another's."""

import asyncio
import os
import threading
import time
from typing import Any

import pytest
from channels.db import database_sync_to_async

from alerts import board, consumers, pulse, services, topics
from alerts.models import Alert, AlertFiring, AlertSeen, AlertState
from market import listening
from market.models import Asset
from tests.alert_rows import MARKET_NS, alert_of, firing_of
from tests.conftest import People
from tests.sockets.conftest import Message, Server, Tab

in_thread = database_sync_to_async


@pytest.fixture(autouse=True)
def all_assets(transactional_db: None, assets: None) -> None:
    """The 19 assets."""


@pytest.fixture(autouse=True)
def own_topics(settings: Any) -> None:
    """Tests that run beside these in another process have users of the same numbers, and share one Valkey."""
    layer = settings.CHANNEL_LAYERS["default"]
    config = layer["CONFIG"] | {"prefix": f"futsim-{os.getpid()}"}
    settings.CHANNEL_LAYERS = {"default": layer | {"CONFIG": config}}


async def listening_tab(server: Server, user: Any) -> tuple[Tab, Message]:
    """A page, and what it is told first."""
    tab = await server.connect("/ws/alerts/", user)
    return tab, await tab.until("alerts")


make = in_thread(alert_of)
record = firing_of


@in_thread
def fire(alert: Alert, seconds: int = 0, **more: Any) -> AlertFiring:
    """A firing as its evaluator writes and tells it."""
    firing = record(alert, seconds=seconds, **more)
    topics.publish([(topics.whose(firing.owner_id), topics.firing_body(firing, "NQ"))])
    return firing


@in_thread
def tell_values(n: int = 245, **ranks: float) -> None:
    """Vol Rank of assets among n five-minute bars."""
    values = {root: {"5m:365": (value, 0.0, 0.0, 0.0, n, MARKET_NS)} for root, value in ranks.items()}
    topics.publish([(topics.VALUES, topics.values_body(MARKET_NS, values))])


async def nothing(tab: Tab, kind: str, seconds: float = 0.5) -> bool:
    """Whether no message of a kind comes for so long."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if not await tab.wire.receive_nothing(min(left, 0.1)) and (await tab.next())["type"] == kind:
            return False
    return True


async def test_a_page_is_told_first_how_its_alerts_stand(server: Server, people: People) -> None:
    mine, shared = await make(people.owner, note="mind the open"), await make(None, root="")
    await make(people.colleague)
    _, told = await listening_tab(server, people.owner)
    assert [chip["id"] for chip in told["chips"]] == [mine.pk, shared.pk]
    assert told["chips"][0] | {"count": 0} == {
        "id": mine.pk, "root": "NQ", "metric": "vol_rank", "operator": "gte", "threshold": 95.0, "timeframe": "5m",
        "lookback_days": 365, "repeat": "edge", "is_shared": False, "note": "mind the open", "sound": "beep",
        "value": None, "tone": "off", "count": 0, "closest": None, "is_muted": False,
    }  # fmt: skip
    assert (told["unread"], told["missed"]) == (0, [])
    assert told["settings"] == {"sound_on": True, "volume": 60, "minutes_before": 5}


async def test_all_pages_of_the_owner_hear_a_firing_and_nobody_else_does(server: Server, people: People) -> None:
    alert = await make(people.owner)
    first, _ = await listening_tab(server, people.owner)
    second, _ = await listening_tab(server, people.owner)
    stranger, _ = await listening_tab(server, people.colleague)
    admin, _ = await listening_tab(server, people.admin)
    firing = await fire(alert)
    for tab in (first, second):
        heard = await tab.until("firings")
        assert (heard["firings"][0]["id"], heard["unread"]) == (firing.pk, 1)
        assert heard["firings"][0]["replay_from"] == {
            "root": "NQ",
            "entry_date": "2026-03-18",
            "entry_time": "09:25:05",
            "timeframe": "5m",
            "lookback_days": "365",
        }
    assert await nothing(stranger, "firings")
    assert await nothing(admin, "firings")


async def test_a_shared_alert_is_everybodys_but_of_who_mutes_it(server: Server, people: People) -> None:
    alert = await make(None)
    await in_thread(services.mute)(user_id=people.colleague.pk, alert=alert)
    owner, _ = await listening_tab(server, people.owner)
    muted, told = await listening_tab(server, people.colleague)
    assert told["chips"][0]["is_muted"]
    await fire(alert)
    assert (await owner.until("firings"))["firings"][0]["alert"] == alert.pk
    assert await nothing(muted, "firings")


async def test_chips_follow_the_values(server: Server, people: People) -> None:
    await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    for value, tone in ((96.0, "on"), (91.0, "near"), (86.0, "close"), (40.0, "off")):
        await tell_values(NQ=value)
        chips = (await tab.until("chips"))["chips"]
        await tab.send(type="ack")
        assert [(chip["value"], chip["tone"]) for chip in chips] == [(value, tone)]


async def test_values_that_nobody_tells_any_more_are_forgotten(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(board, "STALE_SECONDS", 0.2)
    await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await tell_values(NQ=96.0)
    await tab.until("chips", lambda message: message["chips"][0]["tone"] == "on")
    await tab.send(type="ack")
    await tab.until("chips", lambda message: message["chips"][0]["value"] is None)


@in_thread
def count(alert: Alert, firings: int) -> None:
    """The record of how often it has fired."""
    where = {"alert": alert, "asset": Asset.objects.get(root="NQ")}
    counted = {"revision": 1, "fire_count": firings, "evaluated_ns": MARKET_NS}
    AlertState.objects.update_or_create(**where, defaults=counted)


async def test_a_firing_counts_once_whether_the_record_is_read_before_it_is_told_or_after(
    server: Server, people: People
) -> None:
    alert = await make(None)
    await count(alert, 1)
    early = await in_thread(record)(alert)
    tab, told = await listening_tab(server, people.owner)
    assert told["chips"][0]["count"] == 1
    await in_thread(topics.publish)([(topics.SHARED, topics.firing_body(early, "NQ"))])
    await tab.until("firings")
    await tell_values(NQ=50.0)
    assert (await tab.until("chips"))["chips"][0]["count"] == 1
    await tab.send(type="ack")
    await fire(alert, seconds=1)
    assert (await tab.until("chips"))["chips"][0]["count"] == 2
    await count(alert, 2)
    _, told = await listening_tab(server, people.colleague)
    assert told["chips"][0]["count"] == 2


async def test_a_firing_that_is_told_while_the_record_is_read_is_counted(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    alert = await make(people.owner)
    read = board.Watch._read_counts

    def late(watch: board.Watch) -> Any:
        found = read(watch)
        if not AlertFiring.objects.exists():
            firing = record(alert)
            topics.publish([(topics.of_user(people.owner.pk), topics.firing_body(firing, "NQ"))])
            heard.wait(5)
        return found

    heard = threading.Event()
    hear = board.Watch._fired
    monkeypatch.setattr(board.Watch, "_fired", lambda *args, **more: (hear(*args, **more), heard.set()))
    monkeypatch.setattr(board.Watch, "_read_counts", late)
    _, told = await listening_tab(server, people.owner)
    assert told["chips"][0]["count"] == 1


async def test_chips_that_change_while_a_page_is_told_first_reach_it(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = consumers.AlertsConsumer._say

    async def slow(consumer: consumers.AlertsConsumer, message: Message) -> None:
        await say(consumer, message)
        if message["type"] == "alerts":
            await tell_values(NQ=96.0)
            await asyncio.wait_for(heard.wait(), 5)

    hear = consumers.AlertsConsumer.hear_chips
    heard = asyncio.Event()
    monkeypatch.setattr(consumers.AlertsConsumer, "hear_chips", lambda *told: (hear(*told), heard.set()))
    monkeypatch.setattr(consumers.AlertsConsumer, "_say", slow)
    await make(people.owner)
    tab, told = await listening_tab(server, people.owner)
    assert told["chips"][0]["value"] is None
    assert (await tab.until("chips"))["chips"][0]["value"] == 96.0


async def test_that_nobody_evaluates_is_told_with_its_time_and_the_chips_lose_their_values(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "FEEL_SECONDS", 0.1)
    await in_thread(pulse.beat)()
    await make(people.owner)
    tab, told = await listening_tab(server, people.owner)
    assert told["silent_ms"] is None
    await tell_values(NQ=96.0)
    await tab.until("chips", lambda message: message["chips"][0]["value"] == 96.0)
    await tab.send(type="ack")
    before_ms = time.time_ns() // topics.MS
    monkeypatch.setattr(pulse, "STALE_SECONDS", 0.0)
    silent_ms = (await tab.until("evaluator"))["silent_ms"]
    assert before_ms - 60_000 < silent_ms <= before_ms
    await tab.until("chips", lambda message: message["chips"][0]["value"] is None)
    _, told = await listening_tab(server, people.colleague)
    assert told["silent_ms"] == silent_ms
    monkeypatch.setattr(pulse, "STALE_SECONDS", 60.0)
    await in_thread(pulse.beat)()
    assert (await tab.until("evaluator"))["silent_ms"] is None


async def test_a_sample_that_is_too_small_says_so(server: Server, people: People) -> None:
    await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await tell_values(n=19, NQ=99.0)
    chip = (await tab.until("chips"))["chips"][0]
    assert (chip["value"], chip["tone"]) == (99.0, "thin")


async def test_an_all_alert_names_the_closest_and_opens_to_all_assets(server: Server, people: People) -> None:
    alert = await make(people.owner, root="")
    tab, _ = await listening_tab(server, people.owner)
    await tell_values(NQ=40.0, CL=92.0)
    chip = (await tab.until("chips"))["chips"][0]
    assert (chip["closest"], chip["value"], chip["tone"], "rows" in chip) == ("CL", 92.0, "near", False)
    await tab.send(type="ack")
    await tab.send(type="open", alerts=[alert.pk])
    rows = (await tab.until("chips", lambda message: "rows" in message["chips"][0]))["chips"][0]["rows"]
    assert len(rows) == 19
    assert [row for row in rows if row["value"] is not None] == [
        {"root": "CL", "value": 92.0, "tone": "near"},
        {"root": "NQ", "value": 40.0, "tone": "off"},
    ]


async def test_a_firing_says_whether_its_alert_is_on_all_assets(server: Server, people: People) -> None:
    one, every = await make(people.owner), await make(people.owner, root="")
    tab, _ = await listening_tab(server, people.owner)
    for alert in (one, every):
        await fire(alert)
        assert (await tab.until("firings"))["firings"][0]["is_all"] == (alert == every)


async def test_a_page_that_acknowledges_nothing_gets_no_more_chips_but_every_firing(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "CHIP_SECONDS", 0.0)
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await tell_values(NQ=10.0)
    await tab.until("chips")
    await tell_values(NQ=20.0)
    await tell_values(NQ=30.0)
    await fire(alert)
    await tab.until("firings")
    assert await nothing(tab, "chips")
    await tab.send(type="ack")
    assert (await tab.until("chips"))["chips"][0]["value"] == 30.0


async def test_a_page_that_stays_silent_is_closed(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumers, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.05)
    await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await tell_values(NQ=10.0)
    async with asyncio.timeout(5):
        while tab.closed is None:
            await tab.next()
    assert tab.closed == 4408


async def test_what_fired_meanwhile_is_told_at_the_next_visit_and_counted(server: Server, people: People) -> None:
    alert = await make(people.owner)
    fired = [await fire(alert, seconds) for seconds in (0, 1)]
    await fire(await make(people.colleague))
    tab, told = await listening_tab(server, people.owner)
    assert ([each["id"] for each in told["missed"]], told["unread"]) == ([each.pk for each in fired], 2)
    other, _ = await listening_tab(server, people.owner)
    await tab.send(type="seen", until=fired[1].pk)
    for each in (tab, other):
        assert (await each.until("seen"))["unread"] == 0
    _, told = await listening_tab(server, people.owner)
    assert (told["missed"], told["unread"]) == ([], 0)


async def test_what_a_page_in_front_has_shown_is_unread_but_not_missed(server: Server, people: People) -> None:
    alert = await make(people.owner)
    firings = [await fire(alert, seconds) for seconds in range(3)]
    tab, told = await listening_tab(server, people.owner)
    assert (len(told["missed"]), told["missed_count"]) == (3, 3)
    for firing in (firings[1], firings[0]):  # it never goes back
        await tab.send(type="shown", until=firing.pk)
    # commands are taken one after the other
    await tab.send(type="seen", until=firings[0].pk)
    assert (await tab.until("seen"))["unread"] == 2
    _, told = await listening_tab(server, people.owner)
    assert ([each["id"] for each in told["missed"]], told["missed_count"]) == ([firings[2].pk], 1)
    assert told["unread"] == 2
    # more than there is cannot be said: it would hide what is still to fire
    await tab.send(type="shown", until=2**53)
    await tab.send(type="seen", until=firings[1].pk)
    await tab.until("seen")
    later = await fire(alert, 9)
    _, told = await listening_tab(server, people.owner)
    assert ([each["id"] for each in told["missed"]], told["unread"]) == ([later.pk], 2)


async def test_what_fired_before_is_not_told_as_new(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LOOK_SECONDS", 0.05)
    await fire(await make(people.owner))
    tab, _ = await listening_tab(server, people.owner)
    assert await nothing(tab, "firings")


async def test_nobody_looks_at_firings_that_are_still_to_come(server: Server, people: People) -> None:
    alert = await make(people.owner)
    firing = await fire(alert)
    tab, _ = await listening_tab(server, people.owner)
    await tab.send(type="seen", until=2**53)
    await tab.until("seen")
    assert (await in_thread(AlertSeen.objects.get)(user=people.owner)).until_id == firing.pk


async def test_another_users_firings_cannot_be_marked(server: Server, people: People) -> None:
    firing = await fire(await make(people.owner))
    tab, _ = await listening_tab(server, people.colleague)
    await tab.send(type="seen", until=firing.pk)
    assert await nothing(tab, "seen")
    assert not await in_thread(AlertSeen.objects.exists)()


async def test_opening_anothers_alert_tells_nothing_of_it(server: Server, people: People) -> None:
    alert = await make(people.owner, root="")
    tab, _ = await listening_tab(server, people.colleague)
    await tell_values(NQ=99.0)
    await tab.send(type="open", alerts=[alert.pk])
    assert await nothing(tab, "chips")


async def test_a_firing_whose_message_was_lost_is_found_in_the_record(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LOOK_SECONDS", 0.1)
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    stranger, _ = await listening_tab(server, people.colleague)
    firing = await in_thread(record)(alert)
    assert (await tab.until("firings"))["firings"][0]["id"] == firing.pk
    assert await nothing(tab, "firings")
    assert await nothing(stranger, "firings", 0.1)


async def test_a_firing_that_is_told_and_found_is_shown_once(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LOOK_SECONDS", 0.05)
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await fire(alert)
    await tab.until("firings")
    assert await nothing(tab, "firings")


async def test_changes_reach_every_page_and_the_chips(server: Server, people: People) -> None:
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await in_thread(services.pause)(alerts=[alert])
    await tab.until("changed")
    await tab.until("chips", lambda message: message["chips"][0]["tone"] == "paused")
    await tab.send(type="ack")
    await in_thread(services.clear_all)(owner_id=people.owner.pk)
    assert (await tab.until("chips", lambda message: message["gone"] != []))["gone"] == [alert.pk]


async def test_a_change_whose_message_was_lost_is_found_too(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board, "LOOK_SECONDS", 0.1)
    tab, _ = await listening_tab(server, people.owner)
    monkeypatch.setattr(topics, "publish", lambda messages: None)
    alert = await make(people.owner)
    await tab.until("chips", lambda message: [chip["id"] for chip in message["chips"]] == [alert.pk])


async def test_settings_saved_on_one_page_hold_on_all(server: Server, people: People) -> None:
    tab, _ = await listening_tab(server, people.owner)
    wanted = {"has_sound": False, "volume": 10, "minutes_before": 3}
    await in_thread(services.save_settings)(user_id=people.owner.pk, **wanted)
    assert (await tab.until("settings"))["settings"] == {"sound_on": False, "volume": 10, "minutes_before": 3}


async def test_a_replayed_firing_names_its_replay_and_is_not_counted(server: Server, people: People) -> None:
    key = "00000000-0000-4000-8000-000000000007"
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await fire(alert, replay_key=key)
    heard = await tab.until("firings")
    assert (heard["firings"][0]["replay"], heard["unread"]) == (key, 0)
    _, told = await listening_tab(server, people.owner)
    assert (told["unread"], told["missed"]) == (0, [])


async def test_a_quiet_socket_beats(server: Server, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumers, "BEAT_SECONDS", 0.1)
    tab, _ = await listening_tab(server, people.owner)
    await tab.until("beat")


@pytest.mark.parametrize(
    "text",
    [
        "null",
        "nonsense",
        "[]",
        '{"type": "seen", "until": -1}',
        '{"type": "delete"}',
        '{"type": "open", "alerts": "x"}',
    ],
)
async def test_what_cannot_be_read_changes_nothing(server: Server, people: People, text: str) -> None:
    alert = await make(people.owner)
    tab, _ = await listening_tab(server, people.owner)
    await tab.send_raw(text)
    await fire(alert)
    await tab.until("firings")


async def test_a_page_that_cannot_be_told_how_things_stand_connects_again(
    server: Server, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setattr(board.Watch, "_read_rows", lambda watch: Alert.objects.get(pk=-1))
        tab = await server.connect("/ws/alerts/", people.owner)
        await tab.next()
    assert tab.closed == listening.CONNECT_AGAIN
    assert server.hub._listeners == {}
    _, told = await listening_tab(server, people.owner)
    assert told["unread"] == 0


async def test_who_is_not_logged_in_is_turned_away(server: Server) -> None:
    tab = await server.connect("/ws/alerts/")
    await tab.next()
    assert tab.closed == listening.NOT_LOGGED_IN


async def test_logging_out_closes_the_socket(server: Server, people: People) -> None:
    tab, _ = await listening_tab(server, people.owner)
    await in_thread(tab.client.post)("/account/logout/")  # type: ignore[attr-defined]
    async with asyncio.timeout(5):
        while tab.closed is None:
            await tab.next()
    assert tab.closed == listening.NOT_LOGGED_IN
