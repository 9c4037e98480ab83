"""Alerts on the live market: a process of its own beside the feed, so that evaluating never holds the feed up.

It begins where the record says, folds the bars that live holds since then, and writes what fired together with how far
it has come: killed at any point, it goes on as if nothing had been. docs/alerts.md tells what fires when.
"""

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.db import Error as DatabaseError
from django.db import connection
from redis.exceptions import RedisError

from alerts import pulse, recording, topics, watching
from alerts.engine import flood
from alerts.engine.flood import Flood
from alerts.engine.group import Definition, Key, Standing
from alerts.models import AlertFiring, Definitions, Progress
from alerts.recording import Found, Hit
from live import fronts, history, status
from live.alert_asset import Watched
from live.alert_bars import HeldBars
from live.alert_samples import Samples, Wanted
from live.alert_telling import AlertTeller
from live.history import Position
from market.locks import try_advisory_lock
from market.sessions import SECOND_NS

log = logging.getLogger(__name__)

LOCK = ("alerts",)
"""The advisory lock of the one evaluator that works."""
TICK = 0.05
"""How often it is asked how far the feed has come."""
LOOK_SECONDS = 0.5
"""How often it is asked whether alerts have changed."""
VALUES_SECONDS = 1.0
ASSETS_SECONDS = 60.0
"""How often it is asked which assets live follows."""
SAVE_SECONDS = 5.0
"""How often it is written how far the evaluation has come where nothing changed."""
AGAIN_SECONDS = 1.0
"""After a failure, and how often a spare asks for the lock."""

FLOODED = f"It fired {flood.MOST} times within {flood.WITHIN_NS // SECOND_NS // 60} minutes. Resume it to arm it again."
FIRED_ONCE = "It fires once only, and has fired. Resume it to arm it again."


def run(stopping: Callable[[], bool]) -> None:
    """Evaluate until asked to stop, for as long as the lock is ours. A second one waits as a hot spare."""
    while not stopping():
        try:
            with try_advisory_lock(*LOCK) as mine:
                if mine:
                    _lead(stopping)
        except DatabaseError as problem:
            log.warning("the database went away: %s", problem)
            connection.close()
        _pause(AGAIN_SECONDS, stopping)


def _lead(stopping: Callable[[], bool]) -> None:
    """Raises DatabaseError when the lock is no longer ours; what is in memory is thrown away then."""
    log.info("this is the process that evaluates alerts")
    evaluator = Evaluator()
    try:
        while not stopping():
            try:
                evaluator.step()
            except (RedisError, OSError) as problem:
                log.warning("alerts wait for Valkey: %s", problem)
                _pause(AGAIN_SECONDS, stopping)
            time.sleep(TICK)
        evaluator.save()
    finally:
        evaluator.stop()


