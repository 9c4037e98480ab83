"""Ranks: summaries of a session and of a year, tables from them, the four metrics; beside pandas on the same bars."""

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta

import numpy as np
import pandas as pd

from market import ingest
from market.models import Asset, Coverage
from market.sessions import ET, SECOND_NS, Session
from market.timeframes import TIMEFRAMES
from ranks import access, summaries
from ranks.engine.buckets import Bucket
from ranks.engine.metrics import measure
from ranks.engine.sample import Sample
from ranks.engine.stack import knots_used
from ranks.engine.summary import summarise
from ranks.models import Summary, SummaryMonth
from tests.bench import year
from tests.bench.data import Market
from tests.bench.measure import Peer, Result, Work, in_turn, scaled, times

ROOT, SESSIONS, LOOKBACK = "GC", 252, 365
TOMORROW = year.LAST + timedelta(days=1)
ASSETS = 19
TABLES = ("1m", "5m", "1h", "1D")
PANDAS = "pandas groupby of the year's seconds"


def run(_market: Market) -> Iterator[Result]:
    asset = Asset.objects.get(root=ROOT)
    bars = year.make(asset, SESSIONS)
    stored = _stored(asset)
    yield _one_session(asset, stored)
    yield _a_year(stored, bars)
    everything = _frame(stored)
    for timeframe in TABLES:
        yield from _tables(asset, timeframe, everything)
    yield _metrics(asset)


def _stored(asset: Asset) -> list[tuple[Session, Coverage]]:
    rows = Coverage.objects.filter(contract__asset=asset).select_related("contract__asset").order_by("trade_date")
    pairs = [(asset.sessions.session(row.trade_date), row) for row in rows]
    return [(session, row) for session, row in pairs if session is not None]


# --- summaries --------------------------------------------------------------------------------------------


def _one_session(asset: Asset, stored: list[tuple[Session, Coverage]]) -> Result:
    session, row = max((pair for pair in stored if len(pair[0].segments) == 1), key=lambda pair: pair[1].rows)
    seconds = ingest.read_bars(row)
    frame = _frame([(session, row)])
    curves = summarise(session, seconds, asset.tick_size)
    for timeframe in TIMEFRAMES:
        finals = curves[timeframe].volume[:, -1]
        np.testing.assert_array_equal(finals[finals > 0], _with_pandas(frame, timeframe)["volume"].to_numpy())
    ours, theirs = in_turn(
        [
            Work(lambda: summarise(session, seconds, asset.tick_size)),
            Work(lambda: [_with_pandas(frame, timeframe) for timeframe in TIMEFRAMES]),
        ],
        9,
    )
    return Result(
        "ranks",
        f"summary of one session, {len(seconds):,} bars, 9 timeframes, with curves",
        "ms",
        scaled(ours, 1e3),
        target=30,
        peer=Peer("pandas groupby for each timeframe, final values only", scaled(theirs, 1e3)),
    )


def _a_year(stored: list[tuple[Session, Coverage]], bars: int) -> Result:
    months = list(dict.fromkeys(summaries.month_of(row.contract, row.trade_date) for _, row in stored))

    def forget() -> None:
        Summary.objects.all().delete()
        SummaryMonth.objects.all().delete()
        year.forget_pages("ohlcv-1s")

    def build() -> None:
        assert sum(summaries.build(month) for month in months) == SESSIONS

    def with_pandas() -> None:
        frame = _frame(stored)
        for timeframe in TIMEFRAMES:
            _with_pandas(frame, timeframe)

    with _one_core():
        taken = times(Work(build, forget), 3, warm_ups=0)
        theirs = times(Work(with_pandas, lambda: year.forget_pages("ohlcv-1s")), 1, warm_ups=0)
    return Result(
        "ranks",
        f"summaries of {SESSIONS} sessions of {ROOT}, {bars:,} bars, from cold parquet, one core",
        "s",
        taken,
        target=15,
        peer=Peer("pandas read_parquet + groupby, final values only", theirs),
        note=f"into {len(months)} months of nine files, {year.bytes_of('ranks') / 1e6:,.1f} MB, each file synced to "
        f"disk, from {year.bytes_of('ohlcv-1s') / 1e6:,.1f} MB of seconds that the page cache had dropped",
    )


@contextmanager
def _one_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


# --- tables and metrics -----------------------------------------------------------------------------------


def _tables(asset: Asset, timeframe: str, everything: pd.DataFrame) -> Iterator[Result]:
    def table() -> Sample:
        return access.table(asset, timeframe, TOMORROW, LOOKBACK)

    def forget() -> None:
        access.forget_cached()
        year.forget_pages("ranks")

    bars = int(table().sizes.sum())
    _compare(table(), _with_pandas(everything, timeframe), timeframe)
    peer = times(Work(lambda: _pandas_table(everything, timeframe)), 3)
    processor = _processor_ms(table, forget)
    name = f"rank table {timeframe}, lookback {LOOKBACK}, {bars:,} bars × {len(knots_used(timeframe))} knots"
    yield Result(
        "ranks", f"{name}, cold", "ms", scaled(times(Work(table, forget), 9), 1e3), target=100,
        peer=Peer(PANDAS, scaled(peer, 1e3)),
        note=f"files out of the page cache, nothing in the process's; processor time {processor:.0f} ms; pandas has "
        "the seconds in memory and fits nothing",
    )  # fmt: skip
    table()
    yield Result("ranks", f"{name}, from memory", "ms", scaled(times(Work(table), 99), 1e3), target=1)


