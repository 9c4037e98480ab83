"""`manage.py download_day`: the real client, the stand-in, and a folder that holds whole files or none."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import databento
import numpy as np
import pytest
import requests
from django.core.cache import cache
from django.core.management import CommandError, call_command

from market import facts, ingest, jobs
from market.databento_historical import HistoricalGateway
from market.models import Coverage, DailySpan, Job, Purchase, SpendingLimits
from market.services import add_asset
from market.sessions import parse_et, to_ns
from standin.background import running
from standin.gateway import Gateway

KEY = "db-download-day-test-key"
NOW_NS = to_ns(datetime(2026, 3, 19, 14, tzinfo=UTC))
"""Thursday 10:00 ET."""
DAY = "2026-03-18"
MORNING = ("--start-time", "07:00", "--end-time", "10:30")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Gateway(seed=3, key=KEY, clock=lambda: NOW_NS)) as base:
        yield base


@pytest.fixture(autouse=True)
def stand_in(url: str, settings: Any, assets: None) -> Iterator[None]:
    cache.clear()
    settings.DATABENTO_GATEWAY, settings.DATABENTO_API_KEY = url, KEY
    settings.MARKET_SOURCE = "stand-in"
    yield
    requests.delete(f"{url}/_standin/faults", auth=(KEY, ""), timeout=5).raise_for_status()


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("market.databento_historical.time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "files"


def fault(url: str, **switches: Any) -> None:
    requests.post(f"{url}/_standin/faults", json=switches, auth=(KEY, ""), timeout=5).raise_for_status()


def download(*words: str, symbols: str = "NQM6", day: str = DAY, schemas: str = "ohlcv-1m", sure: bool = True) -> str:
    """What the command says."""
    out = io.StringIO()
    yes = ["--yes"] if sure else []
    arguments = ("--symbols", symbols, "--day", day, "--schemas", schemas)
    call_command("download_day", *arguments, *words, *yes, stdout=out, stderr=out)
    return out.getvalue()


def refused(*words: str, **more: Any) -> str:
    with pytest.raises(CommandError) as caught:
        download(*words, **more)
    return str(caught.value)


def rows(path: Path) -> np.ndarray:
    store = databento.DBNStore.from_file(path)
    found = store.to_ndarray()
    store.reader.close()
    return found


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


# --- files ------------------------------------------------------------------------------------------------------


def test_a_morning_becomes_a_file_for_each_schema_with_exactly_its_records(folder: Path) -> None:
    said = download(*MORNING, "--out", str(folder), schemas="ohlcv-1s,ohlcv-1m")
    assert names(folder) == [f"GLBX.MDP3.{DAY}.ohlcv-1m.dbn.zst", f"GLBX.MDP3.{DAY}.ohlcv-1s.dbn.zst"]
    minutes = rows(folder / f"GLBX.MDP3.{DAY}.ohlcv-1m.dbn.zst")
    assert int(minutes["ts_event"][0]) >= parse_et(f"{DAY} 07:00")
    assert int(minutes["ts_event"][-1]) < parse_et(f"{DAY} 10:30")
    assert len(minutes) == 210
    assert "NQM6, Wed 2026-03-18 07:00 to Wed 2026-03-18 10:30 ET, from stand-in:" in said
    assert "210 records" in said


def test_the_times_are_those_of_the_zone(folder: Path) -> None:
    download("--start-time", "07:00", "--end-time", "08:00", "--tz", "Europe/London", "--out", str(folder))
    (name,) = names(folder)
    assert int(rows(folder / name)["ts_event"][0]) == parse_et(f"{DAY} 03:00")


def test_without_times_it_is_the_session(folder: Path) -> None:
    download("--out", str(folder))
    minutes = rows(folder / names(folder)[0])
    assert int(minutes["ts_event"][0]) == parse_et("2026-03-17 18:00")
    assert int(minutes["ts_event"][-1]) == parse_et(f"{DAY} 16:59")
    assert len(minutes) == 1_380


def test_a_root_alone_is_the_front_month_of_that_day(folder: Path) -> None:
    assert "NQH6, " in download("--out", str(folder), symbols="nq", day="2026-03-06")
    assert "NQM6, CLK6, " in download("--out", str(folder), symbols="NQ,CL")


def test_a_parent_brings_all_of_its_contracts(folder: Path) -> None:
    download("--out", str(folder), symbols="CL.FUT", schemas="ohlcv-1d")
    download("--out", str(folder), symbols="CL.FUT", schemas="definition")
    classes = set(rows(folder / f"GLBX.MDP3.{DAY}.definition.dbn.zst")["instrument_class"])
    assert classes == {b"F", b"S"}


def test_a_continuous_symbol_is_passed_on_as_databento_writes_it(folder: Path) -> None:
    assert "NQ.v.0, " in download("--out", str(folder), symbols="NQ.V.0")


def test_an_answer_without_records_is_no_file(folder: Path) -> None:
    # daily bars begin at midnight UTC, which is 20:00 ET
    said = download(*MORNING, "--out", str(folder), schemas="ohlcv-1d")
    assert "no records, no file" in said
    assert names(folder) == []


def test_what_the_gateway_says_beside_the_data_is_told(folder: Path) -> None:
    # NQZ5 ended with the 19th; 20:30 ET is the 20th in UTC
    until_evening = ("--start-time", "09:00", "--end-time", "20:30")
    said = download(*until_evening, "--out", str(folder), symbols="NQZ5,NQH6", day="2025-12-19")
    assert "The following symbols resolved for a part of the date range: NQZ5." in said


def test_an_existing_file_is_not_written_over(folder: Path) -> None:
    download("--out", str(folder))
    before = (folder / names(folder)[0]).read_bytes()
    assert "is there already. Move it away, or name another folder with --out." in refused("--out", str(folder))
    assert (folder / names(folder)[0]).read_bytes() == before


@pytest.mark.filterwarnings("ignore:DBN file is truncated")
def test_a_download_that_is_cut_short_leaves_nothing_behind(url: str, folder: Path, no_pauses: None) -> None:
    fault(url, truncate={"records": 100, "times": 9})
    said = refused("--out", str(folder))
    assert "100 of 1380 records arrived." in said
    assert "Run it again." in said
    assert names(folder) == []
    assert Job.objects.get().state == "failed"


def test_a_passing_fault_is_not_noticed(url: str, folder: Path, no_pauses: None) -> None:
    fault(url, truncate={"records": 100, "times": 1})
    download("--out", str(folder))
    assert len(rows(folder / names(folder)[0])) == 1_380
    assert len(names(folder)) == 1


def test_what_a_killed_download_left_is_replaced(folder: Path) -> None:
    folder.mkdir()
    (folder / f".GLBX.MDP3.{DAY}.ohlcv-1m.dbn.zst.part").write_bytes(b"half of it")
    download("--out", str(folder))
    assert names(folder) == [f"GLBX.MDP3.{DAY}.ohlcv-1m.dbn.zst"]


def test_ctrl_c_leaves_nothing_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("market.databento_historical.os.fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        download("--out", str(folder))
    assert names(folder) == []
    assert Job.objects.get().state == "cancelled"


# --- the cost ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "files"), [("y", 1), ("YES", 1), ("n", 0), ("", 0), ("what?", 0)])
def test_the_cost_is_told_and_asked_about(
    folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str, files: int
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: [asked.append(question), answer][1])
    said = download("--out", str(folder), sure=False, schemas="ohlcv-1s")
    (question,) = asked
    assert question.startswith("Download for about $0.")
    assert "GLBX.MDP3 ohlcv-1s       $0." in said
    assert len(names(folder)) == files
    assert ("Nothing was downloaded." in said) == (files == 0)


def test_where_nobody_can_answer_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", nobody)
    assert refused("--out", str(folder), sure=False) == ("Nobody answers. Add --yes to download without being asked.")
    assert names(folder) == []


@pytest.fixture
def limits() -> SpendingLimits:
    """The stand-in's prices count."""
    return SpendingLimits.objects.create(pk=1, counts_synthetic=True)


