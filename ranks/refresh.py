"""Making an asset's ranks ready: fetching what its lookback wants, and summarising it."""

import math
import time
from collections.abc import Callable
from datetime import date, timedelta

from market import tapes
from market.databento_historical import HistoricalGateway
from market.jobs import Progress
from market.models import Asset, Job
from market.plans import Window
from market.sessions import Session, to_et
from ranks import series, summaries

SUMMARISE_SECONDS = 10.0
"""Making a month's files anew for a few sessions more takes about as long as one second of fetching."""
SEED_DAYS = timedelta(days=14)
"""The roll schedule begins so much before the first session wanted, so that its front month is decided, not guessed."""


class _WithSummaries(Progress):
    """Counts the sessions that are summarised after the fetching, from the start.

    summarise: called now and then while sessions come in, so that ranks grow before all of them are here.
    """

    def __init__(self, job: Job, more: int, summarise: Callable[[], None]) -> None:
        super().__init__(job)
        self._more = more
        self._summarise = summarise
        self._summarised_at = -math.inf

    def expect(self, units: int) -> None:
        super().expect(units + self._more)

    def say(self, message: str, units: int = 0, *, here: bool = False) -> None:
        super().say(message, units, here=here)
        if units and not here and self._more and time.monotonic() - self._summarised_at > SUMMARISE_SECONDS:
            self._summarise()
            self._summarised_at = time.monotonic()

    def only_summaries(self, units: int) -> None:
        """The fetching is over; so many sessions are left."""
        self._more = 0
        self.expect(units)


def asset_of(job: Job) -> Asset:
    """What the job is about."""
    return Asset.objects.get(root=job.params["root"])


def closed_sessions(asset: Asset, lookback_days: int, available_ns: int, until: date | None = None) -> list[Session]:
    """The sessions of a lookback that are over, as far as data are available. until: its end, None for now."""
    end = to_et(available_ns).date() if until is None else until - timedelta(days=1)
    found = asset.sessions.between(end - timedelta(days=lookback_days), end)
    return [session for session in found if session.close_ns <= available_ns]


def is_needed(asset: Asset, lookback_days: int, available_ns: int) -> bool:
    """Whether a refresh would do anything. What no roll schedule decides yet has to be asked for."""
    found = series.state(asset, closed_sessions(asset, lookback_days, available_ns))
    return len(found.summarised) < len(found.wanted)


def run(job: Job, gateway: HistoricalGateway, available_ns: int) -> str:
    """Do a refresh; what to tell of it.

    Raises JobCancelled, NoMarket, GatewayError, and what the gateway's purse raises; what is stored is summarised by
    `ranks.tasks.summarise_new` all the same.
    """
    asset = asset_of(job)
    until = date.fromisoformat(job.params["until"]) if "until" in job.params else None
    sessions = closed_sessions(asset, job.params["lookback_days"], available_ns, until)
    if not sessions:
        return f"{asset.root} has no session in this lookback."
    progress = _WithSummaries(job, len(sessions), lambda: _summarise(asset, sessions, progress))
    if not asset.from_files:
        first = sessions[0].trade_date
        window = Window(asset, sessions, sessions[-1].trade_date, first - SEED_DAYS)
        tapes.prepare(window, gateway, available_ns, progress)
    _summarise(asset, sessions, progress, units=1)
    found = series.state(asset, sessions)
    return f"{asset.root}: {len(found.summarised)} of {len(sessions)} sessions are summarised."


def _summarise(asset: Asset, sessions: list[Session], progress: _WithSummaries, units: int = 0) -> None:
    """Summarise what is stored of these sessions. units: what each counts; 0 while others are still being fetched."""
    found = series.state(asset, sessions)
    due = sorted({*found.stale, *found.missing})
    if units:
        progress.only_summaries(len(due))
    for month in dict.fromkeys(summaries.month_of(found.fronts[day], day) for day in due):
        summaries.build(month, lambda day: progress.say(f"{asset.root}: summarised {day}", units))
