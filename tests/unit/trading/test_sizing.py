"""Dollar Risk and the quantity for a $ Target. ES: $12.50 a tick; prices in ticks."""

import pytest

from tests.unit.trading.tapes import BUY, DOLLAR, ES, SELL, at, book, broker, px
from trading.engine.settings import Instrument
from trading.engine.sizing import dollar_risk, quantity_for


def test_the_risk_is_the_distance_to_the_adverse_extreme() -> None:
    # close 100, low 96, high 102: a long loses 4 ticks, a short 2
    assert dollar_risk(ES, BUY, px(100), px(96), px(102)) == 50 * DOLLAR
    assert dollar_risk(ES, SELL, px(100), px(96), px(102)) == 25 * DOLLAR
    assert dollar_risk(ES, BUY, px(96), px(96), px(102)) == 0


def test_a_stock_s_risk_is_in_cents() -> None:
    stock = Instrument("NVDA", 10_000_000, 10_000_000, is_stock=True)
    assert dollar_risk(stock, BUY, 50_120_000_000, 50_000_000_000, 51_000_000_000) == 120_000_000


@pytest.mark.parametrize(
    ("target", "risk", "most", "quantity"),
    [
        (500, 50, None, 10),
        (549, 50, None, 10),
        (500, 50, 4, 4),
        (49, 50, None, 0),
        (500, 0, None, 0),
        (-5, 50, None, 0),
    ],
)
def test_the_quantity_is_what_the_target_pays_for(target: int, risk: int, most: int | None, quantity: int) -> None:
    assert quantity_for(target * DOLLAR, risk * DOLLAR, most) == quantity


def test_a_position_can_be_marked_at_the_middle_of_the_book() -> None:
    desk = broker(book((1, {100: 5}, {103: 3}), (2, {}, {103: 3})))
    assert desk.mid(ES.name) is None
    desk.advance(at(1.5))
    assert desk.mid(ES.name) == px(101) + ES.tick // 2
    desk.advance(at(3))
    assert desk.mid(ES.name) is None
