"""The funnel to samples: what replay, live and pages ask for.

All of it reads files or the database and blocks: call it in a thread, keep what it gives while the session lasts, and
ask `ranks.engine.metrics.measure` for each frame.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from django.conf import settings
from django.db.models import Count, Max

from market import store
from market.engine.tape import SharedCache
from market.models import Asset
from market.timeframes import TIMEFRAMES
from ranks import files, series, summaries
from ranks.engine.sample import Sample, build
from ranks.engine.stack import Layer, layer
from ranks.models import LONGEST_LOOKBACK, SummaryMonth

log = logging.getLogger(__name__)

READERS = 4
"""Files read at a time: holding them against their checksum, decoding and stacking leave Python free."""
STAMP_SECONDS = 5.0
"""How long a process may not notice new summaries."""

SAMPLES_SHARE = 1 / 4
"""Of the memory, for samples; the rest is for what they are made of, which a new session's sample is made of again."""
PLANS = 64
"""Assets times sessions of which it is remembered which summaries count, and how much there is."""

_samples: SharedCache[Sample] = SharedCache(int(settings.RANK_CACHE_BYTES * SAMPLES_SHARE))
_layers: SharedCache[Layer] = SharedCache(int(settings.RANK_CACHE_BYTES * (1 - SAMPLES_SHARE)))
_stamps: dict[int, tuple[float, tuple[object, ...]]] = {}


class NoRanks(LookupError):
    """There is nothing to rank against; the message is fit for the user. n: always 0."""

    n = 0


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a lookback there is: sessions of the calendar, and those that count in the sample."""

    wanted: int
    summarised: int

    @property
    def words(self) -> str:
        """For a tooltip."""
        return f"{self.summarised} of {self.wanted} sessions"


def table(asset: Asset, timeframe: str, trade_date: date, lookback_days: int) -> Sample:
    """The samples of a session's bars: those of the trade dates [trade_date − lookback_days, trade_date).

    From the process's cache where it has been asked for before. Raises NoRanks when there is no such timeframe, a
    lookback that cannot be, or no summary within it.
    """
    check(timeframe, lookback_days)
    key = asset.pk, timeframe, trade_date, lookback_days, stamp(asset)
    return _samples.get(key, lambda: _load(asset, timeframe, trade_date, lookback_days))


def forget_cached() -> None:
    """Empty the process's cache."""
    _samples.clear()
    _layers.clear()
    _stamps.clear()
    for each in (_months, _reach, _nothing):
        each.cache_clear()


def check(timeframe: str, lookback_days: int) -> None:
    """Raises NoRanks for what no sample can have."""
    if timeframe not in TIMEFRAMES:
        raise NoRanks(f"There is no timeframe {timeframe[:12]!r}. Choose one of {', '.join(TIMEFRAMES)}.")
    if not 1 <= lookback_days <= LONGEST_LOOKBACK:
        raise NoRanks(f"A lookback has 1 to {LONGEST_LOOKBACK:,} days, not {lookback_days:,}.")


def reach(asset: Asset, trade_date: date, lookback_days: int) -> Reach:
    """How much of the lookback there is. Raises NoRanks for one that cannot be."""
    return _reach(asset, trade_date, lookback_days, (_moment(), stamp(asset)))


def state(asset: Asset, trade_date: date, lookback_days: int) -> series.State:
    """How the sessions of a lookback stand. Raises NoRanks for one that cannot be."""
    check("1D", lookback_days)
    return series.state(asset, series.lookback(asset, trade_date, lookback_days))


def look_again(asset: Asset) -> None:
    """Notice at once what summaries an asset has now, after a job that made some."""
    _stamps.pop(asset.pk, None)


def stamp(asset: Asset) -> tuple[object, ...]:
    """Changes when the asset's summaries or rolls do, and its samples may; looked up every few seconds."""
    now = time.monotonic()
    known = _stamps.get(asset.pk)
    if known is None or now - known[0] > STAMP_SECONDS:
        months = SummaryMonth.objects.filter(contract__asset=asset).aggregate(Count("pk"), Max("pk"))
        rolls = asset.rolls.aggregate(Count("pk"), Max("pk"))
        known = _stamps[asset.pk] = now, (*months.values(), *rolls.values())
    return known[1]


def _load(asset: Asset, timeframe: str, trade_date: date, lookback_days: int) -> Sample:
    months = _months(asset, trade_date, lookback_days, stamp(asset))
    with ThreadPoolExecutor(READERS) as pool:
        layers = list(pool.map(lambda month: _layer(month, months[month], timeframe), months))
    damaged = [month for month, each in zip(months, layers, strict=True) if each is None]
    if damaged:
        # gone from the rows, or replaced by a worker meanwhile: either way the next look finds other rows
        for month in damaged:
            summaries.forget(month)
        _months.cache_clear()
        return _load(asset, timeframe, trade_date, lookback_days)
    sample = build([each for each in layers if each is not None], timeframe)
    if sample is None:
        raise NoRanks(_nothing(asset, trade_date, lookback_days, (_moment(), stamp(asset))))
    return sample


@lru_cache(PLANS)
def _months(
    asset: Asset, trade_date: date, lookback_days: int, _stamp: tuple[object, ...]
) -> Mapping[SummaryMonth, Sequence[date]]:
    """The months that hold what counts in the sample, each with its trade dates: the same for all nine timeframes."""
    found = state(asset, trade_date, lookback_days)
    days: dict[tuple[int, date], list[date]] = {}
    for day in found.summarised:
        days.setdefault((found.fronts[day].pk, day.replace(day=1)), []).append(day)
    rows = SummaryMonth.objects.filter(contract__in={contract for contract, _ in days}).select_related(
        "contract__asset"
    )
    return {row: days[row.contract_id, row.month] for row in rows if (row.contract_id, row.month) in days}


def _layer(month: SummaryMonth, days: Sequence[date], timeframe: str) -> Layer | None:
    """The bars of these days; None where the file is damaged."""

    def read() -> Layer:
        return layer(files.read_rows(month, timeframe, days), timeframe)

    try:
        return _layers.get((month.files[timeframe], *days), read)
    except store.DamagedPiece as problem:
        log.warning("%s of %s is left out: %s", timeframe, month, problem)
        return None


def _moment() -> int:
    """The same for a few seconds: many replays of an asset want to know the same of it."""
    return int(time.monotonic() // max(STAMP_SECONDS, 0.001))


@lru_cache(PLANS)
def _reach(asset: Asset, trade_date: date, lookback_days: int, _stamp: tuple[object, ...]) -> Reach:
    found = state(asset, trade_date, lookback_days)
    return Reach(len(found.wanted), len(found.summarised))


@lru_cache(PLANS)
def _nothing(asset: Asset, trade_date: date, lookback_days: int, _stamp: tuple[object, ...]) -> str:
    """Why there is no sample, and what to do."""
    found = state(asset, trade_date, lookback_days)
    head = f"{asset.root} has no ranks on {trade_date} (n = 0): "
    if not found.wanted:
        return f"{head}it has no session in the {lookback_days:,} days before."
    if not found.stored:
        return f"{head}none of the {len(found.wanted)} sessions of the {lookback_days:,} days before is stored."
    return (
        f"{head}of the {len(found.wanted)} sessions of the {lookback_days:,} days before {len(found.stored)} are "
        "stored and none is summarised yet. Try again in a minute."
    )
