"""The funnels through which views, consumers and tasks reach market objects."""

from market.models import Asset


class NotOffered(LookupError):
    """No such asset, or not offered to users; the message is fit for the user."""


def get_asset(root: str) -> Asset:
    """The asset of that root. Raises NotOffered."""
    asset = Asset.objects.filter(root=root.strip().upper(), is_active=True).first()
    if asset is None:
        raise NotOffered(f"There is no asset {root[:12]!r} here. Choose one from the list.")
    return asset
