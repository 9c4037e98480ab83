"""What is known of the market: assets, contracts, daily bars, rolls, and which data is stored.

Prices are int64 in units of 1e-9, instants int64 UTC nanoseconds, money is Decimal US dollars.
"""

from market.models.assets import Asset, AssetCost, validate_months
from market.models.contracts import Contract, DailyBar, DailySpan, InstrumentId, Roll
from market.models.jobs import Job
from market.models.spending import Purchase, SpendingLimits
from market.models.stored import Coverage, DayCondition, ImportedFile, ImportedPiece

__all__ = [
    "Asset",
    "AssetCost",
    "Contract",
    "Coverage",
    "DailyBar",
    "DailySpan",
    "DayCondition",
    "ImportedFile",
    "ImportedPiece",
    "InstrumentId",
    "Job",
    "Purchase",
    "Roll",
    "SpendingLimits",
    "validate_months",
]