def _processor_ms(work: Callable[[], object], before: Callable[[], None]) -> float:
    """Processor time of all threads, which other load on the machine stretches less than the time of a clock."""
    samples = []
    for _ in range(5):
        before()
        start = time.process_time()
        work()
        samples.append((time.process_time() - start) * 1e3)
    return statistics.median(samples)


def _metrics(asset: Asset) -> Result:
    samples = {timeframe: access.table(asset, timeframe, TOMORROW, LOOKBACK) for timeframe in TIMEFRAMES}
    bars = [_some_bar(sample, number) for number in range(ASSETS) for sample in samples.values()]
    series = [
        tuple(pd.Series(values[sample.rows[bucket], : sample.size(bucket)]) for values in (sample.volume, sample.range))
        for sample, bucket, *_ in bars
    ]

    def with_pandas() -> None:
        for (_, _, elapsed, *values), finals in zip(bars, series, strict=True):
            for value, final in zip(values, finals, strict=True):
                for expected in (value, value / elapsed):
                    100 * (final.lt(expected).sum() + 0.5 * final.eq(expected).sum()) / len(final)

    ours, theirs = in_turn([Work(lambda: [measure(*bar) for bar in bars]), Work(with_pandas)], 15)
    return Result(
        "ranks",
        f"four metrics of {ASSETS} assets × {len(samples)} timeframes",
        "ms",
        scaled(ours, 1e3),
        target=5,
        peer=Peer("pandas, value ÷ elapsed for Pending", scaled(theirs, 1e3)),
        note="tables of one asset, asked for 19 times at other bars",
    )


def _some_bar(sample: Sample, number: int) -> tuple[Sample, Bucket, float, int, int]:
    """A bar in the middle of its growth."""
    buckets = [bucket for bucket, row in sample.rows.items() if sample.sizes[row] > SESSIONS // 2]
    bucket = buckets[number * 37 % len(buckets)]
    row = sample.rows[bucket]
    middle = int(sample.sizes[row]) // 2
    return sample, bucket, 0.3 + number / 40, int(sample.volume[row, middle]) // 2, int(sample.range[row, middle]) // 2


# --- the peer ---------------------------------------------------------------------------------------------


def _frame(stored: list[tuple[Session, Coverage]]) -> pd.DataFrame:
    """All seconds in one frame, with the session's opening beside each."""
    parts = []
    for session, row in stored:
        name = ingest.piece_name(row.contract, row.schema, row.trade_date)
        part = pd.read_parquet(year.path_of(str(name)), columns=["ts_event", "high", "low", "volume"])
        part["trade_date"] = pd.Timestamp(session.trade_date)
        part["opening"] = np.array([start for start, _ in session.segments])[
            np.searchsorted([start for start, _ in session.segments], part["ts_event"], side="right") - 1
        ]
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    wall = pd.to_datetime(frame["ts_event"], utc=True).dt.tz_convert(ET).dt.tz_localize(None)
    frame["second_of_day"] = (wall - wall.dt.normalize()).dt.total_seconds().astype("int64")
    return frame


def _with_pandas(frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    """Volume, high and low of every bar: what somebody would write with pandas alone."""
    keys: list[str | pd.Series] = ["trade_date"]
    if timeframe != "1D":
        into = frame["second_of_day"] % TIMEFRAMES[timeframe] * SECOND_NS
        keys.append(np.maximum(frame["ts_event"] - into, frame["opening"]).rename("start"))
    return frame.groupby(keys, sort=True).agg({"volume": "sum", "high": "max", "low": "min"})


def _pandas_table(frame: pd.DataFrame, timeframe: str) -> pd.DataFrame:
    bars = _with_pandas(frame, timeframe).reset_index()
    bars["range"] = bars["high"] - bars["low"]
    start = bars["start"] if "start" in bars else bars["trade_date"].astype("int64") * 0
    bars["time"] = pd.to_datetime(start, utc=True).dt.tz_convert(ET).dt.time
    return bars.sort_values(["time", "volume"])


def _compare(sample: Sample, theirs: pd.DataFrame, timeframe: str) -> None:
    """Only a peer that comes to the same volumes is worth a race."""
    since = pd.Timestamp(date(TOMORROW.year - 1, TOMORROW.month, TOMORROW.day))
    theirs = theirs[theirs.index.get_level_values("trade_date") >= since]
    ours = sample.volume[np.arange(sample.volume.shape[1]) < sample.sizes[:, None]]
    assert int(ours.sum()) == int(theirs["volume"].sum()), timeframe
    assert int((ours > 0).sum()) == len(theirs), timeframe
