"""The roll schedule of ten years of daily volumes of an asset with a contract each month."""

from collections.abc import Iterator
from datetime import date, timedelta

import numpy as np
from django.conf import settings

from market import rolls
from market.engine import splice
from market.facts import MONTH_CODES
from market.models import Asset, Contract, DailyBar, DailySpan
from market.sessions import Session
from tests.bench.data import Market
from tests.bench.measure import Result, Work, scaled, times

ROOT = "CL"
FIRST, END = date(2016, 1, 1), date(2026, 1, 1)
MONTHS_BEYOND = 12
LISTED_SESSIONS = 500
"""A contract has daily bars for its last two years."""
REPETITIONS = 9
TARGET_MS = 200.0


def run(market: Market) -> Iterator[Result]:
    asset = Asset.objects.get(root=ROOT)
    sessions = asset.sessions.between(FIRST, END)
    contracts = _contracts(asset)
    volumes = _volumes(sessions, contracts)
    dates = [session.trade_date for session in sessions]
    lasts = [contract.last_trade_date for contract in contracts]
    changes = splice.schedule(dates, lasts, volumes)
    size = f"{volumes.shape[0]:,} sessions × {volumes.shape[1]} contracts"
    yield Result(
        "schedule",
        f"roll schedule, {size}",
        "ms",
        scaled(times(Work(lambda: splice.schedule(dates, lasts, volumes)), 3 * REPETITIONS), 1e3),
        target=TARGET_MS,
        note=f"the pure function; {len(changes)} changes of front month",
    )
    rows = _store(asset, sessions, contracts, volumes)
    yield Result(
        "schedule",
        f"roll schedule from the database into the database, {size}",
        "ms",
        scaled(times(Work(lambda: rolls.rebuild(asset), before=lambda: _forget(asset)), REPETITIONS), 1e3),
        target=TARGET_MS,
        note=f"`market.rolls.rebuild`: reads {rows:,} daily bars, writes all rolls",
    )
    yield Result(
        "schedule",
        "roll schedule from the database, no new roll",
        "ms",
        scaled(times(Work(lambda: rolls.rebuild(asset), before=lambda: _ask_again(asset)), REPETITIONS), 1e3),
        note="what new daily bars cost that bring no new roll",
    )


def _forget(asset: Asset) -> None:
    asset.rolls.all().delete()
    _ask_again(asset)


def _ask_again(asset: Asset) -> None:
    """As when new daily bars have come."""
    asset.daily_spans.update(is_scheduled=False)


def _contracts(asset: Asset) -> list[Contract]:
    months = [(FIRST.year + number // 12, number % 12 + 1) for number in range(120 + MONTHS_BEYOND)]
    return [
        Contract(
            asset=asset,
            year=year,
            month=month,
            raw_symbol=f"{asset.root}{MONTH_CODES[month - 1]}{year % 10}",
            # like crude oil: trading ends about the 20th of the month before delivery
            last_trade_date=date(year, month, 1) - timedelta(days=11),
        )
        for year, month in months
    ]


def _volumes(sessions: list[Session], contracts: list[Contract]) -> splice.Volumes:
    """Volume that fades with the distance from expiry, with noise, and moves on a few days before it."""
    rng = np.random.default_rng(1)
    days = np.array([session.trade_date.toordinal() for session in sessions])[:, None]
    lasts = np.array([contract.last_trade_date.toordinal() for contract in contracts if contract.last_trade_date])
    left = (lasts[None, :] - days).astype(float)
    listed = (left >= 0) & (left < LISTED_SESSIONS * 7 / 5)
    left = np.clip(left, 0, LISTED_SESSIONS * 2)
    fading = 400_000 * np.exp(-left / 40) / (1 + np.exp(4 - left))
    volumes = (fading * rng.lognormal(0, 0.2, left.shape)).astype(np.int64)
    return np.where(listed, volumes, splice.NO_BAR)


def _store(asset: Asset, sessions: list[Session], contracts: list[Contract], volumes: splice.Volumes) -> int:
    """Puts the volumes into the database as daily bars; how many."""
    Contract.objects.bulk_create(contracts)
    bars = [
        DailyBar(
            contract=contracts[column],
            date=sessions[line].trade_date,
            open=1,
            high=1,
            low=1,
            close=1,
            volume=int(volumes[line, column]),
        )
        for line, column in np.argwhere(volumes != splice.NO_BAR)
    ]
    DailyBar.objects.bulk_create(bars, batch_size=5_000)
    DailySpan.objects.create(asset=asset, first_date=FIRST, end_date=END, source=settings.MARKET_SOURCE)
    return len(bars)
