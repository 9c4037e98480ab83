"""Alerts of the past in Chromium: they fire in a replay, and looking back opens one before the moment."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Trader
from tests.browser.test_alerts import add, banners, clear, form
from tests.browser.test_live import START_MS
from tests.browser.test_replay import picture


@pytest.fixture
def replay(trader: Trader) -> Page:
    """A replay of crude oil with ranks, its panel of alerts open and empty."""
    page = trader.page
    trader.load("CL", "2026-03-18", "09:30")
    expect(page.locator(".metrics-sample").first).to_have_text(re.compile(r"n = [2-9]\d"), timeout=4 * START_MS)
    page.locator(".dv-tab", has_text="Alerts").click()
    clear(page)
    return page


def test_an_alert_fires_in_a_replay_and_is_kept_apart(replay: Page, trader: Trader) -> None:
    unread = replay.locator("[data-show=unread]")
    before = unread.text_content()
    add(replay, threshold="10", timeframe="1m")
    trader.press("Shift+ArrowRight")
    trader.wait_for_clock(lambda clock: clock == "09:35:00")
    expect(banners(replay).first).to_contain_text(re.compile(r"CL 1m\s*Vol Rank ≥ 10"))
    expect(banners(replay).first).to_contain_text("replayed")
    assert unread.text_content() == before
    chip = replay.locator("#alert-list [data-chip]")
    expect(chip.locator("[data-part=value]")).to_have_text(re.compile(r"@\d+%"))
    expect(chip.locator("[data-part=count]")).to_have_text(re.compile("×[1-9]"))
    picture(replay, "alerts-replayed")
    replay.keyboard.press("ArrowLeft")
    trader.wait_for_clock(lambda clock: clock == "09:30:00")
    expect(replay.locator(".banner", has_text="replayed")).to_have_count(0)
    expect(chip.locator("[data-part=count]")).to_have_text("×0")
    at = replay.url
    replay.goto("/alerts/")
    expect(replay.locator("#firings")).not_to_contain_text("Vol Rank ≥ 10")
    replay.goto("/alerts/?kind=replayed")
    row = replay.locator("#firings tbody tr").first
    expect(row).to_contain_text(re.compile(r"2026-03-18 09:3[0-5].*Vol Rank ≥ 10", re.DOTALL))
    expect(row.get_by_role("link", name="replayed")).to_have_attribute("href", re.sub(r"^https?://[^/]*", "", at))
    row.get_by_role("button", name="Replay").click()
    trader.wait_until_ready()
    assert replay.url != at
    trader.wait_for_clock(lambda clock: re.match(r"09:(2[5-9]|30)", clock) is not None)
    replay.locator(".dv-tab", has_text="Alerts").click()
    clear(replay)


def test_looking_back_says_how_often_it_would_have_fired_and_opens_a_replay_before_it(
    replay: Page, trader: Trader
) -> None:
    for name, value in {"asset": "CL", "metric": "vol_rank", "timeframe": "1h"}.items():
        form(replay).locator(f"[name={name}]").select_option(value)
    form(replay).locator("[name=threshold]").fill("90")
    form(replay).get_by_role("button", name="Look back").click()
    told = replay.get_by_role("region", name="Looking back")
    expect(told).to_contain_text(
        re.compile(r"This would have fired [\d,]+ times in the last 60 sessions up to 2026-03-17"), timeout=90_000
    )
    rows = told.locator("li")
    assert rows.count() > 3
    picture(replay, "alerts-look-back")
    fired = re.search(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)", rows.first.inner_text())
    assert fired is not None
    before = replay.url
    rows.first.get_by_role("button", name="Replay").click()
    trader.wait_for(lambda: "" if replay.url == before else replay.url, lambda: replay.url)
    trader.wait_until_ready()
    trader.wait_for_clock(lambda clock: clock < fired[2])
    assert not replay.locator("#alert-list [data-chip]").count()
