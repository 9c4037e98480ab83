"""Ladder, Time & Sales and Level 2 in a real browser, held against the stored records at the playhead."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from playwright.sync_api import Locator, expect

from market import facts
from market.sessions import to_et
from tests.browser.conftest import Product, Trader
from tests.browser.test_replay import Wire, picture

ROOT, DAY = "PL", "2026-03-18"
TICK = next(each.tick_size for each in facts.ASSETS if each.root == ROOT)
DECIMALS = next(each.decimals for each in facts.ASSETS if each.root == ROOT)
SIDES = {"B": "up", "A": "down", "N": "none"}
GETTING_MS = 120_000


@dataclass
class Truth:
    """The stored records of the session up to an instant: the prints, and the last row of mbp-10."""

    prints: list[tuple[int, int, int, str]]
    book: dict[str, Any]

    @classmethod
    def at(cls, product: Product, ns: int) -> "Truth":
        trades = _known(product, "trades", ns)
        columns = (trades.column(name).to_pylist() for name in ("ts_recv", "price", "size", "side"))
        prints = [(ts, price // TICK, size, chr(side)) for ts, price, size, side in zip(*columns, strict=True)]
        return cls(prints, _known(product, "mbp-10", ns).to_pylist()[0])

    def side(self, name: str) -> list[tuple[int, int, int]]:
        """The levels of "bid" or "ask", the best first: price in ticks, lots, orders."""
        rows = ([self.book[f"{name}_{field}_{level:02}"] for field in ("px", "sz", "ct")] for level in range(10))
        return [(price // TICK, lots, orders) for price, lots, orders in rows if lots]

    @property
    def volumes(self) -> dict[int, int]:
        traded: dict[int, int] = {}
        for _, price, size, _ in self.prints:
            traded[price] = traded.get(price, 0) + size
        return traded


def _known(product: Product, schema: str, ns: int) -> Any:
    path = next(Path(product.up.state, "data").rglob(f"{schema}/*/{ROOT}*/{DAY}.parquet"))
    table = pq.read_table(path)
    known = table.filter(pc.less_equal(table.column("ts_recv"), ns))
    return known if schema == "trades" else known.slice(max(0, known.num_rows - 1))


def text_of(ticks: int) -> str:
    return f"{ticks * TICK / 1e9:.{DECIMALS}f}"


def number(text: str) -> int:
    return int(re.sub(r"\D", "", text) or 0)


def rungs(page: Any) -> Iterator[tuple[int, str, int, int, int, str]]:
    """The ladder's rows: price in ticks and as it is written, lots bid, asked and traded, and what is marked."""
    for row in page.locator(".rung").all():
        price = int(row.get_attribute("data-price"))
        lots = [number(row.locator(f".{name} b").inner_text()) for name in ("bid", "ask", "traded")]
        yield price, row.locator(".rung-price").inner_text(), *lots, row.get_attribute("data-place")


def assert_ladder_tells(page: Any, truth: Truth) -> None:
    bids, asks = ({price: lots for price, lots, _ in truth.side(name)} for name in ("bid", "ask"))
    shown = list(rungs(page))
    assert len(shown) > 20
    for price, text, bid, ask, traded, place in shown:
        assert text == text_of(price)
        assert (bid, ask, traded) == (bids.get(price, 0), asks.get(price, 0), truth.volumes.get(price, 0))
        assert (place == "last") == (price == truth.prints[-1][1])
    assert {price for price, *_ in shown} >= {truth.side("bid")[0][0], truth.side("ask")[0][0]}


def assert_tape_tells(page: Any, truth: Truth) -> None:
    lines = page.locator(".prints li").all()
    assert len(lines) > 20
    for line, (ts, price, size, side) in zip(lines, reversed(truth.prints), strict=False):
        moment = f"{to_et(ts):%H:%M:%S}.{ts // 1_000_000 % 1_000:03}"
        assert line.locator("span").all_inner_texts() == [moment, text_of(price), str(size)]
        assert SIDES[side] in (line.get_attribute("class") or "").split()


def assert_montage_tells(page: Any, truth: Truth) -> None:
    for name in ("bid", "ask"):
        side = page.locator(f".montage-side.{name}")
        lines = side.locator(".montage-line:not(.montage-head, .montage-total)").all()
        shown = [tuple(line.locator("span").all_inner_texts()) for line in lines]
        levels = [(str(orders), str(lots), text_of(price)) for price, lots, orders in truth.side(name)]
        assert shown == levels + [("", "", "")] * (10 - len(levels))
        total = side.locator(".montage-total span").all_inner_texts()[1]
        assert number(total) == sum(lots for _, lots, _ in truth.side(name))


def tab(trader: Trader, title: str) -> Locator:
    return trader.page.locator(".dv-tab", has_text=title)


