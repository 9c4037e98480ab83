"""The live page of the running product in Chromium: it moves, says how the feed stands, and outlives its feed."""

import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Product, Trader
from tests.browser.test_replay import Wire, picture

START_MS = 60_000
"""The feed of a product that has just started catches up with a day."""


@pytest.fixture
def live(trader: Trader) -> Page:
    """The live page of crude oil, moving."""
    trader.page.goto("/live/?asset=CL&timeframe=1m")
    expect(feed(trader.page)).to_have_text("live", timeout=START_MS)
    trader.wait_for_clock(lambda clock: clock != "--:--:--")
    return trader.page


def feed(page: Page) -> Any:
    return page.locator("[data-show=feed]")


def status(page: Page) -> Any:
    return page.locator("[data-show=age]")


def frames(wire: Wire) -> Iterator[list[int]]:
    """The times of the bars that each frame told."""
    for message in wire.messages:
        if message["type"] == "frame":
            yield from (change["bars"]["t"] for change in message["charts"])


def test_the_market_moves_and_the_page_says_how_old_it_is(trader: Trader, product: Product) -> None:
    wire = Wire(trader.page)
    trader.page.goto("/live/")
    page = trader.page
    expect(feed(page)).to_have_text("live", timeout=START_MS)
    before = trader.wait_for_clock(lambda clock: clock != "--:--:--")
    trader.wait_for_clock(lambda clock: clock > before)
    expect(page).to_have_title(re.compile("NQ · Live"))
    expect(page.locator("#dock canvas").first).to_be_visible()
    expect(status(page)).to_have_text(re.compile(r"last trade|no trades"))
    expect(page.locator("[data-show=words]")).to_have_text("The feed is up.")
    expect(page.locator("table.board tbody tr")).to_have_count(19, timeout=START_MS)
    expect(page.locator("table.board")).not_to_contain_text("no bars yet", timeout=START_MS)
    trader.wait_for(lambda: "yes" if any(frames(wire)) else "", lambda: "no frame with a bar")
    told = [bars for bars in frames(wire) if bars]
    assert all(bars == sorted(set(bars)) for bars in told)
    assert [bars[0] for bars in told] == sorted(bars[0] for bars in told), "no frame goes back"
    picture(page, "live")


@pytest.mark.parametrize(("width", "height"), [(1024, 768), (390, 844)])
def test_a_narrow_window_loses_nothing_of_the_bar(live: Page, width: int, height: int) -> None:
    live.set_viewport_size({"width": width, "height": height})
    for name in ("tradeDate", "date", "connection", "last"):
        expect(live.locator(f".live-bar [data-show={name}]")).to_be_in_viewport(ratio=1)
    expect(live.locator(".legend-bar [title^=Volume]")).to_be_in_viewport(ratio=1)
    assert live.evaluate("document.documentElement.scrollWidth") == width
    live.goto("/live/status")
    expect(live.locator("#live-status tbody tr").first).to_be_visible()
    assert live.evaluate("document.documentElement.scrollWidth") == width


def test_a_status_page_that_lost_its_server_says_so_and_finds_it_again(live: Page) -> None:
    live.goto("/live/status")
    chip = live.locator("#live-status .connection")
    expect(chip).to_have_text("live")
    live.context.set_offline(True)
    expect(live.locator("#status-lost")).to_have_text(re.compile("does not answer.*about .* old"), timeout=20_000)
    expect(chip).to_have_text("not known")
    live.context.set_offline(False)
    expect(chip).to_have_text("live", timeout=20_000)
    expect(live.locator("#status-lost")).to_be_hidden()


def test_another_asset_and_timeframe_come_back_with_a_reload(live: Page, trader: Trader) -> None:
    live.locator("#live-asset").select_option("GC")
    expect(live.locator(".legend-name")).to_have_text(re.compile("Gold"))
    trader.press("3")
    expect(live).to_have_url(re.compile(r"asset=GC&timeframe=15m"))
    live.reload()
    expect(live.locator(".legend-name")).to_have_text(re.compile("Gold"))
    expect(live.get_by_label("Timeframe of this chart")).to_have_value("15m")
    expect(live.locator("#live-asset")).to_have_value("GC")


def test_a_cell_of_the_board_opens_its_chart_without_leaving_the_page(live: Page) -> None:
    live.locator("button[data-root=ZN][data-timeframe='5m']").click(timeout=START_MS)
    expect(live).to_have_url(re.compile(r"asset=ZN&timeframe=5m"))
    expect(live.locator("[data-show=last]")).to_have_text(re.compile(r"\d+'\d{3}"))


def test_a_killed_feed_is_said_and_comes_back_without_a_hole(live: Page, trader: Trader, product: Product) -> None:
    os.kill(product.up.pid_of("live.process"), signal.SIGKILL)
    expect(feed(live)).to_have_text(re.compile("no feed|feed connecting"))
    expect(status(live)).to_have_text(re.compile("no feed: nothing after"))
    picture(live, "live-no-feed")
    expect(feed(live)).to_have_text("live", timeout=START_MS)
    now = trader.clock
    trader.wait_for_clock(lambda clock: clock > now)


def test_the_status_page_tells_every_asset_and_staff_the_reasons(trader: Trader, product: Product) -> None:
    page = trader.page
    page.goto("/live/status")
    expect(page.locator("table.list tbody tr")).to_have_count(19, timeout=START_MS)
    expect(page.get_by_text("Events")).to_have_count(0)
    before = page.locator("#live-status").inner_text()
    trader.wait_for(
        lambda: "" if page.locator("#live-status").inner_text() == before else "it comes anew", lambda: before
    )
    picture(page, "live-status")
