"""Accounts and their limits, and the record of what was traded."""

from trading.models.accounts import Account, AccountLimits, DayLock, ForcedLimits, Limits
from trading.models.record import EventRecord, FillRecord, LoggedCommand, OrderRecord, Pin, Take, TradingSession

__all__ = [
    "Account",
    "AccountLimits",
    "DayLock",
    "EventRecord",
    "FillRecord",
    "ForcedLimits",
    "Limits",
    "LoggedCommand",
    "OrderRecord",
    "Pin",
    "Take",
    "TradingSession",
]
