"""Which sessions a replay loads, and where it may be entered."""

from datetime import date
from typing import Any

import pytest

from market.engine.tape import Part, Piece, Tape
from market.models import Asset
from market.sessions import parse_et
from replay import services
from replay.models import ReplaySession

LATER = parse_et("2026-11-20 12:00")


@pytest.fixture
def replay(assets: None) -> ReplaySession:
    entry = parse_et("2026-03-18 09:30")
    nq = Asset.objects.get(root="NQ")
    return ReplaySession(
        asset=nq, entry_ns=entry, anchor_ns=entry, playhead_ns=entry, timeframe="5m", lookback_days=365
    )


def tape_of(replay: ReplaySession, first: date, last: date) -> Tape:
    from market.engine.bars import Bars

    sessions = replay.asset.sessions.between(first, last)
    return Tape(tuple(Part(Piece(session, "NQM6", Bars.empty()), 0) for session in sessions), "NQM6")


def test_ten_sessions_before_the_entry_and_five_after_are_loaded(replay: ReplaySession) -> None:
    window = services.window_around(replay, replay.entry_ns, replay.entry_ns, services.Available(0, LATER))
    dates = [session.trade_date for session in window.sessions]
    assert len(dates) == 16
    assert dates.index(date(2026, 3, 18)) == 10
    assert window.history_from == date(2025, 3, 18)


def test_sessions_that_have_not_begun_are_left_out(replay: ReplaySession) -> None:
    window = services.window_around(
        replay, replay.entry_ns, replay.entry_ns, services.Available(0, parse_et("2026-03-19 20:00"))
    )
    assert window.sessions[-1].trade_date == date(2026, 3, 20)


def test_the_next_five_sessions_join_and_the_oldest_leave_beyond_thirty(replay: ReplaySession) -> None:
    tape = tape_of(replay, date(2026, 3, 4), date(2026, 4, 10))
    assert len(tape.parts) == 28
    window = services.window_ahead(replay, tape, services.Available(0, LATER))
    assert window is not None
    dates = [session.trade_date for session in window.sessions]
    assert len(dates) == 30
    assert (dates[0], dates[-1]) == (date(2026, 3, 9), date(2026, 4, 17))
    assert window.entry == date(2026, 3, 18)


def test_before_an_instant_near_the_tapes_start_ten_sessions_join_and_the_newest_leave(replay: ReplaySession) -> None:
    tape = tape_of(replay, date(2026, 3, 4), date(2026, 4, 10))
    window = services.window_behind(replay, tape, parse_et("2026-03-09 12:00"), services.Available(0, LATER))
    assert window is not None
    dates = [session.trade_date for session in window.sessions]
    assert len(dates) == 30
    assert dates.index(date(2026, 3, 9)) == 10


def test_where_ten_sessions_lie_before_an_instant_nothing_joins(replay: ReplaySession) -> None:
    tape = tape_of(replay, date(2026, 3, 4), date(2026, 4, 10))
    assert services.window_behind(replay, tape, replay.entry_ns, services.Available(0, LATER)) is None


def test_the_history_is_unbroken_from_the_sessions_to_the_anchor(replay: ReplaySession) -> None:
    entry, far = replay.entry_ns, parse_et("2023-03-13 09:30")
    available = services.Available(0, LATER)
    assert services.window_around(replay, entry, far, available).history_from == date(2022, 3, 13)
    assert services.window_around(replay, far, entry, available).history_from == date(2023, 2, 27)
    assert services.window_around(replay, far, far, available).history_from == date(2022, 3, 13)


def test_where_the_data_ends_there_is_nothing_ahead(replay: ReplaySession) -> None:
    tape = tape_of(replay, date(2026, 3, 4), date(2026, 3, 20))
    assert services.window_ahead(replay, tape, services.Available(0, parse_et("2026-03-20 17:00"))) is None


@pytest.mark.parametrize(
    ("et", "words"),
    [
        ("2026-03-18 17:30", "closed then. The next opening is Wed 2026-03-18 18:00 ET"),
        ("2026-03-21 12:00", "The next opening is Sun 2026-03-22 18:00 ET"),
        ("2025-12-25 12:00", "closed"),
        ("2026-01-19 15:00", "The next opening is Mon 2026-01-19 18:00 ET"),
        ("2010-01-04 12:00", "no data before 2010-06-06"),
        ("2026-11-20 13:00", "Data reaches up to 2026-11-20 12:00 ET"),
        ("2034-03-01 12:00", "future"),
    ],
)
def test_a_moment_that_cannot_be_entered_is_explained(replay: ReplaySession, et: str, words: str) -> None:
    available = services.Available(parse_et("2010-06-06 18:00"), LATER)
    with pytest.raises(services.BadMoment, match=words):
        services.check_moment(replay.asset, parse_et(et), available)


def test_the_last_second_of_a_session_can_be_entered(replay: ReplaySession) -> None:
    available = services.Available(0, LATER)
    session = services.check_moment(replay.asset, parse_et("2026-03-18 16:59:59"), available)
    assert session.trade_date == date(2026, 3, 18)


def test_taking_over_counts_up_and_leaves_the_former_process_unable_to_save(replay: ReplaySession, people: Any) -> None:
    replay.owner = people.owner
    replay.save()
    former = ReplaySession.objects.get(pk=replay.pk)
    services.take_over(former)
    services.take_over(replay)
    assert replay.epoch == former.epoch + 1
    former.playhead_ns += 1
    assert services.save([former]) == set()
    replay.playhead_ns += 2
    assert services.save([replay, former]) == {replay.pk}
    assert ReplaySession.objects.get(pk=replay.pk).playhead_ns == replay.playhead_ns