def test_what_is_bought_is_in_the_ledger(folder: Path, limits: SpendingLimits) -> None:
    SpendingLimits.objects.update(confirm_above=0)  # everything needs a yes, and the command has got it
    download("--out", str(folder), schemas="ohlcv-1s,ohlcv-1m")
    bought = Purchase.objects.order_by("schema")
    assert [(row.schema, row.symbols, row.job.kind) for row in bought] == [
        ("ohlcv-1m", "NQM6", "download day"),
        ("ohlcv-1s", "NQM6", "download day"),
    ]
    assert Job.objects.get().spent > 0


def test_the_store_is_paid_for_too(limits: SpendingLimits) -> None:
    download("--store", schemas="ohlcv-1s")
    assert Purchase.objects.filter(schema="ohlcv-1s", symbols="NQM6").count() == 1


def test_a_daily_limit_holds_for_a_command_as_well(folder: Path, limits: SpendingLimits) -> None:
    SpendingLimits.objects.update(installation_daily=0)
    said = refused("--out", str(folder))
    assert said.startswith("The limit of all users together is $0.00 a day; $0.00 is spent and this needs about $0.0")
    assert (names(folder), Purchase.objects.count()) == ([], 0)


def test_dear_daily_volumes_are_asked_about_elsewhere(folder: Path, limits: SpendingLimits) -> None:
    SpendingLimits.objects.update(confirm_above=0)
    assert "are needed first. Load a replay of the asset, which asks about it." in refused(
        "--out", str(folder), symbols="NQ"
    )


