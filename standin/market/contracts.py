"""Which contracts exist: listed months, symbols, ids, first and last trade."""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from market.facts import ASSETS, BY_ROOT, MONTH_CODES
from market.sessions import FIRST_DAY, LAST_DAY, SessionCalendar, calendar, to_et, to_ns
from standin.market.profiles import PROFILES

HISTORY_START = FIRST_DAY
"""2010-06-06, as Databento's."""

# An id comes back on another contract after this many months, as CME's do after some years: a client
# that keys on the id alone is wrong. Far longer than any contract is listed, so unique within a day.
_ID_PERIOD = 113
_ID_KINDS = 2 * _ID_PERIOD
_ID_PRIME, _ID_STEP, _ID_OFFSET = 999_983, 48_611, 11_863


@dataclass(frozen=True, slots=True)
class Instrument:
    """Something with an id and a symbol that is listed from one trade date to another, both included."""

    root: str
    raw_symbol: str
    instrument_id: int
    first_trade: date
    last_trade: date
    expiration_ns: int

    def listed(self, day: date) -> bool:
        return self.first_trade <= day <= self.last_trade

    def overlaps(self, first: date, last: date) -> bool:
        """Whether it is listed on any trade date from first to last, both included."""
        return self.first_trade <= last and first <= self.last_trade

    @property
    def name_key(self) -> tuple[object, ...]:
        """What its noise hangs on: unlike the symbol it never returns."""
        raise NotImplementedError

    @property
    def listed_from(self) -> date:
        """The UTC day on which its first session opens: usually the evening before the first trade date."""
        session = calendar(BY_ROOT[self.root].calendar).session(self.first_trade)
        return self.first_trade if session is None else to_et(session.open_ns).date()


@dataclass(frozen=True, slots=True)
class Contract(Instrument):
    """An outright future; trades until `expiration_ns` (UTC)."""

    year: int
    month: int

    @property
    def name_key(self) -> tuple[object, ...]:
        return (self.root, self.year, self.month)

    @property
    def code(self) -> str:
        return MONTH_CODES[self.month - 1]

    @property
    def is_active_month(self) -> bool:
        """Whether this month carries liquidity, or is only listed."""
        return self.code in BY_ROOT[self.root].active_months


@dataclass(frozen=True, slots=True)
class Spread(Instrument):
    """A calendar spread: buys the near contract and sells the far one. Its price may be negative."""

    near: Contract
    far: Contract

    @property
    def name_key(self) -> tuple[object, ...]:
        return (*self.near.name_key, "spread", *self.far.name_key)


def roots() -> tuple[str, ...]:
    """The roots in the market."""
    return tuple(facts.root for facts in ASSETS if facts.root in PROFILES)


