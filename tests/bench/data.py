"""The market that everything is measured on: the stand-in's NQ around the roll of March 2026, in a throw-away store.

Everything came in by the product's own way: the real client over a real socket, `market.ingest`, the parquet store.
"""

from dataclasses import dataclass
from pathlib import Path

import databento
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from accounts.models import User
from market import ingest, plans, tapes
from market.engine.tape import Tape
from market.models import Asset, Job
from market.schemas import SECONDS
from market.services import load_assets
from market.sessions import SECOND_NS, parse_et
from market.tasks import prepare_window, window_from
from replay import services
from replay.models import ReplaySession

ROOT, ENTRY, TIMEFRAME, LOOKBACK_DAYS = "NQ", "2026-03-18 09:30", "5m", 30
APART_NS = 420 * SECOND_NS
"""Replays that run beside each other are entered so far apart."""


@dataclass(frozen=True)
class StoredFile:
    """A file of the tape, and what its prices are shifted by (1e-9 units)."""

    path: Path
    shift: int


class Market:
    """The stored window of sixteen sessions: ten before the entry's, five after it."""

    def __init__(self) -> None:
        """Creates the schema, the assets and two users in the configured database, and fetches the window."""
        call_command("migrate", interactive=False, verbosity=0)
        load_assets()
        self.owner, self.other = (User.objects.create_user(f"bench-{name}") for name in ("owner", "other"))
        self.asset = Asset.objects.get(root=ROOT)
        self.entry_ns = parse_et(ENTRY)
        self.window = self._fetch()

    def _fetch(self) -> plans.Window:
        """Opens a replay and does the worker's part; the window that was fetched."""
        job = self._open(self.owner, self.entry_ns).job
        assert job is not None, "the store is not a new one"
        prepare_window(job.pk)
        job.refresh_from_db()
        assert job.state == Job.State.DONE, job.message
        return window_from(job.params)

    def _open(self, user: User, entry_ns: int) -> ReplaySession:
        return services.open_replay(
            owner_id=user.pk, asset=self.asset, entry_ns=entry_ns, timeframe=TIMEFRAME, lookback_days=LOOKBACK_DAYS
        )

    def client(self) -> databento.Historical:
        """The real client, pointed at the stand-in."""
        client = databento.Historical(key=settings.DATABENTO_API_KEY)
        client.timeseries._base_url = f"{settings.DATABENTO_GATEWAY}/v0/timeseries"
        return client

    def tape(self) -> Tape:
        """The window's tape, over the pieces in the cache."""
        return tapes.load(self.window)

    def replay(self, user: User | None = None, number: int = 0) -> ReplaySession:
        """A new replay of the window. number: how many times APART_NS after the entry it begins."""
        replay = self._open(user or self.owner, self.entry_ns + number * APART_NS)
        assert replay.state == ReplaySession.State.READY, "the window is not stored"
        return replay

    def files(self) -> list[StoredFile]:
        """The tape's parquet files, oldest first."""
        contracts = {contract.raw_symbol: contract for contract in self.asset.contracts.all()}
        return [
            StoredFile(
                Path(settings.DATA_ROOT)
                / str(ingest.piece_name(contracts[part.piece.contract], SECONDS.name, part.piece.session.trade_date)),
                part.shift,
            )
            for part in self.tape().parts
        ]


def login_cookie(user: User) -> str:
    """The session cookie of a user who has just logged in."""
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
