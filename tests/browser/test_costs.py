"""What downloads cost, as a trader and an admin see it. The made-up prices of the synthetic market count here."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import WINDOW, Product, Trader
from tests.browser.test_replay import picture


@pytest.fixture
def admin(chromium: Browser, product: Product) -> Iterator[Page]:
    """An admin's page, with limits that count; they are as they were afterwards."""
    context = chromium.new_context(base_url=product.url, viewport=WINDOW)
    page = context.new_page()
    Trader(page, product).log_in("admin")
    set_limits(page, counts=True)
    yield page
    set_limits(page, counts=False)
    context.close()


def set_limits(page: Page, *, counts: bool, above: str = "1.00") -> None:
    page.goto("/admin/market/spendinglimits/")
    page.get_by_label("Ask above ($)").fill(above)
    page.get_by_label("Also for the synthetic market").set_checked(counts)
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("was changed successfully").wait_for()


def test_a_dear_download_is_asked_and_comes_after_a_yes(admin: Page, trader: Trader) -> None:
    page = trader.page
    admin.goto("/jobs/")
    expect(admin.locator("[data-show=connection]")).to_have_text("live")
    trader.ask_for("ZN", "2025-06-11", "09:30")
    expect(page.get_by_role("heading", name=re.compile(r"This download costs about \$\d+\.\d\d"))).to_be_visible(
        timeout=60_000
    )
    picture(page, "costs-asking")
    row = admin.locator("tr[data-job]", has_text="replay data").first
    expect(row).to_contain_text("asking")
    expect(row).to_contain_text("ZN 2025-05-28 to 2025-06-18")
    page.locator(".stage").get_by_role("button", name="Download").click()
    trader.wait_until_ready()
    assert trader.clock == "09:30:00"
    expect(row).to_contain_text("done")
    expect(row).to_contain_text(re.compile(r"\$\d+\.\d\d"))
    picture(admin, "costs-jobs")
    admin.goto("/spending/")
    expect(admin.locator("main")).to_contain_text("ohlcv-1s")
    picture(admin, "costs-spending")


def test_a_no_ends_the_load_and_the_job_can_be_tried_again(admin: Page, trader: Trader) -> None:
    page = trader.page
    set_limits(admin, counts=True, above="0.00")  # whatever costs anything is asked
    # years from what any other test, its lookback or a board has fetched, so there is something to pay for
    trader.ask_for("6S", "2017-05-10", "09:30")
    page.wait_for_url(re.compile("/replay/.+"))
    page.locator(".dv-tab", has_text="Log").click()
    page.locator(".log").get_by_role("button", name="Cancel").click(timeout=60_000)
    expect(page.locator(".stage")).to_contain_text("Loading was cancelled")
    expect(page.get_by_role("button", name="Load again")).to_be_visible()
    page.goto("/jobs/")
    row = page.locator("tr[data-job]", has_text="replay data").first
    expect(row).to_contain_text("cancelled")
    row.get_by_role("button", name="Retry").click()
    expect(row).to_have_attribute("data-state", "asking", timeout=60_000)
    row.get_by_role("button", name="Cancel").click()
    expect(row).to_contain_text("cancelled")


def test_the_calendar_of_the_entry_is_used_with_the_keyboard(trader: Trader) -> None:
    page = trader.page
    field = page.locator("#open-form [name=entry_date]")
    field.fill("2026-01-16")
    field.press("ArrowDown")
    expect(page.locator("[data-day='2026-01-16']")).to_be_focused()
    for key in ("ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "PageDown", "PageUp", "Enter"):
        page.keyboard.press(key)
        page.wait_for_timeout(300)
    expect(field).to_have_value("2026-01-20")
    expect(field).to_be_focused()
    page.get_by_role("button", name="Choose a day").click()
    expect(page.locator("[data-day='2026-01-19']")).to_have_attribute("title", re.compile("holiday, closes 13:00 ET"))
    page.locator("[data-day='2026-01-15']").click()
    expect(field).to_have_value("2026-01-15")
