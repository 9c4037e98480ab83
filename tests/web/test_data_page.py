"""The page Data: files are sent, imported and reported; each user has his own list."""

import os
import re
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from market import jobs, stock, tasks, views_data
from market.importing import batches, uploads
from market.importing.report import Report
from market.models import Asset, Contract, Coverage, ImportedFile, Job
from market.sessions import parse_et
from tests import datafiles
from tests.conftest import People

ENTRY = parse_et("2025-06-02 09:30")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file takes several parts; no worker runs beside these tests."""
    monkeypatch.setattr(uploads, "PART_BYTES", 1_000)
    monkeypatch.setattr(tasks.import_files, "delay", lambda job_id: None)


@pytest.fixture
def nvda(tmp_path: Path, assets: None) -> Path:
    trades = datafiles.some_trades(ENTRY, 100, price=135 * 10**9, tick=10_000_000)
    rows = datafiles.trade_rows(trades, instrument_id=7, dataset="XNAS.ITCH")
    rows["price"][40] += 1
    return datafiles.write_dbn(tmp_path / "nvda.dbn", "trades", rows, {"NVDA": 7}, dataset="XNAS.ITCH")


def begin(browser: Client, name: str, size: int) -> Any:
    return browser.post("/data/uploads", {"name": name, "size": str(size)})


def part(browser: Client, ticket: str, offset: int, body: bytes) -> Any:
    return browser.generic(
        "POST", "/data/uploads/part", body, "application/octet-stream",
        headers={"X-Upload": ticket, "X-Offset": str(offset)},
    )  # fmt: skip


def send(browser: Client, path: Path) -> str:
    """Send a file in parts; its ticket."""
    body = path.read_bytes()
    ticket: str = begin(browser, path.name, len(body)).json()["ticket"]
    for offset in range(0, len(body), uploads.PART_BYTES):
        answer = part(browser, ticket, offset, body[offset : offset + uploads.PART_BYTES])
        assert answer.json() == {"received": min(len(body), offset + uploads.PART_BYTES)}
    return ticket


def bring(browser: Client, *paths: Path) -> Job:
    """Send files and have them imported."""
    answer = browser.post("/data/imports", {"ticket": [send(browser, path) for path in paths]})
    assert answer.status_code == 200
    job = Job.objects.latest("pk")
    assert f'hx-get="/data/imports/{job.pk}/"' in answer.content.decode()
    tasks.import_files(job.pk)
    job.refresh_from_db()
    return job


def shown(answer: Any) -> str:
    """The text of a page."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())))


# --- sending ----------------------------------------------------------------------------------------------


def test_a_file_is_sent_in_parts_imported_and_reported(owner: Client, nvda: Path, settings: Any) -> None:
    job = bring(owner, nvda)
    assert (job.state, job.message, job.done) == ("done", "1 file imported.", job.total)
    answer = owner.get(f"/data/imports/{job.pk}/")
    text = shown(answer)
    assert "99 accepted, 0 already there, 1 refused." in text
    assert "NVDA: a price is off the tick of 0.0001." in text
    assert "NVDA NVDA 2025-06-02 ohlcv-1s from trades" in text
    # the first print came within the first second
    link = "/replay/?root=NVDA&entry_date=2025-06-02&entry_time=09%3A30"
    assert f'href="{link}"' in unescape(answer.content.decode())
    assert 'value="09:30"' in owner.get(link).content.decode()
    assert list(Path(settings.UPLOAD_ROOT).iterdir()) == []
    row = ImportedFile.objects.get()
    assert (row.name, row.bytes, len(row.checksum)) == ("nvda.dbn", nvda.stat().st_size, 64)


def test_an_import_that_is_over_brings_the_lists_up_to_date(owner: Client, nvda: Path) -> None:
    job = bring(owner, nvda)
    body = owner.get(f"/data/imports/{job.pk}/").content.decode()
    assert 'id="files-section" hx-swap-oob="true"' in body
    assert 'id="stored-section" hx-swap-oob="true"' in body
    assert "hx-trigger" not in body


