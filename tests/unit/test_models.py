"""What the database itself refuses, the 19 assets it starts with, and that sources are never mixed."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from accounts.models import User
from market import jobs
from market.facts import ALL_MONTHS
from market.gateway import gateway
from market.history import ensure_history
from market.models import (
    Asset,
    AssetCost,
    Contract,
    Coverage,
    DailyBar,
    DailySpan,
    DayCondition,
    ImportedFile,
    ImportedPiece,
    InstrumentId,
    Job,
    Purchase,
    Roll,
    SpendingLimits,
)
from market.services import MixedSources, check_source, load_assets
from ranks.models import KeptWarm, Summary, SummaryMonth
from replay.models import ReplaySession
from tests.filegateway import Records

DAY, LATER, MUCH_LATER = date(2026, 3, 17), date(2026, 3, 18), date(2026, 3, 20)


class World:
    """NQ with two contracts, and a way to make each kind of row: good by default, one field changed at a time."""

    def __init__(self) -> None:
        self.nq = Asset.objects.get(root="NQ")
        self.march = Contract.objects.create(asset=self.nq, year=2026, month=3, raw_symbol="NQH6")
        self.june = Contract.objects.create(asset=self.nq, year=2026, month=6, raw_symbol="NQM6")

    def asset(self, **changed: Any) -> Asset:
        good = {
            "root": "ES", "name": "E-mini S&P 500", "exchange": "CME", "point_value": 50, "tick_size": 250_000_000,
            "decimals": 2, "active_months": "HMUZ", "listed_months": "HMUZ", "calendar": self.nq.calendar,
        }  # fmt: skip
        return Asset.objects.create(**good | changed)

    def cost(self, **changed: Any) -> AssetCost:
        good = {"asset": self.nq, "effective_from": DAY, "fee_exchange": 1, "fee_broker": 1, "margin": 1}
        return AssetCost.objects.create(**good | changed)

    def contract(self, **changed: Any) -> Contract:
        return Contract.objects.create(**{"asset": self.nq, "year": 2026, "month": 9, "raw_symbol": "NQU6"} | changed)

    def instrument_id(self, **changed: Any) -> InstrumentId:
        good = {"contract": self.june, "instrument_id": 7, "raw_symbol": "NQM6", "first_date": DAY, "end_date": LATER}
        return InstrumentId.objects.create(**good | changed)

    def daily_bar(self, **changed: Any) -> DailyBar:
        good = {"contract": self.june, "date": DAY, "open": 5, "high": 7, "low": 3, "close": 6, "volume": 0}
        return DailyBar.objects.create(**good | changed)

    def daily_span(self, **changed: Any) -> DailySpan:
        return DailySpan.objects.create(**{"asset": self.nq, "first_date": DAY, "end_date": LATER} | changed)

    def roll(self, **changed: Any) -> Roll:
        good = {"asset": self.nq, "trade_date": DAY, "kind": "volume", "from_contract": self.march}
        return Roll.objects.create(**good | {"to_contract": self.june} | changed)

    def coverage(self, **changed: Any) -> Coverage:
        good = {
            "contract": self.june, "schema": "ohlcv-1s", "trade_date": DAY, "state": "complete", "rows": 1, "bytes": 1,
            "checksum": "ab", "source": "stand-in", "until_ns": 1,
        }  # fmt: skip
        return Coverage.objects.create(**good | changed)

    def job(self, **changed: Any) -> Job:
        return Job.objects.create(**{"kind": "test", "done": 1, "total": 1} | changed)

    def day_condition(self, **changed: Any) -> DayCondition:
        return DayCondition.objects.create(**{"dataset": "GLBX.MDP3", "date": DAY, "condition": "degraded"} | changed)

    def purchase(self, **changed: Any) -> Purchase:
        good = {
            "day": DAY, "source": "Databento", "dataset": "GLBX.MDP3", "schema": "trades", "symbols": "NQM6",
            "start_ns": 1, "end_ns": 2, "records": 0, "cost": 0,
        }  # fmt: skip
        return Purchase.objects.create(**good | changed)

    def imported_pieces(self, count: int) -> None:
        file, coverage = ImportedFile.objects.create(name="a.dbn", bytes=1), self.coverage()
        for _ in range(count):
            ImportedPiece.objects.create(file=file, coverage=coverage)

    def summary(self, **changed: Any) -> Summary:
        return Summary.objects.create(**{"contract": self.june, "trade_date": DAY, "made_with": "1:ab"} | changed)

    def summary_month(self, **changed: Any) -> SummaryMonth:
        return SummaryMonth.objects.create(**{"contract": self.june, "month": date(2026, 3, 1), "bytes": 1} | changed)

    def kept_warm(self, **changed: Any) -> KeptWarm:
        return KeptWarm.objects.create(**{"asset": self.nq} | changed)

    def replay(self, **changed: Any) -> ReplaySession:
        owner, _ = User.objects.get_or_create(username="owner")
        moments = dict.fromkeys(("entry_ns", "anchor_ns", "playhead_ns"), 1)
        good = {"owner": owner, "asset": self.nq, "timeframe": "5m", "lookback_days": 30}
        return ReplaySession.objects.create(**good | moments | changed)


@pytest.fixture
def world(assets: None) -> World:
    return World()


Make = Callable[[World], object]

BAD_ROWS: list[tuple[str, Make]] = [
    ("summary_once", lambda world: [world.summary(), world.summary(source="ab")]),
    ("summary_month_once", lambda world: [world.summary_month(), world.summary_month()]),
    ("kept_warm_lookback", lambda world: world.kept_warm(lookback_days=0)),
    ("kept_warm_lookback", lambda world: world.kept_warm(lookback_days=3_651)),
    ("asset_tick_positive", lambda world: world.asset(tick_size=0)),
    ("asset_tick_positive", lambda world: world.asset(tick_size=-1)),
    ("asset_point_value_positive", lambda world: world.asset(point_value=0)),
    ("asset_decimals", lambda world: world.asset(decimals=10)),
    ("asset_protection", lambda world: world.asset(protection=0)),
    ("asset_locate_fee", lambda world: world.asset(locate_fee=Decimal("-0.01"))),
    ("asset_months", lambda world: world.asset(kind="stock")),
    ("asset_months", lambda world: world.asset(active_months="")),
    ("cost_once_a_day", lambda world: [world.cost(), world.cost()]),
    ("cost_not_negative", lambda world: world.cost(fee_exchange=Decimal("-0.01"))),
    ("cost_not_negative", lambda world: world.cost(fee_broker=Decimal("-0.01"))),
    ("cost_not_negative", lambda world: world.cost(margin=-1)),
    ("contract_once", lambda world: world.contract(month=6)),
    ("contract_month", lambda world: world.contract(month=0)),
    ("contract_month", lambda world: world.contract(month=13)),
    ("contract_month", lambda world: world.contract(month=None)),
    ("contract_once", lambda world: [world.contract(year=None, month=None), world.contract(year=None, month=None)]),
    ("contract_life", lambda world: world.contract(first_trade_date=LATER, last_trade_date=DAY)),
    ("instrument_id_once", lambda world: [world.instrument_id(), world.instrument_id()]),
    ("instrument_id_dates", lambda world: world.instrument_id(end_date=DAY)),
    ("daily_bar_once", lambda world: [world.daily_bar(), world.daily_bar()]),
    ("daily_bar_shape", lambda world: world.daily_bar(high=5)),
    ("daily_bar_shape", lambda world: world.daily_bar(low=6)),
    ("daily_bar_shape", lambda world: world.daily_bar(high=4, open=5, close=4)),
    ("daily_bar_volume", lambda world: world.daily_bar(volume=-1)),
    ("daily_spans_apart", lambda world: [world.daily_span(), world.daily_span()]),
    (
        "daily_spans_apart",
        lambda world: [
            world.daily_span(end_date=MUCH_LATER),
            world.daily_span(first_date=LATER, end_date=date(2026, 3, 27)),
        ],
    ),
    ("daily_spans_apart", lambda world: [world.daily_span(), world.daily_span(first_date=LATER, end_date=MUCH_LATER)]),
    ("daily_span_dates", lambda world: world.daily_span(end_date=DAY)),
    ("roll_once_a_session", lambda world: [world.roll(), world.roll()]),
    ("roll_has_from", lambda world: world.roll(from_contract=None)),
    ("roll_has_from", lambda world: world.roll(kind="seed")),
    ("roll_complete_has_prices", lambda world: world.roll(spread_state="complete", from_price=1)),
    ("roll_complete_has_prices", lambda world: world.roll(spread_state="complete", to_price=1)),
    ("coverage_once", lambda world: [world.coverage(), world.coverage()]),
    ("coverage_empty_or_stored", lambda world: world.coverage(state="empty")),
    ("coverage_empty_or_stored", lambda world: world.coverage(rows=0)),
    ("coverage_empty_or_stored", lambda world: world.coverage(checksum="")),
    ("imported_piece_once", lambda world: world.imported_pieces(2)),
    ("day_condition_once", lambda world: [world.day_condition(), world.day_condition()]),
    ("purchase_cost_not_negative", lambda world: world.purchase(cost=Decimal("-0.01"))),
    ("purchase_range", lambda world: world.purchase(end_ns=1)),
    ("spending_limits_one_row", lambda world: SpendingLimits.objects.create(pk=2)),
    ("spending_limits_not_negative", lambda world: SpendingLimits.objects.create(pk=1, user_daily=-1)),
    ("job_done_within_total", lambda world: world.job(done=2)),
    ("job_one_history_at_a_time", lambda world: [world.job(kind="history"), world.job(kind="history")]),
    (
        "job_one_history_at_a_time",
        lambda world: [world.job(kind="history", state="asking"), world.job(kind="history", state="running")],
    ),
    ("replay_playhead_positive", lambda world: world.replay(playhead_ns=0)),
    ("replay_speed", lambda world: world.replay(speed=0.2)),
    ("replay_speed", lambda world: world.replay(speed=1_001)),
    ("replay_speed", lambda world: world.replay(speed=-1)),
]

GOOD_ROWS: list[Make] = [
    lambda world: [world.summary(), world.summary(trade_date=LATER), world.summary(contract=world.march)],
    lambda world: [world.summary_month(), world.summary_month(contract=world.march), world.kept_warm()],
    lambda world: [world.asset(), world.cost(), world.cost(effective_from=LATER), world.contract()],
    lambda world: world.contract(first_trade_date=DAY, last_trade_date=DAY),
    lambda world: world.contract(first_trade_date=LATER),
    lambda world: [world.instrument_id(), world.instrument_id(first_date=date(2026, 3, 16))],
    lambda world: world.daily_bar(open=5, high=5, low=5, close=5),
    lambda world: world.daily_bar(open=-5, high=-4, low=-9, close=-8),
    lambda world: [world.daily_span(), world.daily_span(first_date=MUCH_LATER, end_date=date(2026, 3, 27))],
    lambda world: [world.daily_span(), world.daily_span(asset=world.asset())],
    lambda world: [world.roll(), world.roll(trade_date=LATER, kind="seed", from_contract=None)],
    lambda world: world.roll(spread_state="complete", from_price=1, to_price=2),
    lambda world: [world.coverage(), world.coverage(trade_date=LATER, state="empty", rows=0, checksum="")],
    lambda world: [world.job(), world.job(), world.job(kind="history", state="done"), world.job(kind="history")],
    lambda world: world.asset(root="BRK.B", kind="stock", active_months="", listed_months=""),
    lambda world: world.imported_pieces(1),
    lambda world: [world.day_condition(), world.day_condition(date=LATER)],
    lambda world: [world.purchase(), SpendingLimits.current()],
    lambda world: [world.replay(speed=speed) for speed in (0.25, 1_000, None)],
]


@pytest.mark.parametrize(("constraint", "make"), BAD_ROWS)
def test_the_database_refuses_a_bad_row(world: World, constraint: str, make: Make) -> None:
    with pytest.raises(IntegrityError, match=f'"{constraint}"'), transaction.atomic():
        make(world)


@pytest.mark.parametrize("make", GOOD_ROWS)
def test_the_database_takes_the_good_rows_beside_them(world: World, make: Make) -> None:
    make(world)


def test_every_constraint_has_its_bad_row() -> None:
    ours = [
        model for app in ("accounts", "market", "ranks", "replay") for model in apps.get_app_config(app).get_models()
    ]
    named = {constraint.name for model in ours for constraint in model._meta.constraints}
    assert named == {name for name, _ in BAD_ROWS}


def test_a_root_is_there_once(world: World) -> None:
    with pytest.raises(IntegrityError, match="root"), transaction.atomic():
        world.asset(root="NQ")


# root, exchange, point value, tick, tick value, decimals, active months, exchange fee, broker fee, margin, its kind
TABLE = [
    ("NG", "NYMEX", "10000", "0.001", "10.00", 3, ALL_MONTHS, "1.60", "0.85", "5000", "usd"),
    ("CL", "NYMEX", "1000", "0.01", "10.00", 2, ALL_MONTHS, "1.60", "0.85", "7000", "usd"),
    ("HO", "NYMEX", "42000", "0.0001", "4.20", 4, ALL_MONTHS, "1.60", "0.85", "7000", "usd"),
    ("NQ", "CME", "20", "0.25", "5.00", 2, "HMUZ", "1.28", "0.85", "30000", "usd"),
    ("YM", "CBOT", "5", "1", "5.00", 0, "HMUZ", "1.28", "0.85", "13000", "usd"),
    ("NKD", "CME", "5", "5", "25.00", 0, "HMUZ", "1.60", "0.85", "12000", "usd"),
    ("GC", "COMEX", "100", "0.10", "10.00", 1, "GJMQVZ", "1.60", "0.85", "5", "pct_notional"),
    ("SI", "COMEX", "5000", "0.005", "25.00", 3, "HKNUZ", "1.60", "0.85", "11", "pct_notional"),
    ("HG", "COMEX", "25000", "0.0005", "12.50", 4, "HKNUZ", "1.60", "0.85", "5500", "usd"),
    ("PL", "NYMEX", "50", "0.10", "5.00", 1, "FJNV", "1.60", "0.85", "9", "pct_notional"),
    ("MBT", "CME", "0.1", "5", "0.50", 0, ALL_MONTHS, "2.50", "2.25", "35", "pct_notional"),
    ("6E", "CME", "125000", "0.00005", "6.25", 5, "HMUZ", "1.60", "0.85", "2650", "usd"),
    ("6B", "CME", "62500", "0.0001", "6.25", 4, "HMUZ", "1.60", "0.85", "2800", "usd"),
    ("6C", "CME", "100000", "0.00005", "5.00", 5, "HMUZ", "1.60", "0.85", "1400", "usd"),
    ("6S", "CME", "125000", "0.00005", "6.25", 5, "HMUZ", "1.60", "0.85", "4500", "usd"),
    ("6J", "CME", "12500000", "0.0000005", "6.25", 7, "HMUZ", "1.60", "0.85", "3700", "usd"),
    ("6N", "CME", "100000", "0.00005", "5.00", 5, "HMUZ", "1.60", "0.85", "1800", "usd"),
    ("6A", "CME", "100000", "0.00005", "5.00", 5, "HMUZ", "1.60", "0.85", "1450", "usd"),
    ("ZN", "CBOT", "1000", "0.015625", "15.625", 6, "HMUZ", "0.80", "0.85", "2000", "usd"),
]


def test_the_nineteen_assets_are_those_of_the_table(assets: None) -> None:
    assert sorted(row[0] for row in TABLE) == list(Asset.objects.values_list("root", flat=True))


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_an_asset_carries_the_figures_of_the_table(assets: None, row: tuple[Any, ...]) -> None:
    root, exchange, point_value, tick, tick_value, decimals, months, *costs = row
    asset = Asset.objects.get(root=root)
    assert (asset.exchange, asset.decimals, asset.active_months) == (exchange, decimals, months)
    assert asset.point_value == Decimal(point_value)
    assert asset.tick_size == Decimal(tick) * 10**9
    assert asset.tick_value == Decimal(tick_value)
    assert (asset.dataset, asset.is_active) == ("GLBX.MDP3", True)
    assert set(months) <= set(asset.listed_months)
    cost = asset.costs.get()
    assert [cost.fee_exchange, cost.fee_broker, cost.margin] == [Decimal(figure) for figure in costs[:3]]
    assert cost.margin_kind == costs[3]


def test_only_the_note_is_shown_in_thirty_seconds(assets: None) -> None:
    assert list(Asset.objects.exclude(price_display="decimal").values_list("root", flat=True)) == ["ZN"]


def test_the_loaded_assets_pass_the_admins_own_checks(assets: None) -> None:
    for asset in Asset.objects.all():
        asset.full_clean()
        asset.costs.get().full_clean()


def test_loading_assets_again_adds_nothing(db: None) -> None:
    assert load_assets() == 19
    assert load_assets() == 0
    assert (Asset.objects.count(), AssetCost.objects.count()) == (19, 19)


def test_loading_assets_again_keeps_what_an_admin_changed(assets: None) -> None:
    Asset.objects.filter(root="NQ").update(name="Nasdaq", is_active=False)
    AssetCost.objects.filter(asset__root="NQ").update(margin=1)
    Asset.objects.get(root="CL").delete()
    assert load_assets() == 1
    nq = Asset.objects.get(root="NQ")
    assert (nq.name, nq.is_active, nq.costs.get().margin) == ("Nasdaq", False, 1)
    assert Asset.objects.get(root="CL").costs.count() == 1


def test_data_of_one_source_is_accepted(world: World, settings: Any) -> None:
    check_source()
    settings.MARKET_SOURCE = "stand-in"
    world.coverage(source="stand-in")
    check_source()


def test_sessions_that_were_recorded_live_are_of_the_same_source(world: World, settings: Any) -> None:
    settings.MARKET_SOURCE = "stand-in"
    world.coverage(source="stand-in live")
    check_source()
    settings.MARKET_SOURCE = "Databento"
    with pytest.raises(MixedSources, match="holds data from stand-in live"):
        check_source()


def test_invented_data_is_never_mixed_with_recorded_data(world: World, settings: Any) -> None:
    world.coverage(source="stand-in")
    settings.MARKET_SOURCE = "Databento"
    with pytest.raises(MixedSources, match=r"holds data from stand-in, but .* from Databento.*DATABASE_URL"):
        check_source()


def test_daily_bars_alone_are_data_of_a_source_too(small_market: Records, settings: Any) -> None:
    settings.MARKET_SOURCE = "stand-in"
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    nq = Asset.objects.get(root="NQ")
    ensure_history(nq, gateway(patient=False), date(2026, 3, 2), date(2026, 3, 6), jobs.Progress(job))
    settings.MARKET_SOURCE = "Databento"
    with pytest.raises(MixedSources):
        check_source()
