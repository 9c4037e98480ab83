"""A replay of imported files over its WebSocket."""

from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async

from market.importing.importer import import_file
from market.models import Asset
from market.services import load_assets
from market.sessions import parse_et
from replay.models import ReplaySession
from replay.services import open_replay
from tests import datafiles
from tests.conftest import People
from tests.sockets.conftest import Server

DAYS = ("2025-06-02", "2025-06-03")


def opened(people: People, folder: Path, entry: str = "2025-06-02 09:35") -> ReplaySession:
    """A replay of NVDA: trades on both days, on the second day a book too."""
    load_assets()
    head: dict[str, Any] = {"instrument_id": 7, "dataset": "XNAS.ITCH"}
    for n, day in enumerate(DAYS):
        trades = datafiles.some_trades(parse_et(f"{day} 09:30"), 900, price=135 * 10**9, tick=10_000_000)
        files = {"trades": datafiles.trade_rows(trades, **head)}
        if n:
            files["mbp-10"] = datafiles.book_rows(trades, 10_000_000, **head)
        for schema, rows in files.items():
            path = datafiles.write_dbn(folder / f"{schema}.dbn", schema, rows, {"NVDA": 7}, dataset="XNAS.ITCH")
            assert import_file(path, path.name).problem == ""
    return open_replay(
        owner_id=people.owner.pk,
        asset=Asset.objects.get(root="NVDA"),
        entry_ns=parse_et(entry),
        timeframe="1m",
        lookback_days=30,
    )


async def test_the_grade_in_the_clock_is_that_of_the_session_at_the_playhead(
    server: Server, people: People, tmp_path: Path
) -> None:
    replay = await database_sync_to_async(opened)(people, tmp_path)
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello("1m")
    while not snapshot["charts"]:
        snapshot = await tab.until("snapshot")
    assert snapshot["clock"]["grade"] == "trades"
    assert snapshot["session"]["entry_contract"] == "NVDA"
    assert len(snapshot["charts"][0]["bars"]["t"]) == 5
    assert "grade" not in snapshot["session"]
    await tab.send(type="seek", et="2025-06-03 09:40")
    assert (await tab.clock(lambda clock: clock["trade_date"] == "2025-06-03"))["grade"] == "book"
    await tab.send(type="seek", et="2025-06-02 09:32")
    assert (await tab.clock(lambda clock: clock["trade_date"] == "2025-06-02"))["grade"] == "trades"


@pytest.mark.parametrize(("entry", "told"), [(DAYS[0], []), (DAYS[1], ["NVDA: 1 session before this one, with"])])
async def test_the_log_counts_only_sessions_that_there_are(
    server: Server, people: People, tmp_path: Path, entry: str, told: list[str]
) -> None:
    replay = await database_sync_to_async(opened)(people, tmp_path, f"{entry} 09:35")
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello("1m")
    while not snapshot["charts"]:
        snapshot = await tab.until("snapshot")
    await tab.send(type="seek", et=f"{entry} 09:40")
    await tab.clock(lambda clock: clock["playhead"] == str(parse_et(f"{entry} 09:40")))
    logs = [line for message in tab.messages if message["type"] == "snapshot" for line in message["log"]]
    logs += [message["line"] for message in tab.messages if message["type"] == "log"]
    past = {line["text"] for line in logs if "before this one" in line["text"]}
    assert [text.partition(" with ")[0] + " with" for text in past] == told


async def test_a_jump_to_a_day_that_was_not_imported_is_refused_and_changes_nothing(
    server: Server, people: People, tmp_path: Path
) -> None:
    replay = await database_sync_to_async(opened)(people, tmp_path)
    tab = await server.open(replay.pk, people.owner)
    snapshot = await tab.hello("1m")
    while not snapshot["charts"]:
        snapshot = await tab.until("snapshot")
    refusal = await tab.error(type="seek", et="2025-06-05 09:40", ref="seek")
    assert refusal["message"] == "NVDA is here for 2025-06-02 to 2025-06-03 only. Choose a moment in these sessions."
