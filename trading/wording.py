"""Limits in words, for the pages that list them."""

from collections.abc import Callable, Mapping
from typing import Any

from market.money import dollars
from trading.limits import GIVEBACK_PERCENT
from trading.models import Limits
from trading.texts import positions_text

FORCED: Mapping[str, Callable[[Any], str]] = {
    "max_day_loss": dollars,
    "max_day_loss_open": dollars,
    "max_trade_loss": dollars,
    "giveback_from": dollars,
    "max_position_of": positions_text,
    "is_hard": lambda value: "hard" if value else "",
    "buying_power": lambda value: "needed" if value else "",
}


def forced_words(forced: Limits | None) -> dict[str, str]:
    """What an admin forces, by field; fields in which nothing is forced are left out."""
    if forced is None:
        return {}
    names = [field.name for field in Limits._meta.get_fields() if hasattr(field, "attname")]
    values = {name: getattr(forced, name) for name in names}
    found = {name: FORCED.get(name, str)(value) for name, value in values.items() if value}
    return {name: words for name, words in found.items() if words}


def limit_words(limits: Limits | None) -> list[str]:
    """The limits that there are, one phrase for each."""
    if limits is None:
        return []
    phrases = [
        limits.max_day_loss and f"{dollars(limits.max_day_loss)} a day",
        limits.max_day_loss_open and f"{dollars(limits.max_day_loss_open)} a day with what is open",
        limits.max_trade_loss and f"{dollars(limits.max_trade_loss)} a trade",
        limits.giveback_from and _giveback(limits),
        limits.max_order and f"orders of {limits.max_order}",
        limits.max_position and f"positions of {limits.max_position}",
        positions_text(limits.max_position_of),
        limits.max_position_all and f"{limits.max_position_all} over all",
        limits.max_trades and f"{limits.max_trades} trades a day",
        limits.hours and f"{limits.hours} ET",
        limits.cooldown_losses and f"{limits.cooldown_minutes} min after {limits.cooldown_losses} losses",
        limits.buying_power and "buying power",
        limits.leverage and f"leverage {limits.leverage}",
        limits.is_hard and "hard locks",
    ]
    return [phrase for phrase in phrases if phrase]


def _giveback(limits: Limits) -> str:
    assert limits.giveback_from is not None
    return f"{limits.giveback_percent or GIVEBACK_PERCENT} % back of a peak of {dollars(limits.giveback_from)}"
