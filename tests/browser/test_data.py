"""Somebody drops a file of his own and replays it."""

import base64
from pathlib import Path

from playwright.sync_api import Page, Route, expect

from market.sessions import parse_et
from tests import datafiles
from tests.browser.conftest import Trader
from tests.browser.test_replay import picture

DROP = """(zone, file) => {
  const bytes = Uint8Array.from(atob(file.body), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], file.name));
  for (const name of ["dragenter", "dragover", "drop"]) {
    zone.dispatchEvent(new DragEvent(name, { bubbles: true, cancelable: true, dataTransfer }));
  }
}"""

LEAVE = """() => !window.dispatchEvent(new Event("beforeunload", { cancelable: true }))"""
"""Whether the browser would ask before it leaves the page."""


def go_to_data(page: Page) -> None:
    """Waits for its scripts too: what is dropped before is lost."""
    page.get_by_role("link", name="Data").click()
    page.wait_for_url("**/data/", wait_until="load")


def test_a_dropped_file_is_reported_and_replayed(trader: Trader, tmp_path: Path) -> None:
    page = trader.page
    head = {"instrument_id": 7, "dataset": "XNAS.ITCH"}
    trades = datafiles.some_trades(parse_et("2025-06-02 09:00"), 12_000, price=135 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, **head)
    rows["price"][100] += 1
    dropped = datafiles.write_dbn(tmp_path / "mine.dbn.zst", "trades", rows, {"NVDA": 7}, dataset="XNAS.ITCH")
    go_to_data(page)
    page.locator("#drop-zone").evaluate(
        DROP, {"name": dropped.name, "body": base64.b64encode(dropped.read_bytes()).decode()}
    )
    report = page.locator("#imports .report")
    expect(report).to_contain_text("11,999 accepted, 0 already there, 1 refused.", timeout=30_000)
    expect(report.locator("tr", has_text="ohlcv-1s")).to_contain_text("from trades")
    report.get_by_text("1 refused: rows and reasons").click()
    expect(report).to_contain_text("NVDA: a price is off the tick of 0.0001.")
    expect(page.locator("#files-section")).to_contain_text("mine.dbn.zst")
    expect(page.locator("#stored-section")).to_contain_text("NVDA (stock)")
    picture(page, "data")

    report.get_by_role("link", name="Replay").click()
    page.wait_for_url("**/replay/?root=NVDA**")
    page.get_by_role("button", name="Load").click()
    trader.wait_for_clock(lambda clock: clock == "09:30:00")
    expect(page.get_by_text("grade: trades").first).to_be_visible()
    # what was imported is no synthetic market
    expect(page.get_by_text("synthetic market")).to_be_hidden()
    trader.speed("200")
    trader.press("Space")
    trader.wait_for_clock(lambda clock: clock >= "09:40")
    trader.press("g")
    page.keyboard.type("2025-06-03 10:00")
    page.keyboard.press("Enter")
    expect(page.get_by_text("NVDA is here for 2025-06-02 only.").first).to_be_visible()


def test_a_file_that_is_no_market_data_is_refused_in_words(trader: Trader, tmp_path: Path) -> None:
    page = trader.page
    page.goto("/data/")
    page.locator("input[type=file]").set_input_files(
        [{"name": "notes.txt", "mimeType": "text/plain", "buffer": b"nothing"}]
    )
    expect(page.locator("#imports")).to_contain_text("Refused. It is no market data", timeout=30_000)


def test_leaving_while_a_file_is_sent_warns_and_what_it_brought_can_be_removed(trader: Trader, tmp_path: Path) -> None:
    page = trader.page
    trades = datafiles.some_trades(parse_et("2025-06-02 09:30"), 100, price=135 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=8, dataset="XNAS.ITCH")
    dropped = datafiles.write_dbn(tmp_path / "amd.dbn", "trades", rows, {"AMD": 8}, dataset="XNAS.ITCH")
    go_to_data(page)
    held: list[Route] = []
    page.route("**/uploads/part", lambda route: held.append(route))
    with page.expect_request("**/uploads/part"):
        page.locator("#drop-zone").evaluate(
            DROP, {"name": dropped.name, "body": base64.b64encode(dropped.read_bytes()).decode()}
        )
    assert page.evaluate(LEAVE)
    held[0].continue_()
    report = page.locator("#imports .report", has_text="amd.dbn")
    expect(report).to_contain_text("100 accepted", timeout=30_000)
    assert not page.evaluate(LEAVE)
    expect(page.locator("#stored-section")).to_contain_text("AMD (stock)")
    page.on("dialog", lambda dialog: dialog.accept())
    report.get_by_role("button", name="Remove what this file brought").click()
    expect(report).to_contain_text("Taken back. 2 pieces were removed.")
    expect(page.locator("#stored-section")).not_to_contain_text("AMD (stock)")
