"""Money and prices of trades as people read them; the CSV has them exact."""

from decimal import ROUND_HALF_UP, Decimal

from django import template

from market.models import Asset
from market.money import dollars

FINER = 2
"""Places of an average price beyond those of the asset's prices."""

register = template.Library()


@register.filter
def money(amount: Decimal | None) -> str:
    """ "−$1,234.50", to the cent; a dash where there is none."""
    return "–" if amount is None else dollars(amount)


@register.filter
def price(value: Decimal | None, asset: Asset) -> str:
    """A price with the asset's decimals; an average with up to two more."""
    if value is None:
        return "–"
    finest = Decimal(1).scaleb(-asset.decimals - FINER)
    places = max(asset.decimals, -int(value.quantize(finest, ROUND_HALF_UP).normalize().as_tuple().exponent))
    return f"{value:,.{places}f}"


@register.filter
def ratio(value: Decimal | None) -> str:
    """ "1.85"; a dash where there is none."""
    return "–" if value is None else f"{value:.2f}"


@register.filter
def lots(signed: int) -> int:
    """How many, bought or sold."""
    return abs(signed)


@register.filter
def tone(amount: Decimal | None) -> str:
    """The class of money gained or lost."""
    return "" if not amount else "up" if amount > 0 else "down"
