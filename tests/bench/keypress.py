"""From a key press in the browser to the acknowledged order: Chromium on the running product, and a bare socket."""

import asyncio
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench.data import Market
from tests.bench.measure import Result, percentile, scaled
from tests.product import Up, clean_environment, finish, remove
from tests.trader import Trader, a_weekday_ago

SPEEDS = (1, 10)
PRESSES = 200
BETWEEN_MS = 60
"""A quick hand, and fewer than the 60 messages a second that the server takes."""
FLAT_AFTER = 4
"""The account's money is enough for so many contracts that wait for their fill."""
TARGET_MS, TARGET_99_MS = 50.0, 150.0
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]

WATCH = """
window.presses = [];
window.acknowledged = [];
document.addEventListener("keydown", (event) => event.altKey && window.presses.push(performance.now()), true);
const Original = window.WebSocket;
window.WebSocket = class extends Original {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", ({ data }) => {
      const at = performance.now();
      if (data.includes('"type":"done"')) window.acknowledged.push(at);
    });
  }
};
"""
"""Runs before the page's own scripts: notes when keys went down, and when a `done` came in."""


def run(market: Market) -> Iterator[Result]:
    del market  # the product runs on a market of its own
    state = Path(tempfile.mkdtemp(prefix="futsim-keys-"))
    up = Up(clean_environment(state))
    try:
        up.ready()
        found = re.search(r"created user demo with password (\S+)", up.output)
        assert found
        # Playwright's loop, while it runs, forbids another in the same thread
        bare = {speed: asyncio.run(_bare(up, found[1], speed)) for speed in SPEEDS}
        pressed = _in_chromium(up, found[1])
    finally:
        finish(up)
        remove(state)
    for speed in SPEEDS:
        yield from _told(f"key press to acknowledged order, Chromium, {speed}×", pressed[speed])
        yield from _told(f"order to acknowledgement, bare socket, {speed}×", bare[speed])


def _told(name: str, seconds: list[float]) -> Iterator[Result]:
    samples = scaled(seconds, 1e3)
    yield Result("keypress", name, "ms", samples, TARGET_MS)
    yield Result("keypress", f"{name}, 99 % within", "ms", [percentile(samples, 99)], TARGET_99_MS)


# --- a bare socket ---


async def _bare(up: Up, password: str, speed: int) -> list[float]:
    async with Trader(up.url, password) as trader:
        await trader.log_in()
        await trader.open_replay(entry_date=a_weekday_ago().isoformat())
        await trader.connect()
        await trader.listen(lambda: trader.state == "ready" and bool(trader.clock))
        await trader.send(type="speed", value=speed)
        await trader.send(type="play")
        names = []
        for number in range(PRESSES):
            names.append(f"o{number}")
            side = "sell" if number % 2 else "buy"
            await trader.send(type="order.submit", id=names[-1], order={"side": side, "quantity": 1})
            await trader.listen(lambda: names[-1] in trader.acknowledged)
            if number % FLAT_AFTER == FLAT_AFTER - 1:
                await trader.send(type="flatten", id=f"f{number}")
                await trader.listen(lambda number=number: f"f{number}" in trader.acknowledged)
            pause = time.monotonic() + BETWEEN_MS / 1e3
            await trader.listen(lambda pause=pause: time.monotonic() >= pause)
        return [trader.waits[name] for name in names]


# --- the browser ---


def _in_chromium(up: Up, password: str) -> dict[int, list[float]]:
    path = os.environ.get("FUTSIM_CHROMIUM") or shutil.which("chromium") or None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        page = _open(browser, up, password)
        pressed = {speed: _press(page, speed) for speed in SPEEDS}
        browser.close()
        return pressed


def _open(browser: Browser, up: Up, password: str) -> Page:
    """The workspace on a replay: chart, ladder and ticket."""
    page = browser.new_context(base_url=up.url, viewport={"width": 1500, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    page.add_init_script(WATCH)
    page.goto("/account/login/")
    page.get_by_label("User name").fill("demo")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/replay/")
    form = page.locator("#open-form")
    for name, value in (("root", "NQ"), ("timeframe", "5m")):
        form.locator(f"[name={name}]").select_option(value)
    form.locator("[name=entry_date]").fill(a_weekday_ago().isoformat())
    form.locator("[name=entry_time]").fill("10:00")
    form.get_by_role("button", name="Load").click()
    page.locator("button.play:not([disabled])").wait_for()
    page.locator(".dv-tab", has_text="Ladder").click()
    return page


def _press(page: Page, speed: int) -> list[float]:
    """Seconds from each press of Alt B or Alt S to its `done`."""
    page.get_by_label("Speed", exact=True).select_option(str(speed))
    if speed == SPEEDS[0]:
        page.locator("button.play").click()
    page.wait_for_timeout(1000)
    page.evaluate("() => { window.presses.length = 0 }")
    waits = []
    for number in range(PRESSES):
        page.locator(".ticket [name=quantity]").first.focus()
        before = page.evaluate("() => window.acknowledged.length")
        page.keyboard.press("Alt+s" if number % 2 else "Alt+b")
        waits.append(_wait(page, before) - page.evaluate("() => window.presses.at(-1)"))
        if number % FLAT_AFTER == FLAT_AFTER - 1:
            before = page.evaluate("() => window.acknowledged.length")
            page.locator(".ticket [data-action=flatten]").click()
            _wait(page, before)
        page.wait_for_timeout(BETWEEN_MS)
    return [wait / 1e3 for wait in waits]


def _wait(page: Page, before: int) -> float:
    """When the next `done` came, on the page's clock (ms). The page noted it itself: looking seldom costs nothing."""
    for _ in range(2000):
        if page.evaluate("() => window.acknowledged.length") > before:
            return float(page.evaluate("(at) => window.acknowledged[at]", before))
        page.wait_for_timeout(10)
    raise RuntimeError("An order was not acknowledged: " + page.locator(".ticket").inner_text())
