"""The stored summaries: made once, kept while their piece is, never half there, never wrong after a crash."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings as django_settings

from market import ingest, store
from market.engine.bars import Bars
from market.models import Asset, Contract, Coverage
from market.sessions import Session
from market.timeframes import TIMEFRAMES
from ranks import files, summaries
from ranks.engine.stack import knots_used
from ranks.engine.summary import summarise
from ranks.models import Summary, SummaryMonth
from tests import ranking

MARCH = date(2026, 3, 1)


@pytest.fixture
def nqm6(assets: None) -> Contract:
    return ranking.contract(Asset.objects.get(root="NQ"), 2026, 6, "NQM6")


@pytest.fixture
def sessions(nqm6: Contract) -> list[Session]:
    """Five in March and one in April."""
    return [*nqm6.asset.sessions.between(date(2026, 3, 16), date(2026, 3, 20)), session_of(nqm6, date(2026, 4, 1))]


def session_of(contract: Contract, day: date) -> Session:
    found = contract.asset.sessions.session(day)
    assert found is not None
    return found


def march(contract: Contract) -> summaries.Month:
    return summaries.Month(contract, MARCH)


def stored_files() -> set[str]:
    root = Path(django_settings.DATA_ROOT)
    return {str(path.relative_to(root)) for path in (root / "ranks").rglob("*") if path.is_file()}


def named_files() -> set[str]:
    months = SummaryMonth.objects.select_related("contract__asset")
    return {files.path(month, timeframe) for month in months for timeframe in month.files}


def state() -> dict[str, Any]:
    return {
        "rows": sorted(Summary.objects.values_list("contract", "trade_date", "source", "made_with")),
        "files": sorted(stored_files()),
    }


def test_what_is_stored_is_summarised_and_reads_back_exactly(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions:
        ranking.store_session(nqm6, session)
    assert ranking.summarise_all() == 6
    assert stored_files() == named_files()
    assert len(stored_files()) == 2 * len(TIMEFRAMES)
    month = SummaryMonth.objects.get(month=MARCH)
    for timeframe in TIMEFRAMES:
        read = files.read(month, timeframe)
        assert (np.diff(np.lexsort((read.day, read.length, read.start))) == 1).all()
        for session in sessions[:5]:
            of_day = read.of([session.trade_date])
            made = summarise(session, ranking.seconds_of(session), nqm6.asset.tick_size)[timeframe]
            order = np.lexsort((made.length, made.start))
            for name in ("start", "length", "volume", "range"):
                np.testing.assert_array_equal(getattr(of_day, name), getattr(made, name)[order])
        used = files.read_rows(month, timeframe, [session.trade_date for session in sessions[1:3]])
        both = read.of([session.trade_date for session in sessions[1:3]])
        np.testing.assert_array_equal(used.volume, both.volume[:, knots_used(timeframe)])
        np.testing.assert_array_equal(used.range, both.range[:, knots_used(timeframe)])
        np.testing.assert_array_equal(used.start, both.start)
        np.testing.assert_array_equal(used.length, both.length)


def test_a_second_time_nothing_is_due_and_nothing_is_touched(
    nqm6: Contract, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    for session in sessions:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    before = state()
    monkeypatch.setattr(store, "put", None)
    assert summaries.new_months() == []
    assert summaries.build(march(nqm6)) == 0
    assert state() == before


def test_a_new_session_joins_its_month_and_only_it_is_read(
    nqm6: Contract, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    for session in sessions[:4]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    ranking.store_session(nqm6, sessions[4])
    read: list[date] = []
    reading = ingest.read_bars
    monkeypatch.setattr(ingest, "read_bars", lambda row: read.append(row.trade_date) or reading(row))
    assert ranking.summarise_all() == 1
    assert read == [sessions[4].trade_date]
    joined = state()
    # in one go it comes to the same files
    Summary.objects.all().delete()
    SummaryMonth.objects.all().delete()
    assert ranking.summarise_all() == 5
    assert state() == joined
    assert stored_files() == named_files()


def test_a_piece_that_was_fetched_anew_makes_its_summary_stale(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions[:3]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    changed = ranking.store_session(nqm6, sessions[1], seed=9)
    assert [month.day for month in summaries.new_months()] == [MARCH]
    assert ranking.summarise_all() == 1
    assert Summary.objects.get(trade_date=sessions[1].trade_date).source == changed.checksum
    month = SummaryMonth.objects.get(month=MARCH)
    last = files.read(month, "1D").of([sessions[1].trade_date]).volume[:, -1]
    assert last.tolist() == [int(ranking.seconds_of(sessions[1], seed=9).volume.sum())]


def test_another_tick_or_calendar_makes_summaries_stale(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions[:3]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    Asset.objects.filter(root="NQ").update(tick_size=500_000_000)
    coarser = summaries.Month(Contract.objects.select_related("asset").get(pk=nqm6.pk), MARCH)
    assert [(month.contract, month.day) for month in summaries.outdated_months()] == [(nqm6, MARCH)]
    assert summaries.build(coarser) == 3
    assert summaries.build(coarser) == 0
    assert summaries.outdated_months() == []


def test_a_session_that_was_not_over_is_not_summarised_until_it_is(nqm6: Contract, sessions: list[Session]) -> None:
    session = sessions[0]
    noon = session.open_ns + 18 * 3_600 * 10**9
    seconds = ranking.seconds_of(session)
    ranking.store_session(nqm6, session, until_ns=noon, seconds=seconds[seconds.ts < noon])
    ranking.store_session(nqm6, sessions[1], until_ns=sessions[1].open_ns + 1, seconds=Bars.empty())
    assert ranking.summarise_all() == 0
    assert not Summary.objects.exists()
    ranking.store_session(nqm6, session, seconds=seconds)
    assert ranking.summarise_all() == 1


def test_a_session_in_which_nobody_traded_is_summarised_as_zeros(nqm6: Contract, sessions: list[Session]) -> None:
    row = ranking.store_session(nqm6, sessions[0], seconds=Bars.empty())
    assert (row.state, row.checksum) == (Coverage.State.EMPTY, "")
    assert ranking.summarise_all() == 1
    month = SummaryMonth.objects.get()
    assert files.read(month, "1D").volume[:, -1].tolist() == [0]
    assert len(files.read(month, "1m").volume) == 1_380
    assert summaries.new_months() == []


def test_a_piece_that_is_gone_takes_its_summary_along(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions[:2]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    Coverage.objects.get(trade_date=sessions[0].trade_date).delete()
    assert summaries.build(march(nqm6)) == 0
    assert [row.trade_date for row in Summary.objects.all()] == [sessions[1].trade_date]
    days = set(files.read(SummaryMonth.objects.get(), "1D").day.tolist())
    assert days == {sessions[1].trade_date.toordinal()}
    Coverage.objects.all().delete()
    summaries.build(march(nqm6))
    assert not SummaryMonth.objects.exists()
    assert stored_files() == set()


def test_a_damaged_piece_is_left_out_and_its_row_dropped(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions[:2]:
        row = ranking.store_session(nqm6, session)
    path = Path(django_settings.DATA_ROOT) / str(ingest.piece_name(nqm6, row.schema, row.trade_date))
    path.write_bytes(path.read_bytes()[:-7])
    assert ranking.summarise_all() == 1
    assert [row.trade_date for row in Summary.objects.all()] == [sessions[0].trade_date]
    assert not Coverage.objects.filter(trade_date=sessions[1].trade_date).exists()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_a_damaged_file_of_summaries_is_made_again_from_the_pieces(
    nqm6: Contract, sessions: list[Session], harm: Any
) -> None:
    for session in sessions[:2]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    harm(Path(django_settings.DATA_ROOT) / files.path(SummaryMonth.objects.get(), "15m"))
    ranking.store_session(nqm6, sessions[2])
    assert ranking.summarise_all() == 3
    month = SummaryMonth.objects.get()
    assert {len(set(files.read(month, timeframe).day)) for timeframe in TIMEFRAMES} == {3}


def test_a_crash_between_files_and_rows_leaves_what_was_there(
    nqm6: Contract, sessions: list[Session], monkeypatch: pytest.MonkeyPatch
) -> None:
    for session in sessions[:2]:
        ranking.store_session(nqm6, session)
    ranking.summarise_all()
    before = state()
    ranking.store_session(nqm6, sessions[2])
    with monkeypatch.context() as crash:
        crash.setattr(SummaryMonth, "save", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            summaries.build(march(nqm6))
    assert state()["rows"] == before["rows"]
    assert set(before["files"]) == named_files()
    assert len(stored_files()) == 2 * len(TIMEFRAMES)
    # the next attempt removes what the crash left
    assert ranking.summarise_all() == 1
    assert stored_files() == named_files()


def test_a_cancelled_job_leaves_a_month_as_it_was(nqm6: Contract, sessions: list[Session]) -> None:
    for session in sessions[:3]:
        ranking.store_session(nqm6, session)

    def tell(day: date) -> None:
        raise InterruptedError(day)

    with pytest.raises(InterruptedError):
        summaries.build(march(nqm6), tell)
    assert not Summary.objects.exists()
    assert stored_files() == set()


def test_a_month_that_was_replaced_meanwhile_is_not_forgotten(nqm6: Contract, sessions: list[Session]) -> None:
    ranking.store_session(nqm6, sessions[0])
    ranking.summarise_all()
    seen = SummaryMonth.objects.get()
    ranking.store_session(nqm6, sessions[1])
    ranking.summarise_all()
    summaries.forget(seen)
    assert Summary.objects.count() == 2
    summaries.forget(SummaryMonth.objects.get())
    assert not Summary.objects.exists()
    assert ranking.summarise_all() == 2


def test_sessions_of_two_contracts_in_a_month_are_apart(nqm6: Contract, sessions: list[Session]) -> None:
    other = ranking.contract(nqm6.asset, 2026, 3, "NQH6")
    ranking.store_session(nqm6, sessions[0])
    ranking.store_session(other, sessions[0], seed=2)
    assert ranking.summarise_all() == 2
    volumes = {
        month.contract.raw_symbol: files.read(month, "1D").volume[:, -1].tolist()
        for month in SummaryMonth.objects.all()
    }
    assert volumes == {
        "NQM6": [int(ranking.seconds_of(sessions[0]).volume.sum())],
        "NQH6": [int(ranking.seconds_of(sessions[0], seed=2).volume.sum())],
    }
