"""A market whose bars live holds, written as fast as a test likes, and assets with a past to be ranked against."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from alerts import services
from alerts.engine.edges import NEVER, NO_BAR, fold
from alerts.engine.group import Definition, Standing, group
from alerts.engine.trace import trace
from alerts.models import Alert, AlertFiring, Progress
from live import history
from live.alerting import Evaluator
from live.history import Position, SessionKey
from market.engine.bars import Bars
from market.models import Asset
from market.sessions import SECOND_NS, Session
from ranks import access
from tests import ranking
from tests.live import wait_for
from tests.product import CLONE
from tests.telling import forget

TODAY = date(2026, 3, 18)
PAST_DAYS = 33
"""Of them 22 trade dates."""
LOOKBACK = 60


def past(root: str, today: date = TODAY) -> Asset:
    """An asset whose last sessions are stored and summarised."""
    asset = Asset.objects.get(root=root)
    contract = ranking.contract(asset, 2026, 6, f"{root}M6")
    first = today - timedelta(days=PAST_DAYS)
    ranking.front(asset, first, today, {first: contract})
    for session in asset.sessions.between(first, today - timedelta(days=1)):
        ranking.store_session(contract, session, seed=1)
    ranking.summarise_all()
    return asset


@dataclass
class Line:
    """A session of an asset, and how many of its bars are told."""

    key: SessionKey
    session: Session
    bars: Bars
    told: int = 0


class Market:
    """Several assets' sessions; nothing is held of any before this."""

    def __init__(self) -> None:
        forget()
        self.epoch = 1
        self.now_ns = 0
        self.lines: list[Line] = []

    def begin(
        self, root: str, bars: Bars | None = None, day: date = TODAY, since_ns: int | None = None, share: float = 0.02
    ) -> Line:
        """A session with these bars, or random ones."""
        session = Asset.objects.get(root=root).sessions.session(day)
        assert session is not None
        key = SessionKey(root, day.isoformat(), 1, f"{root}M6", session.open_ns, since_ns or session.open_ns)
        line = Line(key, session, ranking.seconds_of(session, seed=7, share=share) if bars is None else bars)
        history.client().hset(history.name("sessions", root), key.trade_date, json.dumps(asdict(key)))
        self.lines.append(line)
        return line

    def play(self, until_ns: int) -> None:
        """All bars that are over by then are held."""
        pipe = history.client().pipeline(transaction=True)
        for line in self.lines:
            upto = int(line.bars.ts.searchsorted(until_ns - SECOND_NS, side="right"))
            some = line.bars[line.told : upto]
            if upto > line.told:
                rows = list(zip(*(getattr(some, name).tolist() for name in Bars.COLUMNS), strict=True))
                body = history.encode(rows, line.key.open_ns)
                pipe.setrange(line.key.bars, line.told * history.RECORD.itemsize, body)
            line.told = max(upto, line.told)
        pipe.set(history.name("position"), json.dumps(asdict(Position(until_ns, self.epoch))))
        pipe.execute()
        self.now_ns = until_ns


class Process:
    """`manage.py alerts`, which can be killed and started again."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen([sys.executable, "manage.py", "alerts"], cwd=CLONE)

    def end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        return self._process.wait(20)


def make(owner: Any = None, asset: Asset | None = None, **terms: Any) -> Alert:
    """An alert, as a form would have it made."""
    usual = {"metric": "vol_pending", "operator": "gte", "threshold": Decimal(60), "timeframe": "5m"}
    more = {"lookback_days": LOOKBACK} | usual | terms
    return services.create(owner_id=None if owner is None else owner.pk, terms=services.Terms(asset=asset, **more))


def settle(evaluator: Evaluator, until_ns: int) -> None:
    """Step until all is armed and evaluated."""

    def is_settled() -> bool:
        evaluator.step()
        return not evaluator.is_arming and evaluator.until_ns >= until_ns

    wait_for(is_settled, seconds=60)


def firings(**of: Any) -> list[tuple[int, str, int]]:
    """What fired: alert, root, market_ns; in the order of time."""
    rows = AlertFiring.objects.filter(**of).values_list("market_ns", "asset__root", "alert_id")
    return sorted((ns, root, alert) for ns, root, alert in rows)


def undisturbed(alerts: Iterable[Alert], lines: Iterable[Line], from_ns: int, to_ns: int) -> list[tuple[int, str, int]]:
    """What fires according to one fold over each line as a whole."""
    found = []
    for line in lines:
        asset = Asset.objects.get(root=line.key.root)
        found += folded(alerts, asset, line.session, line.bars, from_ns, to_ns, line.key.since_ns)
    return sorted(found)


def folded(
    alerts: Iterable[Alert], asset: Asset, session: Session, bars: Bars, from_ns: int, to_ns: int, since_ns: int = 0
) -> list[tuple[int, str, int]]:
    """What these alerts fire on a session's bars, each in one fold; ordered by time."""
    found = []
    for alert in alerts:
        if alert.asset_id in (None, asset.pk):
            sample = access.table(asset, alert.timeframe, session.trade_date, alert.lookback_days)
            whole = trace(sample, session, alert.timeframe, bars, asset.tick_size, from_ns, to_ns, since_ns)
            watch = group([(definition(alert), Standing(from_ns))]).watch
            assert watch.fired_bar[0] == NO_BAR
            found += [(int(ns), asset.root, alert.pk) for ns in whole.ns[fold(watch, whole).instant]]
    return sorted(found)


def definition(alert: Alert) -> Definition:
    return Definition(
        alert.pk, alert.revision, alert.asset_id, alert.metric, alert.operator == "gte", float(alert.threshold),
        alert.timeframe, alert.lookback_days, alert.repeat, NEVER,
    )  # fmt: skip


def progress(root: str) -> int:
    """How far it is evaluated; 0 before it begins."""
    return Progress.objects.filter(asset__root=root).values_list("until_ns", flat=True).first() or 0


def quiet(session: Session, volumes: dict[int, int]) -> Bars:
    """Seconds since the opening with so much volume each, all at one price."""
    ts = session.open_ns + np.array(sorted(volumes)) * SECOND_NS
    price = np.full(len(ts), 80_000 * 250_000_000)
    return Bars(ts, price, price, price, price, np.array([volumes[each] for each in sorted(volumes)]))
