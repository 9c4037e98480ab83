"""Ten thousand alerts on nineteen assets, evaluated once a second by the product's own process."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.bench.measure import Result

ALERTS, SECONDS = 10_000, 30
TODAY = date(2024, 9, 18)
"""Of which no other benchmark has data."""
HOURS = 6
"""So old is the session."""
TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE = 300.0


def run(_market: object) -> Iterator[Result]:
    assets, live = market(HOURS, 1.0)
    for is_all in (False, True):
        yield from _measured(live, assets, is_all)
    yield from _looking_back()


def market(hours: int, share: float) -> tuple[list[Any], Any]:
    """The nineteen assets, each with a past, and their market so long after the opening.

    share: of the seconds that have a bar.
    """
    from market.models import Asset
    from tests.alerting import Market, past

    assets = list(Asset.objects.filter(kind=Asset.Kind.FUTURE, from_files=False))
    made = Market()
    for asset in assets:
        past(asset.root, TODAY)
        line = made.begin(asset.root, day=TODAY, share=share)
    made.play(line.session.open_ns + hours * 3_600 * 10**9)
    return assets, made


def forget() -> None:
    """No alert, and nothing known of any."""
    from alerts.models import Alert, AlertFiring, AlertState, Progress

    for model in (AlertFiring, AlertState, Alert, Progress):
        model.objects.all().delete()


def _measured(market: Any, assets: list[Any], is_all: bool) -> Iterator[Result]:
    from alerts.models import AlertFiring, AlertState

    forget()
    pairs = ALERTS * len(assets) if is_all else ALERTS
    _make(assets, is_all)
    process = subprocess.Popen([sys.executable, "manage.py", "alerts"], stdout=subprocess.DEVNULL)
    try:
        start = time.perf_counter()
        while AlertState.objects.count() < pairs:
            assert time.perf_counter() < start + PATIENCE
            time.sleep(0.5)
        ready = time.perf_counter() - start
        _play(market, 10)
        fired = AlertFiring.objects.count()
        share = [_share(market, process.pid) for _ in range(3)]
        fired = AlertFiring.objects.count() - fired
        resident = _resident(process.pid)
    finally:
        process.kill()
        process.wait()
    what = f"{ALERTS:,} alerts on {'all of' if is_all else 'one of'} {len(assets)} assets, once a second"
    note = f"all armed {ready:.0f} s after the start of the process; {fired:,} firings in {3 * SECONDS} s"
    yield Result("alerts", what, "% of a core", share, None if is_all else 50.0, note=note)
    yield Result("alerts", "memory of that process", "MB", [resident], note="resident")


def _looking_back() -> Iterator[Result]:
    """What an alert would have fired in the last 60 sessions, each ranked against the year before it."""
    from alerts.looking_back import Question, look_back
    from market.models import Asset
    from ranks import access
    from tests.bench import year
    from tests.ranking import summarise_all

    asset = Asset.objects.get(root="GC")
    year.make(asset, 252 + 60)
    summarise_all()
    for timeframe in ("1m", "5m"):
        question = Question("GC", "vol_pending", "gte", 95.0, timeframe, 365, "edge")
        seconds = []
        for _ in range(3):
            access.forget_cached()
            begun = time.perf_counter()
            found = look_back(question, lambda done, total: None)
            seconds.append(time.perf_counter() - begun)
        note = (
            f"{found['stored']} of {found['sessions']} sessions stored, {found['count']} firings; nothing in the cache"
        )
        yield Result("alerts", f"looking back, one asset, {timeframe}, lookback 365", "s", seconds, note=note)


def _make(assets: list[Any], is_all: bool) -> None:
    """Metrics, timeframes and repeat modes in equal shares. Most thresholds are met now and then."""
    from alerts.models import Alert, Definitions, Metric, Repeat
    from market.timeframes import TIMEFRAMES
    from tests.alerting import LOOKBACK

    kinds = itertools.cycle(itertools.product(assets, TIMEFRAMES, Metric.values))
    repeats = itertools.cycle([each for each in Repeat.values if each != Repeat.ONCE])
    Alert.objects.bulk_create(
        Alert(
            asset=None if is_all else asset,
            metric=metric,
            timeframe=timeframe,
            repeat=next(repeats),
            operator="lte" if number % 10 == 0 else "gte",
            threshold=Decimal(80 + number % 21),
            lookback_days=LOOKBACK,
        )
        for number, (asset, timeframe, metric) in zip(range(ALERTS), kinds, strict=False)
    )
    Definitions.bump()


def _play(market: Any, seconds: int) -> None:
    """The market goes on at its own pace."""
    for _ in range(seconds):
        due = time.perf_counter() + 1
        market.play(market.now_ns + 10**9)
        time.sleep(max(0.0, due - time.perf_counter()))


def _share(market: Any, pid: int) -> float:
    """Percent of a core that a process takes."""
    before, begun = _processor(pid), time.perf_counter()
    _play(market, SECONDS)
    return 100 * (_processor(pid) - before) / (time.perf_counter() - begun)


def _processor(pid: int) -> float:
    """Seconds of processor time."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _resident(pid: int) -> float:
    """MB."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1e3
