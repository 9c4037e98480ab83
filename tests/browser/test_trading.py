"""Trading by hand in a real browser: the ticket, the orders, the positions and the history."""

import re

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Product, Trader
from tests.browser.test_depth import ROOT, number, tab, text_of, with_book
from tests.browser.test_replay import picture

DAY = "2026-03-17"
"""Another one than that of the tests of the depth, which begin without its book."""


def order_row(page: Page, name: int) -> Locator:
    return page.locator(".sheet tbody tr", has=page.locator(".c-number", has_text=f"#{name}"))


def step(trader: Trader, count: int = 1) -> None:
    """Let the market go on for whole seconds."""
    for _ in range(count):
        before = trader.clock
        trader.press("ArrowRight")
        trader.wait_for_clock(lambda clock, before=before: clock != before)


def ticks_of(text: str) -> int:
    """The ticks of a price as it is written."""
    return next(ticks for ticks in range(200_000) if text_of(ticks) == text)


def assert_within(part: Locator, whole: Locator) -> None:
    """Nothing of it is cut off."""
    inner, outer = part.bounding_box(), whole.bounding_box()
    assert inner is not None and outer is not None
    assert inner["x"] >= outer["x"] and inner["x"] + inner["width"] <= outer["x"] + outer["width"]
    assert inner["y"] >= outer["y"] and inner["y"] + inner["height"] <= outer["y"] + outer["height"]


def choose(page: Page, kind: str) -> None:
    page.locator(".types label", has=page.locator(f"[value={kind}]")).click()


def test_a_trade_by_hand_from_the_ticket_to_the_history(trader: Trader, product: Product) -> None:
    page = trader.page
    with_book(trader, DAY)
    page.locator(".ticket [data-action=buy]").click()
    expect(order_row(page, 1)).to_contain_text("pending")
    step(trader)
    expect(order_row(page, 1)).to_have_attribute("data-status", "filled")
    expect(page.locator(".story")).to_contain_text("Buy 1 market: filled")

    choose(page, "limit")
    limit = page.locator("[name=limit]")
    last = ticks_of(limit.input_value())
    for _ in range(5):
        limit.press("ArrowDown")
    expect(limit).to_have_value(text_of(last - 5))
    limit.press("Enter")
    expect(page.locator(".sheet tbody tr")).to_have_count(1)
    limit.press("Alt+b")
    step(trader)
    working = order_row(page, 2)
    expect(working).to_have_attribute("data-status", "working")
    expect(working.locator(".c-limit")).to_have_text(text_of(last - 5))
    assert re.fullmatch(r"\d+ ahead of \d+", working.locator(".c-queue").inner_text())

    working.locator(".c-limit").dblclick()
    working.locator("[name=limit]").press("ArrowDown")
    working.locator("[name=limit]").press("Escape")
    expect(working.locator(".c-limit")).to_have_text(text_of(last - 5))
    working.locator(".c-limit").dblclick()
    working.locator("[name=limit]").press("ArrowDown")
    working.locator("[name=quantity]").fill("2")
    working.locator("[name=quantity]").press("Enter")
    # the market stands still, but what was asked is told: in the row, in the ticket and on the chart
    wanted = f"working, change to 2 lots · {text_of(last - 6)} on its way"
    expect(working.locator(".c-state")).to_have_text(wanted)
    expect(working.locator(".c-limit")).to_have_text(text_of(last - 5))
    expect(page.locator(".story")).to_contain_text(wanted)
    line = page.locator(".level-tag", has_text="BUY 2 LMT")
    expect(line).to_contain_text(text_of(last - 6))
    expect(line).to_have_attribute("data-waits", "true")
    step(trader)
    expect(line).not_to_have_attribute("data-waits", "true")
    expect(working.locator(".c-state")).to_have_text("working")
    expect(working.locator(".c-limit")).to_have_text(text_of(last - 6))
    expect(working.locator(".c-quantity")).to_have_text("2")
    picture(page, "trading")

    page.reload()
    trader.wait_until_ready()
    expect(working.locator(".c-limit")).to_have_text(text_of(last - 6))
    working.locator("[data-action=cancel-order]").click()
    step(trader)
    expect(working).to_have_attribute("data-status", "cancelled")
    tab(trader, "Positions").click()
    held = page.get_by_role("table", name="Positions")
    expect(held.locator("td.c-side")).to_have_text("long")
    page.locator(".ticket [data-action=flatten]").click()
    step(trader)
    expect(held.locator("td.c-side")).to_have_text("flat")

    page.reload()
    trader.wait_until_ready()
    expect(page.locator(".sheet tbody tr.over")).to_have_count(3)
    tab(trader, "History").click()
    fills = page.get_by_role("table", name="Executions").locator("tbody tr")
    expect(fills.locator(".c-side")).to_have_text(["sell", "buy"])
    expect(fills.locator(".chip")).to_have_text(["book", "book"])
    expect(fills.locator(".why").first).to_contain_text("1 of 1 at")
    page.locator("[name=side]").select_option("buy")
    expect(fills).to_have_count(1)


