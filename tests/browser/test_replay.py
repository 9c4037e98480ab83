"""From logging in to a moving market, as a trader sees it."""

import json
import os
import re
import signal
import time
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, WebSocket, expect

from market import facts
from market.sessions import calendar, to_et
from market.timeframes import bucket_bounds
from tests.browser.conftest import Product, Trader
from tests.product import CLONE, wait_until

PICTURES = CLONE / "test-results"
SECOND = 10**9


class Wire:
    """Everything that came over the page's WebSockets, in order."""

    def __init__(self, page: Page) -> None:
        self.messages: list[dict[str, Any]] = []
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda payload: self.messages.append(json.loads(payload)))


def picture(page: Page, name: str) -> None:
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def test_a_trader_logs_in_loads_a_moment_and_the_market_moves(trader: Trader) -> None:
    page = trader.page
    expect(page.get_by_text("synthetic market").first).to_be_visible()
    trader.ask_for("NQ", "2026-03-18", "09:30")
    page.wait_for_url(re.compile(r"/replay/[0-9a-f-]{36}/"))
    expect(page.get_by_role("progressbar")).to_be_visible()
    trader.wait_until_ready()
    assert trader.clock == "09:30:00"
    trader.speed("200")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:50")
    picture(page, "replay")
    trader.press("Space")
    expect(page.locator("button.play")).to_have_attribute("aria-label", "Play")
    expect(page.locator("#dock canvas").first).to_be_visible()
    expect(page.get_by_text("grade: bars").first).to_be_visible()


