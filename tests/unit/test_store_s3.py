"""The store in an object store: the same pieces, over S3's own protocol against a local server."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from moto.server import ThreadedMotoServer

from market import ingest, store, tapes
from market.models import Coverage
from ranks import access
from ranks.engine.buckets import Bucket
from ranks.models import SummaryMonth
from tests.filegateway import Records
from tests.ranking import summarise_all
from tests.unit.test_ingest import ALL, ENTRY, prepare, window

BUCKET = "futsim-store"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """host:port of an S3 server with an empty bucket."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    requests.put(f"http://{host}:{port}/{BUCKET}", timeout=10).raise_for_status()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3: str, settings: Any, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """DATA_ROOT in the bucket, a folder for each test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    place = f"{BUCKET}/{request.node.name[:40]}"
    settings.DATA_ROOT = f"s3://{place}?endpoint_override={s3}&scheme=http&region=us-east-1"
    yield
    store._filesystem.cache_clear()


def test_a_window_is_stored_in_the_bucket_and_read_back(bucket: None, small_market: Records) -> None:
    wanted = window()
    prepare(wanted)
    assert tapes.is_stored(wanted, ALL)
    stored = tapes.load(wanted)
    assert stored.trade_dates == [session.trade_date for session in wanted.sessions]
    row = Coverage.objects.filter(trade_date=ENTRY, rows__gt=0).select_related("contract__asset").first()
    assert row is not None
    assert len(ingest.read_bars(row)) == row.rows


def test_a_missing_object_is_noticed_and_fetched_again(bucket: None, small_market: Records) -> None:
    wanted = window()
    prepare(wanted)
    row = Coverage.objects.filter(trade_date=ENTRY, rows__gt=0).select_related("contract__asset").first()
    assert row is not None
    store.set_aside(ingest.piece_name(row.contract, row.schema, row.trade_date))
    with pytest.raises(store.DamagedPiece):
        ingest.read_bars(row)
    assert not tapes.is_stored(wanted, ALL)
    prepare(wanted)
    assert tapes.is_stored(wanted, ALL)


def test_an_object_that_another_wrote_over_is_set_aside(bucket: None, small_market: Records) -> None:
    prepare(window())
    row = Coverage.objects.filter(trade_date=ENTRY, rows__gt=0).select_related("contract__asset").first()
    assert row is not None
    name = ingest.piece_name(row.contract, row.schema, row.trade_date)
    filesystem, path = store._locate(name)
    with filesystem.open_output_stream(path) as stream:
        stream.write(b"something else")
    with pytest.raises(store.DamagedPiece, match="is not the file"):
        ingest.read_bars(row)
    assert not Coverage.objects.filter(pk=row.pk).exists()


def test_summaries_are_stored_in_the_bucket_and_ranked_from_there(bucket: None, small_market: Records) -> None:
    wanted = window()
    prepare(wanted)
    assert summarise_all() == Coverage.objects.count()
    sample = access.table(wanted.asset, "1h", wanted.sessions[-1].trade_date, 30)
    assert sample.size(Bucket(10 * 3_600, 3_600)) == len(wanted.sessions) - 1
    paths = {file.path for file in store.files("ranks")}
    assert len(paths) == 9 * SummaryMonth.objects.count()
    for path in paths:
        if "/1h." in path:
            store.remove(path)
    access.forget_cached()
    with pytest.raises(access.NoRanks, match="none is summarised yet"):
        access.table(wanted.asset, "1h", wanted.sessions[-1].trade_date, 30)
    summarise_all()
    access.forget_cached()
    assert access.table(wanted.asset, "1h", wanted.sessions[-1].trade_date, 30).sizes.max() == sample.sizes.max()
