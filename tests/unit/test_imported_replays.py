"""Replaying an asset that has users' files only: nobody asks the gateway, and only imported sessions are there."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from market import facts, plans, tapes
from market.engine.tape import Tape
from market.importing.importer import import_file
from market.models import Asset, Coverage, Roll
from market.sessions import calendar, parse_et
from replay import services
from replay.models import ReplaySession
from tests import datafiles
from tests.conftest import People

DAYS = ("2025-06-02", "2025-06-03", "2025-06-05", "2025-06-06", "2025-06-09", "2025-06-20")


@pytest.fixture
def nvda(tmp_path: Path, assets: None, settings: Any) -> Asset:
    """NVDA on six days, one of them with a book too. A gateway that is asked fails the test."""
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = "http://127.0.0.1:9", ""
    for n, day in enumerate(DAYS):
        trades = datafiles.some_trades(parse_et(f"{day} 09:30"), 60 + n, price=135 * 10**9, tick=10_000_000)
        head: dict[str, Any] = {"instrument_id": 7, "dataset": "XNAS.ITCH"}
        rows = datafiles.trade_rows(trades, **head)
        write(tmp_path / "trades.dbn", "trades", rows)
        if n == 1:
            write(tmp_path / "book.dbn", "mbp-10", datafiles.book_rows(trades, 10_000_000, **head))
    return Asset.objects.get(root="NVDA")


def write(path: Path, schema: str, rows: Any) -> None:
    datafiles.write_dbn(path, schema, rows, {"NVDA": 7}, dataset="XNAS.ITCH")
    assert import_file(path, path.name).problem == ""


def replay_of(asset: Asset, moment: str) -> ReplaySession:
    ns = parse_et(moment)
    return ReplaySession(asset=asset, entry_ns=ns, anchor_ns=ns, playhead_ns=ns, timeframe="5m", lookback_days=30)


def load(asset: Asset, moment: str) -> Tape:
    replay = replay_of(asset, moment)
    available = services.what_is_available(asset)
    services.check_moment(asset, replay.entry_ns, available)
    return tapes.load(services.window_around(replay, replay.entry_ns, replay.entry_ns, available))


def days(tape_or_window: Any) -> list[str]:
    dates = getattr(tape_or_window, "trade_dates", None) or [each.trade_date for each in tape_or_window.sessions]
    return [day.isoformat() for day in dates]


def test_a_replay_takes_the_imported_sessions_and_no_others(nvda: Asset) -> None:
    tape = load(nvda, "2025-06-03 09:31")
    assert days(tape) == list(DAYS[:5])
    assert {part.shift for part in tape.parts} == {0}
    assert tape.entry_contract == "NVDA"


def test_some_prints_do_not_hide_the_bars_of_the_whole_day(nvda: Asset, tmp_path: Path) -> None:
    session = nvda.sessions.session(date(2025, 6, 3))
    assert session is not None
    minutes = range(session.open_ns, session.close_ns, 60 * 10**9)
    rows = datafiles.blank("ohlcv-1m", len(minutes), 7, "XNAS.ITCH")
    rows["ts_event"], rows["volume"] = list(minutes), 1
    for name in ("open", "high", "low", "close"):
        rows[name] = 135 * 10**9
    write(tmp_path / "minutes.dbn", "ohlcv-1m", rows)
    tape = load(nvda, "2025-06-03 04:00")
    assert [part.piece.bar_ns // 10**9 for part in tape.parts] == [1, 60, 1, 1, 1]
    assert len(tape.parts[1].piece.stored) == 16 * 60


def test_each_session_has_its_own_grade(nvda: Asset) -> None:
    tape = load(nvda, "2025-06-03 09:31")
    assert [part.grade for part in tape.parts] == ["trades", "book", "trades", "trades", "trades"]


def test_the_clock_goes_from_one_imported_session_to_the_next(nvda: Asset) -> None:
    tape = load(nvda, "2025-06-03 09:31")
    assert tape.next_open(parse_et("2025-06-03 20:00")) == parse_et("2025-06-05 04:00")


@pytest.mark.parametrize("moment", ["2025-06-04 09:30", "2025-06-07 12:00", "2025-06-03 21:00", "2024-01-02 09:30"])
def test_a_moment_that_was_not_imported_is_refused_with_the_days_that_were(nvda: Asset, moment: str) -> None:
    with pytest.raises(services.BadMoment) as refused:
        load(nvda, moment)
    assert str(refused.value) == (
        "NVDA is here for 2025-06-02 to 2025-06-03, 2025-06-05 to 2025-06-09 and 2025-06-20 only. "
        "Choose a moment in these sessions."
    )


def test_many_spans_are_not_all_named(nvda: Asset) -> None:
    sessions = nvda.sessions.between(date(2025, 1, 2), date(2025, 6, 30))[::2]
    with pytest.raises(services.BadMoment, match=r"2025-01-02, .* and \d+ other spans up to 2025-06-27 only"):
        services.check_moment(nvda, parse_et("2024-06-03 12:00"), services.Available(0, 2**62, imported=sessions))


def test_the_future_is_refused_first(nvda: Asset) -> None:
    with pytest.raises(services.BadMoment, match="future"):
        load(nvda, "2035-06-04 09:30")


def test_an_asset_without_bars_says_so(nvda: Asset) -> None:
    Coverage.objects.all().delete()
    with pytest.raises(services.BadMoment, match="Import a file on the page Data"):
        load(nvda, "2025-06-03 09:31")
    replay = replay_of(nvda, "2025-06-03 09:31")
    with pytest.raises(services.BadMoment, match="Import a file on the page Data"):
        services.window_around(replay, replay.entry_ns, replay.entry_ns, services.what_is_available(nvda))


def test_sessions_ahead_and_behind_are_imported_ones(nvda: Asset) -> None:
    replay = replay_of(nvda, "2025-06-05 09:31")
    available = services.what_is_available(nvda)
    entry, long_before = date(2025, 6, 5), date(2025, 5, 1)
    two = nvda.sessions.between(entry, date(2025, 6, 6))
    tape = tapes.load(plans.Window(nvda, two, entry, long_before))
    ahead = services.window_ahead(replay, tape, available)
    assert ahead is not None
    assert days(ahead) == ["2025-06-05", "2025-06-06", "2025-06-09"]
    behind = services.window_behind(replay, tape, replay.entry_ns, available)
    assert behind is not None
    assert days(behind) == ["2025-06-02", "2025-06-03", "2025-06-05", "2025-06-06"]
    whole = tapes.load(plans.Window(nvda, plans.imported_sessions(nvda), entry, long_before))
    assert services.window_ahead(replay, whole, available) is None
    assert services.window_behind(replay, whole, replay.entry_ns, available) is None


def test_sessions_across_a_gap_are_another_run(nvda: Asset) -> None:
    """2025-06-20 is eleven days after the session before it."""
    assert days(load(nvda, "2025-06-20 09:30")) == ["2025-06-20"]
    whole = load(nvda, "2025-06-09 09:31")
    assert days(whole) == list(DAYS[:5])
    replay = replay_of(nvda, "2025-06-09 09:31")
    assert services.window_ahead(replay, whole, services.what_is_available(nvda)) is None


# --- contracts that follow each other ---------------------------------------------------------------------


def es_bars(folder: Path, symbol: str, day: str, opening: int) -> None:
    """Some seconds of ES from the session's opening on, of the later contract more."""
    session = calendar(facts.EQUITY).session(date.fromisoformat(day))
    assert session is not None
    rows = datafiles.blank("ohlcv-1s", 3 if symbol == "ESU4" else 10, 118)
    rows["ts_event"], rows["volume"] = session.open_ns + np.arange(len(rows)) * 10**9, 1
    for name in ("open", "high", "low", "close"):
        rows[name] = opening * 10**9
    path = datafiles.write_dbn(folder / "es.dbn", "ohlcv-1s", rows, {symbol: 118})
    assert import_file(path, path.name).problem == ""


