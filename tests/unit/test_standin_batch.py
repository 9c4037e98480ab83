"""Batch downloads from the stand-in, by the real client over a real socket."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databento
import numpy as np
import pytest
import requests
import zstandard

from standin.background import serving
from standin.gateway import Gateway
from standin.server import Server
from tests.live import DATASET, KEY, SECOND, historical, switch, utc, wait_for

NOW = "2026-03-12T15:30"
ASKED = {"dataset": DATASET, "schema": "ohlcv-1m", "start": "2026-03-09", "end": "2026-03-12"}
DESCRIPTIONS = ["condition.json", "metadata.json", "symbology.json"]


class SteppedClock:
    """UTC ns that move on only when told to."""

    def __init__(self) -> None:
        self.now = utc(NOW)

    def __call__(self) -> int:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


@pytest.fixture(scope="module")
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture(scope="module")
def server(clock) -> Iterator[Server]:
    with serving(Gateway(seed=7, key=KEY, clock=clock)) as running:
        yield running


@pytest.fixture(scope="module")
def batch(server):
    return historical(server).batch


@pytest.fixture
def done(batch, clock):
    """Submits a job and waits until it is done; returns its id."""

    def submit(symbols: object = "NQM6", **more: object) -> str:
        job = batch.submit_job(**(ASKED | {"symbols": symbols} | more))
        clock.step(10)
        wait_for(lambda: batch.get_job_details(job["id"])["state"] == "done")
        return job["id"]

    return submit


def data_files(batch, job_id: str) -> list[str]:
    return [each["filename"] for each in batch.list_files(job_id) if each["filename"] not in DESCRIPTIONS]


def stored(path: Path) -> Any:
    return databento.DBNStore.from_bytes(path.read_bytes()).to_ndarray()


def refused(call, *arguments: object, **more: object) -> databento.BentoClientError:
    with pytest.raises(databento.BentoClientError) as caught:
        call(*arguments, **more)
    return caught.value


def test_a_job_is_queued_processed_done_and_one_day_expired(batch, clock):
    job = batch.submit_job(**ASKED, symbols="NQM6")
    job_id = job["id"]
    assert (job["state"], job["progress"], job["record_count"], job["ts_queued"]) == ("queued", 0, None, None)
    assert job_id.startswith("GLBX-20260312-")
    assert len(job_id) == len("GLBX-20260312-XXXXXXXXXX")
    assert refused(batch.list_files, job_id).http_status == 409
    clock.step(2.5)
    assert batch.get_job_details(job_id)["state"] == "processing"
    clock.step(5)
    wait_for(lambda: batch.get_job_details(job_id)["state"] == "done")
    details = batch.get_job_details(job_id)
    assert details["ts_received"] < details["ts_queued"] < details["ts_process_start"] < details["ts_process_done"]
    assert (details["symbols"], details["split_duration"], details["progress"]) == ("NQM6", "day", 100)
    assert details["billed_size"] == 56 * details["record_count"]
    assert details["cost_usd"] > 0
    clock.step(31 * 86_400)
    assert batch.get_job_details(job_id)["state"] == "expired"
    assert refused(batch.list_files, job_id).json_body["detail"]["case"] == "batch_job_expired"
    assert job_id in {each["id"] for each in batch.list_jobs("expired")}
    clock.now = utc(NOW)


def test_jobs_are_listed_by_state_and_time(batch, clock, done):
    old = done()
    clock.step(3_600)
    new = batch.submit_job(**ASKED, symbols="NQM6")["id"]
    listed = batch.list_jobs()
    assert [each["id"] for each in listed][-2:] == [old, new]
    assert listed[-1].keys() == {"id", "state", "ts_received"}
    assert [each["id"] for each in batch.list_jobs("queued")] == [new]
    assert [each["id"] for each in batch.list_jobs(since=clock.now)] == [new]
    assert batch.list_jobs(short=False)[-1]["schema"] == "ohlcv-1m"


def test_the_archive_holds_what_the_stream_sends(batch, server, done, tmp_path):
    files = batch.download(done(["NQM6", "CLK6"]), tmp_path)
    names = sorted(each.name for each in files)
    days = [f"glbx-mdp3-202603{day:02}.ohlcv-1m.dbn.zst" for day in (9, 10, 11)]
    assert names == sorted([*days, *DESCRIPTIONS])
    parts = [stored(files[0].parent / name) for name in days]
    streamed = historical(server).timeseries.get_range(**ASKED, symbols=["NQM6", "CLK6"]).to_ndarray()
    assert np.array_equal(np.concatenate(parts), streamed)
    condition = json.loads((files[0].parent / "condition.json").read_text())
    assert [each["date"] for each in condition] == ["2026-03-09", "2026-03-10", "2026-03-11"]
    symbology = json.loads((files[0].parent / "symbology.json").read_text())
    assert set(symbology["result"]) == {"NQM6", "CLK6"}


def test_the_archive_can_be_kept(batch, done, tmp_path):
    job_id = done()
    (path,) = batch.download(job_id, tmp_path, keep_zip=True)
    assert path == tmp_path / job_id / f"{job_id}.zip"


def test_a_single_file_has_the_size_and_the_sum_of_its_listing(batch, done, tmp_path):
    job_id = done()
    listed = {each["filename"]: each for each in batch.list_files(job_id)}
    name = data_files(batch, job_id)[0]
    (path,) = batch.download(job_id, tmp_path, filename_to_download=name)
    content = path.read_bytes()
    assert len(content) == listed[name]["size"]
    assert listed[name]["hash"] == f"sha256:{hashlib.sha256(content).hexdigest()}"


def test_a_download_that_breaks_off_is_resumed_where_it_was(server, batch, done, tmp_path):
    job_id = done()
    name = data_files(batch, job_id)[0]
    whole = {each["filename"]: each["size"] for each in batch.list_files(job_id)}[name]
    switch(server, {"endpoint": "batch.download", "body": {"kind": "short", "bytes": whole // 3, "times": 2}})
    (path,) = batch.download(job_id, tmp_path, filename_to_download=name)
    assert path.stat().st_size == whole
    assert stored(path).size > 1_000
    switch(server, {"endpoint": None, "body": None})


def test_ranges_are_answered_as_such(server, batch, done):
    job_id = done()
    file = next(each for each in batch.list_files(job_id) if each["filename"] == "metadata.json")
    url = file["urls"]["https"]

    def get(span: str) -> requests.Response:
        return requests.get(url, headers={"Range": span}, auth=(KEY, ""), timeout=5)

    whole = requests.get(url, auth=(KEY, ""), timeout=5).content
    part = get("bytes=10-29")
    assert (part.status_code, part.content) == (206, whole[10:30])
    assert part.headers["Content-Range"] == f"bytes 10-29/{len(whole)}"
    assert get("bytes=10-").content == whole[10:]
    assert get(f"bytes={len(whole)}-").status_code == 416
    assert requests.get(url, timeout=5).status_code == 401


@pytest.mark.parametrize(
    ("duration", "names"),
    [
        ("week", ["20260226-20260228", "20260301-20260304"]),
        ("month", ["20260226-20260228", "20260301-20260304"]),
        ("year", ["20260226-20260304"]),
        ("none", ["20260226-20260304"]),
    ],
)
def test_files_are_split_by_time(batch, done, duration, names):
    job_id = done(start="2026-02-26", end="2026-03-05", schema="ohlcv-1h", split_duration=duration)
    assert data_files(batch, job_id) == [f"glbx-mdp3-{name}.ohlcv-1h.dbn.zst" for name in names]


def test_files_are_split_by_symbol(batch, done):
    job_id = done("NQ.FUT", stype_in="parent", schema="ohlcv-1d", split_symbols=True, split_duration="none")
    names = data_files(batch, job_id)
    assert "glbx-mdp3-20260309-20260311.ohlcv-1d.NQM6.dbn.zst" in names
    assert "glbx-mdp3-20260309-20260311.ohlcv-1d.NQH6-NQM6.dbn.zst" in names


def test_a_limit_counts_over_all_files(batch, done):
    job_id = done(limit=1_500)
    assert batch.get_job_details(job_id)["record_count"] == 1_500
    assert len(data_files(batch, job_id)) == 2


def test_text_is_written_as_asked(batch, done, tmp_path):
    job_id = done(encoding="csv", pretty_px=True, pretty_ts=True, limit=3)
    path = next(each for each in batch.download(job_id, tmp_path) if each.name.endswith(".csv.zst"))
    lines = zstandard.ZstdDecompressor().decompressobj().decompress(path.read_bytes()).decode().splitlines()
    assert lines[0] == "ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"
    assert lines[1].startswith("2026-03-09T00:0")
    assert lines[1].endswith(",NQM6")
    assert len(lines) == 4


def test_plain_json_has_fixed_prices_and_no_symbols_where_none_are_wanted(batch, done, tmp_path):
    job_id = done(encoding="json", compression="none", map_symbols=False, limit=2)
    path = next(each for each in batch.download(job_id, tmp_path) if each.name.endswith("ohlcv-1m.json"))
    first = json.loads(path.read_text().splitlines()[0])
    assert first["open"].isdecimal()
    assert "symbol" not in first


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"split_size": 2_000_000_000}, "split_size"),
        ({"split_symbols": True, "stype_in": "continuous", "symbols": "NQ.v.0"}, "split_symbols"),
        ({"schema": "mbo"}, "schema"),
        ({"start": "yesterday"}, "start"),
    ],
)
def test_what_is_not_supported_is_refused(batch, wrong, field):
    error = refused(batch.submit_job, **(ASKED | {"symbols": "NQM6"} | wrong))
    assert error.http_status == 422
    assert error.json_body["detail"][0]["loc"] == ["body", field]


def test_an_unknown_job_is_not_found(batch):
    for ask in (batch.get_job_details, batch.list_files):
        assert refused(ask, "GLBX-20260312-NOTHING").json_body["detail"]["case"] == "batch_job_not_found"
