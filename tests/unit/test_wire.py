"""Prices as people read them on pages that the server writes."""

import pytest

from market.models import Asset
from workspace.wire import quote

pytestmark = pytest.mark.usefixtures("assets")


@pytest.mark.parametrize(
    ("root", "nanos", "text"),
    [
        ("ZN", 110_515_625_000, "110'165"),
        ("ZN", 110_000_000_000, "110'000"),
        ("ZN", 109_984_375_000, "109'315"),
        ("ZN", -15_625_000, "-0'005"),
        ("ZN", 110_100_000_000, "110.100000"),
        ("NQ", 20_184_250_000_000, "20,184.25"),
        ("6J", 6_543_500, "0.0065435"),
    ],
)
def test_a_price_is_written_as_its_market_writes_it(root: str, nanos: int, text: str) -> None:
    assert quote(nanos, Asset.objects.get(root=root)) == text
