"""No look-ahead: two markets that differ only after an instant look the same on the wire up to it."""

from typing import Any

import numpy as np
from channels.db import database_sync_to_async
from django.core.cache import cache

from market import tapes
from market.engine.bars import Bars
from market.models import Asset
from market.sessions import parse_et
from ranks import access
from ranks.tasks import summarise_new
from replay.models import ReplaySession
from tests.conftest import People
from tests.filegateway import Records
from tests.sockets.conftest import OpenReplay, Server
from tests.sockets.test_replay import ready

CUT = parse_et("2026-03-17 11:47:13")


def poisoned(bars: Bars) -> Bars:
    """The same bars up to the cut; afterwards other seconds, other prices, other volumes."""
    after = bars[bars.ts + 10**9 > CUT]
    kept = np.random.default_rng(5).random(len(after)) < 0.6
    changed = after[kept].shifted(12_345 * 250_000_000)
    louder = Bars(changed.ts, changed.open, changed.high, changed.low, changed.close, changed.volume * 7)
    return Bars.concatenate([bars[bars.ts + 10**9 <= CUT], louder])


async def wire(server: Server, opened: OpenReplay, people: People) -> list[dict[str, Any]]:
    """Every message of one replay with steps, jumps and changes of timeframe, none of them past the cut."""
    replay = await opened("2026-03-17 09:30")
    await database_sync_to_async(summarise)()
    tab = await ready(server, replay, people.owner)
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
    ]
    for command in walk:
        await tab.send(**command)
        await tab.send(type="resync")
        snapshot = await tab.until("snapshot")
        for _ in snapshot["charts"]:
            await tab.until("ranks")
    await database_sync_to_async(ReplaySession.objects.all().delete)()
    return tab.messages


def in_order(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What comes in the same order each time; ranks come when a thread has computed them, and change no bar."""
    told: list[dict[str, Any]] = []
    shown: set[tuple[Any, ...]] = set()
    clock = None
    for message in map(scrub, messages):
        if message["type"] in ("job", "lookback", "ranks"):
            continue
        bodies = message.get("charts", [message] if message["type"] == "chart" else [])
        rows = {row for body in bodies for row in zip(*body["bars"].values(), strict=True)}
        if message["type"] == "frame" and rows <= shown and message["clock"] == clock:
            continue
        shown, clock = shown | rows, message.get("clock", clock)
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
    """Without what differs between any two replays: ids, numbering, wall time, the progress of loading, ranks."""
    dropped = {"seq", "at", "job", "id", "lookback", "metrics", "ranks"}

    def clean(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: clean(inner) for key, inner in value.items() if key not in dropped}
        return [clean(inner) for inner in value] if isinstance(value, list) else value

    cleaned: dict[str, Any] = clean(message)
    return cleaned


async def test_two_markets_that_differ_after_an_instant_look_the_same_until_then(
    server: Server, opened: OpenReplay, people: People, small_market: Records, settings: Any, tmp_path: Any
) -> None:
    first = await wire(server, opened, people)

    for (schema, symbol), bars in list(small_market.bars.items()):
        if schema == "ohlcv-1s":
            small_market.add(symbol, poisoned(bars))
    settings.DATA_ROOT = str(tmp_path / "another")
    tapes.cache.clear()
    await database_sync_to_async(forget)()
    second = await wire(server, opened, people)

    assert len(in_order(first)) == len(in_order(second)) > 20
    for left, right in zip(in_order(first), in_order(second), strict=True):
        assert left == right
    ranks, others = ranks_told(first), ranks_told(second)
    assert sum(type(told) is list and told[0] is not None for told in ranks.values()) > 1_000
    assert any(type(told) is dict for told in ranks.values())
    for key in ranks.keys() & others.keys():
        assert ranks[key] == others[key]
    assert {key for key, told in ranks.items() if type(told) is list} == {
        key for key, told in others.items() if type(told) is list
    }


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