def test_the_ticket_sizes_by_risk_and_says_what_is_refused(trader: Trader, product: Product) -> None:
    page = trader.page
    trader.load(ROOT, DAY, "10:00")
    trader.speed("100")
    page.locator("button.play").click()
    trader.wait_for_clock(lambda clock: clock >= "10:03:30")
    page.locator("button.play").click()
    expect(page.locator("button.play")).to_have_attribute("aria-label", "Play")
    page.locator(".ticket").get_by_label("$ Target").fill("2000")
    page.wait_for_timeout(300)
    risks = [number(each.inner_text().split(" ")[0]) for each in page.locator(".risk b").all()]
    sizes = [200_000 // risk if risk else 0 for risk in risks]
    assert any(sizes)
    for side, size in zip(("buy", "sell"), sizes, strict=True):
        expect(page.locator(f"[data-action={side}]")).to_contain_text(f" {size} market")

    page.locator(".ticket").get_by_label("$ Target").fill("abc")
    expect(page.locator(".ticket").get_by_label("Qty")).to_have_value("0")
    page.locator(".ticket").get_by_label("Qty").fill("1")
    expect(page.locator(".ticket").get_by_label("$ Target")).to_have_value("")
    page.locator(".ticket [data-action=reverse]").click()
    expect(page.locator(".story")).to_have_text("Reverse: sent")
    step(trader, 2)  # the end of this second may be nearer than the latency
    expect(page.locator(".story")).to_contain_text("Refused: there is no position")

    choose(page, "stop")
    page.locator(".ticket [name=stop]").fill("nothing")
    page.locator(".ticket [data-action=buy]").click()
    expect(page.locator(".ticket .field-problem:visible")).to_contain_text("Write a price such as")

    page.locator(".ticket [data-action=lock]").click()
    words = "losing the same way again and again " * 4 + "today"
    page.get_by_label("Reason").fill(f"tired of {words}")
    page.get_by_label("Reason").press("Enter")
    expect(page.locator(".question")).to_contain_text("Sure?")
    page.keyboard.press("Enter")
    expect(page.locator(".lock")).to_be_hidden()
    page.get_by_role("button", name="Yes, lock me out").click()
    lock = page.locator(".lock")
    expect(lock).to_contain_text(f"tired of {words}")
    # nothing of it is cut off
    assert lock.evaluate("line => line.scrollWidth <= line.clientWidth && line.scrollHeight <= line.clientHeight")
    page.locator(".ticket [data-action=unlock]").click()
    page.set_viewport_size({"width": 1024, "height": 768})
    assert_within(page.locator(".ticket [data-action=flatten]"), page.locator(".ticket"))
    for name in ("traded", "centre"):
        assert_within(
            page.locator(f"[data-action={name}]"), page.locator(".dv-groupview", has=page.locator(".ladder-panel"))
        )
    page.locator(".ticket [data-action=no-lock]").click()
    account = page.locator(".account-name")
    expect(account).to_have_text("Practice")
    with page.context.expect_page() as other:
        account.click()
    expect(other.value.get_by_role("heading", level=1)).to_have_text("Practice")
    other.value.close()
    choose(page, "market")
    page.locator(".ticket [data-action=buy]").click()
    step(trader)
    expect(page.locator(".story")).to_contain_text("the account is locked: tired")
