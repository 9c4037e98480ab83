"""Figures of the feed as people read them."""

from collections.abc import Sequence
from datetime import datetime

from django import template

from live import lines
from market.sessions import SECOND_NS

DAY_NS = 86_400 * SECOND_NS
CHIPS = {"live": "live", "replaying": "connecting", "connecting": "connecting"}

register = template.Library()


@register.filter
def grouped(count: int) -> str:
    """39942 as 39,942."""
    return f"{count:,}"


@register.filter
def moment(ns: int | None) -> str:
    """Market time, Eastern."""
    return f"{lines.moment(ns)} ET" if ns else ""


@register.filter
def wall(ns: int | None) -> str:
    """This installation's time, Eastern like the market's."""
    return moment(ns)


@register.filter
def wall_of_text(at: str) -> str:
    """ "2026-03-13T20:59:59.5+00:00", as the state has an event's moment."""
    return moment(int(datetime.fromisoformat(at).timestamp()) * SECOND_NS)


@register.filter
def days(ns: int) -> str:
    """ "2 days" """
    count = ns // DAY_NS
    return "a day" if count == 1 else f"{count} days"


@register.filter
def lags(found: Sequence[int] | None) -> str:
    """ "41 · 180 ms", of p50 and p99 in ns."""
    return " · ".join(f"{ns / 1e6:,.0f}" for ns in found) + " ms" if found else "–"


@register.filter
def chip_state(feed: str) -> str:
    """The colour of the chip."""
    return CHIPS.get(feed, "stopped")
