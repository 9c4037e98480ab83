"""Raw symbols of futures: root, month letter, and one or two digits of the year, as in NQM6 or NQM26.

The digits come back every ten years, so a symbol names a contract only together with a day.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from market.facts import MONTH_CODES

DELIVERY_OVER = timedelta(days=62)
"""So long after the first day of its delivery month no contract trades."""

_SYMBOL = re.compile(rf"([A-Z0-9]+?)([{MONTH_CODES}])(\d{{1,2}})")


@dataclass(frozen=True, slots=True)
class Symbol:
    """The parts of a raw symbol; digits: the end of the year, one or two of them."""

    root: str
    month: int
    digits: str

    def year_after(self, day: date) -> int:
        """The year of the first delivery with these digits that is not over on a day."""
        year = (day - DELIVERY_OVER).year
        while not str(year).endswith(self.digits) or date(year, self.month, 1) + DELIVERY_OVER <= day:
            year += 1
        return year


def parse(symbol: str) -> Symbol | None:
    """The parts of an outright's raw symbol; None for anything else, such as a spread."""
    match = _SYMBOL.fullmatch(symbol)
    return Symbol(match[1], MONTH_CODES.index(match[2]) + 1, match[3]) if match else None


def usual(root: str, year: int, month: int) -> str:
    """The raw symbol with one digit of the year."""
    return f"{root}{MONTH_CODES[month - 1]}{year % 10}"
