"""An imported stock day as a day trader works it: shares, early and late hours, buying power, SSR, locates."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from channels.db import database_sync_to_async

from market.engine.trades import Trades
from market.importing.importer import import_file
from market.models import Asset, AssetCost
from market.services import load_assets
from market.sessions import parse_et
from replay.models import ReplaySession
from replay.services import open_replay
from tests import datafiles
from tests.conftest import People
from tests.sockets.conftest import Server, Tab
from tests.sockets.test_replay import ready
from tests.sockets.test_risk import logged, money, rejection, set_limits
from tests.sockets.test_trading import orders, submit
from trading.models import FillRecord, LoggedCommand
from trading.services import default_account

CENT = 10_000_000
HEAD: dict[str, Any] = {"instrument_id": 7, "dataset": "XNAS.ITCH"}
DAY = "2025-06-03"


def prints(day: str, *told: tuple[str, int]) -> Trades:
    """A print of 500 shares a second for ten seconds from each time on, at these cents."""
    ts = np.concatenate([parse_et(f"{day} {at}") + np.arange(10) * 10**9 for at, _ in told])
    prices = np.repeat([cents * CENT for _, cents in told], 10)
    count = len(ts)
    sides = np.resize(np.frombuffer(b"BA", np.uint8), count)
    sizes = np.full(count, 500, np.uint32)
    return Trades(ts, ts, prices, sizes, sides, np.arange(1, count + 1, dtype=np.uint32))


def bring(folder: Path, trades: Trades, *, book: bool) -> None:
    files = {"trades": datafiles.trade_rows(trades, **HEAD)}
    if book:
        files["mbp-10"] = datafiles.book_rows(trades, CENT, **HEAD)
    for schema, rows in files.items():
        path = datafiles.write_dbn(folder / f"{schema}.dbn", schema, rows, {"NVDA": 7}, dataset="XNAS.ITCH")
        assert import_file(path, path.name).problem == ""


def stock(people: People, folder: Path, entry: str, days: Sequence[str] = ("2025-06-02", DAY)) -> ReplaySession:
    """NVDA closes at $140.00 on the 2nd (and prints $150.00 late); on the 3rd it falls to $126.00, 10 % lower."""
    load_assets()
    if "2025-06-02" in days:
        bring(folder, prints("2025-06-02", ("09:30", 13_900), ("15:59:30", 14_000), ("17:30", 15_000)), book=False)
    if DAY in days:
        early, late = ("04:00", 13_800), ("16:30", 12_700)
        bring(folder, prints(DAY, early, ("09:30", 13_500), ("10:00", 12_600), ("10:10", 12_800), late), book=True)
    asset = Asset.objects.get(root="NVDA")
    fees = {"fee_exchange": Decimal("0.003"), "fee_broker": 0, "margin": 0}
    AssetCost.objects.create(asset=asset, effective_from=date(2025, 1, 1), **fees)
    return open_replay(
        owner_id=people.owner.pk, asset=asset, entry_ns=parse_et(f"{DAY} {entry}"), timeframe="1m", lookback_days=30
    )


@pytest.fixture
def at_once(people: People) -> None:
    """Orders arrive at the moment in which they are sent."""
    account = default_account(people.owner.pk)
    account.latency_ms = 0
    account.save()


async def made(people: People, folder: Path, entry: str, **more: Any) -> ReplaySession:
    return await database_sync_to_async(stock)(people, folder, entry, **more)


async def filled(tab: Tab, name: str) -> dict[str, Any]:
    known = await orders(tab, lambda known: known.get(name, {}).get("status") == "filled")
    order: dict[str, Any] = known[name]
    return order


async def test_shares_trade_in_early_regular_and_late_hours_with_their_fees(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    replay = await made(people, tmp_path, "04:00:02")
    tab = await ready(server, replay, people.owner, "1m")
    await submit(tab, "early", "buy", 100, type="limit", limit=13_801)
    await tab.send(type="play")
    await filled(tab, "early")
    await tab.send(type="seek", et=f"{DAY} 09:30:02")
    await submit(tab, "regular", "buy", 200)
    await filled(tab, "regular")
    await tab.send(type="seek", et=f"{DAY} 16:30:02")
    await submit(tab, "late", "sell", 300, type="limit", limit=12_600)
    await filled(tab, "late")
    rows = await database_sync_to_async(lambda: list(FillRecord.objects.order_by("number")))()
    assert sum(row.side * row.quantity for row in rows) == 0
    assert sum(row.fee for row in rows) == 600 * 3_000_000
    account = await money(tab, lambda account: account["realised"] not in ("0.00", "-0.30", "-0.90"))
    spent = sum(row.side * row.quantity * row.price for row in rows)
    assert Decimal(account["realised"]) == -Decimal(spent + 600 * 3_000_000) / 10**9


async def test_buying_power_is_the_equity_times_the_leverage(server: Server, people: People, tmp_path: Path) -> None:
    await database_sync_to_async(set_limits)(people, leverage=4)
    replay = await made(people, tmp_path, "09:30:05")
    tab = await ready(server, replay, people.owner, "1m")
    # 4,000 shares at $135.00 are $540,000; with leverage 4 they bind $135,000
    words = await rejection(tab, "much", side="buy", quantity=4_000, type="limit", limit=13_500)
    assert words == "buying power $100,000.00: this order would need $135,000.00"
    await submit(tab, "less", "buy", 2_900, type="limit", limit=13_500)
    known = await orders(tab, lambda known: "less" in known)
    assert known["less"]["status"] != "rejected"


async def test_after_ten_percent_down_a_short_sale_needs_a_price_above_the_best_bid(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    replay = await made(people, tmp_path, "09:30:05")
    tab = await ready(server, replay, people.owner, "1m")
    # $135.00 is 3.6 % under the close of $140.00: free
    await submit(tab, "free", "sell", 100)
    await tab.send(type="play")
    await filled(tab, "free")
    await tab.send(type="seek", et=f"{DAY} 10:10:05")
    assert await rejection(tab, "no", side="sell", quantity=100) == (
        "SSR: sold short only with a limit above the best bid 127.99"
    )
    assert "best bid 127.99" in await rejection(tab, "at", side="sell", quantity=100, type="limit", limit=12_799)
    await submit(tab, "above", "sell", 100, type="limit", limit=12_800)
    assert (await orders(tab, lambda known: "above" in known))["above"]["status"] != "rejected"


async def test_a_restriction_goes_on_through_the_next_session(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    # on the 3rd it fell by 10 % from the close of the 2nd; on the 4th it stands 9 % above the close of the 3rd
    replay = await made(people, tmp_path, "19:59:00")
    await database_sync_to_async(bring)(tmp_path, prints("2025-06-04", ("04:00", 13_900), ("09:30", 14_000)), book=True)
    await database_sync_to_async(bring)(tmp_path, prints("2025-06-05", ("09:30", 14_000)), book=True)
    tab = await ready(server, replay, people.owner, "1m")
    await tab.send(type="seek", et="2025-06-04 09:30:05")
    await tab.clock(lambda clock: clock["playhead"] == str(parse_et("2025-06-04 09:30:05")))
    words = "SSR: sold short only with a limit above the best bid"
    assert words in await rejection(tab, "no", side="sell", quantity=100)
    await submit(tab, "above", "sell", 100, type="limit", limit=14_100)
    assert (await orders(tab, lambda known: "above" in known))["above"]["status"] != "rejected"
    # nothing fell on the 4th, so it is over on the 5th
    await tab.send(type="seek", et="2025-06-05 09:30:05")
    await tab.clock(lambda clock: clock["playhead"] == str(parse_et("2025-06-05 09:30:05")))
    await submit(tab, "free", "sell", 100)
    assert (await orders(tab, lambda known: "free" in known))["free"]["status"] != "rejected"


async def test_whether_a_restriction_goes_on_may_not_be_known(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    tab = await ready(server, await made(people, tmp_path, "09:30:05"), people.owner, "1m")
    await submit(tab, "short", "sell", 100)
    assert await logged(tab, "The close of NVDA before 2025-06-02") == (
        "The close of NVDA before 2025-06-02 is not stored: whether SSR goes on from there cannot be judged."
    )


async def test_where_the_last_close_is_not_stored_ssr_cannot_be_judged_and_that_is_said_once(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    replay = await made(people, tmp_path, "10:10:05", days=[DAY])
    tab = await ready(server, replay, people.owner, "1m")
    await submit(tab, "short", "sell", 100)
    words = "The close of NVDA before 2025-06-03 is not stored: SSR cannot be judged in this session."
    assert await logged(tab, words) == words
    assert (await orders(tab, lambda known: "short" in known))["short"]["status"] != "rejected"
    await submit(tab, "more", "sell", 100)
    said = [message["line"]["text"] for message in tab.messages if message["type"] == "log"]
    assert said.count(words) == 1


async def test_a_stock_that_is_hard_to_borrow_needs_a_locate_which_costs(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    replay = await made(people, tmp_path, "09:30:05")
    await database_sync_to_async(Asset.objects.filter(root="NVDA").update)(locate_fee=Decimal("0.0200"))
    tab = await ready(server, replay, people.owner, "1m")
    assert await rejection(tab, "no", side="sell", quantity=300) == (
        "hard to borrow: 300 short needs a locate, 0 are located"
    )
    await tab.send(type="locate", id="borrow", shares=300, ref="borrow")
    await tab.until("done", lambda message: message["ref"] == "borrow")
    assert await logged(tab, "Located") == "Located: 300 NVDA for $6.00."
    assert (await money(tab, lambda account: account["realised"] != "0.00"))["realised"] == "-6.00"
    await submit(tab, "short", "sell", 300)
    assert (await orders(tab, lambda known: "short" in known))["short"]["status"] != "rejected"


async def test_a_position_that_is_held_overnight_gets_the_rules_of_the_next_session(
    server: Server, people: People, tmp_path: Path, at_once: None
) -> None:
    replay = await made(people, tmp_path, "16:30:05")
    await database_sync_to_async(bring)(tmp_path, prints("2025-06-04", ("04:00", 11_000), ("09:30", 11_500)), book=True)
    tab = await ready(server, replay, people.owner, "1m")
    await submit(tab, "held", "buy", 100, tif="gtc")
    await tab.send(type="play")
    await filled(tab, "held")
    await tab.send(type="seek", et="2025-06-04 09:30:05")
    # the regular close of the 3rd was $128.00: $110.00 is more than 10 % lower
    await submit(tab, "turn", "sell", 200)
    known = await orders(tab, lambda known: known.get("turn", {}).get("status") == "rejected")
    assert "SSR: sold short only" in known["turn"]["text"]

    def adopted() -> list[tuple[int, dict[str, int]]]:
        rows = LoggedCommand.objects.filter(kind="adopt").order_by("seq")
        return [(row.playhead_ns, row.payload["rules"]["previous_close"]) for row in rows]

    # at the close of the session before, whatever frames the replay was played in
    assert await database_sync_to_async(adopted)() == [(parse_et(f"{DAY} 20:00"), {"NVDA": 128 * 10**9})]


@pytest.mark.real_data
async def test_real_prints_before_the_opening_fill_an_order(
    server: Server, people: People, real_data: Path, at_once: None
) -> None:
    """NVDA on 2020-12-28: the first prints of the day are at 04:05:12, 04:05:24 and 04:05:36 ET, at $521.00."""

    def real() -> ReplaySession:
        load_assets()
        for schema in ("definition", "trades", "ohlcv-1s"):
            path = real_data / f"databento-python/XNAS.ITCH/test_data.{schema}.dbn.zst"
            assert import_file(path, path.name).problem == ""
        nvda, entry = Asset.objects.get(root="NVDA"), parse_et("2020-12-28 04:05:13")
        return open_replay(owner_id=people.owner.pk, asset=nvda, entry_ns=entry, timeframe="1m", lookback_days=30)

    tab = await ready(server, await database_sync_to_async(real)(), people.owner, "1m")
    await submit(tab, "one", "buy", 1)
    await logged(tab, "The close of NVDA before 2020-12-28 is not stored")
    await tab.send(type="speed", value=10)
    await tab.send(type="play")
    await filled(tab, "one")
    row = await database_sync_to_async(FillRecord.objects.get)()
    assert (row.price, row.ns // 10**9) == (521 * 10**9, parse_et("2020-12-28 04:05:24") // 10**9)
