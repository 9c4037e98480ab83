"""Figures of imported files, and the way from a piece to its replay."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any
from urllib.parse import urlencode

from django import template

from market.schemas import BAR_SCHEMAS
from market.sessions import et_ns, to_et

register = template.Library()

REGULAR_OPEN = time(9, 30)
MINUTE_NS = 60 * 10**9


@register.filter
def grouped(count: int) -> str:
    """39942 as 39,942."""
    return f"{count:,}"


@register.filter
def is_bars(piece: Mapping[str, Any]) -> bool:
    """Whether a replay can be made of it."""
    return piece["schema"] in BAR_SCHEMAS and piece["last_ns"] > 0


@register.filter
def entry(piece: Mapping[str, Any]) -> str:
    """The Load form's fields: the regular open where the piece has it, else its first whole minute."""
    regular = et_ns(date.fromisoformat(piece["trade_date"]), REGULAR_OPEN)
    first, last = piece["first_ns"], piece["last_ns"]
    moment = to_et(regular if first <= regular < last else -(-first // MINUTE_NS) * MINUTE_NS)
    return urlencode({"root": piece["asset"], "entry_date": f"{moment:%Y-%m-%d}", "entry_time": f"{moment:%H:%M}"})
