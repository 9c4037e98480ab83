"""No look-ahead: two markets that differ only after an instant look the same on the wire up to it."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from channels.db import database_sync_to_async
from django.core.cache import cache

from market import tapes
from market.engine.bars import Bars
from market.engine.trades import Trades
from market.models import Asset
from market.sessions import parse_et
from ranks import access
from ranks.tasks import summarise_new
from replay.models import ReplaySession
from tests.conftest import People
from tests.filegateway import Records
from tests.sockets.conftest import PATIENCE, OpenReplay, Server, Tab
from tests.sockets.test_depth import WATCH_ALL, add_events, eventful, got, prints_of
from tests.sockets.test_replay import ready

__all__ = ["eventful"]

HASTE_SECONDS = 0.15
"""Between commands: the acknowledgements of their answers count among the messages that one may send a second."""
CUT = parse_et("2026-03-17 11:47:13")


def poisoned(bars: Bars) -> Bars:
    """The same bars up to the cut; afterwards other seconds, other prices, other volumes."""
    after = bars[bars.ts + 10**9 > CUT]
    kept = np.random.default_rng(5).random(len(after)) < 0.6
    changed = after[kept].shifted(12_345 * 250_000_000)
    louder = Bars(changed.ts, changed.open, changed.high, changed.low, changed.close, changed.volume * 7)
    return Bars.concatenate([bars[bars.ts + 10**9 <= CUT], louder])


def poisoned_prints(trades: Trades) -> Trades:
    """The same prints up to the cut; afterwards others, and with them another book."""
    known = trades.known_at(CUT)
    later = trades[known:][::3]
    changed = Trades(
        later.ts, later.ts_event, later.price + 4_000_000_000, later.size * 5, later.side, later.sequence + 1
    )
    return Trades.concatenate([trades[:known], changed])


@dataclass
class Told:
    """What a page was told. charts: messages without ranks and events, but for frames without a new bar. ranks and
    events (each book with its playhead, each print), whichever message brought them: how they spread over messages is
    a matter of time.
    """

    charts: list[dict[str, Any]]
    ranks: dict[tuple[Any, ...], Any]
    events: set[tuple[Any, ...]]


def events_in(message: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    playhead = message.get("clock", {}).get("playhead")
    if message.get("book"):
        yield playhead, json.dumps(message["book"])
    if prints := message.get("prints"):
        for print_ in zip(prints["t"], prints["p"], prints["s"], prints["side"], strict=True):
            assert int(print_[0]) <= int(playhead)
            yield print_
    if message["type"] == "snapshot" and message.get("volumes"):
        yield playhead, json.dumps(message["volumes"])


async def wire(server: Server, opened: OpenReplay, people: People) -> Told:
    """Every message of one replay with steps, jumps and changes of timeframe, none of them past the cut."""
    replay = await opened("2026-03-17 09:30")
    await database_sync_to_async(summarise)()
    tab = await ready(server, replay, people.owner)
    await got(tab)
    await tab.send(**WATCH_ALL)
    await tab.until("frame", lambda message: message.get("book") is not None and message["prints"] is not None)
    walk: list[dict[str, Any]] = [
        {"type": "step", "unit": "bar", "count": 1, "chart": "main"},
        {"type": "step", "unit": "second", "count": 1},
        {"type": "chart.timeframe", "chart": "main", "timeframe": "1m"},
        {"type": "seek", "et": "2026-03-11 20:00"},  # 18:00 that day brought the roll
        {"type": "seek", "et": "2026-03-17 11:47:12"},
        {"type": "step", "unit": "second", "count": 1},
        {"type": "chart.timeframe", "chart": "main", "timeframe": "1D"},
        {"type": "chart.open", "chart": "second", "timeframe": "4h"},
        {"type": "seek", "et": "2026-03-16 18:00"},
        {"type": "seek", "et": "2026-03-17 11:47:13"},
        {"type": "step", "unit": "bar", "count": -1, "chart": "second"},
        {"type": "step", "unit": "second", "count": 1},
        {"type": "seek", "et": "2026-03-17 11:47:13"},
    ]
    for command in walk:
        await asyncio.sleep(HASTE_SECONDS)
        await tab.send(**command)
        await tab.send(type="resync")
        await settled(tab, await tab.until("snapshot"))
    await database_sync_to_async(ReplaySession.objects.all().delete)()
    events = {event for message in tab.messages for event in events_in(message)}
    return Told(in_order(tab.messages), ranks_told(tab.messages), events)


async def settled(tab: Tab, snapshot: dict[str, Any]) -> None:
    """Wait for what comes once a thread has it: the ranks of each chart, the events of a session entered anew."""
    ranks, lacks_events = len(snapshot["charts"]), snapshot["clock"]["grade"] == "book" and snapshot["prints"] is None
    async with asyncio.timeout(2 * PATIENCE):
        while ranks > 0 or lacks_events:
            message = await tab.next()
            ranks -= message["type"] == "ranks"
            lacks_events = lacks_events and message.get("prints") is None


def in_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes in the same order each time: not what a thread has to find first, nor what a snapshot repeats."""
    told: list[dict[str, Any]] = []
    shown: set[tuple[Any, ...]] = set()
    for message in map(scrub, messages):
        if message["type"] in ("job", "lookback", "log", "ranks"):
            continue
        bodies = message.get("charts", [message] if message["type"] == "chart" else [])
        rows = {row for body in bodies for row in zip(*body["bars"].values(), strict=True)}
        if message["type"] == "frame" and rows <= shown:
            continue
        shown |= rows
        told.append(message)
    return told


