"""What one contract risks now, and how many a sum of money may risk: what stands beside the quantity in the ticket."""

from trading.engine.settings import Instrument
from trading.engine.terms import Side


def dollar_risk(instrument: Instrument, side: Side, close: int, low: int, high: int) -> int:
    """1e-9 dollars that one contract loses from the last price to the forming bar's adverse extreme.

    That is its low for a long, its high for a short; all prices in 1e-9 units. Times the quantity: the order's risk.
    """
    distance = close - low if side is Side.BUY else high - close
    return max(0, instrument.money(distance))


def quantity_for(target: int, risk_of_one: int, most: int | None = None) -> int:
    """Floor of target ÷ risk (both 1e-9 dollars), never above the position limit; 0 without a risk, or above target."""
    if risk_of_one <= 0:
        return 0
    quantity = max(0, target) // risk_of_one
    return quantity if most is None else min(quantity, most)
