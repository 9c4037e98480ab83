"""From the gateway to the tape: fetched once, stored whole, spliced right. Real client, real sockets."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market import ingest, jobs, plans, rolls, store, tapes
from market.databento_historical import HistoricalGateway
from market.engine.bars import Bars
from market.gateway import gateway
from market.gateway_errors import DamagedDownload, GatewayError
from market.models import Asset, Contract, Coverage, DailyBar, Job, Roll
from market.sessions import parse_et
from standin.background import running
from standin.faults import Faults
from standin.gateway import Gateway
from tests import filegateway
from tests.filegateway import Records

ENTRY = date(2026, 3, 17)
ALL = 2**62


def window(root: str = "NQ", entry: date = ENTRY, before: int = 5, after: int = 2) -> plans.Window:
    asset = Asset.objects.get(root=root)
    days = asset.sessions
    here = days.session(entry)
    assert here is not None
    sessions = [*days.before(entry, before), here, *days.after(entry, after)]
    return plans.Window(asset, sessions, entry, entry - timedelta(days=30))


def progress() -> jobs.Progress:
    job = jobs.start(Job.objects.create(kind="test").pk)
    assert job is not None
    return jobs.Progress(job)


def prepare(wanted: plans.Window, available_ns: int = ALL) -> None:
    tapes.prepare(wanted, gateway(patient=False), available_ns, progress())


def count(records: Records, path: str) -> int:
    return sum(path in call for call in records.calls)


def test_a_window_is_fetched_and_becomes_a_tape(small_market: Records) -> None:
    wanted = window()
    assert not tapes.is_stored(wanted, ALL)
    prepare(wanted)
    assert tapes.is_stored(wanted, ALL)
    tape = tapes.load(wanted)
    assert tape.trade_dates == [session.trade_date for session in wanted.sessions]
    source = small_market.bars["ohlcv-1s", "NQM6"]
    here = tape.part_at(parse_et("2026-03-17 09:30"))
    inside = source[(source.ts >= here.piece.session.open_ns) & (source.ts < here.piece.session.close_ns)]
    for name in Bars.COLUMNS:
        np.testing.assert_array_equal(getattr(here.piece.stored, name), getattr(inside, name))


def test_contracts_without_definitions_are_the_assets_listed_months(small_market: Records) -> None:
    prepare(window())
    assert Contract.objects.filter(raw_symbol="NQM6", year=2026, month=6).exists()
    assert set(Contract.objects.values_list("month", flat=True)) == {3, 6, 9, 12}


def test_the_roll_is_where_the_volumes_crossed_and_carries_its_figures(small_market: Records) -> None:
    prepare(window())
    roll = Roll.objects.get(kind="volume")
    assert (roll.trade_date, str(roll.from_contract), str(roll.to_contract)) == (date(2026, 3, 12), "NQH6", "NQM6")
    assert roll.from_volume is not None
    assert roll.to_volume is not None
    assert roll.from_volume < roll.to_volume
    assert (roll.spread_state, roll.spread) == ("complete", 700 * 250_000_000)


def test_earlier_sessions_are_shifted_into_the_entry_contracts_prices(small_market: Records) -> None:
    wanted = window()
    prepare(wanted)
    tape = tapes.load(wanted)
    shifts = {part.piece.session.trade_date: (part.piece.contract, part.shift) for part in tape.parts}
    assert shifts[date(2026, 3, 11)] == ("NQH6", 700 * 250_000_000)
    assert shifts[date(2026, 3, 12)] == ("NQM6", 0)


def test_an_entry_before_the_roll_keeps_its_own_true_prices(small_market: Records) -> None:
    wanted = window(entry=date(2026, 3, 11))
    prepare(wanted)
    shifts = {part.piece.contract: part.shift for part in tapes.load(wanted).parts}
    assert shifts == {"NQH6": 0, "NQM6": -700 * 250_000_000}


def test_a_roll_without_a_bar_at_its_instant_is_incomplete_and_shifts_nothing(small_market: Records) -> None:
    seconds = small_market.bars["ohlcv-1s", "NQH6"]
    opening = parse_et("2026-03-11 18:00")
    small_market.bars["ohlcv-1s", "NQH6"] = seconds[seconds.ts != opening]
    prepare(window())
    roll = Roll.objects.get(kind="volume")
    assert (roll.spread_state, roll.spread, roll.from_price) == ("incomplete", 0, None)
    assert {part.shift for part in tapes.load(window()).parts} == {0}


def test_what_is_stored_is_not_fetched_again(small_market: Records) -> None:
    prepare(window())
    fetched = count(small_market, "get_range")
    prepare(window())
    assert count(small_market, "get_range") == fetched


def test_a_longer_window_fetches_only_what_is_missing(small_market: Records) -> None:
    prepare(window())
    before = Coverage.objects.count()
    stamps = dict(Coverage.objects.values_list("pk", "fetched_at"))
    prepare(window(after=4))
    assert Coverage.objects.count() == before + 2
    assert all(Coverage.objects.get(pk=pk).fetched_at == stamp for pk, stamp in stamps.items())


def test_an_altered_file_is_noticed_set_aside_and_fetched_again(small_market: Records, settings: Any) -> None:
    wanted = window()
    prepare(wanted)
    path = Path(settings.DATA_ROOT) / "ohlcv-1s/GLBX.MDP3/NQM2026/2026-03-17.parquet"
    body = path.read_bytes()
    path.write_bytes(body[:-20] + bytes(20))
    with pytest.raises(store.DamagedPiece, match="2026-03-17"):
        tapes.load(wanted)
    assert not path.exists()
    assert list(path.parent.glob("*.damaged-*"))
    assert not tapes.is_stored(wanted, ALL)
    prepare(wanted)
    assert path.read_bytes() == body
    tapes.load(wanted)


def test_a_missing_file_is_fetched_again(small_market: Records, settings: Any) -> None:
    wanted = window()
    prepare(wanted)
    (Path(settings.DATA_ROOT) / "ohlcv-1s/GLBX.MDP3/NQM2026/2026-03-17.parquet").unlink()
    with pytest.raises(store.DamagedPiece, match="missing"):
        tapes.load(wanted)
    prepare(wanted)
    tapes.load(wanted)


def test_a_session_without_a_trade_is_an_empty_piece_and_final(small_market: Records) -> None:
    seconds = small_market.bars["ohlcv-1s", "NQM6"]
    begin, end = parse_et("2026-03-15 18:00"), parse_et("2026-03-16 17:00")
    small_market.bars["ohlcv-1s", "NQM6"] = seconds[(seconds.ts < begin) | (seconds.ts >= end)]
    prepare(window())
    assert Coverage.objects.get(trade_date=date(2026, 3, 16)).state == "empty"
    fetched = count(small_market, "get_range")
    prepare(window())
    assert count(small_market, "get_range") == fetched
    assert len(tapes.load(window()).parts) == 8


def test_a_session_in_progress_is_partial_and_asked_again_when_it_can_have_grown(small_market: Records) -> None:
    wanted = window(after=0)
    noon, evening = parse_et("2026-03-17 12:00"), parse_et("2026-03-17 17:00")
    prepare(wanted, noon)
    partial = Coverage.objects.get(trade_date=ENTRY)
    assert partial.state == "partial"
    assert tapes.is_stored(wanted, noon)
    assert not tapes.is_stored(wanted, evening)
    rows = partial.rows
    prepare(wanted, evening)
    partial.refresh_from_db()
    assert (partial.state, partial.rows > rows) == ("complete", True)


def test_daily_bars_are_kept_once(small_market: Records) -> None:
    prepare(window())
    before = DailyBar.objects.count()
    prepare(window(entry=date(2026, 4, 14)))
    assert DailyBar.objects.values("contract", "date").distinct().count() == DailyBar.objects.count() > before


def test_more_history_keeps_the_rolls_that_were_priced(small_market: Records) -> None:
    prepare(window())
    priced = Roll.objects.get(kind="volume")
    prepare(window(entry=date(2026, 3, 24)))
    assert Roll.objects.get(kind="volume").pk == priced.pk


def test_a_span_of_history_in_the_middle_joins_its_neighbours(small_market: Records) -> None:
    asset = Asset.objects.get(root="NQ")
    prepare(window(entry=date(2026, 3, 6)))
    prepare(window(entry=date(2026, 4, 20)))
    prepare(window(entry=date(2026, 3, 24)))
    assert asset.daily_spans.count() == 1


def test_an_asset_that_has_not_traded_is_said_so(small_market: Records) -> None:
    with pytest.raises(plans.NoMarket, match="No contract of CL"):
        prepare(window("CL"))


def test_a_cancelled_job_stops_and_keeps_what_was_stored(small_market: Records, monkeypatch: Any) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    handle = progress()
    job = Job.objects.get()
    assert jobs.cancel(job)
    with pytest.raises(jobs.JobCancelled):
        tapes.prepare(window(), gateway(), ALL, handle)
    assert Job.objects.get().state == "cancelled"


def test_a_key_is_needed() -> None:
    with pytest.raises(GatewayError, match="no API key"):
        HistoricalGateway("")


def test_a_gateway_that_is_down_is_said_so_with_what_to_do() -> None:
    closed = HistoricalGateway(filegateway.KEY, "http://127.0.0.1:9", patient=False)
    with pytest.raises(GatewayError, match="does not answer.*Check the network"):
        closed.dataset_range("GLBX.MDP3")


def test_front_months_before_anything_traded_are_none(assets: None) -> None:
    assert rolls.front_months([], [ENTRY]) == [None]


def test_a_worker_killed_between_daily_bars_and_rolls_leaves_work_that_is_done_next_time(
    small_market: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(rolls, "rebuild", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare(window())
    assert DailyBar.objects.exists()
    assert not Roll.objects.exists()
    assert not tapes.is_stored(window(), ALL)
    prepare(window())
    assert Roll.objects.filter(kind="volume").exists()


def raise_interrupt(asset: Asset) -> None:
    raise KeyboardInterrupt


def test_a_print_after_the_close_belongs_to_the_session_it_ends_and_keeps_the_market_open(
    small_market: Records,
) -> None:
    late = parse_et("2026-03-16 17:14:59")
    seconds = small_market.bars["ohlcv-1s", "NQM6"]
    row = seconds[:1]
    print_ = Bars(np.array([late]), row.open, row.high, row.low, row.close, row.volume)
    at = int(np.searchsorted(seconds.ts, late))
    small_market.bars["ohlcv-1s", "NQM6"] = Bars.concatenate([seconds[:at], print_, seconds[at:]])
    prepare(window())
    monday = next(part.piece for part in tapes.load(window()).parts if part.piece.session.trade_date.day == 16)
    assert int(monday.stored.ts[-1]) == late
    assert monday.session.close_ns == late + 10**9
    # it makes a bar of its own, which nobody sees before it
    assert [len(monday.bars_between("1h", 0, ns)) for ns in (late, late + 10**9)] == [23, 24]
    assert [len(monday.bars_between("1D", 0, ns)) for ns in (late, late + 10**9)] == [1, 1]


def test_a_piece_that_grew_while_it_was_read_is_read_again(small_market: Records) -> None:
    wanted = window(after=0)
    prepare(wanted, parse_et("2026-03-17 12:00"))
    before = Coverage.objects.select_related("contract__asset").get(trade_date=ENTRY)
    prepare(wanted, parse_et("2026-03-17 17:00"))
    longer = ingest.read_bars(before)
    assert len(longer) > before.rows
    assert Coverage.objects.filter(trade_date=ENTRY).exists()


def test_a_truncated_list_of_contracts_is_noticed_and_nothing_is_recorded(assets: None, settings: Any) -> None:
    faults = Faults()
    with running(Gateway(seed=1, key=filegateway.KEY, faults=faults)) as url:
        settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = url, filegateway.KEY
        faults.set({"truncate": {"records": 3, "times": 1}})
        with pytest.raises(DamagedDownload, match="3 of"):
            prepare(window())
        assert not Asset.objects.get(root="NQ").daily_spans.exists()
        prepare(window(before=1, after=0))
        assert Roll.objects.exists()


def test_progress_that_cannot_be_sent_does_not_end_the_job(small_market: Records, settings: Any) -> None:
    job = Job.objects.create(kind="test")
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:9/0"]},
        }
    }
    handle = jobs.Progress(jobs.start(job.pk) or job)
    tapes.prepare(window(), gateway(patient=False), ALL, handle)
    handle.finish(Job.State.DONE, "done")
    assert Job.objects.get(pk=job.pk).state == "done"
