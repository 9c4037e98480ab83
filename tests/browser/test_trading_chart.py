"""Orders on the chart and on the ladder in a real browser: placed, moved and cancelled with the mouse."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Trader
from tests.browser.test_replay import picture

ROOT, DAY = "6E", "2026-03-18"
TICK = 0.00005


def rung(trader: Trader, price: int) -> Locator:
    """The ladder's row of a price in ticks."""
    return trader.page.locator(f".rung[data-price='{price}']")


def last(trader: Trader) -> int:
    return int(trader.page.locator(".rung[data-place=last]").get_attribute("data-price") or 0)


def tag(trader: Trader, text: str) -> Locator:
    return trader.page.locator(".level-tag", has_text=text)


def text_of(ticks: int) -> str:
    return f"{ticks * TICK:.5f}"


def drag(trader: Trader, what: Locator, dy: float, *, drop: bool = True) -> None:
    box = what.bounding_box()
    assert box is not None
    x, y = box["x"] + 6, box["y"] + box["height"] / 2
    mouse = trader.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + dy, steps=6)
    if drop:
        mouse.up()


def ordered(trader: Trader) -> tuple[int, Locator]:
    """A buy limit six ticks under the last price, placed by a click on the ladder: its price and its chip."""
    trader.load(ROOT, DAY, "10:00")
    price = last(trader) - 6
    columns = rung(trader, price).locator(".rung-price").bounding_box()
    rung(trader, price).locator(".bid").click()
    chip = rung(trader, price).locator(".own-chip[data-side=buy]")
    expect(chip).to_have_attribute("data-waits", "true")
    # what is clicked stays where it is
    assert rung(trader, price).locator(".rung-price").bounding_box() == columns
    second(trader)
    expect(chip).not_to_have_attribute("data-waits", "true")
    return price, chip


def second(trader: Trader) -> None:
    """A second of the market, in which orders arrive."""
    before = trader.clock
    trader.page.keyboard.press("ArrowRight")
    trader.wait_for_clock(lambda clock: clock > before)


def test_an_order_is_placed_and_moved_on_the_ladder(trader: Trader) -> None:
    page = trader.page
    page.set_viewport_size({"width": 1500, "height": 1000})
    price, chip = ordered(trader)
    expect(tag(trader, f"BUY 1 LMT {text_of(price)}")).to_be_visible()
    drag(trader, chip, -3 * 19)
    moved = rung(trader, price + 3).locator(".own-chip[data-side=buy]")
    expect(moved).to_have_attribute("data-waits", "true")
    expect(tag(trader, f"BUY 1 LMT {text_of(price + 3)}")).to_have_attribute("data-waits", "true")
    second(trader)
    expect(tag(trader, f"BUY 1 LMT {text_of(price + 3)}")).not_to_have_attribute("data-waits", "true")

    page.reload()
    trader.wait_until_ready()
    expect(tag(trader, f"BUY 1 LMT {text_of(price + 3)}")).to_be_visible()
    expect(moved).to_be_visible()
    moved.click(button="middle")
    expect(moved).to_have_attribute("data-waits", "true")
    second(trader)
    expect(page.locator(".level-tag")).to_have_count(0)
    expect(page.locator(".own-chip:visible")).to_have_count(0)


def test_an_order_is_moved_on_the_chart_and_goes_back_with_escape(trader: Trader) -> None:
    page = trader.page
    price, _ = ordered(trader)
    order = page.locator(".level-tag")
    drag(trader, order, 90, drop=False)
    expect(order).not_to_contain_text(text_of(price))
    page.keyboard.press("Escape")
    expect(order).to_have_text(f"BUY 1 LMT {text_of(price)}×")
    page.mouse.up()
    expect(order).not_to_have_attribute("data-waits", "true")

    drag(trader, order, 90)
    expect(order).to_have_attribute("data-waits", "true")
    text = order.inner_text()
    assert text_of(price) not in text
    second(trader)
    expect(order).not_to_have_attribute("data-waits", "true")
    assert order.inner_text() == text
    picture(page, "chart-order")
    page.reload()
    trader.wait_until_ready()
    expect(order).to_have_text(text.replace("\n", ""))

    order.get_by_role("button").click()
    second(trader)
    expect(order).to_have_count(0)


def test_the_chart_takes_orders_and_the_position_can_be_closed_there(trader: Trader) -> None:
    page = trader.page
    trader.load(ROOT, DAY, "10:00")
    canvas = page.locator(".chart-canvas").bounding_box()
    assert canvas is not None
    page.get_by_label("Quantity of the next order").fill("2")
    page.keyboard.press("Enter")
    page.keyboard.down("Alt")
    page.mouse.click(canvas["x"] + 200, canvas["y"] + 40)
    page.keyboard.up("Alt")
    expect(page.locator(".level-tag")).to_contain_text("BUY 2 STP")
    page.keyboard.down("Shift")
    page.mouse.click(canvas["x"] + 200, canvas["y"] + 60)
    page.keyboard.up("Shift")
    expect(tag(trader, "SELL 2 LMT")).to_be_visible()
    page.get_by_role("button", name="Cancel all").first.click()
    second(trader)
    expect(page.locator(".level-tag")).to_have_count(0)

    rung(trader, last(trader) + 8).locator(".bid").click()
    trader.speed("20")
    page.locator("button.play").click()
    position = page.locator(".level-tag[data-level=position]")
    expect(position).to_contain_text("LONG 2 @")
    expect(page.locator(".ladder-held")).to_contain_text("+2")
    position.get_by_role("button").click()
    expect(position).to_have_count(0)
    expect(page.locator(".ladder-held")).to_have_text("flat")
