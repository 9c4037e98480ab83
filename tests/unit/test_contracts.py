"""Contracts come from the exchange's definitions: which there are, when they live, what they were called."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from aiohttp import web

from market import contracts, history, ingest, jobs, rolls
from market.databento_historical import HistoricalGateway, IdInterval
from market.engine.bars import Bars
from market.gateway import gateway
from market.history import ensure_history
from market.models import Asset, Contract, InstrumentId, Job, Roll
from market.sessions import parse_et, to_ns
from standin.background import running
from standin.gateway import Gateway
from standin.market import contracts as listed
from tests import filegateway
from tests.filegateway import Records
from tests.markets import sparse_contract

KEY = "db-contracts-test-key"
NOW_NS = to_ns(datetime(2026, 6, 1, 12, tzinfo=UTC))
ALL = 2**62


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=3, key=KEY, clock=lambda: NOW_NS)) as base:
        yield base


@pytest.fixture
def standin(url: str) -> HistoricalGateway:
    return HistoricalGateway(KEY, url, patient=False)


def progress() -> jobs.Progress:
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    return jobs.Progress(job)


def nq() -> Asset:
    return Asset.objects.get(root="NQ")


def contract(year: int, month: int, root: str = "NQ") -> Contract:
    return Contract.objects.get(asset__root=root, year=year, month=month)


def have(asset: Asset, door: HistoricalGateway, first: str, end: str) -> None:
    ensure_history(asset, door, date.fromisoformat(first), date.fromisoformat(end), progress())


# --- symbols and ids that come back ---------------------------------------------------------------------------


def test_a_symbol_that_comes_back_after_ten_years_is_two_contracts_with_bars_of_their_own(
    assets: None, standin: HistoricalGateway
) -> None:
    have(nq(), standin, "2016-05-02", "2016-05-06")
    have(nq(), standin, "2026-05-04", "2026-05-08")
    old, new = contract(2016, 6), contract(2026, 6)
    assert (old.raw_symbol, new.raw_symbol, old.code, new.code) == ("NQM6", "NQM6", "NQM2016", "NQM2026")
    assert sorted(old.daily_bars.values_list("date", flat=True)) == [date(2016, 5, day) for day in (2, 3, 4, 5)]
    assert sorted(new.daily_bars.values_list("date", flat=True)) == [date(2026, 5, day) for day in (4, 5, 6, 7)]


def test_one_request_over_a_decade_tells_them_apart(assets: None, standin: HistoricalGateway) -> None:
    have(nq(), standin, "2016-05-02", "2016-05-04")
    have(nq(), standin, "2026-05-04", "2026-05-06")
    old, new = contract(2016, 6), contract(2026, 6)
    ids = standin.instrument_ids("GLBX.MDP3", ["NQM6"], date(2016, 5, 2), date(2026, 5, 6))
    owned = [(owner, interval.first, interval.end) for owner, interval in contracts.owners([old, new], ids)]
    assert [owner for owner, _, _ in owned] == [old, new]
    assert owned[0][2] == date(2016, 6, 18)  # the day after its last
    found = standin.bars(
        "GLBX.MDP3", ["NQM6"], "ohlcv-1d", *(to_ns(datetime(y, 5, 4, tzinfo=UTC)) for y in (2016, 2026))
    )
    bars = list(history.daily_bars(contracts.owners([old, new], ids), found))
    assert {bar.contract for bar in bars if bar.date.year == 2016} == {old}
    assert {bar.contract for bar in bars if bar.date.year > 2016} == {new}


def test_an_id_that_comes_back_belongs_to_each_contract_on_its_own_dates(
    assets: None, standin: HistoricalGateway
) -> None:
    oil = Asset.objects.get(root="CL")
    have(oil, standin, "2016-04-25", "2016-04-29")
    have(oil, standin, "2025-09-22", "2025-09-26")
    old, new = contract(2016, 6, "CL"), contract(2025, 11, "CL")
    reused = listed.contract("CL", 2016, 6).instrument_id
    assert listed.contract("CL", 2025, 11).instrument_id == reused
    rows = InstrumentId.objects.filter(instrument_id=reused).order_by("first_date")
    assert [(row.contract, row.raw_symbol, row.first_date, row.end_date) for row in rows] == [
        (old, "CLM6", date(2016, 4, 25), date(2016, 4, 29)),
        (new, "CLX5", date(2025, 9, 22), date(2025, 9, 26)),
    ]
    assert (old.daily_bars.count(), new.daily_bars.count()) == (4, 4)


def test_the_dates_of_an_id_grow_with_the_history_and_stay_one_row(assets: None, standin: HistoricalGateway) -> None:
    for first, end in (("2026-03-02", "2026-03-06"), ("2026-03-09", "2026-03-13"), ("2026-03-06", "2026-03-09")):
        have(nq(), standin, first, end)
    row = contract(2026, 6).instrument_ids.get()
    assert (row.first_date, row.end_date) == (date(2026, 3, 2), date(2026, 3, 13))


# --- what a definition tells ----------------------------------------------------------------------------------


def test_spreads_are_left_out(assets: None, standin: HistoricalGateway) -> None:
    have(nq(), standin, "2026-05-04", "2026-05-06")
    found = set(Contract.objects.values_list("raw_symbol", flat=True))
    assert {"NQM6", "NQU6"} <= found
    assert not [symbol for symbol in found if "-" in symbol]
    assert not InstrumentId.objects.filter(raw_symbol__contains="-").exists()


def test_a_contract_lives_as_its_definition_says(assets: None, standin: HistoricalGateway) -> None:
    for root in ("NQ", "CL", "MBT", "NKD"):
        have(Asset.objects.get(root=root), standin, "2026-05-04", "2026-05-05")
        for found in Contract.objects.filter(asset__root=root, first_trade_date__gt=date(2010, 6, 7)):
            truth = listed.contract(root, found.year or 0, found.month or 0)
            assert (found.first_trade_date, found.last_trade_date) == (truth.first_trade, truth.last_trade)
            assert found.expires_ns == truth.expiration_ns
    assert contract(2026, 6).expires_ns == parse_et("2026-06-18 09:30")  # the 19th is a holiday


@pytest.mark.real_data
def test_the_real_definition_of_esm3_says_when_it_expires(real_data: Path, assets: None) -> None:
    es = Asset.objects.get(root="NQ")
    es.pk, es.root, es.name = None, "ES", "E-mini S&P 500"
    es.save()
    path = real_data / "nautilus_trader" / "definition-glbx-es-fut.dbn.zst"
    with real_file(path, records=2) as door:
        contracts.save_definitions(es, door.definitions("GLBX.MDP3", "ES", date(2023, 4, 3)))
    esm3 = contract(2023, 6, "ES")
    assert (esm3.raw_symbol, esm3.match_algorithm) == ("ESM3", "F")
    assert (esm3.expires_ns, esm3.last_trade_date) == (parse_et("2023-06-16 09:30"), date(2023, 6, 16))
    # activated on Friday 2021-06-04 at 17:30 ET: Monday's session is the first
    assert esm3.first_trade_date == date(2021, 6, 7)
    ids = [(row.instrument_id, row.first_date, row.end_date) for row in esm3.instrument_ids.all()]
    assert ids == [(95_414, date(2023, 4, 2), date(2023, 4, 4))]


@pytest.mark.real_data
def test_of_real_definitions_of_two_roots_only_the_asked_one_is_taken(real_data: Path, assets: None) -> None:
    with real_file(real_data / "nautilus_trader" / "futures_definition.dbn.zst", records=2) as door:
        found = door.definitions("GLBX.MDP3", "NQ", date(2024, 7, 1))
        contracts.save_definitions(nq(), found)
    assert [each.raw_symbol for each in found] == ["NQU4"]
    nqu4 = contract(2024, 9)
    assert (nqu4.expires_ns, nqu4.first_trade_date) == (parse_et("2024-09-20 09:30"), date(2023, 6, 16))
    assert [row.instrument_id for row in nqu4.instrument_ids.all()] == [4_358]


@contextmanager
def real_file(path: Path, records: int) -> Iterator[HistoricalGateway]:
    """A gateway that answers with the bytes of a recorded file."""

    body = path.read_bytes()

    async def answer(request: web.Request) -> web.Response:
        counts = request.path.endswith("get_record_count")
        return web.json_response(records) if counts else web.Response(body=body)

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    with filegateway.serve(app) as url:
        yield HistoricalGateway(KEY, url, patient=False)


# --- definitions that are odd, late, or absent ----------------------------------------------------------------

MARCH = {"expiration": parse_et("2026-03-20 09:30")}


def learn(records: Records, first: str = "2026-03-02", end: str = "2026-03-06") -> None:
    have(nq(), gateway(patient=False), first, end)


def test_a_definition_without_expiration_leaves_it_open_and_takes_nothing_away(assets: None, records: Records) -> None:
    records.define(date(2026, 3, 2), "NQH6", "NQ", 2026, 3, **MARCH)
    records.define(date(2026, 3, 5), "NQH6", "NQ", 2026, 3)
    records.define(date(2026, 3, 5), "NQM6", "NQ", 2026, 6)
    learn(records)
    assert (contract(2026, 3).last_trade_date, contract(2026, 3).expires_ns) == (date(2026, 3, 20), MARCH["expiration"])
    assert (contract(2026, 6).last_trade_date, contract(2026, 6).expires_ns) == (None, None)


def test_a_later_definition_corrects_an_earlier_one_whichever_is_fetched_first(assets: None, records: Records) -> None:
    records.define(date(2026, 2, 2), "NQH6", "NQ", 2026, 3, expiration=parse_et("2026-03-19 09:30"))
    records.define(date(2026, 3, 2), "NQH6", "NQ", 2026, 3, **MARCH)
    learn(records)
    learn(records, "2026-02-02", "2026-02-04")
    assert contract(2026, 3).last_trade_date == date(2026, 3, 20)


def test_a_corrected_expiry_lets_the_schedule_be_computed_again(assets: None, records: Records) -> None:
    records.define(date(2026, 2, 2), "NQH6", "NQ", 2026, 3, expiration=parse_et("2026-03-19 09:30"))
    records.define(date(2026, 3, 2), "NQH6", "NQ", 2026, 3, **MARCH)
    learn(records, "2026-02-02", "2026-02-04")
    rolls.rebuild(nq())
    assert not nq().daily_spans.filter(is_scheduled=False).exists()
    learn(records)
    assert nq().daily_spans.filter(is_scheduled=False).count() == 2


def test_a_contract_that_is_taken_off_the_list_keeps_what_was_known(assets: None, records: Records) -> None:
    records.define(date(2026, 3, 2), "NQH6", "NQ", 2026, 3, **MARCH)
    records.define(date(2026, 3, 5), "NQH6", "NQ", 2026, 3, expiration=1, security_update_action=b"D")
    learn(records)
    assert contract(2026, 3).expires_ns == MARCH["expiration"]


def test_a_definition_that_ends_before_it_begins_tells_the_expiry_alone(assets: None, records: Records) -> None:
    records.define(date(2026, 3, 2), "NQH6", "NQ", 2026, 3, activation=parse_et("2027-03-19 18:00"), **MARCH)
    learn(records)
    assert (contract(2026, 3).first_trade_date, contract(2026, 3).last_trade_date) == (None, date(2026, 3, 20))


@pytest.mark.parametrize(("symbol", "expires"), [("NQM6", None), ("NQM26", None), ("NQM6", "2026-06-18 09:30")])
def test_without_a_delivery_month_the_symbol_and_the_day_tell_it(
    assets: None, records: Records, symbol: str, expires: str | None
) -> None:
    expiration = parse_et(expires) if expires else 2**64 - 1
    records.define(date(2026, 3, 2), symbol, "NQ", 65_535, 255, expiration=expiration)
    learn(records)
    assert contract(2026, 6).raw_symbol == symbol


def test_a_definition_of_no_known_month_is_left_out(assets: None, records: Records) -> None:
    records.define(date(2026, 3, 2), "NQ-ODD", "NQ", 65_535, 255)
    records.define(date(2026, 3, 2), "NQM6", "NQ", 2026, 6)
    learn(records)
    assert Contract.objects.get() == contract(2026, 6)


def test_without_definitions_the_listed_months_are_made_and_later_confirmed(assets: None, records: Records) -> None:
    learn(records, "2026-02-02", "2026-02-04")
    made = contract(2026, 6)
    assert (made.raw_symbol, made.last_trade_date, made.defined_ns) == ("NQM6", None, None)
    assert set(Contract.objects.values_list("month", flat=True)) == {3, 6, 9, 12}
    records.define(date(2026, 3, 2), "NQM26", "NQ", 2026, 6, expiration=parse_et("2026-06-18 09:30"))
    learn(records)
    confirmed = contract(2026, 6)
    assert (confirmed.pk, confirmed.raw_symbol, confirmed.last_trade_date) == (made.pk, "NQM26", date(2026, 6, 18))


def test_a_weekend_without_a_snapshot_makes_no_contracts_up(assets: None, records: Records) -> None:
    records.define(date(2026, 3, 6), "NQM6", "NQ", 2026, 6)
    learn(records, "2026-03-05", "2026-03-07")
    learn(records, "2026-03-07", "2026-03-08")
    assert Contract.objects.get() == contract(2026, 6)


def test_an_expired_contracts_symbol_belongs_to_the_next_decade_at_once(assets: None) -> None:
    make = {"asset": nq(), "raw_symbol": "NQM6", "month": 6}
    old = Contract.objects.create(**make, year=2016, last_trade_date=date(2016, 6, 17))
    new = Contract.objects.create(**make, year=2026)
    for day, owner in ((date(2016, 6, 17), old), (date(2016, 6, 18), new), (date(2025, 1, 2), new)):
        interval = IdInterval("NQM6", 1, day, day.replace(day=day.day + 1))
        assert contracts.owner_of([old, new], interval) == owner


# --- one contract, two symbols --------------------------------------------------------------------------------


@pytest.fixture
def renamed(assets: None, records: Records) -> Records:
    """NQM6 was NQM26 until 2026-03-10, with another id."""
    days = nq().sessions
    change = date(2026, 3, 11)
    for symbol, first, last in (("NQM26", date(2026, 3, 2), date(2026, 3, 10)), ("NQM6", change, date(2026, 3, 20))):
        # the change is at midnight UTC, in the middle of a session
        bars = sparse_contract(days, date(2026, 3, 2), date(2026, 3, 20), seed=5, base=80_000)
        midnight = (change - date(1970, 1, 1)).days * filegateway.DAY_NS
        records.add(symbol, bars[bars.ts < midnight] if symbol == "NQM26" else bars[bars.ts >= midnight])
        for day in (first, last):
            records.define(day, symbol, "NQ", 2026, 6)
    records.dates = {"NQM26": (date(2024, 1, 1), change), "NQM6": (change, date(2026, 6, 20))}
    return records


def test_a_contract_with_two_symbols_over_time_is_one_contract_with_all_its_bars(renamed: Records) -> None:
    learn(renamed, "2026-03-02", "2026-03-21")
    june = Contract.objects.get()
    assert june.raw_symbol == "NQM6"
    names = [(row.raw_symbol, row.first_date, row.end_date) for row in june.instrument_ids.order_by("first_date")]
    assert names == [
        ("NQM26", date(2026, 3, 2), date(2026, 3, 11)),
        ("NQM6", date(2026, 3, 11), date(2026, 3, 21)),
    ]
    days = set(june.daily_bars.values_list("date", flat=True))
    assert {date(2026, 3, 2), date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 20)} <= days
    rolls.rebuild(nq())
    assert Roll.objects.get().to_contract == june


def test_its_seconds_are_asked_for_by_the_symbol_of_the_day(renamed: Records) -> None:
    learn(renamed, "2026-03-02", "2026-03-21")
    june = Contract.objects.get()
    sessions = nq().sessions.between(date(2026, 3, 9), date(2026, 3, 12))
    ingest.ensure(gateway(patient=False), june, "ohlcv-1s", sessions, ALL, progress())
    stored = Bars.concatenate([ingest.read_bars(row) for row in june.coverage.order_by("trade_date")])
    whole = sparse_contract(nq().sessions, date(2026, 3, 2), date(2026, 3, 20), seed=5, base=80_000)
    inside = whole[(whole.ts >= sessions[0].open_ns) & (whole.ts < sessions[-1].close_ns)]
    np.testing.assert_array_equal(stored.ts, inside.ts)
    np.testing.assert_array_equal(stored.close, inside.close)
