"""Alerts and firings of tests, written as the services and the evaluator write them."""

from decimal import Decimal
from typing import Any

from alerts import services
from alerts.models import Alert, AlertFiring
from alerts.services import Terms
from market.models import Asset

MARKET_NS = 1_773_840_605 * 10**9
"""2026-03-18 09:30:05 ET"""
BAR_NS = 300 * 10**9


def alert_of(owner: Any, root: str = "NQ", **more: Any) -> Alert:
    """An alert on five-minute Vol Rank from 95 on. owner: None for a shared one. root: empty for All."""
    asset = Asset.objects.get(root=root) if root else None
    terms = Terms(asset=asset, metric="vol_rank", operator="gte", threshold=Decimal(95), timeframe="5m", **more)
    return services.create(owner_id=owner and owner.pk, terms=terms)


def firing_of(alert: Alert, root: str = "NQ", seconds: int = 0, **more: Any) -> AlertFiring:
    """The record of a firing so many seconds after MARKET_NS; nobody is told."""
    at = MARKET_NS + seconds * 10**9
    frozen = ("metric", "operator", "threshold", "timeframe", "lookback_days", "sound", "note")
    return AlertFiring.objects.create(
        owner=alert.owner,
        alert=alert,
        asset=Asset.objects.get(root=root),
        sentence=str(alert),
        **{name: getattr(alert, name) for name in frozen},
        bar_start_ns=at // BAR_NS * BAR_NS,
        market_ns=at,
        value=96.3,
        n=245,
        **more,
    )
