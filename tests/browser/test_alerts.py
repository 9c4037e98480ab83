"""Alerts of the running product in Chromium: built on a page, told on all of them, and kept for the next visit."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import WINDOW, Product, Trader
from tests.browser.test_live import START_MS, feed
from tests.browser.test_replay import picture

FIRED_MS = 150_000
"""An alert that any trade fulfils is silent in the bar that it was built in, and fires in the next one."""


@pytest.fixture
def live(trader: Trader) -> Iterator[Page]:
    """The live page of crude oil, whose ranks are there; without alerts, before and after."""
    page = trader.page
    page.goto("/live/?asset=CL&timeframe=1m")
    # these tests are the first of all: the product is still starting, and fetches a year of crude oil
    expect(feed(page)).to_have_text("live", timeout=3 * START_MS)
    expect(page.locator(".metrics-sample").first).to_have_text(re.compile(r"n = \d{2}"), timeout=4 * START_MS)
    clear(page)
    yield page
    page.goto("/live/?asset=CL&timeframe=1m")
    clear(page)


def form(page: Page) -> Locator:
    return page.locator("#alert-form")


def chips(page: Page) -> Locator:
    return page.locator("#alert-list [data-chip]")


def banners(page: Page) -> Locator:
    return page.locator(".banner[data-firing]")


def wait_for_a_banner(page: Page) -> None:
    """Those that were shown may be gone after their half minute; the next bar brings others."""
    expect(banners(page).first).to_be_visible(timeout=FIRED_MS)


def clear(page: Page) -> None:
    """Clear All, with a yes."""
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Clear all").click()
    expect(chips(page)).to_have_count(0)


def add(page: Page, **fields: str) -> None:
    """Fill in the row and send it."""
    wanted = {"asset": "CL", "metric": "vol_rank", "operator": "gte", "threshold": "1", "timeframe": "1m"} | fields
    for name, value in wanted.items():
        field = form(page).locator(f"[name={name}]")
        if name in ("threshold", "lookback_days", "expires_at"):
            field.fill(value)
        else:
            field.select_option(value)
    before = chips(page).count()
    form(page).get_by_role("button", name="Add").click()
    expect(chips(page)).to_have_count(before + 1)


def box(node: Any) -> dict[str, float]:
    found = node.bounding_box()
    assert found is not None
    return dict(found)


def test_a_firing_reaches_every_page_and_waits_for_the_next_visit(
    live: Page, product: Product, chromium: Browser
) -> None:
    for threshold in ("1", "2", "3", "4"):
        add(live, threshold=threshold)
    chip = chips(live).last
    expect(chip).to_contain_text(re.compile(r"CL\s+Vol Rank ≥ 1\s+1m"))
    expect(chip.locator("[data-part=value]")).to_have_text(re.compile(r"@\d+%"), timeout=START_MS)
    replay = live.context.new_page()
    replay.set_viewport_size({"width": 1440, "height": 900})
    replay.goto("/replay/")
    for page in (live, replay):
        expect(banners(page)).to_have_count(4, timeout=FIRED_MS)
        expect(banners(page).first).to_contain_text(re.compile(r"CL 1m\s*Vol Rank ≥ [1-4]"))
        expect(page.locator("[data-show=unread]")).to_be_visible()
    # one that is dismissed on one page stands on the other until it is dismissed there too
    banners(live).first.get_by_role("button", name="Dismiss").click()
    expect(banners(live)).to_have_count(3)
    expect(banners(replay)).to_have_count(4)
    expect(chip.locator("[data-part=count]")).to_have_text(re.compile("×[1-9]"))
    picture(live, "alerts-live")
    live.set_viewport_size({"width": 1000, "height": 700})
    picture(live, "alerts-live-narrow")
    live.set_viewport_size(WINDOW)
    see_that_the_ticket_is_free(replay)
    replay.close()
    live.locator("#live-asset").select_option("GC")
    expect(live).to_have_url(re.compile("asset=GC"))
    wait_for_a_banner(live)
    banners(live).first.locator(".banner-open").click()
    expect(live).to_have_url(re.compile(r"asset=CL&timeframe=1m"))
    clear(live)
    see_the_next_visit(live, product, chromium)


def see_that_the_ticket_is_free(replay: Page) -> None:
    """Banners stand beside the order ticket, and a chip says why it cannot open a chart."""
    wait_for_a_banner(replay)
    ticket, stack = box(replay.locator(".ticket")), box(replay.locator(".banners"))
    assert stack["x"] + stack["width"] <= ticket["x"] or stack["y"] >= ticket["y"] + ticket["height"]
    replay.locator(".dv-tab", has_text="Alerts").click()
    expect(chips(replay)).to_have_count(4)
    picture(replay, "alerts-replay")
    chips(replay).first.click()
    expect(replay.locator(".banner").first).to_contain_text("No replay is open. Click to see CL live.")


def see_the_next_visit(live: Page, product: Product, chromium: Browser) -> None:
    """What banners have shown was not missed; it is read in every browser once it was looked at in one."""
    visit = chromium.new_context(base_url=product.url, viewport=WINDOW)
    page = visit.new_page()
    Trader(page, product).log_in("demo")
    expect(page.locator("[data-show=unread]")).to_be_visible()
    expect(page.locator(".banner")).to_have_count(0)
    page.locator("#alert-bell").click()
    firing = page.locator("#alert-drawer [data-firing]").first
    expect(firing).to_contain_text(re.compile(r"CL 1m\s+Vol Rank ≥ [1-4]"))
    expect(firing).to_have_attribute("data-new", "")
    for each in (page, live):
        expect(each.locator("[data-show=unread]")).to_be_hidden()
    page.goto("/alerts/")
    expect(page.locator("#firings tbody tr").first).to_contain_text("Vol Rank ≥")
    expect(page.locator(".banner")).to_have_count(0)
    visit.close()


def test_an_alert_is_edited_paused_and_all_are_cleared(live: Page) -> None:
    add(live, threshold="97")
    add(live, asset="", metric="range_pending", threshold="99.5", timeframe="5m")
    # the newest is on top
    line = live.locator("#alert-list > li").last
    line.get_by_role("button", name="Edit").click()
    line.locator("[name=threshold]").fill("970")
    line.get_by_role("button", name="Save").click()
    expect(line.get_by_role("alert")).to_contain_text("A threshold is a percentile rank from 0 to 100")
    line.locator("[name=threshold]").fill("98")
    line.get_by_role("button", name="Save").click()
    expect(line).to_contain_text("Vol Rank ≥ 98")
    line.get_by_role("button", name="Pause").click()
    expect(line.locator(".alert-chip")).to_have_attribute("data-tone", "paused")
    line.get_by_role("button", name="Resume").click()
    expect(line.locator(".alert-chip")).not_to_have_attribute("data-tone", "paused")
    opened = live.locator("#alert-list > li").first
    opened.get_by_role("button", name="All assets").click()
    expect(opened.locator(".alert-rows button")).to_have_count(19)
    live.once("dialog", lambda dialog: dialog.dismiss())
    live.get_by_role("button", name="Clear all").click()
    expect(chips(live)).to_have_count(2)
    clear(live)