# --- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "more", "message"),
    [
        ((), {"symbols": "NQX6,NQM6"}, "stand-in knows no NQX6 on 2026-03-18."),
        ((), {"symbols": "NQM5"}, "stand-in knows no NQM5 on 2026-03-18."),
        ((), {"symbols": "NQM6,CL.FUT"}, "One file cannot hold raw symbols beside parents"),
        ((), {"symbols": ","}, "Name at least one symbol"),
        ((), {"symbols": "ES.FUT"}, "futsim does not know the sessions of these symbols"),
        (MORNING, {"symbols": "ES.FUT"}, "404: None of the symbols could be resolved: ES.FUT."),
        ((), {"day": "2026-03-21"}, "2026-03-21 is no trade date of NQ. The next one is 2026-03-23."),
        ((), {"day": "2026-01-19"}, "2026-01-19 is no trade date of NQ. The next one is 2026-01-20."),
        ((), {"day": "2005-03-18"}, "2005-03-18 is no trade date of NQ. The next one is 2010-06-07."),
        (MORNING, {"day": "2026-03-21"}, "NQ does not trade between Sat 2026-03-21 07:00 ET and Sat 2026-03-21 10:30"),
        ((), {"day": "2026-03-19"}, "2026-03-19 is not over: the data reach to Thu 2026-03-19 09:59 ET."),
        ((), {"day": "2026-03-23"}, "2026-03-23 has not come yet: the data reach to Thu 2026-03-19 09:59 ET."),
        ((), {"symbols": "NQ", "day": "2026-06-02"}, "2026-06-02 has not come yet"),
        ((), {"schemas": "trade"}, "'trade' is none of the schemas that Databento has: mbo, mbp-1, "),
        (("--store",), {"schemas": "mbo"}, "'mbo' is none of the schemas that the store keeps: ohlcv-1s, ohlcv-1m, "),
        (("--store", *MORNING), {}, "The store keeps whole sessions: leave --start-time and --end-time out."),
        (("--store",), {"symbols": "CL.FUT"}, "The store keeps contracts of its assets only, not CL.FUT."),
        (("--store",), {"symbols": "ESM6"}, "The store keeps contracts of its assets only, not ESM6."),
        (("--store",), {"symbols": "NQX6"}, "stand-in knows no NQX6 on 2026-03-18."),
        (("--store",), {"day": "2026-03-19"}, "2026-03-19 is not over"),
        (("--start-time", "10:00", "--end-time", "09:00"), {}, "The start must be before the end."),
        (("--start-time", "02:30"), {"day": "2026-03-08", "symbols": "NQM6"}, "2026-03-08 is no trade date of NQ."),
        (
            ("--start-time", "02:30", "--end-time", "20:00"),
            {"day": "2026-03-08"},
            "2026-03-08 02:30 America/New_York does not exist: the clocks go forward over it.",
        ),
        (("--start-time", "7 o'clock"), {}, '"7 o\'clock" is not a time of day. Write it as 07:00.'),
        (("--tz", "Mars"), {}, "'Mars' is not a time zone. Write it as America/New_York."),
        ((), {"day": "18.3.2026"}, "'18.3.2026' is not a date. Write it as 2026-03-18."),
    ],
)
def test_what_cannot_be_downloaded_is_said_and_nothing_is_left(
    folder: Path, words: tuple[str, ...], more: dict[str, Any], message: str
) -> None:
    where = () if "--store" in words else ("--out", str(folder))
    assert message in refused(*words, *where, **more)
    assert names(folder) == []
    assert not Coverage.objects.exists()
    assert not Job.objects.exclude(state="failed").exists()


def test_a_root_of_own_files_has_no_front_month(folder: Path) -> None:
    add_asset(facts.KNOWN_IN_FILES["ES"], from_files=True)
    said = refused("--out", str(folder), symbols="ES")
    assert "ES has own files only, without daily volumes that tell its front month: name a contract" in said


def test_a_refused_key_is_said_in_the_gateways_words(folder: Path, settings: Any) -> None:
    settings.DATABENTO_API_KEY = "db-another-key"
    said = refused(*MORNING, "--out", str(folder))
    assert "401: Authentication failed. The key was refused." in said
    assert "db-another-key" not in said
    assert names(folder) == []


