"""Raw symbols: what their letters and digits say, and what they do not."""

from datetime import date

import pytest

from market import symbols
from market.facts import ASSETS


@pytest.mark.parametrize(
    ("symbol", "root", "month", "digits"),
    [("NQM6", "NQ", 6, "6"), ("NGZ26", "NG", 12, "26"), ("6EH4", "6E", 3, "4"), ("6NZ6", "6N", 12, "6"),
     ("ZNM6", "ZN", 6, "6"), ("MBTF6", "MBT", 1, "6")],
)  # fmt: skip
def test_an_outrights_symbol_has_a_root_a_month_and_the_end_of_its_year(
    symbol: str, root: str, month: int, digits: str
) -> None:
    assert symbols.parse(symbol) == symbols.Symbol(root, month, digits)


@pytest.mark.parametrize("symbol", ["NQH6-NQM6", "NQ.FUT", "NQ.v.0", "NVDA", "", "NQ", "nqm6", "NQM126", "Z6"])
def test_anything_else_has_not(symbol: str) -> None:
    assert symbols.parse(symbol) is None


def test_the_usual_symbol_of_every_root_can_be_read_again() -> None:
    for facts in ASSETS:
        assert symbols.parse(symbols.usual(facts.root, 2026, 6)) == symbols.Symbol(facts.root, 6, "6")


@pytest.mark.parametrize(
    ("symbol", "day", "year"),
    [
        ("NQM6", date(2016, 5, 2), 2016),
        ("NQM6", date(2016, 8, 1), 2016),  # deliveries are over after two months
        ("NQM6", date(2016, 9, 1), 2026),
        ("CLF6", date(2025, 12, 19), 2026),  # it expires in the year before its delivery
        ("CLZ26", date(2016, 11, 1), 2026),
    ],
)
def test_the_digits_mean_the_first_delivery_that_is_not_over(symbol: str, day: date, year: int) -> None:
    parts = symbols.parse(symbol)
    assert parts is not None
    assert parts.year_after(day) == year
