"""Alerts in a replay: what fires at which playhead, whatever the speed, and who hears of it."""

import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from channels.db import database_sync_to_async

from alerts import services
from alerts.engine.trace import measured
from alerts.models import Alert, AlertFiring, AlertState
from market import tapes
from market.engine.bars import Bars
from market.models import Asset
from market.sessions import SECOND_NS, parse_et
from ranks import access, series
from ranks.services import ready_for
from ranks.tasks import refresh_ranks
from replay.alerting import Alerting
from replay.models import ReplaySession
from tests import alerting
from tests.conftest import People
from tests.filegateway import Records
from tests.sockets.conftest import PATIENCE, OpenReplay, Server, Tab
from tests.sockets.test_no_look_ahead import CUT, HASTE_SECONDS, forget, poisoned
from tests.sockets.test_replay import ready

in_thread = database_sync_to_async
DAY, LOOKBACK = date(2026, 3, 17), 40
ENTRY = "2026-03-17 09:30"
FROM, UNTIL = parse_et("2026-03-17 09:30"), parse_et("2026-03-17 10:10")
Firing = tuple[int, str, int]


@pytest.fixture
async def replay(opened: OpenReplay) -> ReplaySession:
    """A replay of NQ with ranks: a month is summarised."""
    found = await opened(ENTRY, lookback_days=LOOKBACK)
    await in_thread(_make_ranks)()
    return found


def _make_ranks() -> None:
    access.forget_cached()
    job = ready_for(asset=Asset.objects.get(root="NQ"), until=DAY, lookback_days=LOOKBACK, asked_by_id=None)
    refresh_ranks(job.pk)


@in_thread
def make(owner: Any, root: str = "NQ", **terms: Any) -> Alert:
    asset = Asset.objects.get(root=root) if root else None
    return alerting.make(owner, asset, **({"lookback_days": LOOKBACK} | terms))


@in_thread
def recorded(replay: ReplaySession | None, **of: Any) -> list[Firing]:
    return alerting.firings(replay_key=replay and replay.pk, **of)


@in_thread
def wanted(alerts: list[Alert], from_ns: int, to_ns: int) -> list[Firing]:
    """What one fold over the session fires between two instants, seen from its opening on."""
    asset = Asset.objects.get(root="NQ")
    session = asset.sessions.session(DAY)
    assert session is not None
    piece = tapes.stored_piece(series.front_contracts(asset, [session])[DAY], session)
    assert piece is not None
    found = alerting.folded(alerts, asset, session, piece.stored, session.open_ns, to_ns)
    return [each for each in found if each[0] > from_ns]


async def passed(tab: Tab, ns: int) -> int:
    """Read on until the playhead has come there, and pause; where it stands."""
    await tab.clock(lambda clock: int(clock["playhead"]) >= ns)
    await tab.send(type="pause")
    return int((await tab.clock(lambda clock: not clock["playing"]))["playhead"])


async def several(owner: Any) -> list[Alert]:
    """Alerts that fire some dozens of times in half an hour."""
    return [
        await make(owner, metric=metric, operator=operator, threshold=Decimal(50), timeframe=timeframe, repeat=repeat)
        for metric, operator in (("vol_rank", "gte"), ("range_pending", "lte"), ("vol_pending", "gte"))
        for timeframe, repeat in (("1m", "edge"), ("5m", "bar"), ("5m", "close"), ("15m", "edge"))
    ]


async def test_the_same_fires_at_every_speed_and_step_as_in_one_fold(
    server: Server, replay: ReplaySession, people: People, opened: OpenReplay
) -> None:
    alerts = await several(people.owner)
    expected = await wanted(alerts, FROM, UNTIL)
    assert len(expected) > 20
    replays = [replay, await opened(ENTRY), await opened(ENTRY)]
    for each, speed in zip(replays, (300, 1000, "max"), strict=True):
        tab = await ready(server, each, people.owner)
        await tab.send(type="speed", value=speed)
        await tab.send(type="play")
        reached = await passed(tab, UNTIL)
        await until_evaluated(server, each, reached)
        assert [firing for firing in await recorded(each) if firing[0] <= UNTIL] == expected
        assert all(ns <= reached for ns, _, _ in await recorded(each))
    by_steps = await opened(ENTRY)
    tab = await ready(server, by_steps, people.owner)
    for _ in range(8):
        await tab.send(type="step", unit="bar", count=1, chart="main")
        await tab.until("frame")
    await until_evaluated(server, by_steps, UNTIL)
    assert await recorded(by_steps) == expected
    # the alerts themselves stand as if nothing had been
    assert await in_thread(AlertState.objects.count)() == 0
    assert await recorded(None) == []


def alerts_of(server: Server, replay: ReplaySession) -> Alerting:
    return server.players._players[replay.pk]._alerting


