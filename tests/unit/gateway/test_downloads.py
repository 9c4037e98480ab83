"""Downloads into the store: whole or not at all, whatever happens on the way."""

import gc
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from market import ingest, jobs
from market.gateway_errors import DamagedDownload, GatewayError
from market.models import Asset, Contract, Coverage, Job
from market.sessions import Session
from tests.unit.gateway.conftest import (
    Switch,
    assert_without_key,
    door,
    leaves_its_file,
)

SECONDS = "ohlcv-1s"
ALL = 2**62


@pytest.fixture
def june(assets: None) -> Contract:
    nq = Asset.objects.get(root="NQ")
    return Contract.objects.create(asset=nq, year=2026, month=6, raw_symbol="NQM6")


def one_session(contract: Contract) -> Session:
    session = contract.asset.sessions.session(date(2026, 3, 10))
    assert session is not None
    return session


def ensure(url: str, contract: Contract, *, patient: bool = False) -> None:
    job = jobs.start(Job.objects.create(kind="test", total=9).pk)
    assert job is not None
    gateway = door(url, patient=patient)
    ingest.ensure(gateway, contract, SECONDS, [one_session(contract)], ALL, jobs.Progress(job))


def stored_files(settings: Any) -> list[str]:
    return [path.name for path in Path(settings.DATA_ROOT).rglob("*") if path.is_file()]


def test_a_body_cut_short_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 2_000}})
    with pytest.raises(DamagedDownload, match=r"2000 of \d+ records arrived.*nothing was stored") as caught:
        ensure(url, june)
    assert_without_key(caught.value)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    piece = Coverage.objects.get()
    assert (piece.state, piece.rows > 10_000) == ("complete", True)
    assert stored_files(settings) == ["2026-03-10.parquet"]


def test_a_body_without_a_record_stores_nothing(url: str, switch: Switch, june: Contract, settings: Any) -> None:
    switch({"truncate": {"records": 0}})
    with pytest.raises(DamagedDownload, match=r"0 of \d+ records"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])


@pytest.mark.filterwarnings("ignore:DBN file is truncated")
def test_a_long_body_cut_inside_its_zstd_frame_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 9_000, "open_frame": True}})
    with pytest.raises(DamagedDownload, match=r"\d+ of \d+ records arrived"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    assert Coverage.objects.get().state == "complete"


@leaves_its_file
def test_a_short_body_cut_inside_its_zstd_frame_is_a_broken_download(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"truncate": {"records": 3, "open_frame": True}})
    with pytest.raises(GatewayError):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    gc.collect()


def test_a_refusal_stores_nothing_and_the_next_try_works(
    url: str, switch: Switch, june: Contract, settings: Any
) -> None:
    switch({"status": {"code": 402}})
    with pytest.raises(GatewayError, match="funds"):
        ensure(url, june)
    assert (Coverage.objects.count(), stored_files(settings)) == (0, [])
    ensure(url, june)
    assert Coverage.objects.get().state == "complete"


def test_a_passing_fault_is_not_noticed_by_who_waits(
    url: str, switch: Switch, pauses: list[float], june: Contract
) -> None:
    switch({"status": {"code": 503, "times": 2}})
    ensure(url, june, patient=True)
    assert (Coverage.objects.get().state, len(pauses)) == ("complete", 2)


def test_a_damaged_download_is_repeated_by_who_waits(
    url: str, switch: Switch, pauses: list[float], june: Contract
) -> None:
    switch({"truncate": {"records": 2_000}})
    ensure(url, june, patient=True)
    assert (Coverage.objects.get().state, len(pauses)) == ("complete", 1)
