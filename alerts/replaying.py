"""From a firing to the Load form of a replay that begins some minutes before it."""

from market.models import Asset
from market.sessions import SECOND_NS, to_et

MINUTE_NS = 60 * SECOND_NS


def load_fields(asset: Asset, market_ns: int, timeframe: str, lookback_days: int, minutes: int) -> dict[str, str]:
    """The form's fields: `minutes` before an instant, but not before the opening of its session."""
    session = asset.sessions.at(market_ns - 1)  # a bar that ends with the session belongs to it
    entry_ns = market_ns - minutes * MINUTE_NS
    entry = to_et(max(entry_ns, session.open_ns) if session else entry_ns)
    return {
        "root": asset.root,
        "entry_date": f"{entry:%Y-%m-%d}",
        "entry_time": f"{entry:%H:%M:%S}",
        "timeframe": timeframe,
        "lookback_days": str(lookback_days),
    }
