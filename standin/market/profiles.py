"""What a real market looks like, asset by asset: rough figures of 2024–2026, not data.

The stand-in's prices must be plausible on a chart, not right.
"""

from dataclasses import dataclass
from datetime import time

Anchors = tuple[tuple[str, float], ...]
"""(ET wall clock, trading intensity) corners of a piecewise linear day that wraps at midnight."""

_US_EQUITY: Anchors = (
    ("00:00", 1.1), ("02:00", 1.6), ("03:00", 2.6), ("04:00", 1.9), ("07:00", 2.4), ("08:30", 5.0), ("09:29", 7.0),
    ("09:30", 34.0), ("10:00", 26.0), ("11:30", 14.0), ("13:00", 11.0), ("14:30", 13.0), ("15:30", 19.0),
    ("15:59", 32.0), ("16:00", 9.0), ("16:15", 3.0), ("16:59", 1.5), ("17:00", 0.5), ("18:00", 2.4), ("18:20", 1.3),
    ("19:00", 1.2), ("20:00", 1.6), ("22:00", 1.2), ("23:59", 1.1),
)  # fmt: skip
_NIKKEI: Anchors = (
    ("00:00", 5.0), ("02:00", 6.0), ("02:30", 3.0), ("08:30", 4.0), ("09:29", 5.0), ("09:30", 18.0), ("11:00", 9.0),
    ("14:00", 7.0), ("15:59", 14.0), ("16:00", 4.0), ("16:59", 1.0), ("17:00", 0.5), ("18:00", 4.0), ("19:44", 6.0),
    ("19:45", 16.0), ("21:00", 9.0), ("23:59", 5.0),
)  # fmt: skip
_ENERGY: Anchors = (
    ("00:00", 1.2), ("02:00", 2.0), ("03:00", 4.0), ("06:00", 4.5), ("08:00", 7.0), ("08:59", 10.0), ("09:00", 22.0),
    ("10:00", 21.0), ("12:00", 13.0), ("13:30", 14.0), ("14:28", 38.0), ("14:30", 16.0), ("15:00", 5.0),
    ("16:59", 1.0), ("17:00", 0.4), ("18:00", 2.0), ("18:30", 0.9), ("20:00", 1.2), ("23:59", 1.1),
)  # fmt: skip
_METALS: Anchors = (
    ("00:00", 2.6), ("02:00", 3.0), ("03:00", 5.5), ("06:00", 5.0), ("08:19", 8.0), ("08:20", 17.0), ("09:30", 20.0),
    ("10:30", 18.0), ("12:00", 10.0), ("13:28", 17.0), ("13:31", 8.0), ("15:00", 5.0), ("16:59", 1.2),
    ("17:00", 0.5), ("18:00", 4.0), ("18:30", 2.2), ("20:00", 3.4), ("21:00", 4.6), ("22:30", 3.2), ("23:59", 2.6),
)  # fmt: skip
_RATES: Anchors = (
    ("00:00", 1.0), ("02:00", 1.8), ("03:00", 4.5), ("06:00", 4.5), ("08:19", 8.0), ("08:20", 18.0), ("09:30", 22.0),
    ("11:00", 18.0), ("12:30", 12.0), ("14:58", 24.0), ("15:00", 15.0), ("16:00", 4.0), ("16:59", 0.7),
    ("17:00", 0.3), ("18:00", 1.3), ("19:00", 1.2), ("20:00", 1.9), ("23:59", 1.0),
)  # fmt: skip
_CURRENCY: Anchors = (
    ("00:00", 2.0), ("02:00", 5.0), ("03:00", 12.0), ("05:00", 9.0), ("07:00", 8.0), ("08:20", 15.0), ("09:30", 19.0),
    ("10:59", 19.0), ("12:00", 11.0), ("14:00", 8.5), ("15:00", 8.0), ("16:00", 3.5), ("16:59", 1.0), ("17:00", 0.4),
    ("18:00", 1.4), ("19:00", 2.2), ("20:00", 3.2), ("23:59", 2.0),
)  # fmt: skip
_CRYPTO: Anchors = (
    ("00:00", 5.0), ("03:00", 7.0), ("08:00", 10.0), ("09:29", 12.0), ("09:30", 24.0), ("10:30", 20.0),
    ("13:00", 14.0), ("15:59", 18.0), ("16:00", 9.0), ("17:00", 4.0), ("18:00", 7.0), ("20:00", 8.0), ("23:59", 5.0),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ExpiryRule:
    """The last trade: a rule of `contracts.EXPIRY_RULES` with its count, at a local wall-clock time."""

    kind: str
    count: int
    at: time
    zone: str = "America/New_York"


@dataclass(frozen=True, slots=True)
class Release:
    """A burst of trading at an ET time on that weekday (None: any), on a share of such days.

    strength: times the usual intensity in the first minute.
    """

    at: str
    weekday: int | None
    share: float
    strength: float


@dataclass(frozen=True, slots=True)
class Family:
    """What assets of one kind have in common.

    ahead: months ahead for which contracts are listed. roll_days: calendar days before the last trade at
    which half of the volume has moved on. next_share: volume of the active month behind the front one,
    relative to it, and so on for each further one. shared: the part of the noise common to the family.
    """

    name: str
    day: Anchors
    ahead: int
    roll_days: float
    next_share: float
    shared: float
    releases: tuple[Release, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """How one asset behaves.

    price: level the walk returns to. volatility: of log price per year. carry: log basis per year of
    maturity; season: amplitude of a yearly cycle in it (peak in January). volume: lots of a usual session,
    all contracts. clump: lots that trade together; larger means fewer active seconds for the same volume.
    """

    family: Family
    price: float
    volatility: float
    volume: float
    clump: float
    expiry: ExpiryRule
    carry: float = 0.0
    season: float = 0.0


_WEDNESDAY, _THURSDAY = 2, 3
_MACRO = (
    Release("08:30", None, 0.45, 5.0),
    Release("10:00", None, 0.40, 2.5),
    Release("14:00", _WEDNESDAY, 0.16, 6.0),
)
_OIL_STOCKS, _GAS_STORAGE = Release("10:30", _WEDNESDAY, 1.0, 4.5), Release("10:30", _THURSDAY, 1.0, 7.0)

EQUITY = Family("equity", _US_EQUITY, 21, 8.0, 0.006, 0.8, _MACRO)
NIKKEI = Family("equity", _NIKKEI, 21, 6.0, 0.006, 0.5, _MACRO)
OIL = Family("energy", _ENERGY, 18, 6.0, 0.3, 0.85, (*_MACRO, _OIL_STOCKS))
GAS = Family("gas", _ENERGY, 18, 6.0, 0.3, 0.0, (_GAS_STORAGE,))
METALS = Family("metals", _METALS, 18, 29.0, 0.03, 0.7, _MACRO)
CRYPTO = Family("crypto", _CRYPTO, 12, 4.5, 0.08, 0.0, _MACRO)
CURRENCIES = Family("currencies", _CURRENCY, 18, 6.0, 0.01, 0.6, _MACRO)
RATES = Family("rates", _RATES, 15, 22.0, 0.01, 0.0, _MACRO)

# The last trading days are those of the exchange's rule books, as collected in databento.md 4.7.
_THIRD_FRIDAY = ExpiryRule("third_friday", 0, time(9, 30))
_MONTH_END = ("before_month_end", 3)
_CURRENCY_2 = ExpiryRule("before_third_wednesday", 2, time(10, 16))
_CURRENCY_1 = ExpiryRule("before_third_wednesday", 1, time(10, 16))

PROFILES: dict[str, Profile] = {
    "NG": Profile(GAS, 3.2, 0.60, 280e3, 3.0, ExpiryRule("before_delivery_month", 3, time(14, 30)), 0.06, 0.12),
    "CL": Profile(OIL, 72.0, 0.36, 420e3, 2.4, ExpiryRule("before_25th_of_prior_month", 3, time(14, 30)), -0.05),
    "HO": Profile(OIL, 2.4, 0.36, 90e3, 2.6, ExpiryRule("before_delivery_month", 1, time(14, 30)), -0.03, 0.02),
    "NQ": Profile(EQUITY, 20_000.0, 0.21, 560e3, 1.35, _THIRD_FRIDAY, 0.035),
    "YM": Profile(EQUITY, 41_000.0, 0.16, 140e3, 1.5, _THIRD_FRIDAY, 0.033),
    "NKD": Profile(NIKKEI, 38_500.0, 0.22, 9e3, 2.0, ExpiryRule("before_second_friday", 1, time(17)), 0.03),
    "GC": Profile(METALS, 2_700.0, 0.17, 220e3, 2.0, ExpiryRule(*_MONTH_END, time(13, 30)), 0.045),
    "SI": Profile(METALS, 31.0, 0.30, 70e3, 2.0, ExpiryRule(*_MONTH_END, time(13, 25)), 0.045),
    "HG": Profile(METALS, 4.4, 0.24, 80e3, 2.0, ExpiryRule(*_MONTH_END, time(13)), 0.02),
    "PL": Profile(METALS, 1_000.0, 0.26, 22e3, 2.2, ExpiryRule(*_MONTH_END, time(13, 5)), 0.02),
    "MBT": Profile(CRYPTO, 90_000.0, 0.52, 45e3, 3.0, ExpiryRule("last_friday", 0, time(16), "Europe/London"), 0.08),
    "6E": Profile(CURRENCIES, 1.10, 0.075, 190e3, 4.0, _CURRENCY_2, 0.018),
    "6B": Profile(CURRENCIES, 1.28, 0.08, 90e3, 3.5, _CURRENCY_2, 0.002),
    "6C": Profile(CURRENCIES, 0.725, 0.065, 75e3, 4.0, _CURRENCY_1, 0.012),
    "6S": Profile(CURRENCIES, 1.15, 0.08, 32e3, 3.0, _CURRENCY_2, 0.036),
    "6J": Profile(CURRENCIES, 0.0067, 0.10, 150e3, 4.0, _CURRENCY_2, 0.04),
    "6N": Profile(CURRENCIES, 0.60, 0.10, 22e3, 3.5, _CURRENCY_2, -0.002),
    "6A": Profile(CURRENCIES, 0.66, 0.10, 95e3, 4.0, _CURRENCY_2, 0.002),
    "ZN": Profile(RATES, 110.0, 0.06, 1_700e3, 40.0, ExpiryRule("before_last_business_day", 7, time(13, 1)), -0.008),
}
"""By root; a root that is not here is not in the market."""