def ranks_told(messages: list[dict[str, Any]]) -> dict[tuple[Any, ...], Any]:
    """Every rank that was told: of closed bars by timeframe and time, of forming ones by the playhead too."""
    told: dict[tuple[Any, ...], Any] = {}
    timeframes: dict[str, str] = {}
    for message in messages:
        bodies = message.get("charts", [message] if message["type"] in ("chart", "ranks") else [])
        for body in bodies:
            name = timeframes[body["chart"]] = body.get("timeframe") or timeframes[body["chart"]]
            if body.get("metrics"):
                told[name, message["clock"]["playhead"]] = body["metrics"]
            columns = body.get("ranks") or {"t": []}
            for row, time in enumerate(columns["t"]):
                told[name, time] = [columns[column][row] for column in ("vr", "rr", "n")]
    return told


def scrub(message: dict[str, Any]) -> dict[str, Any]:
    """Without what differs between any two replays: ids, numbering, wall time, what loads, ranks, events."""
    dropped = {"seq", "at", "job", "id", "lookback", "metrics", "ranks", "book", "prints", "volumes"}

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(inner) for key, inner in value.items() if key not in dropped}
        return [clean(inner) for inner in value] if isinstance(value, list) else value

    cleaned: dict[str, Any] = clean(message)
    return cleaned


async def test_two_markets_that_differ_after_an_instant_look_the_same_until_then(
    server: Server, opened: OpenReplay, people: People, eventful: Records, settings: Any, tmp_path: Any
) -> None:
    small_market = eventful
    first = await wire(server, opened, people)

    add_events(small_market, poisoned_prints(prints_of("2026-03-17 04:00", 7)))
    for (schema, symbol), bars in list(small_market.bars.items()):
        if schema == "ohlcv-1s":
            small_market.add(symbol, poisoned(bars))
    settings.DATA_ROOT, settings.BOOK_ROOT = str(tmp_path / "another"), str(tmp_path / "other books")
    tapes.cache.clear()
    await database_sync_to_async(forget)()
    second = await wire(server, opened, people)

    assert len(first.charts) == len(second.charts) > 20
    for left, right in zip(first.charts, second.charts, strict=True):
        assert left == right
    assert sum(type(told) is list and told[0] is not None for told in first.ranks.values()) > 1_000
    assert any(type(told) is dict for told in first.ranks.values())
    for key in first.ranks.keys() & second.ranks.keys():
        assert first.ranks[key] == second.ranks[key]
    assert {key for key, told in first.ranks.items() if type(told) is list} == {
        key for key, told in second.ranks.items() if type(told) is list
    }
    assert len(first.events) > 500
    assert first.events ^ second.events == set()


def summarise() -> None:
    """As the workers do in the background."""
    access.forget_cached()
    summarise_new()


def forget() -> None:
    """As a fresh installation, with the other market behind the gateway."""
    asset = Asset.objects.get(root="NQ")
    asset.contracts.all().delete()
    asset.daily_spans.all().delete()
    asset.rolls.all().delete()
    cache.clear()


def test_the_two_markets_do_differ(small_market: Records) -> None:
    bars = small_market.bars["ohlcv-1s", "NQM6"]
    other = poisoned(bars)
    same = int((bars.ts + 10**9 <= CUT).sum())
    np.testing.assert_array_equal(bars.close[:same], other.close[:same])
    assert len(other) < len(bars)
    assert other.close[same] != bars.close[same]


def test_the_prints_of_the_two_markets_do_differ() -> None:
    trades = prints_of("2026-03-17 04:00", 7)
    other, known = poisoned_prints(trades), trades.known_at(CUT)
    assert 0 < known < len(other) < len(trades)
    np.testing.assert_array_equal(trades.price[:known], other.price[:known])
    assert other.price[known] != trades.price[known]