def contracts(root: str, first: date, last: date) -> tuple[Contract, ...]:
    """The contracts listed on any day from first to last, by expiry; none for an unknown root."""
    if root not in PROFILES:
        return ()
    months = _months(first.year, last.year + 1 + PROFILES[root].family.ahead // 12)
    listed = BY_ROOT[root].listed_months
    found = (contract(root, year, month) for year, month in months if MONTH_CODES[month - 1] in listed)
    return tuple(each for each in found if each.overlaps(max(first, HISTORY_START), last))


def spreads(root: str, first: date, last: date) -> tuple[Spread, ...]:
    """The calendar spreads of neighbouring contracts listed on any day from first to last."""
    legs = contracts(root, first, last)
    pairs = (spread(near, far) for near, far in pairwise(legs))
    return tuple(each for each in pairs if each.overlaps(first, last))


def spread(near: Contract, far: Contract) -> Spread:
    return Spread(
        root=near.root,
        raw_symbol=f"{near.raw_symbol}-{far.raw_symbol}",
        instrument_id=_instrument_id(near.root, near.year, near.month, kind=1),
        first_trade=max(near.first_trade, far.first_trade),
        last_trade=near.last_trade,
        expiration_ns=near.expiration_ns,
        near=near,
        far=far,
    )


@lru_cache(maxsize=16_384)
def contract(root: str, year: int, month: int) -> Contract:
    """The contract of a delivery month, whether the exchange lists that month or not."""
    facts, profile = BY_ROOT[root], PROFILES[root]
    sessions = calendar(facts.calendar)
    rule = profile.expiry
    last_trade = _EXPIRY_DAYS[rule.kind](_BusinessDays(sessions), year, month, rule.count)
    return Contract(
        root=root,
        raw_symbol=f"{root}{MONTH_CODES[month - 1]}{year % 10}",
        instrument_id=_instrument_id(root, year, month, kind=0),
        first_trade=_listing_day(sessions, last_trade, profile.family.ahead),
        last_trade=last_trade,
        expiration_ns=to_ns(datetime.combine(last_trade, rule.at, ZoneInfo(rule.zone))),
        year=year,
        month=month,
    )


def by_raw_symbol(symbol: str, first: date, last: date) -> tuple[Instrument, ...]:
    """All instruments that carry this symbol on some day of the range: one per decade at most."""
    root = symbol.split("-")[0][:-2]
    pool = spreads(root, first, last) if "-" in symbol else contracts(root, first, last)
    return tuple(each for each in pool if each.raw_symbol == symbol)


def everything(root: str, first: date, last: date) -> tuple[Instrument, ...]:
    """Outrights, then spreads: what the parent symbol ROOT.FUT stands for."""
    return (*contracts(root, first, last), *spreads(root, first, last))


def _instrument_id(root: str, year: int, month: int, *, kind: int) -> int:
    """Scrambled, positive, one-to-one within a period: the step and the prime have no common factor."""
    place = roots().index(root) * _ID_KINDS + kind * _ID_PERIOD + (year * 12 + month) % _ID_PERIOD
    return (place * _ID_STEP + _ID_OFFSET) % _ID_PRIME + 1


def _months(first_year: int, last_year: int) -> Iterator[tuple[int, int]]:
    return ((year, month) for year in range(first_year, last_year + 1) for month in range(1, 13))


def _listing_day(sessions: SessionCalendar, last_trade: date, months_ahead: int) -> date:
    start = last_trade - timedelta(days=round(months_ahead * 30.44))
    return sessions.trade_date_of(max(start, HISTORY_START)) if start <= LAST_DAY else start


class _BusinessDays:
    """The trade dates of a session calendar, counted back from a day."""

    def __init__(self, sessions: SessionCalendar) -> None:
        self._sessions = sessions

    def before(self, day: date, count: int) -> date:
        """The count-th business day before a day that need not be one; plain weekdays outside the calendar."""
        start = day - timedelta(days=40)
        if start < FIRST_DAY or day > LAST_DAY:
            days = [each for each in (start + timedelta(days=n) for n in range(41)) if each.weekday() < 5]
        else:
            days = [session.trade_date for session in self._sessions.between(start, day)]
        return days[bisect_left(days, day) - count]

    def on_or_before(self, day: date) -> date:
        return self.before(day + timedelta(days=1), 1)


def _next_month(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1)


def _prior_month(year: int, month: int, day: int) -> date:
    return (date(year, month, 1) - timedelta(days=1)).replace(day=day)


def _nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _third_friday(days: _BusinessDays, year: int, month: int, _count: int) -> date:
    return days.on_or_before(_nth_weekday(year, month, 4, 3))


def _before_second_friday(days: _BusinessDays, year: int, month: int, count: int) -> date:
    return days.before(_nth_weekday(year, month, 4, 2), count)


def _before_third_wednesday(days: _BusinessDays, year: int, month: int, count: int) -> date:
    return days.before(_nth_weekday(year, month, 2, 3), count)


def _last_friday(days: _BusinessDays, year: int, month: int, _count: int) -> date:
    end = _next_month(year, month) - timedelta(days=1)
    return days.on_or_before(end - timedelta(days=(end.weekday() - 4) % 7))


def _before_delivery_month(days: _BusinessDays, year: int, month: int, count: int) -> date:
    return days.before(date(year, month, 1), count)


def _before_25th_of_prior_month(days: _BusinessDays, year: int, month: int, count: int) -> date:
    """Where the 25th is no business day, the count starts at the business day before it (NYMEX chapter 200)."""
    return days.before(days.on_or_before(_prior_month(year, month, 25)), count)


def _before_month_end(days: _BusinessDays, year: int, month: int, count: int) -> date:
    return days.before(_next_month(year, month), count)


def _before_last_business_day(days: _BusinessDays, year: int, month: int, count: int) -> date:
    return days.before(days.before(_next_month(year, month), 1), count)


_EXPIRY_DAYS: dict[str, Callable[[_BusinessDays, int, int, int], date]] = {
    "third_friday": _third_friday,
    "before_second_friday": _before_second_friday,
    "before_third_wednesday": _before_third_wednesday,
    "last_friday": _last_friday,
    "before_delivery_month": _before_delivery_month,
    "before_25th_of_prior_month": _before_25th_of_prior_month,
    "before_month_end": _before_month_end,
    "before_last_business_day": _before_last_business_day,
}