def test_the_keyboard_steps_and_jumps(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    trader.press("ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:30:01")
    trader.press("Shift+ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:35:00")
    trader.press("ArrowLeft")
    trader.wait_for_clock(lambda clock: clock == "09:30:00")
    trader.press("g")
    trader.page.keyboard.type("2026-03-18 11:15:30")
    trader.page.keyboard.press("Enter")
    trader.wait_for_clock(lambda clock: clock == "11:15:30")


def test_a_change_of_timeframe_keeps_the_market_running(trader: Trader) -> None:
    wire = Wire(trader.page)
    trader.load("NQ", "2026-03-18", "09:30")
    trader.speed("50")
    trader.press("Space")
    for key, timeframe in (("1", "1m"), ("5", "1h"), ("9", "1D"), ("2", "5m")):
        trader.press(key)
        trader.wait_for(partial(shown, wire, timeframe), lambda: wire.messages[-1])
    before = trader.clock
    trader.wait_for_clock(lambda clock: clock > before)


def shown(wire: Wire, timeframe: str) -> str:
    """The timeframe if the last whole chart that came has it, else nothing."""
    charts = [message for message in wire.messages if message["type"] == "chart"]
    return timeframe if charts and charts[-1]["timeframe"] == timeframe else ""


def test_a_reload_comes_back_to_the_same_moment_still_playing(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    trader.speed("20")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:31")
    before = trader.clock
    trader.page.reload()
    trader.wait_until_ready()
    assert trader.clock >= before
    before = trader.clock
    trader.wait_for_clock(lambda clock: clock > before)


def test_a_killed_web_process_comes_back_where_it_was(trader: Trader, product: Product) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    trader.speed("100")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:40")
    seen = trader.clock
    os.kill(product.up.pid_of("daphne"), signal.SIGKILL)
    expect(trader.page.locator("[data-show=connection]")).to_contain_text("reconnecting")
    expect(trader.page.locator("[data-show=connection]")).to_contain_text("connected", timeout=30_000)
    trader.wait_until_ready()
    assert trader.clock >= seen
    seen = trader.clock
    trader.wait_for_clock(lambda clock: clock > seen)
    assert "web stopped" in product.up.output


def test_a_second_tab_shows_the_same_replay(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    other = trader.page.context.new_page()
    other.goto(trader.page.url)
    second = Trader(other, trader.product)
    second.wait_until_ready()
    second.press("Shift+ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:35:00")
    second.wait_for_clock(lambda clock: clock == "09:35:00")


def test_logging_out_in_one_tab_sends_the_other_to_the_login(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    other = trader.page.context.new_page()
    other.goto("/replay/")
    other.get_by_text("demo").first.click()
    other.get_by_role("button", name="Log out").click()
    trader.page.wait_for_url("**/account/login/**")


@pytest.mark.parametrize(
    ("day", "at", "reason"),
    [
        ("2026-12-25", "12:00", "future"),
        ("2025-12-25", "12:00", "closed"),
        ("2026-03-21", "12:00", "Sun 2026-03-22 18:00 ET"),
        ("2009-03-18", "09:30", "no data before"),
    ],
)
def test_a_moment_that_cannot_be_replayed_is_explained_beside_the_form(
    trader: Trader, day: str, at: str, reason: str
) -> None:
    trader.ask_for("NQ", day, at)
    expect(trader.page.locator("#open-errors")).to_contain_text(reason)
    assert trader.page.url.endswith("/replay/")


def test_nothing_on_the_wire_is_later_than_the_playhead(trader: Trader, product: Product) -> None:
    """Every byte that came: no time in it is past the playhead, and each bar is made of what had traded by then."""
    wire = Wire(trader.page)
    answers: list[str] = []
    trader.page.on("response", lambda response: answers.append(response.request.resource_type))
    trader.load("NQ", "2026-04-15", "09:30", "1m")
    trader.speed("500")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:50")
    trader.press("5")
    trader.wait_for_clock(lambda clock: clock >= "10:40")
    seek(trader, "2026-04-14 15:00", "15:0")
    trader.press("8")
    trader.wait_for_clock(lambda clock: clock >= "15:30")
    seek(trader, "2026-04-16 09:00", "09:0")
    trader.press("1")
    trader.wait_for_clock(lambda clock: clock >= "09:15")
    trader.press("9")
    trader.page.wait_for_timeout(1_000)
    trader.press("Space")

    # market data comes over the socket and nowhere else
    assert {kind for kind in answers if kind in {"xhr", "fetch"}} <= {"xhr"}
    market = Market(product)
    timeframes, checked, ranked = {}, 0, 0
    told = [message for message in wire.messages if message["type"] not in {"job", "log", "error", "lookback"}]
    for message, playhead in zip(told, playheads(told), strict=True):
        assert latest_time(message) <= playhead
        for chart in message.get("charts", [message] if message["type"] in {"chart", "ranks"} else []):
            timeframes.setdefault(chart["chart"], chart.get("timeframe"))
            name = timeframes[chart["chart"]] = chart.get("timeframe", timeframes[chart["chart"]])
            checked += market.check(chart["bars"], name, playhead) if "bars" in chart else 0
            ranked += check_ranks(chart["ranks"], name, playhead) if "ranks" in chart else 0
    assert checked > 300
    assert ranked > 40
    assert len(wire.messages) > 100


def seek(trader: Trader, moment: str, begins: str) -> None:
    trader.press("g")
    trader.page.keyboard.type(moment)
    trader.page.keyboard.press("Enter")
    trader.wait_for_clock(lambda clock: clock.startswith(begins))


def playheads(messages: list[dict[str, Any]]) -> list[int]:
    """The playhead of each message; of one without a clock, the later one of those around it."""
    own = [int(message["clock"]["playhead"]) if "clock" in message else 0 for message in messages]
    before = accumulate(own, lambda last, new: new or last)
    after = list(accumulate(reversed(own), lambda last, new: new or last))[::-1]
    return list(map(max, before, after))


def latest_time(value: Any) -> int:
    """The latest instant (UTC ns) that any number or digits-only text in a message could mean."""
    if isinstance(value, dict):
        return max((latest_time(inner) for name, inner in value.items() if name != "line"), default=0)
    if isinstance(value, list):
        return max((latest_time(inner) for inner in value), default=0)
    number = int(value) if isinstance(value, int) or (isinstance(value, str) and value.isdigit()) else 0
    if 1_500_000_000 < number < 2_500_000_000:
        # bar and mark times; the log's wall-clock times are of today, far after this market
        return 0 if number > time.time() - 86_400 else number * SECOND
    return number if number > 1_500_000_000 * SECOND else 0


def bucket_end(start: int, timeframe: str) -> int:
    """When the bar that begins at a UTC second is over, in ns."""
    session = calendar(facts.EQUITY).at(start * SECOND)
    assert session is not None
    begins, ends = bucket_bounds(session, timeframe)
    return int(ends[list(begins).index(start * SECOND)])


def check_ranks(ranks: dict[str, list[Any]], timeframe: str, playhead: int) -> int:
    """Final ranks are those of bars that were over at the playhead."""
    starts = ranks["t"][-20:]
    for start in starts:
        assert bucket_end(start, timeframe) <= playhead, to_et(start * SECOND)
    return len(starts)


class Market:
    """The product's own parquet store, read without its code."""

    def __init__(self, product: Product) -> None:
        folder = product.up.state / "data" / "synthetic" / "ohlcv-1s" / "GLBX.MDP3" / "NQM2026"
        self.days = {path.stem: pq.read_table(path).to_pandas() for path in Path(folder).glob("*.parquet")}

    def check(self, bars: dict[str, list[int]], timeframe: str, playhead: int) -> int:
        """Hold the last bars of a message against the seconds that were over at the playhead."""
        rows = list(zip(*(bars[name] for name in "tohlcv"), strict=True))[-20:]
        for start, *shown in rows:
            end = bucket_end(start, timeframe)
            session = calendar(facts.EQUITY).at(start * SECOND)
            assert session is not None
            day = self.days[session.trade_date.isoformat()]
            known = day[(day.ts_event >= start * SECOND) & (day.ts_event < end) & (day.ts_event + SECOND <= playhead)]
            assert len(known), f"a bar of {to_et(start * SECOND)} before its first second was over"
            tick = 250_000_000
            truth = [known.open.iloc[0] // tick, known.high.max() // tick, known.low.min() // tick]
            assert shown == [*truth, known.close.iloc[-1] // tick, known.volume.sum()], to_et(start * SECOND)
        return len(rows)


def test_a_killed_worker_is_replaced_and_the_load_goes_on(trader: Trader, product: Product) -> None:
    trader.ask_for("CL", "2026-02-11", "10:00")
    expect(trader.page.get_by_role("progressbar")).to_be_visible()
    for pid, command in product.up.processes().items():
        if "worker@" in command:
            os.kill(pid, signal.SIGKILL)
    trader.wait_until_ready()
    assert trader.clock == "10:00:00"
    assert "worker stopped" in product.up.output


@pytest.mark.parametrize(("words", "day"), [("bin/postgres", "2025-09-10"), ("valkey-server", "2025-06-11")])
def test_a_server_killed_during_a_load_only_delays_it(trader: Trader, product: Product, words: str, day: str) -> None:
    trader.ask_for("SI", day, "10:00")
    expect(trader.page.get_by_role("progressbar")).to_be_visible()
    deaths = product.up.output.count("worker stopped")
    os.kill(product.up.pid_of(words), signal.SIGKILL)
    trader.wait_until_ready()
    assert trader.clock == "10:00:00"
    assert product.up.output.count("worker stopped") == deaths


def test_recent_replays_can_be_gone_back_to(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    first = trader.page.url
    trader.press("Shift+ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:35:00")
    trader.load("NQ", "2026-03-19", "10:00", "15m")
    trader.page.get_by_text("Recent").click()
    trader.page.get_by_role("link", name="2026-03-18 09:35:00").first.click()
    trader.page.wait_for_url(first)
    trader.wait_until_ready()
    assert trader.clock == "09:35:00"


def test_the_log_names_the_front_months_of_the_lookback(trader: Trader) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    trader.page.locator(".dv-tab", has_text="Log").click()
    expect(trader.page.get_by_text("NQH6 from 2025-12-16, NQM6 from 2026-03-12").first).to_be_visible()


def test_the_replay_goes_on_through_a_killed_database(trader: Trader, product: Product) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    trader.speed("20")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:31")
    revivals = product.up.output.count("postgres is back")
    os.kill(product.up.pid_of("bin/postgres"), signal.SIGKILL)
    seen = trader.clock
    trader.page.wait_for_timeout(3_000)
    trader.wait_for_clock(lambda clock: clock > seen)
    wait_until(lambda: product.up.output.count("postgres is back") > revivals, lambda: product.up.output)
    trader.page.reload()
    trader.wait_until_ready()
    assert trader.clock > seen


def test_the_page_lives_through_a_killed_valkey(trader: Trader, product: Product) -> None:
    trader.load("NQ", "2026-03-18", "09:30")
    os.kill(product.up.pid_of("valkey"), signal.SIGKILL)
    trader.press("Shift+ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:35:00")
    trader.page.wait_for_timeout(2_000)
    # a load needs Valkey twice: to reach the worker, and to hear of its progress
    trader.load("GC", "2026-02-11", "10:00")
    assert trader.clock == "10:00:00"