async def until_evaluated(server: Server, replay: ReplaySession, ns: int) -> None:
    """Wait until the replay's alerts have come to an instant."""
    watched = alerts_of(server, replay)
    await until_so(lambda: watched._until_ns >= ns and not watched._found)


async def until_so(that: Callable[[], bool], seconds: float = PATIENCE) -> None:
    for _ in range(round(seconds / 0.02)):
        if that():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def both_pages(server: Server, people: People) -> tuple[Tab, Tab]:
    """The alerts of the replay's owner and of a colleague, each told how his stand."""
    mine, theirs = (
        await server.connect("/ws/alerts/", people.owner),
        await server.connect("/ws/alerts/", people.colleague),
    )
    for tab in (mine, theirs):
        await tab.until("alerts")
    return mine, theirs


async def test_a_firing_is_told_on_the_owners_pages_and_once_more_when_the_replay_is_put_back(
    server: Server, replay: ReplaySession, people: People
) -> None:
    mine = await make(people.owner, metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    shared = await make(None, root="", metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    muted = await make(None, metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    await make(people.colleague, metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    await make(people.owner, root="CL", metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    await in_thread(services.mute)(user_id=people.owner.pk, alert=muted)
    own, theirs = await both_pages(server, people)
    page = await ready(server, replay, people.owner)
    expected = await wanted([mine, shared], FROM, UNTIL)
    assert {alert for _, _, alert in expected} == {mine.pk, shared.pk}
    for is_again in (False, True):
        for number in range(8):
            await page.send(type="step", unit="bar", count=1, chart="main")
            # each step for itself: of what fires together the newest are told
            await until_evaluated(server, replay, FROM + (number + 1) * 300 * SECOND_NS)
        told: list[dict[str, Any]] = []
        while len(told) < len(expected):
            message = await own.until("firings")
            told += message["firings"]
            assert message["unread"] == 0
        assert [(each["market_ms"], each["alert"]) for each in told] == [
            (ns // 10**6, alert) for ns, _, alert in expected
        ]
        assert {each["replay"] for each in told} == {str(replay.pk)}
        assert all(each.get("again", False) == is_again for each in told)
        assert await recorded(replay) == expected
        await page.send(type="seek", et=ENTRY)
        await until_so(lambda: alerts_of(server, replay)._until_ns == FROM)
    owners = await in_thread(lambda: set(AlertFiring.objects.values_list("owner_id", flat=True)))()
    assert owners == {people.owner.pk}
    await theirs.wire.receive_nothing(0.3)
    assert all(message["type"] != "firings" for message in theirs.messages)


async def test_a_jump_ahead_fires_nothing_on_the_way_and_an_alert_made_meanwhile_is_taken_up(
    server: Server, replay: ReplaySession, people: People
) -> None:
    first = await make(people.owner, metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    page = await ready(server, replay, people.owner)
    await page.send(type="seek", et="2026-03-17 10:02:30")
    await page.clock(lambda clock: int(clock["playhead"]) > FROM)
    await until_evaluated(server, replay, parse_et("2026-03-17 10:02:30"))
    assert await recorded(replay) == []
    second = await make(people.owner, metric="vol_rank", threshold=Decimal(30), timeframe="1m")
    watched = alerts_of(server, replay)
    await until_so(lambda: second.pk in watched._known, seconds=1.0)
    await page.send(type="step", unit="bar", count=1, chart="main")
    await page.send(type="step", unit="bar", count=1, chart="main")
    await until_evaluated(server, replay, UNTIL)
    assert await recorded(replay) == await wanted([first, second], parse_et("2026-03-17 10:02:30"), UNTIL)
    await in_thread(services.delete)(alerts=[first, second])
    await until_so(lambda: not watched._known, seconds=1.0)


async def test_once_fires_once_in_a_replay_and_leaves_the_alert_watched(
    server: Server, replay: ReplaySession, people: People
) -> None:
    alert = await make(
        people.owner, metric="vol_rank", threshold=Decimal(50), timeframe="1m", repeat="once",
        webhook_url="https://example.org/hook", email=True,
    )  # fmt: skip
    page = await ready(server, replay, people.owner)
    for _ in range(8):
        await page.send(type="step", unit="bar", count=1, chart="main")
        await page.until("frame")
    await until_evaluated(server, replay, UNTIL)
    fired = await recorded(replay)
    assert len(fired) == 1
    # put back to after its firing, it has fired; before it, it comes to the same one again
    for et in ("2026-03-17 10:00", ENTRY):
        await page.send(type="seek", et=et)
        await page.clock(lambda clock, et=et: int(clock["playhead"]) == parse_et(et))  # type: ignore[misc]
        await page.send(type="speed", value="max")
        await page.send(type="play")
        await until_evaluated(server, replay, await passed(page, UNTIL))
    assert await recorded(replay) == fired
    await in_thread(alert.refresh_from_db)()
    assert alert.is_watched
    row = await in_thread(AlertFiring.objects.get)()
    assert (row.webhook, row.mail, row.due_at) == ("", "", None)
    assert row.market_ns % SECOND_NS == 0


async def test_what_a_replay_fired_goes_with_it(replay: ReplaySession, people: People, server: Server) -> None:
    await make(people.owner, metric="vol_rank", threshold=Decimal(50), timeframe="1m")
    page = await ready(server, replay, people.owner)
    await page.send(type="step", unit="bar", count=1, chart="main")
    await until_evaluated(server, replay, parse_et("2026-03-17 09:35"))
    assert await recorded(replay)
    client = page.client  # type: ignore[attr-defined]
    answer = await in_thread(client.post)(f"/replay/{replay.pk}/delete")
    assert answer.status_code == 302
    assert await recorded(replay) == []


async def test_nothing_after_the_playhead_decides_what_fires(
    server: Server, opened: OpenReplay, people: People, small_market: Records
) -> None:
    """Two markets that are the same up to the cut, in the middle of bars of all these timeframes."""
    seconds = small_market.bars["ohlcv-1s", "NQM6"]
    alerts = await several(people.owner)
    told: list[list[tuple[Any, ...]]] = []
    for bars in (seconds, poisoned(seconds)):
        small_market.add("NQM6", bars)
        small_market.calls.clear()
        await in_thread(forget)()
        replay = await opened(ENTRY, lookback_days=LOOKBACK)
        await in_thread(_make_ranks)()
        page = await ready(server, replay, people.owner)
        await page.send(type="seek", et="2026-03-17 11:15")
        await until_evaluated(server, replay, parse_et("2026-03-17 11:15"))
        for _ in range(6):
            await asyncio.sleep(HASTE_SECONDS)
            await page.send(type="step", unit="bar", count=1, chart="main")
        await page.send(type="speed", value=60)
        await page.send(type="play")
        await passed(page, CUT - 20 * SECOND_NS)
        while alerts_of(server, replay)._playhead_ns < CUT:
            await page.send(type="step", unit="second", count=1)
            await asyncio.sleep(HASTE_SECONDS)
        await until_evaluated(server, replay, CUT)
        told.append(await fields_of(replay))
        assert await wanted(alerts, parse_et("2026-03-17 11:15"), CUT) == await recorded(replay)
    assert told[0] == told[1]
    assert len(told[0]) > 10
    # and after it they are two
    assert await wanted(alerts, CUT, parse_et("2026-03-17 13:00"))


@in_thread
def fields_of(replay: ReplaySession) -> list[tuple[Any, ...]]:
    rows = AlertFiring.objects.filter(replay_key=replay.pk).order_by("market_ns", "alert")
    return list(rows.values_list("alert_id", "market_ns", "bar_start_ns", "value", "n"))


async def test_pages_are_told_how_alerts_stand_at_the_playhead(
    server: Server, replay: ReplaySession, people: People
) -> None:
    alert = await make(people.owner, metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    every = await make(people.owner, root="", metric="range_rank", threshold=Decimal(50), timeframe="5m")
    await make(people.owner, root="CL", metric="vol_rank", threshold=Decimal(50), timeframe="5m")
    told, strangers = await both_pages(server, people)
    page = await ready(server, replay, people.owner)
    stands = await stood(told, FROM)
    assert set(stands) == {alert.pk, every.pk}
    assert stands[alert.pk]["value"] == await measured_at(FROM)
    await page.send(type="seek", et="2026-03-17 10:02:30")
    later = parse_et("2026-03-17 10:02:30")
    stands = await stood(told, later)
    assert stands[alert.pk]["value"] == await measured_at(later) > 0
    assert stands[every.pk]["closest"] == "NQ"
    while not await strangers.wire.receive_nothing(0.1):
        assert (await strangers.next())["type"] != "replayed"


async def stood(tab: Tab, ns: int) -> dict[int, Any]:
    """The chips that a replay at this instant tells."""

    def is_it(message: Any) -> bool:
        return message["market_ms"] == ns // 1_000_000 and message["chips"][0]["value"] is not None

    message = await tab.until("replayed", is_it)
    return {chip["id"]: chip for chip in message["chips"]}


@in_thread
def measured_at(ns: int) -> float:
    """Vol Rank of the bar that forms, of what has traded by then alone."""
    asset = Asset.objects.get(root="NQ")
    session = asset.sessions.session(DAY)
    assert session is not None
    piece = tapes.stored_piece(series.front_contracts(asset, [session])[DAY], session)
    assert piece is not None
    known = piece.stored.ts < ns
    past = Bars(*(getattr(piece.stored, name)[known] for name in Bars.COLUMNS))
    sample = access.table(asset, "5m", DAY, LOOKBACK)
    line = measured(sample, session, "5m", past, asset.tick_size, np.array([ns]))
    return round(float(line.values[-1, 0]), 4)