def test_an_import_that_runs_is_followed(owner: Client, nvda: Path) -> None:
    answer = owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    job = Job.objects.get()
    jobs.start(job.pk)
    Job.objects.update(message="nvda.dbn: 43%", done=43, total=100)
    for page in (owner.get(f"/data/imports/{job.pk}/"), owner.get("/data/")):
        body = page.content.decode()
        assert "nvda.dbn: 43%" in body
        assert 'hx-trigger="every 1s"' in body
        assert 'aria-valuenow="43"' in body
    assert "Waiting for a worker." in shown(answer)


def test_the_page_lists_what_was_imported_and_what_is_stored(owner: Client, nvda: Path) -> None:
    assert "No file yet." in shown(owner.get("/data/"))
    bring(owner, nvda)
    text = shown(owner.get("/data/"))
    assert "nvda.dbn" in text
    assert re.search(r"NVDA NVDA \(stock\) ohlcv-1s 2025-06-02 2025-06-02 1 .* own files", text)
    found = owner.get(f"/data/files/{ImportedFile.objects.get().pk}/")
    assert "99 accepted, 0 already there, 1 refused." in shown(found)


def test_the_navigation_leads_to_the_page(owner: Client, db: None) -> None:
    assert '<a href="/data/">Data</a>' in owner.get("/replay/").content.decode()
    assert '<a href="/data/" aria-current="page">Data</a>' in owner.get("/data/").content.decode()


def test_files_that_are_dropped_together_are_imported_definitions_first(
    owner: Client, tmp_path: Path, assets: None
) -> None:
    bars = datafiles.blank("ohlcv-1s", 1, 118)
    bars["ts_event"], bars["volume"] = parse_et("2024-07-01 19:00"), 1
    for name in ("open", "high", "low", "close"):
        bars[name] = 5_500 * 10**9
    first = datafiles.write_dbn(tmp_path / "a.dbn", "ohlcv-1s", bars, {"ESU4": 118})
    rows = datafiles.future_definition("ESU4", "ES", 2024, 9, parse_et("2024-07-01 12:00"))
    second = datafiles.write_dbn(tmp_path / "b.dbn", "definition", rows, {"ESU4": 1})
    assert bring(owner, first, second).message == "2 files imported."
    assert Coverage.objects.filter(contract__asset__root="ES").exists()


def test_a_file_that_is_refused_says_why(owner: Client, tmp_path: Path, assets: None) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing")
    job = bring(owner, path)
    assert (job.state, job.message) == ("failed", "The file was refused.")
    assert "Refused. It is no market data" in shown(owner.get(f"/data/imports/{job.pk}/"))
    assert "refused" in shown(owner.get("/data/"))


def test_a_name_cannot_do_anything(owner: Client, nvda: Path) -> None:
    ticket = begin(owner, "../<script>alert(1)</script>.dbn", nvda.stat().st_size).json()["ticket"]
    body = nvda.read_bytes()
    for offset in range(0, len(body), uploads.PART_BYTES):
        part(owner, ticket, offset, body[offset : offset + uploads.PART_BYTES])
    answer = owner.post("/data/imports", {"ticket": [ticket]})
    tasks.import_files(Job.objects.get().pk)
    answer = owner.get(f"/data/imports/{Job.objects.get().pk}/")
    assert "<script>alert" not in answer.content.decode()
    assert "../<script>alert(1)</script>.dbn" in unescape(answer.content.decode())


# --- refusals ---------------------------------------------------------------------------------------------


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(owner: Client, settings: Any) -> None:
    settings.UPLOAD_BYTES = 5 << 30
    answer = begin(owner, "a.dbn", (5 << 30) + 1)
    assert (answer.status_code, "up to 5 GB" in answer.json()["error"]) == (413, True)


def test_a_disk_without_room_is_said_in_words(owner: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "SPARE_BYTES", 1 << 60)
    answer = begin(owner, "a.dbn", 1_000)
    assert answer.status_code == 507
    assert re.search(r"The disk of this installation has only [\d.]+ GB left", answer.json()["error"])


