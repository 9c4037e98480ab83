"""Samples for any lookback: which sessions count, which contract's, and what is said where there are none."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from market import ingest
from market.engine.tape import Piece
from market.models import Asset, Contract, Coverage, Roll
from market.sessions import Session
from ranks import access, files
from ranks.engine.buckets import Bucket
from ranks.engine.metrics import closed, measure
from ranks.models import SummaryMonth
from tests import ranking
from tests.markets import TICK

FIRST, LAST, ROLL = date(2026, 2, 2), date(2026, 3, 20), date(2026, 3, 12)
TODAY = date(2026, 3, 18)
WHOLE_DAY = Bucket(18 * 3_600, 23 * 3_600)


@pytest.fixture
def nq(assets: None) -> Asset:
    """NQH6 until 11 March and NQM6 from the 12th on, both stored around the roll, all of it summarised."""
    asset = Asset.objects.get(root="NQ")
    old, new = ranking.contract(asset, 2026, 3, "NQH6"), ranking.contract(asset, 2026, 6, "NQM6")
    ranking.front(asset, FIRST - timedelta(days=7), LAST, {FIRST - timedelta(days=7): old, ROLL: new})
    for session in asset.sessions.between(FIRST, ROLL):
        ranking.store_session(old, session, seed=1)
    for session in asset.sessions.between(ROLL - timedelta(days=2), LAST):
        ranking.store_session(new, session, seed=2)
    ranking.summarise_all()
    return asset


def shown(session: Session) -> tuple[int, int]:
    """Volume and range of the session in the continuous series."""
    seconds = ranking.seconds_of(session, seed=1 if session.trade_date < ROLL else 2)
    return int(seconds.volume.sum()), int(seconds.high.max() - seconds.low.min()) // TICK


@pytest.mark.parametrize(
    ("trade_date", "days"),
    [(TODAY, 30), (TODAY, 5), (TODAY, 1), (date(2026, 3, 16), 7), (ROLL, 10), (LAST, 365)],
)
def test_a_sample_is_the_past_of_the_bars_own_session(nq: Asset, trade_date: date, days: int) -> None:
    sample = access.table(nq, "1D", trade_date, days)
    expected = [
        shown(session)
        for session in nq.sessions.between(FIRST, LAST)
        # Presidents' Day is merged into the Tuesday after it, whose bar of 47 hours is not one of its likes
        if trade_date - timedelta(days=days) <= session.trade_date < trade_date and len(session.segments) == 1
    ]
    row = sample.rows[WHOLE_DAY]
    n = len(expected)
    assert sample.size(WHOLE_DAY) == n
    assert sample.volume[row, :n].tolist() == sorted(volume for volume, _ in expected)
    assert sample.range[row, :n].tolist() == sorted(reach for _, reach in expected)


def test_only_the_contract_of_the_schedule_counts_around_a_roll(nq: Asset) -> None:
    assert Coverage.objects.filter(trade_date=ROLL).count() == 2
    old = access.table(nq, "1D", ROLL, 10)
    new = access.table(nq, "1D", date(2026, 3, 14), 2)
    assert new.size(WHOLE_DAY) == 2
    roll_day = nq.sessions.session(ROLL)
    assert roll_day is not None
    assert shown(roll_day)[0] in new.volume.tolist()[0]
    assert shown(roll_day)[0] not in old.volume.tolist()[0]
    # a changed schedule is another series, though no summary has changed
    Roll.objects.filter(trade_date=ROLL).delete()
    access.forget_cached()
    assert shown(roll_day)[0] not in access.table(nq, "1D", date(2026, 3, 14), 2).volume.tolist()[0]


def test_the_five_minutes_before_the_break_are_compared_with_their_likes(nq: Asset) -> None:
    sample = access.table(nq, "5m", TODAY, 30)
    bucket = Bucket(16 * 3_600 + 55 * 60, 300)
    expected = []
    for session in nq.sessions.between(TODAY - timedelta(days=30), TODAY - timedelta(days=1)):
        seconds = ranking.seconds_of(session, seed=1 if session.trade_date < ROLL else 2)
        expected.append(int(seconds.volume[seconds.ts >= session.close_ns - 300 * 10**9].sum()))
    # the session of 47 hours ends like the others, and its last five minutes are their likes
    assert len(expected) == 21
    assert sample.volume[sample.rows[bucket], : len(expected)].tolist() == sorted(expected)
    found = measure(sample, bucket, 1.0, max(expected) + 1, 0)
    assert (found.vol_rank, found.n, found.is_thin) == (100.0, len(expected), False)


def test_sessions_that_are_not_whole_do_not_count(nq: Asset) -> None:
    last = nq.sessions.before(TODAY, 1)[0]
    whole = access.table(nq, "1D", TODAY, 30).size(WHOLE_DAY)
    contract = Contract.objects.get(raw_symbol="NQM6")
    ranking.store_session(contract, last, until_ns=last.close_ns - 1)
    ranking.summarise_all()
    access.forget_cached()
    assert access.table(nq, "1D", TODAY, 30).size(WHOLE_DAY) == whole - 1
    state = access.state(nq, TODAY, 30)
    # the merged holiday is a session as well
    assert (len(state.wanted), len(state.stored), len(state.summarised)) == (whole + 1, whole, whole)


def test_a_stale_summary_does_not_count_until_it_is_made_again(nq: Asset) -> None:
    whole = access.table(nq, "1D", TODAY, 30).size(WHOLE_DAY)
    ranking.store_session(Contract.objects.get(raw_symbol="NQM6"), nq.sessions.before(TODAY, 1)[0], seed=8)
    state = access.state(nq, TODAY, 30)
    assert (len(state.stale), len(state.missing)) == (1, 0)
    access.forget_cached()
    assert access.table(nq, "1D", TODAY, 30).size(WHOLE_DAY) == whole - 1
    ranking.summarise_all()
    access.forget_cached()
    assert access.table(nq, "1D", TODAY, 30).size(WHOLE_DAY) == whole
    assert access.reach(nq, TODAY, 30).words == f"{whole + 1} of {whole + 1} sessions"


def test_a_new_summary_is_noticed_within_seconds(nq: Asset, monkeypatch: pytest.MonkeyPatch) -> None:
    session = nq.sessions.session(FIRST - timedelta(days=3))
    assert session is not None
    before = access.table(nq, "1D", TODAY, 60).size(WHOLE_DAY)
    ranking.store_session(Contract.objects.get(raw_symbol="NQH6"), session)
    ranking.summarise_all()
    assert access.table(nq, "1D", TODAY, 60).size(WHOLE_DAY) == before
    monkeypatch.setattr(access, "STAMP_SECONDS", -1.0)
    assert access.table(nq, "1D", TODAY, 60).size(WHOLE_DAY) == before + 1


def test_a_table_that_is_in_memory_asks_the_database_nothing(nq: Asset) -> None:
    first = access.table(nq, "15m", TODAY, 30)
    with CaptureQueriesContext(connection) as queries:
        assert access.table(nq, "15m", TODAY, 30) is first
    assert len(queries) == 0


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"nothing")])
def test_a_damaged_file_is_left_out_and_made_again(nq: Asset, harm: object) -> None:
    whole = access.table(nq, "1h", TODAY, 30).size(Bucket(10 * 3_600, 3_600))
    access.forget_cached()
    month = SummaryMonth.objects.select_related("contract__asset").get(
        month=date(2026, 3, 1), contract__raw_symbol="NQH6"
    )
    assert callable(harm)
    harm(Path(django_settings.DATA_ROOT) / files.path(month, "1h"))
    inside = len([day for day in access.state(nq, TODAY, 30).summarised if date(2026, 3, 1) <= day < ROLL])
    assert access.table(nq, "1h", TODAY, 30).size(Bucket(10 * 3_600, 3_600)) == whole - inside
    ranking.summarise_all()
    access.forget_cached()
    assert access.table(nq, "1h", TODAY, 30).size(Bucket(10 * 3_600, 3_600)) == whole


def test_closed_bars_of_a_session_have_their_final_ranks(nq: Asset) -> None:
    session = nq.sessions.session(TODAY)
    assert session is not None
    row = Coverage.objects.get(contract__raw_symbol="NQM6", trade_date=TODAY)
    piece = Piece(session, "NQM6", ingest.read_bars(row))
    sample = access.table(nq, "1h", TODAY, 30)
    noon = session.open_ns + 18 * 3_600 * 10**9
    starts, ranks = closed(sample, piece, "1h", noon - 1, TICK)
    assert len(starts) == len(ranks.n) == 17
    bars, _ = piece.bars("1h")
    for index, start in enumerate(starts):
        bar = bars[bars.ts == start]
        hour = (18 + index) % 24
        alone = measure(
            sample, Bucket(hour * 3_600, 3_600), 1.0, int(bar.volume[0]), int(bar.high[0] - bar.low[0]) // TICK
        )
        assert (ranks.volume[index], ranks.range[index]) == (alone.vol_rank, alone.range_rank)
    # nothing of what comes after the playhead decides anything before it
    half = Piece(session, "NQM6", piece.stored[piece.stored.ts < noon - 10**9])
    np.testing.assert_array_equal(closed(sample, half, "1h", noon - 1, TICK)[1].volume, ranks.volume)


def test_a_bucket_without_a_past_has_no_ranks_and_says_n_0(nq: Asset) -> None:
    found = measure(access.table(nq, "1D", TODAY, 30), Bucket(18 * 3_600, 19 * 3_600), 0.5, 100, 10)
    assert (found.vol_rank, found.vol_pending, found.range_rank, found.range_pending, found.n) == (None,) * 4 + (0,)
    assert found.is_thin


@pytest.mark.parametrize(
    ("timeframe", "days", "words"),
    [
        ("2m", 30, "There is no timeframe '2m'. Choose one of 1m, 5m, 15m, 30m, 1h, 90m, 3h, 4h, 1D."),
        ("5m", 0, "A lookback has 1 to 3,650 days, not 0."),
        ("5m", 4_000, "A lookback has 1 to 3,650 days, not 4,000."),
    ],
)
def test_what_no_sample_can_have_is_refused_in_words(nq: Asset, timeframe: str, days: int, words: str) -> None:
    with pytest.raises(access.NoRanks) as refused:
        access.table(nq, timeframe, TODAY, days)
    assert str(refused.value) == words


def test_an_asset_without_anything_stored_says_so(assets: None) -> None:
    with pytest.raises(access.NoRanks) as refused:
        access.table(Asset.objects.get(root="CL"), "5m", TODAY, 30)
    assert str(refused.value) == (
        "CL has no ranks on 2026-03-18 (n = 0): none of the 21 sessions of the 30 days before is stored."
    )
    assert refused.value.n == 0


def test_what_is_stored_and_not_summarised_yet_says_so(nq: Asset) -> None:
    SummaryMonth.objects.all().delete()
    for contract in Contract.objects.all():
        contract.summaries.all().delete()
    with pytest.raises(access.NoRanks, match=r"of the 21 sessions of the 30 days before 21 are stored and none is"):
        access.table(nq, "5m", TODAY, 30)


def test_a_lookback_over_a_weekend_has_no_session(nq: Asset) -> None:
    with pytest.raises(access.NoRanks, match="it has no session in the 1 days before"):
        access.table(nq, "5m", date(2026, 3, 16), 1)


def test_a_thin_sample_is_flagged(nq: Asset) -> None:
    sample = access.table(nq, "1D", TODAY, 20)
    found = measure(sample, WHOLE_DAY, 0.5, 1_000, 100)
    assert found.n < 20
    assert found.is_thin
    assert found.vol_rank is not None
