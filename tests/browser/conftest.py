"""The running product in a real Chromium."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.product import Up, clean_environment, finish, remove

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 20.0
WINDOW = {"width": 1500, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@dataclass
class Product:
    """A running futsim with its users' passwords."""

    up: Up
    passwords: dict[str, str]

    @property
    def url(self) -> str:
        return self.up.url


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """`manage.py up` in a state folder of its own, over the stand-in's synthetic market."""
    state = Path(tempfile.mkdtemp(prefix="futsim-web-"))
    up = Up(clean_environment(state))
    try:
        up.ready()
        yield Product(up, dict(re.findall(r"created user (\w+) with password (\S+)", up.output)))
    finally:
        finish(up)
        remove(state)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, else Playwright's own. Without either the tests fail: `make test` looks first."""
    path = os.environ.get("FUTSIM_CHROMIUM") or shutil.which("chromium") or None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """A fresh browser profile at the product's address."""
    made = chromium.new_context(base_url=product.url, viewport=WINDOW)
    made.set_default_timeout(15_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose errors fail the test, whatever else it shows."""
    made = context.new_page()
    problems: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        # Chromium reports answers like 404 and dropped sockets as console errors too, and htmx a server that is gone;
        # tests look at those themselves.
        if (
            message.type == "error"
            and "Failed to load resource" not in message.text
            and "WebSocket" not in message.text
            and not message.text.startswith(("htmx:afterRequest", "htmx:sendError"))
        ):
            problems.append(message.text)

    made.on("console", hear)
    made.on("pageerror", lambda error: problems.append(str(error)))
    yield made
    assert problems == []


@pytest.fixture
def trader(page: Page, product: Product) -> "Trader":
    """Somebody at the demo user's page."""
    seat = Trader(page, product)
    seat.log_in("demo")
    return seat


class Trader:
    """What a person does with the page."""

    def __init__(self, page: Page, product: Product) -> None:
        self.page = page
        self.product = product

    def log_in(self, name: str) -> None:
        self.page.goto("/account/login/")
        self.page.get_by_label("User name").fill(name)
        self.page.get_by_label("Password").fill(self.product.passwords[name])
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/replay/")

    def load(self, root: str, day: str, at: str, timeframe: str = "5m") -> None:
        """Open a replay and wait until its chart stands."""
        before = self.page.url
        self.ask_for(root, day, at, timeframe)
        self.wait_for(lambda: "" if self.page.url == before else self.page.url, lambda: self.page.inner_text("main"))
        self.wait_until_ready()

    def ask_for(self, root: str, day: str, at: str, timeframe: str = "5m") -> None:
        form = self.page.locator("#open-form")
        form.locator("[name=root]").select_option(root)
        form.locator("[name=entry_date]").fill(day)
        form.locator("[name=entry_time]").fill(at)
        form.locator("[name=timeframe]").select_option(timeframe)
        form.get_by_role("button", name="Load").click()

    def wait_until_ready(self) -> None:
        """Until the play button works and the chart's legend names a contract."""
        self.page.locator("button.play:not([disabled])").wait_for(timeout=60_000)
        self.wait_for_clock(lambda clock: clock != "--:--:--")

    @property
    def clock(self) -> str:
        """The playhead's time of day as shown."""
        return self.page.locator("[data-show=time]").inner_text()

    def wait_for_clock(self, that: Callable[[str], bool]) -> str:
        """Wait until the shown clock fulfils a condition; the clock."""
        return self.wait_for(lambda: self.clock if that(self.clock) else "", lambda: f"the clock shows {self.clock}")

    def wait_for(self, found: Callable[[], str], story: Callable[[], object]) -> str:
        """Wait until something is found; the page's events go on meanwhile."""
        # The page's policy forbids eval, and with it Playwright's own wait_for_function.
        deadline = time.monotonic() + PATIENCE
        while not (value := found()):
            assert time.monotonic() < deadline, story()
            self.page.wait_for_timeout(50)
        return value

    def press(self, key: str) -> None:
        """A key outside of any field."""
        self.page.locator("#dock").click(position={"x": 300, "y": 200})
        self.page.keyboard.press(key)

    def speed(self, value: str) -> None:
        self.page.get_by_label("Speed", exact=True).select_option(value)