def test_a_disk_that_fills_up_meanwhile_is_said_in_words(
    owner: Client, nvda: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = begin(owner, "a.dbn", 1_000).json()["ticket"]

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    answer = part(owner, ticket, 0, bytes(1_000))
    assert answer.status_code == 507
    assert "No space left on device" in answer.json()["error"]


@pytest.mark.parametrize(("name", "size"), [("", "10"), ("a.dbn", "0"), ("a.dbn", "-1"), ("a.dbn", "x"), ("a.dbn", "")])
def test_an_upload_without_a_name_or_size_is_refused(owner: Client, name: str, size: str) -> None:
    assert owner.post("/data/uploads", {"name": name, "size": size}).status_code == 400


def test_a_part_that_does_not_follow_is_answered_with_where_to_go_on(owner: Client, db: None) -> None:
    ticket = begin(owner, "a.dbn", 2_000).json()["ticket"]
    part(owner, ticket, 0, bytes(1_000))
    for offset in (0, 500, 1_500):
        answer = part(owner, ticket, offset, bytes(500))
        assert (answer.status_code, answer.json()) == (409, {"received": 1_000})


@pytest.mark.parametrize("body", [b"", bytes(1_001)])
def test_a_part_that_is_empty_or_too_long_is_refused(owner: Client, body: bytes) -> None:
    ticket = begin(owner, "a.dbn", 5_000).json()["ticket"]
    assert part(owner, ticket, 0, body).status_code == 400


def test_a_file_does_not_grow_beyond_the_size_that_was_agreed(owner: Client, db: None) -> None:
    ticket = begin(owner, "a.dbn", 500).json()["ticket"]
    assert part(owner, ticket, 0, bytes(600)).status_code == 400


@pytest.mark.parametrize("tickets", [[], ["nonsense"]])
def test_an_import_of_nothing_is_refused(owner: Client, tickets: list[str]) -> None:
    answer = owner.post("/data/imports", {"ticket": tickets})
    assert answer.status_code in (400, 404)
    assert not Job.objects.exists()


def test_an_import_of_half_a_file_is_refused(owner: Client, db: None) -> None:
    ticket = begin(owner, "a.dbn", 2_000).json()["ticket"]
    part(owner, ticket, 0, bytes(1_000))
    assert owner.post("/data/imports", {"ticket": [ticket]}).status_code == 400


def test_what_browsers_left_behind_is_removed_after_a_day(owner: Client, settings: Any, tmp_path: Path) -> None:
    begin(owner, "a.dbn", 10)
    old, fresh = Path(settings.UPLOAD_ROOT) / "upload-old", Path(settings.UPLOAD_ROOT) / "upload-fresh"
    for path in (old, fresh):
        path.write_bytes(b"x")
    os.utime(old, (0, 0))
    begin(owner, "b.dbn", 10)
    assert (old.exists(), fresh.exists()) == (False, True)


# --- looking back, and taking back ------------------------------------------------------------------------


def test_a_job_of_which_all_files_are_refused_has_failed(owner: Client, tmp_path: Path, assets: None) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("nothing")
    job = bring(owner, tmp_path / "a.txt", tmp_path / "b.txt")
    assert (job.state, job.message) == ("failed", "2 files, all refused.")


def test_older_files_are_on_further_pages(owner: Client, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_data, "SHOWN_FILES", 2)
    for number in range(5):
        report = Report(problem="nothing").as_json()
        ImportedFile.objects.create(user=people.owner, name=f"{number}.dbn", bytes=1, report=report)
    address, seen = "/data/", []
    while address:
        page = owner.get(address).content.decode()
        seen.append(re.findall(r">(\d)\.dbn</a>", page))
        more = re.search(r'href="(/data/\?before=\d+)">Older files', page)
        address = more[1] if more else ""
    assert seen == [["4", "3"], ["2", "1"], ["0"]]
    assert owner.get("/data/?before=x").status_code == 404


def test_an_import_that_runs_can_be_cancelled_on_the_page(
    owner: Client, colleague: Client, nvda: Path, settings: Any
) -> None:
    owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    address = f"/data/imports/{Job.objects.get().pk}/cancel"
    assert f'hx-post="{address}"' in owner.get("/data/").content.decode()
    assert colleague.post(address).status_code == 404
    assert "hx-trigger" not in owner.post(address).content.decode()
    assert Job.objects.get().state == "cancelled"
    tasks.import_files(Job.objects.get().pk)
    assert list(Path(settings.UPLOAD_ROOT).iterdir()) == []


def test_a_report_is_a_page_of_its_own_and_a_part_for_htmx(owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    address = f"/data/files/{ImportedFile.objects.get().pk}/"
    page = owner.get(address).content.decode()
    part = owner.get(address, headers={"HX-Request": "true"}).content.decode()
    assert ("<!doctype html>" in page.lower(), "<nav" in page) == (True, True)
    assert part.lstrip().startswith('<div class="report">')


def test_refused_rows_that_came_to_no_piece_are_told(owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    page = shown(owner.get(f"/data/files/{ImportedFile.objects.get().pk}/"))
    assert "1 of the refused rows came to no piece" in page


def test_what_a_file_brought_is_removed_by_its_owner(owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    address = f"/data/files/{ImportedFile.objects.get().pk}/"
    page = owner.get(address).content.decode()
    assert 'hx-confirm="Remove all that nvda.dbn brought?' in page
    answer = owner.post(f"{address}remove", headers={"HX-Request": "true"})
    assert "Taken back. 2 pieces were removed." in shown(answer)
    assert 'id="stored-section" hx-swap-oob="true"' in answer.content.decode()
    assert not Coverage.objects.exists()
    assert "Remove what this file brought" not in owner.get(address).content.decode()


def test_an_admin_may_remove_it_and_nobody_else(owner: Client, colleague: Client, admin: Client, nvda: Path) -> None:
    bring(owner, nvda)
    address = f"/data/files/{ImportedFile.objects.get().pk}/remove"
    assert colleague.post(address).status_code == 404
    assert owner.get(address).status_code == 405
    assert Coverage.objects.count() == 2
    assert admin.post(address).status_code == 302
    assert not Coverage.objects.exists()


def test_the_admin_lists_files_with_their_reports(admin: Client, owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    row = ImportedFile.objects.get()
    page = admin.get("/admin/market/importedfile/").content.decode()
    assert f'<a href="/data/files/{row.pk}/">Report</a>' in page
    assert "nvda.dbn" in page
    assert admin.get("/admin/market/importedfile/add/").status_code == 403


def test_the_page_of_jobs_counts_imports_in_megabytes(owner: Client, nvda: Path) -> None:
    owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    Job.objects.update(state="running", done=93_576, total=134_019)
    assert "91.4 of 130.9 MB" in shown(owner.get("/jobs/"))
    Job.objects.update(done=93, total=134)
    assert "93 of 134 KB" in shown(owner.get("/jobs/"))


# --- whose files ------------------------------------------------------------------------------------------


def test_a_colleague_sees_nothing_of_anothers_files(owner: Client, colleague: Client, nvda: Path) -> None:
    job = bring(owner, nvda)
    row = ImportedFile.objects.get()
    assert colleague.get(f"/data/imports/{job.pk}/").status_code == 404
    assert colleague.get(f"/data/files/{row.pk}/").status_code == 404
    assert "nvda.dbn" not in colleague.get("/data/").content.decode()
    assert "NVDA" in colleague.get("/data/").content.decode()


def test_an_admin_sees_everybodys(owner: Client, admin: Client, nvda: Path) -> None:
    job = bring(owner, nvda)
    assert admin.get(f"/data/imports/{job.pk}/").status_code == 200
    assert admin.get(f"/data/files/{ImportedFile.objects.get().pk}/").status_code == 200
    assert re.search(r"nvda\.dbn owner", shown(admin.get("/data/")))


def test_a_ticket_is_its_users_alone(owner: Client, colleague: Client, db: None) -> None:
    ticket = begin(owner, "a.dbn", 10).json()["ticket"]
    assert part(colleague, ticket, 0, bytes(10)).status_code == 404
    assert colleague.post("/data/imports", {"ticket": [ticket]}).status_code == 404


def test_a_stranger_is_asked_to_log_in(db: None) -> None:
    for address in ("/data/", "/data/imports/1/", "/data/files/1/"):
        assert Client().get(address).status_code == 302
    assert begin(Client(), "a.dbn", 10).status_code == 302


def test_sending_needs_the_pages_token(people: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(people.owner)
    assert begin(browser, "a.dbn", 10).status_code == 403


# --- the job ----------------------------------------------------------------------------------------------


def test_a_cancelled_import_removes_its_files_and_says_so(owner: Client, nvda: Path, settings: Any) -> None:
    owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    job = Job.objects.get()
    assert jobs.cancel(job)
    tasks.import_files(job.pk)
    assert list(Path(settings.UPLOAD_ROOT).iterdir()) == []
    assert "Cancelled before it was over" in ImportedFile.objects.get().report["problem"]
    assert not Coverage.objects.exists()


def test_an_import_that_is_cancelled_while_it_runs_stops(
    owner: Client, nvda: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "REPORT_SECONDS", 0.0)
    owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    job = Job.objects.get()
    real = jobs.start

    def start_and_cancel(job_id: int) -> Job | None:
        started = real(job_id)
        jobs.cancel(Job.objects.get(pk=job_id))
        return started

    monkeypatch.setattr(batches.jobs, "start", start_and_cancel)
    tasks.import_files(job.pk)
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert "Cancelled" in ImportedFile.objects.get().report["problem"]


def test_a_killed_workers_import_is_taken_up_again(owner: Client, nvda: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner.post("/data/imports", {"ticket": [send(owner, nvda)]})
    queued: list[int] = []
    monkeypatch.setattr(tasks.import_files, "delay", queued.append)
    monkeypatch.setattr(tasks.prepare_window, "delay", lambda job_id: pytest.fail("not a window"))
    with monkeypatch.context() as killed:
        killed.setattr(batches, "import_file", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            tasks.import_files(Job.objects.get().pk)
    tasks.take_up_abandoned_jobs()
    assert queued == [Job.objects.get().pk]
    tasks.import_files(queued[0])
    assert (Job.objects.get().state, ImportedFile.objects.get().report["accepted"]) == ("done", 99)


def test_a_worker_that_starts_removes_what_a_killed_one_had_gathered(db: None, settings: Any) -> None:
    left = Path(settings.UPLOAD_ROOT) / "spool-left"
    left.mkdir(parents=True)
    for name in ("lock", "ohlcv-1s.1.2025-06-02"):
        (left / name).write_bytes(b"")
    tasks.take_up_at_start()
    assert not left.exists()


def raise_interrupt(*arguments: Any) -> None:
    raise KeyboardInterrupt


def test_a_mistake_of_ours_ends_with_its_file(
    owner: Client, nvda: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.dbn"
    other.write_bytes(nvda.read_bytes())
    real = batches.import_file

    def stumble(path: Path, name: str, *more: Any) -> Any:
        if name == "other.dbn":
            raise ValueError("a mistake")
        return real(path, name, *more)

    monkeypatch.setattr(batches, "import_file", stumble)
    job = bring(owner, other, nvda)
    assert job.message == "2 files, 1 of them refused."
    reports = {row.name: row.report for row in ImportedFile.objects.all()}
    assert reports["other.dbn"]["problem"] == batches.STUMBLED
    assert reports["nvda.dbn"]["accepted"] == 99


# --- replaying --------------------------------------------------------------------------------------------


def test_an_asset_of_files_is_offered_once_it_has_bars(owner: Client, nvda: Path) -> None:
    amd = Asset.objects.create(
        root="AMD", kind="stock", name="AMD (stock)", exchange="XNAS", dataset="XNAS.ITCH", point_value=1,
        tick_size=10_000_000, decimals=2, calendar="US Stocks", from_files=True,
    )  # fmt: skip
    Contract.objects.create(asset=amd, raw_symbol="AMD")
    bring(owner, nvda)
    page = owner.get("/replay/").content.decode()
    assert '<option value="NVDA"' in page
    assert '<option value="AMD"' not in page


def test_days_that_were_not_imported_are_refused_and_named(owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    form = {"root": "NVDA", "entry_date": "2025-06-03", "entry_time": "09:30", "timeframe": "5m", "lookback_days": "30"}
    answer = owner.post("/replay/open", form, headers={"HX-Request": "true"})
    assert "NVDA is here for 2025-06-02 only. Choose a moment in these sessions." in shown(answer)
    opened = owner.post("/replay/open", form | {"entry_date": "2025-06-02"}, headers={"HX-Request": "true"})
    assert "HX-Redirect" in opened.headers


def test_sizes_are_summed_by_asset_and_schema(owner: Client, nvda: Path) -> None:
    bring(owner, nvda)
    (held,) = stock.stored()
    assert held.asset.root == "NVDA"
    assert [(each.schema, each.sessions, each.first) for each in held.schemas] == [
        ("ohlcv-1s", 1, date(2025, 6, 2)),
        ("trades", 1, date(2025, 6, 2)),
    ]
    assert all(each.bytes > 0 for each in held.schemas)
