"""From an order to its trade in the journal, and what one does there."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Trader

CONNECT = """async () => {
  const said = new Set();
  const socket = new WebSocket(`ws://${location.host}/ws${location.pathname}`);
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(data);
    if (message.seq) socket.send(JSON.stringify({ type: "ack", seq: message.seq }));
    if (message.type === "done") said.add(message.id);
    for (const order of message.trading?.orders ?? []) if (order.over) said.add(`${order.id} ${order.status}`);
  };
  await new Promise((opened) => (socket.onopen = opened));
  const send = (message) => socket.send(JSON.stringify(message));
  send({ type: "hello", charts: [{ chart: "main", timeframe: "5m" }] });
  window.trading = { send, said };
}"""


@pytest.fixture
def order(trader: Trader) -> Callable[..., None]:
    """Sends an order beside the page, by its socket, and plays until it is filled."""
    trader.load("NQ", "2026-03-17", "09:30")
    trader.page.evaluate(CONNECT)
    trader.page.evaluate("() => trading.send({ type: 'speed', value: 10 })")

    def give(name: str, side: str, quantity: int) -> None:
        message = {"type": "order.submit", "id": name, "order": {"side": side, "quantity": quantity}}
        trader.page.evaluate("(message) => trading.send(message)", message)
        said(name)
        trader.page.evaluate("() => trading.send({ type: 'play' })")
        said(f"{name} filled")
        trader.page.evaluate("() => trading.send({ type: 'pause' })")

    def said(words: str) -> None:
        found = "(words) => trading.said.has(words) ? words : ''"
        trader.wait_for(lambda: trader.page.evaluate(found, words), lambda: f"nothing of {words}")

    return give


def rows(page: Page) -> int:
    return page.locator("tbody[data-trade]").count()


def test_a_trade_comes_into_the_journal_and_is_written_about(
    trader: Trader, order: Callable[..., None], tmp_path: Path
) -> None:
    page = trader.page
    replay = page.url
    order("one", "buy", 1)
    order("two", "sell", 2)
    page.get_by_role("link", name="Journal").click()
    trade = page.locator("tbody[data-trade]").last
    expect(trade.get_by_text("long", exact=True)).to_be_visible()

    # MAE and MFE come from a worker, without a reload
    expect(trade).not_to_contain_text("…")
    expect(page.locator("#progress")).to_be_empty()

    # all its columns are in sight on a small screen
    page.set_viewport_size({"width": 1024, "height": 768})
    assert page.locator(".trades-frame").evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    page.set_viewport_size({"width": 1500, "height": 900})

    # its fills unfold, and fold up
    unfold = trade.get_by_role("button", name=re.compile("^Fills"))
    unfold.click()
    expect(trade.locator(".fills tbody tr")).to_have_count(2)
    expect(trade.locator(".fills")).to_contain_text("the worse end of the bar of ")
    expect(unfold).to_have_attribute("aria-expanded", "true")
    unfold.click()
    expect(trade.locator(".fills")).to_have_count(0)

    # tags and note, in place; Escape leaves them
    edit = trade.get_by_role("button", name=re.compile("^Edit"))
    edit.click()
    trade.get_by_role("textbox", name="Tags").fill("open drive")
    trade.get_by_role("textbox", name="Note").fill("Waited for it.")
    trade.get_by_role("button", name="Save").click()
    expect(trade.locator(".trade-note p")).to_have_text("Waited for it.")
    edit.click()
    trade.get_by_role("textbox", name="Note").fill("Not kept")
    page.keyboard.press("Escape")
    expect(trade.locator(".trade-note p")).to_have_text("Waited for it.")

    # filters change list and address, and the CSV follows them
    before = rows(page)
    page.locator("select[name=result]").select_option("open")
    trader.wait_for(lambda: "yes" if rows(page) < before else "", lambda: rows(page))
    expect(page).to_have_url(re.compile(r"/journal/\?result=open$"))
    page.locator("select[name=result]").select_option("")
    page.locator("input[name=tag]").fill("open drive")
    page.locator("input[name=tag]").press("Enter")
    table = page.get_by_role("link", name="CSV of these")
    expect(table).to_have_attribute("href", "/journal/trades.csv?tag=open+drive")
    expect(page.locator("tbody[data-trade]")).to_have_count(1)
    with page.expect_download() as download:
        table.click()
    download.value.save_as(tmp_path / "trades.csv")
    (row,) = csv.DictReader((tmp_path / "trades.csv").read_text().splitlines())
    assert (row["note"], row["quantity"]) == ("Waited for it.", "1")
    assert float(row["mae"]) <= 0 <= float(row["mfe"])

    # and the way back to its replay
    page.get_by_role("link", name="Replay", exact=True).last.click()
    page.wait_for_url(replay)
