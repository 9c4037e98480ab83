"""`manage.py judge_calendar`: stored pieces against the calendar, and the override that follows from a finding."""

import io
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from market import ingest, sessions, store
from market.engine.bars import Bars
from market.judging import judge_asset
from market.models import Asset, Contract, Coverage
from market.schemas import STATUS
from market.sessions import parse_et
from tests.filegateway import Records
from tests.unit.test_ingest import ALL, ENTRY, prepare, window


def judge(*words: str) -> tuple[str, int]:
    """What the command says, and its exit code."""
    out = io.StringIO()
    code = 0
    try:
        call_command("judge_calendar", *words, stdout=out, stderr=out)
    except SystemExit as end:
        code = int(str(end.code))
    return out.getvalue(), code


def silence(records: Records, symbol: str, start: str, end: str) -> None:
    """Take the prints of a stretch away."""
    seconds = records.bars["ohlcv-1s", symbol]
    kept = (seconds.ts < parse_et(start)) | (seconds.ts >= parse_et(end))
    records.bars["ohlcv-1s", symbol] = seconds[kept]


def print_at(records: Records, symbol: str, *instants: str) -> None:
    """Add prints."""
    seconds = records.bars["ohlcv-1s", symbol]
    row = seconds[:1]
    added = [Bars(np.array([parse_et(at)]), row.open, row.high, row.low, row.close, row.volume) for at in instants]
    whole = Bars.concatenate([seconds, *added])
    order = np.argsort(whole.ts, kind="stable")
    records.bars["ohlcv-1s", symbol] = Bars(*(getattr(whole, name)[order] for name in Bars.COLUMNS))


def test_nothing_stored_is_said_so(assets: None) -> None:
    assert judge() == ("Nothing is stored that could be judged. Load a replay, or use download_day --store.\n", 0)


def test_an_unknown_asset_and_a_date_that_is_none_are_refused_with_another_exit_code(assets: None) -> None:
    with pytest.raises(CommandError, match="There is no asset 'XX'") as refused:
        call_command("judge_calendar", "--root", "XX")
    assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="'monday' is not a date. Write it as 2026-03-18"):
        call_command("judge_calendar", "--from", "monday")


def test_a_tape_that_agrees_is_said_so(small_market: Records) -> None:
    prepare(window())
    text, code = judge("--root", "nq")
    assert (text, code) == ("NQ (CME Globex Equity): 8 sessions from 2026-03-10 to 2026-03-19, all as it says.\n", 0)


