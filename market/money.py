"""Dollars as people read them."""

from decimal import ROUND_HALF_UP, ROUND_UP, Decimal

CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Money to the cent, as "$1,018.40" or "−$37.50": as the workspace writes it too."""
    cents = amount.quantize(CENT, ROUND_HALF_UP)
    return f"{'−' if cents < 0 else ''}${abs(cents):,}"


def estimate(amount: Decimal) -> str:
    """What something will cost, to the cent above: a download that is paid never looks free."""
    return f"${amount.quantize(CENT, ROUND_UP):,}"