def test_the_panels_show_what_is_stored_at_the_playhead(trader: Trader, product: Product) -> None:
    page, wire = trader.page, Wire(trader.page)
    trader.load(ROOT, DAY, "10:00")
    expect(page.locator(".ladder-panel .need")).to_contain_text("This session has bars only.")
    page.locator(".ladder-panel .need button:visible").click()
    expect(page.locator(".grade-menu summary")).to_have_text("grade: book", timeout=GETTING_MS)
    expect(page.locator(".ladder-panel .need")).to_be_hidden()
    assert trader.clock == "10:00:00"
    assert_all_tell(trader, wire, product)

    trader.speed("100")
    page.locator("button.play").click()
    trader.wait_for_clock(lambda clock: clock >= "10:04")
    page.locator("button.play").click()
    expect(page.locator("button.play")).to_have_attribute("aria-label", "Play")
    assert_all_tell(trader, wire, product)
    picture(page, "depth")

    paused = trader.clock
    trader.press("ArrowLeft")
    trader.wait_for_clock(lambda clock: clock < paused and clock[4:] in ("0:00", "5:00"))
    assert_all_tell(trader, wire, product)

    page.reload()
    trader.wait_until_ready()
    expect(page.locator(".rung[data-place=last]")).to_be_visible()
    assert_all_tell(trader, wire, product)


def assert_all_tell(trader: Trader, wire: Wire, product: Product) -> None:
    """All three panels, once the page has had time to draw what came last."""
    page = trader.page
    page.mouse.move(5, 5)
    page.wait_for_timeout(500)
    playhead = next(int(each["clock"]["playhead"]) for each in reversed(wire.messages) if each.get("clock"))
    truth = Truth.at(product, playhead)
    assert truth.prints[-1][0] <= playhead
    assert_ladder_tells(page, truth)
    assert_tape_tells(page, truth)
    tab(trader, "Level 2").click()
    expect(page.locator(".montage-side.bid .montage-line").nth(1)).to_contain_text(text_of(truth.side("bid")[0][0]))
    assert_montage_tells(page, truth)
    tab(trader, "Time & Sales").click()
    expect(page.locator(".prints li").first).to_be_visible()


def test_the_prints_stand_still_under_the_mouse_and_can_be_filtered(trader: Trader, product: Product) -> None:
    page = trader.page
    with_book(trader)
    trader.speed("100")
    page.locator("button.play").click()
    page.locator(".prints-box").hover()
    page.wait_for_timeout(200)
    held = page.locator(".prints li").all_inner_texts()
    expect(page.locator(".prints-note")).to_contain_text("came meanwhile")
    page.wait_for_timeout(500)
    assert page.locator(".prints li").all_inner_texts() == held
    page.locator(".ladder-panel").hover()
    expect(page.locator(".prints-note")).to_be_hidden()
    page.locator("button.play").click()
    page.locator(".size-filter").fill("3")
    page.wait_for_timeout(300)
    sizes = [
        number(line.locator("span").nth(2).inner_text()) for line in page.locator(".prints li:not([class=''])").all()
    ]
    assert sizes and min(sizes) >= 3


def test_the_ladder_scrolls_freely_and_comes_back_to_the_last_price(trader: Trader, product: Product) -> None:
    page = trader.page
    with_book(trader)
    count = page.locator(".rung").count()
    last = int(page.locator(".rung[data-place=last]").get_attribute("data-price") or 0)
    page.locator(".ladder-panel").hover()
    page.mouse.wheel(0, -19 * 3_000)
    expect(page.locator(".rung[data-place=last]")).to_have_count(0)
    prices = [price for price, *_ in rungs(page)]
    assert prices == list(range(prices[0], prices[0] - count, -1))
    assert prices[0] > last + 2_900
    expect(page.locator("[data-action=centre]")).to_have_attribute("aria-pressed", "false")
    page.locator(".rung-price").nth(3).click()
    page.keyboard.press("c")
    expect(page.locator(".rung").nth(count // 2)).to_have_attribute("data-place", "last")
    page.locator("[data-action=traded]").click()
    expect(page.locator(".rung .traded").first).to_be_hidden()


def with_book(trader: Trader, day: str = DAY) -> None:
    """A replay at ten of a session whose order book is here, or gets here now."""
    trader.load(ROOT, day, "10:00")
    if trader.page.locator(".grade-menu summary").inner_text() != "grade: book":
        trader.page.locator(".grade-menu summary").click()
        trader.page.get_by_role("button", name="Get the order book of this session").first.click()
    expect(trader.page.locator(".grade-menu summary")).to_have_text("grade: book", timeout=GETTING_MS)
    expect(trader.page.locator(".ladder-panel .need")).to_be_hidden()
    expect(trader.page.locator(".rung[data-place=last]")).to_be_visible()