def _pause(seconds: float, stopping: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping():
        time.sleep(TICK)


class Evaluator:
    """The alerts of all assets that live follows. look_seconds: how often it is asked whether alerts have changed."""

    def __init__(self, look_seconds: float = LOOK_SECONDS) -> None:
        self._look_seconds = look_seconds
        self._samples, self._bars, self._teller = Samples(), HeldBars(), AlertTeller()
        self._watched: dict[str, Watched] = {}
        self._known: dict[int, Definition] = {}
        self._version: tuple[int, int] | None = None
        self._waiting: dict[tuple[str, Key], dict[int, Definition]] = {}
        """Alerts, by root and what they are ranked with, that are armed once their sample is here."""
        self._flood = Flood()
        self._stopped: set[tuple[int, int]] = set()
        self._epoch: int | None = None
        self._shift_ns = 0
        self._is_unsaved = False
        """Whether the evaluation has come further than the record says."""
        self._looked = self._saved = self._told = self._counted = 0.0

    def stop(self) -> None:
        """Let go of the thread that loads samples, and of the event loop."""
        self._samples.stop()
        self._teller.stop()

    def step(self) -> None:
        """Evaluate what is new. Raises RedisError, DatabaseError."""
        position = history.position()
        if position is None:
            return
        to_ns = position.until_ns // SECOND_NS * SECOND_NS
        if position.epoch != self._epoch:
            self._begin(position)
        if time.monotonic() >= self._looked + self._look_seconds:
            self._looked = time.monotonic()
            self._notice_assets()
            if self._epoch is None:
                return
            self._look(to_ns)
        if any(each.until_ns < to_ns for each in self._watched.values()):
            self._evaluate(to_ns)
        elif self._is_unsaved and time.monotonic() >= self._saved + SAVE_SECONDS:
            self.save()
        self._tell_values(to_ns)

    @property
    def until_ns(self) -> int:
        """How far all assets are evaluated, UTC ns; 0 before the first bar."""
        return min((each.until_ns for each in self._watched.values()), default=0)

    @property
    def is_arming(self) -> bool:
        """Whether alerts wait for their samples."""
        return bool(self._waiting)

    @property
    def _assets(self) -> dict[str, Any]:
        return {root: each.asset for root, each in self._watched.items()}

    # --- where it begins --------------------------------------------------------------------------------------

    def _begin(self, position: Position) -> None:
        """From the record, or where market time has gone back from here on."""
        assets, until_ns = fronts.followed(), position.until_ns // SECOND_NS * SECOND_NS
        rows = {row.asset_id: row for row in Progress.objects.all()}
        if any(row.epoch != position.epoch for row in rows.values()):
            recording.begin_epoch({asset.pk: until_ns for asset in assets}, position.epoch)
            rows = {}
        self._watched = {
            asset.root: Watched(asset, rows[asset.pk].until_ns if asset.pk in rows else until_ns, self._samples)
            for asset in assets
        }
        self._bars = HeldBars()
        self._known, self._version, self._looked = {}, None, 0.0
        self._waiting.clear()
        self._stopped.clear()
        self._flood = Flood()
        self._bars.read(self._assets)
        recording.save_progress({each.asset.pk: each.until_ns for each in self._watched.values()}, position.epoch)
        self._remember_firings(position)
        self._epoch = position.epoch

    def _remember_firings(self, position: Position) -> None:
        oldest = min((each.until_ns for each in self._watched.values()), default=position.until_ns) - flood.WITHIN_NS
        rows = AlertFiring.objects.filter(replay_key=None, feed_epoch=position.epoch, market_ns__gt=oldest)
        lately = rows.exclude(alert=None).order_by("market_ns").values_list("alert_id", "revision", "market_ns")
        for alert_id, revision, market_ns in lately:
            self._flood.note((alert_id, revision), market_ns)

    # --- which alerts -----------------------------------------------------------------------------------------

    def _look(self, to_ns: int) -> None:
        """Notice alerts that have changed, and arm those whose samples have come."""
        self._shift_ns = int(status.read().get("shift_ns") or self._shift_ns)
        version = Definitions.current(), self._shift_ns
        if version != self._version:
            self._read_definitions()
            self._version = version
        self._arm(to_ns)
        self._samples.keep(self._wanted())

    def _notice_assets(self) -> None:
        """Begin anew, from the record, where other assets are followed by now."""
        if time.monotonic() >= self._counted + ASSETS_SECONDS:
            self._counted = time.monotonic()
            if {asset.root for asset in fronts.followed()} != set(self._watched):
                self._epoch = None

    def _wanted(self) -> Iterator[Wanted]:
        for root, watched in self._watched.items():
            waiting = (key for at, key in self._waiting if at == root)
            yield from watched.wanted(self._bars.sessions[root], {*watched.groups, *waiting})

    def _read_definitions(self) -> None:
        current = watching.definitions(self._shift_ns)
        gone = {key for key, each in self._known.items() if current.get(key) != each}
        new = [each for key, each in current.items() if self._known.get(key) != each]
        for watched in self._watched.values():
            watched.drop(gone)
        for some in self._waiting.values():
            for alert_id in gone & some.keys():
                del some[alert_id]
        self._known = current
        standings = watching.standings(each.id for each in new)
        for watched in self._watched.values():
            mine = [each for each in new if each.asset_id in (None, watched.asset.pk)]
            armed = [(each, standings.get((each.id, watched.asset.pk))) for each in mine]
            watched.add([(each, standing) for each, standing in armed if standing is not None])
            for each, standing in armed:
                if standing is None:
                    self._waiting.setdefault((watched.asset.root, each.key), {})[each.id] = each

    def _arm(self, to_ns: int) -> None:
        """From here on alerts are evaluated whose samples have come; the record knows it before."""
        for root, key in list(self._waiting):
            watched, sessions = self._watched[root], self._bars.sessions[root]
            if not watched.is_ready(sessions, to_ns, [key]):
                continue
            some = list(self._waiting.pop((root, key)).values())
            counts, since_ns = watching.counts([each.id for each in some]), max(to_ns, watched.until_ns)
            of = (counts.get((each.id, watched.asset.pk), 0) for each in some)
            members = [(each, Standing(since_ns, count=count)) for each, count in zip(some, of, strict=True)]
            self._write(Found(states=[watched.armed(*member) for member in members]))
            watched.add(members)
            watched.show(sessions)

    # --- what fires -------------------------------------------------------------------------------------------

    def _evaluate(self, to_ns: int) -> None:
        self._bars.read(self._assets)
        found = Found()
        for root, watched in self._watched.items():
            sessions = self._bars.sessions[root]
            if watched.until_ns < to_ns and watched.is_ready(sessions, to_ns, watched.groups):
                found.hits += watched.evaluate(sessions, to_ns)
        found.hits = [hit for hit in sorted(found.hits) if self._accept(hit, found)]
        for watched in self._watched.values():
            found.states += watched.take_changed()
            found.progress[watched.asset.pk] = watched.until_ns
        if found.hits or found.states or time.monotonic() >= self._saved + SAVE_SECONDS:
            self._teller.tell(self._write(found))
        else:
            self._is_unsaved = True

    def _accept(self, hit: Hit, found: Found) -> bool:
        """Whether it counts: not after its alert was stopped by itself."""
        who = hit.alert_id, hit.revision
        if who in self._stopped:
            return False
        is_flood = self._flood.note(who, hit.market_ns)
        is_once = self._known[hit.alert_id].repeat == "once"
        if is_once or is_flood:
            found.stops[hit.alert_id] = FIRED_ONCE if is_once else FLOODED
            self._stopped.add(who)
        self._watched[hit.root].accept(hit)
        return True

    def _write(self, found: Found) -> list[AlertFiring]:
        assert self._epoch is not None
        firings = recording.record(found, self._assets, self._epoch)
        if found.progress:
            self._saved, self._is_unsaved = time.monotonic(), False
        return firings

    def save(self) -> None:
        """Write how far the evaluation has come."""
        if self._epoch is not None:
            self._write(Found(progress={each.asset.pk: each.until_ns for each in self._watched.values()}))

    # --- telling ----------------------------------------------------------------------------------------------

    def values(self, root: str) -> dict[str, tuple[float | int | None, ...]]:
        """The newest values of an asset, as `topics.values_body` tells them."""
        return {topics.group(*key): value for key, value in self._watched[root].values.items()}

    def _tell_values(self, to_ns: int) -> None:
        if time.monotonic() < self._told + VALUES_SECONDS:
            return
        self._told = time.monotonic()
        for root, watched in self._watched.items():
            watched.show(self._bars.sessions[root])
        values = {root: self.values(root) for root, each in self._watched.items() if each.values}
        self._teller.publish([(topics.VALUES, topics.values_body(to_ns, values))])
        pulse.beat()