@pytest.fixture
def es(tmp_path: Path, assets: None) -> Asset:
    """ESU4 on one day, ESZ4 on the next."""
    es_bars(tmp_path, "ESU4", "2024-09-16", 5_600)
    es_bars(tmp_path, "ESZ4", "2024-09-17", 5_660)
    return Asset.objects.get(root="ES")


def test_a_change_of_contract_is_marked_without_a_spread(es: Asset) -> None:
    tape = load(es, "2024-09-15 18:00:05")
    first, second = tape.parts
    mark = second.roll
    assert first.roll is None
    assert mark is not None
    assert (mark.from_contract, mark.to_contract, mark.kind) == ("ESU4", "ESZ4", "files")
    assert (mark.complete, mark.spread, mark.at_ns) == (False, 0, second.piece.session.open_ns)
    assert [part.shift for part in tape.parts] == [0, 0]


def test_where_both_contracts_have_the_opening_the_change_is_priced(es: Asset, tmp_path: Path) -> None:
    es_bars(tmp_path, "ESU4", "2024-09-17", 5_605)
    first, second = load(es, "2024-09-15 18:00:05").parts
    assert second.roll is not None
    assert (second.piece.contract, second.roll.complete, second.roll.spread) == ("ESZ4", True, 55 * 10**9)
    assert (first.shift, second.shift) == (0, -55 * 10**9)
    assert not Roll.objects.exists()


def test_the_price_space_stays_when_the_entry_has_left_the_window(es: Asset, tmp_path: Path) -> None:
    es_bars(tmp_path, "ESU4", "2024-09-17", 5_605)
    es_bars(tmp_path, "ESZ4", "2024-09-18", 5_670)
    later = es.sessions.between(date(2024, 9, 18), date(2024, 9, 18))
    (part,) = tapes.load(plans.Window(es, later, date(2024, 9, 16), date(2024, 9, 1))).parts
    assert (part.roll, part.shift) == (None, -55 * 10**9)


def test_a_replay_opens_at_once_and_asks_no_gateway(nvda: Asset, people: People) -> None:
    replay = services.open_replay(
        owner_id=people.owner.pk, asset=nvda, entry_ns=parse_et("2025-06-03 09:31"), timeframe="5m", lookback_days=30
    )
    assert (replay.state, replay.job) == ("ready", None)