def test_an_early_close_is_found_with_the_line_that_mends_it(
    small_market: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    silence(small_market, "NQM6", "2026-03-17 13:00", "2026-03-17 17:00")
    prepare(window())
    text, code = judge("--root", "NQ", "--from", "2026-03-16", "--to", "2026-03-18")
    assert code == 1
    assert "NQ (CME Globex Equity): 3 sessions from 2026-03-16 to 2026-03-18, 1 contradict it." in text
    (row,) = [line for line in text.splitlines() if "closes earlier" in line]
    assert row.split()[:2] == ["2026-03-17", "NQM6"]
    assert "Tue 03-17 17:00:00" in row
    line = row.split()[-1]
    assert line == "equity,2026-03-17,13:00,"
    overrides = tmp_path / "overrides.csv"
    overrides.write_text(sessions.OVERRIDES_FILE.read_text() + line + "CME Group notice\n")
    monkeypatch.setattr(sessions, "OVERRIDES_FILE", overrides)
    sessions._build.cache_clear()
    try:
        assert judge("--root", "NQ")[1] == 0
    finally:
        monkeypatch.undo()
        sessions._build.cache_clear()


def test_a_print_after_the_close_is_found(small_market: Records) -> None:
    print_at(small_market, "NQM6", "2026-03-17 17:05:10", "2026-03-17 17:14:59")
    prepare(window())
    text, code = judge()
    assert code == 1
    assert "Tue 03-17 17:14:59  closes later (prints)  equity,2026-03-17,17:15," in text


def test_trading_on_a_day_without_a_session_is_found(small_market: Records) -> None:
    # 2026-03-14 is a Saturday
    print_at(small_market, "NQM6", "2026-03-14 09:00:00", "2026-03-14 09:20:00", "2026-03-14 09:40:00")
    prepare(window())
    (found,) = judge_asset(Asset.objects.get(root="NQ"), date(2026, 3, 1), date(2026, 3, 31)).contradictions
    assert (found.trade_date, found.calendar, found.override) == (date(2026, 3, 13), "no session", "")
    assert found.tape == "Sat 03-14 09:00:00 to 09:40:00"
    assert found.verdict == "trades without a session (prints)"


def test_a_part_of_a_session_from_a_file_says_nothing_of_the_calendar(small_market: Records) -> None:
    silence(small_market, "NQM6", "2026-03-17 13:00", "2026-03-17 17:00")
    prepare(window())
    part = Coverage.objects.filter(trade_date=date(2026, 3, 17))
    part.update(state=Coverage.State.PARTIAL)
    assert judge("--root", "NQ")[1] == 1
    part.update(source=Coverage.FROM_FILE)
    text, code = judge("--root", "NQ")
    assert (code, "7 sessions" in text) == (0, True)


def test_a_session_that_holds_nothing_is_found(small_market: Records) -> None:
    silence(small_market, "NQM6", "2026-03-15 18:00", "2026-03-16 17:00")
    prepare(window())
    assert Coverage.objects.get(trade_date=date(2026, 3, 16)).state == "empty"
    text, code = judge()
    assert (code, "nothing traded" in text, "no print" in text) == (1, True, True)
    (found,) = judge_asset(Asset.objects.get(root="NQ"), date(2026, 3, 16), date(2026, 3, 16)).contradictions
    assert found.calendar == "Sun 03-15 18:00:00 to Mon 03-16 17:00:00"


def test_an_early_opening_belongs_to_the_session_it_opens(small_market: Records) -> None:
    print_at(small_market, "NQM6", "2026-03-16 17:45:00", "2026-03-16 17:55:00")
    prepare(window())
    (found,) = judge_asset(Asset.objects.get(root="NQ"), date(2026, 3, 1), date(2026, 3, 31)).contradictions
    assert (found.trade_date, found.verdict) == (date(2026, 3, 17), "opens earlier (prints)")


def test_a_session_in_progress_is_judged_as_far_as_it_went(small_market: Records) -> None:
    prepare(window(after=0), parse_et("2026-03-17 12:00"))
    assert judge()[1] == 0


def test_a_contract_that_is_not_the_front_month_is_left_alone(small_market: Records) -> None:
    prepare(window())
    march = Contract.objects.get(raw_symbol="NQH6")
    session = march.asset.sessions.session(date(2026, 3, 20))
    assert session is not None
    ingest.record(march, ingest.BY_NAME["ohlcv-1s"], session, store.NOTHING, ALL, "stand-in")
    Coverage.objects.filter(contract=march, trade_date=date(2026, 3, 20)).update(until_ns=ALL)
    verdict = judge_asset(march.asset, date(2026, 3, 20), date(2026, 3, 20))
    assert (verdict.judged, verdict.contradictions) == ([], [])


def test_the_status_records_are_heard_too(small_market: Records) -> None:
    prepare(window())
    june = Contract.objects.get(raw_symbol="NQM6")
    session = june.asset.sessions.session(ENTRY)
    assert session is not None
    instants = [session.open_ns, parse_et("2026-03-17 16:15"), parse_et("2026-03-17 16:30"), session.close_ns]
    columns = {name: np.zeros(4, dtype) for name, dtype in STATUS.columns.items()}
    columns["ts_recv"] = columns["ts_event"] = np.array(instants)
    columns["is_trading"] = np.frombuffer(b"YNYN", np.uint8)
    file = store.write(ingest.piece_name(june, "status", ENTRY), columns)
    ingest.record(june, STATUS, session, file, ALL, "stand-in")
    text, code = judge("--root", "NQ")
    assert code == 1
    assert "Tue 03-17 16:15:00 to 16:30:00  halts (status)" in text


def test_a_damaged_piece_is_named_and_left_where_it_is(small_market: Records, settings: Any) -> None:
    prepare(window())
    path = Path(settings.DATA_ROOT) / "ohlcv-1s/GLBX.MDP3/NQM2026/2026-03-17.parquet"
    path.write_bytes(b"nonsense")
    text, code = judge()
    assert (code, path.exists()) == (0, True)
    assert "not judged: ohlcv-1s/GLBX.MDP3/NQM2026/2026-03-17.parquet is not the file that was stored." in text


def test_a_piece_on_a_day_that_the_calendar_does_not_have_is_found(small_market: Records) -> None:
    prepare(window())
    Coverage.objects.filter(trade_date=date(2026, 3, 13)).update(trade_date=date(2026, 3, 14))
    verdict = judge_asset(Asset.objects.get(root="NQ"), date(2026, 3, 14), date(2026, 3, 14))
    assert [found.verdict for found in verdict.contradictions] == ["stored by another calendar"]