def test_without_a_key_it_says_so(folder: Path, settings: Any) -> None:
    settings.DATABENTO_API_KEY = ""
    assert "There is no API key." in refused("--out", str(folder))


# --- the store --------------------------------------------------------------------------------------------------


def test_into_the_store_go_whole_sessions_as_a_replay_would_fetch_them() -> None:
    said = download("--store", symbols="NQ", schemas="ohlcv-1s")
    row = Coverage.objects.get()
    assert (str(row.contract), row.schema, row.trade_date, row.state) == (
        "NQM6", "ohlcv-1s", date(2026, 3, 18), "complete",
    )  # fmt: skip
    assert int(ingest.read_bars(row).ts[0]) == parse_et("2026-03-17 18:00")
    assert "NQM6 ohlcv-1s: stored 2026-03-18" in said
    assert download("--store", symbols="NQ", schemas="ohlcv-1s") == "All of it is stored already.\n"


def test_a_back_month_is_stored_under_its_own_contract() -> None:
    download("--store", symbols="NQU6", schemas="ohlcv-1m")
    assert (Coverage.objects.get().contract.year, Coverage.objects.get().contract.month) == (2026, 9)


def test_the_history_that_told_the_front_month_is_kept(folder: Path) -> None:
    download("--out", str(folder), symbols="NQ")
    span = DailySpan.objects.get()
    assert (span.first_date, span.end_date) == (date(2026, 2, 16), date(2026, 3, 18))


# --- the job ----------------------------------------------------------------------------------------------------


def test_a_download_is_a_job_that_says_what_it_did(folder: Path) -> None:
    download("--out", str(folder))
    job = Job.objects.get()
    assert (job.kind, job.state, job.message) == ("download day", "done", "NQM6 2026-03-18 ohlcv-1m")


def test_a_download_can_be_cancelled_on_the_page_of_jobs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    save = HistoricalGateway.save

    def cancelled_meanwhile(*arguments: Any) -> Any:
        jobs.cancel(Job.objects.get())
        return save(*arguments)

    monkeypatch.setattr(HistoricalGateway, "save", cancelled_meanwhile)
    said = refused("--out", str(folder), schemas="ohlcv-1m,ohlcv-1h")
    assert said == "Cancelled on the page of jobs. What had come by then is there."
    assert names(folder) == [f"GLBX.MDP3.{DAY}.ohlcv-1m.dbn.zst"]
    assert Job.objects.get().state == "cancelled"


def test_one_whose_command_was_killed_is_closed_by_the_next(folder: Path) -> None:
    lost = Job.objects.create(kind="download day", state="running")
    download("--out", str(folder))
    lost.refresh_from_db()
    assert (lost.state, lost.message) == ("failed", "The command was stopped.")


def test_a_saved_file_takes_the_place_of_the_one_before_it_or_leaves_it(
    url: str, folder: Path, monkeypatch: Any
) -> None:
    from market.databento_historical import Request

    folder.mkdir()
    target = folder / "answer.dbn.zst"
    target.write_bytes(b"the one before")
    door = HistoricalGateway(KEY, url, patient=False)
    start_ns = parse_et(f"{DAY} 07:00")
    request = Request("GLBX.MDP3", "ohlcv-1m", ("NQM6",), start_ns, start_ns + 600 * 10**9)
    fault(url, truncate={"records": 3})
    with pytest.raises(Exception, match="3 of 10 records"):
        door.save(request, target)
    assert target.read_bytes() == b"the one before"
    assert door.save(request, target).records == 10
    assert len(rows(target)) == 10


# --- the cost guard ---------------------------------------------------------------------------------


def test_what_was_bought_is_in_the_ledger(folder: Path) -> None:
    download("--out", str(folder), *MORNING, schemas="ohlcv-1s")
    bought = Purchase.objects.get(schema="ohlcv-1s")
    assert (bought.user, bought.job, bought.symbols) == (None, Job.objects.get(), "NQM6")
    assert bought.records == len(rows(folder / "GLBX.MDP3.2026-03-18.ohlcv-1s.dbn.zst"))
    assert bought.cost > 0


def test_a_yes_at_the_console_is_enough_and_the_days_limit_holds_all_the_same(folder: Path) -> None:
    limits = SpendingLimits.current()
    limits.confirm_above = 0
    limits.save()
    download("--out", str(folder), *MORNING, schemas="ohlcv-1s")
    limits.installation_daily = 0
    limits.save()
    assert "all users together is $0.00 a day" in refused("--out", str(folder / "again"), *MORNING, schemas="ohlcv-1s")
    assert Job.objects.first().state == "failed"
