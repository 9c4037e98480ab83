"""What the broker is told of a contract: its costs as of the trade date, its margin, its protection."""

from datetime import date
from decimal import Decimal

import pytest

from market.models import Asset, AssetCost, Contract
from trading.engine.risk import required
from trading.engine.settings import Instrument
from trading.services import instrument

DOLLAR = 10**9


@pytest.fixture
def nqm6(assets: None) -> Contract:
    nq = Asset.objects.get(root="NQ")
    AssetCost.objects.create(
        asset=nq, effective_from=date(2026, 3, 17), fee_exchange=2, fee_broker=Decimal("0.5"), margin=5,
        margin_kind="pct_notional",
    )  # fmt: skip
    return Contract.objects.create(asset=nq, year=2026, month=6, raw_symbol="NQM6")


def test_costs_are_those_of_the_trade_date(nqm6: Contract) -> None:
    before, after = (instrument(nqm6.pk, date(2026, 3, day)) for day in (16, 17))
    assert (before.fee, before.margin, before.margin_kind) == (2_130_000_000, 30_000 * DOLLAR, "usd")
    assert (after.fee, after.margin_kind) == (2_500_000_000, "pct_notional")
    # 5 % of 2 × 80,000 ticks × $5
    assert required(after, 2, 20_000 * 10**9, leverage=1) == 40_000 * DOLLAR


def test_without_costs_there_are_none(nqm6: Contract) -> None:
    AssetCost.objects.all().delete()
    assert (instrument(nqm6.pk, date(2026, 3, 17)).fee, instrument(nqm6.pk, date(2026, 3, 17)).margin) == (0, 0)


def test_protection_is_the_asset_s_or_the_usual_one(nqm6: Contract) -> None:
    usual = Instrument("any", 1, 1).protection
    assert instrument(nqm6.pk, date(2026, 3, 17)).protection == usual == 20
    Asset.objects.filter(root="NQ").update(protection=60)
    assert instrument(nqm6.pk, date(2026, 3, 17)).protection == 60
