"""What the sockets of a web process tell of alerts: read and computed once for each user, however many pages he has."""

import asyncio
import json
import logging
import time
from collections import Counter, deque
from collections.abc import Iterable
from typing import Any, Protocol

from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import QuerySet, Sum
from django.utils import timezone
from redis.exceptions import RedisError

from alerts import access, pulse, topics
from alerts.chips import Chip, Values, chip
from alerts.models import Alert, AlertFiring, AlertSettings, AlertState, Definitions
from alerts.replaying import load_fields
from market.bus import Bus
from market.models import Asset

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
"""So often the record is looked at for what was not told: a message may be lost, a committed firing is not."""
FEEL_SECONDS = 2.0
"""So often it is asked whether alerts are being evaluated."""
STALE_SECONDS = 10.0
"""Values that are told once a second say nothing any more when they are so old: nobody evaluates."""
OVERLAP = 50
"""Firings that are looked at again: of two that are written at a time, the second may be committed first."""
GATHER_SECONDS = 0.02
"""What fires within this is one message: where the whole market moves, dozens of alerts fire at once."""
MOST_UNREAD = 200
"""More are not counted."""
MOST_MISSED = 20
REMEMBERED = 1000

Body = dict[str, Any]


class Listener(Protocol):
    """A socket."""

    def hear(self, message: str) -> None:
        """A message for the page, as JSON: a firing, or what is not merged."""

    def hear_chips(self, chips: Iterable[Chip], gone: Iterable[int]) -> None:
        """Chips that have changed, and ids of those that are no more."""


class Watch:
    """One user's alerts, for all of his pages. Its methods run in the event loop; `start` before any other."""

    def __init__(self, user_id: int, bus: Bus) -> None:
        self.user_id = user_id
        self.listeners: set[Listener] = set()
        self.silent_ms: int | None = None
        """Since when nobody evaluates alerts, as `pulse` has it."""
        self._bus = bus
        self._alerts: list[Alert] = []
        self._assets: dict[str, Asset] = {}
        self._roots: list[str] = []
        self._counts: dict[int, int] = {}
        self._heard: dict[int, int] = {}
        """Alerts by their firings that were told and that the record, as it was read last, does not count yet."""
        self._counted: frozenset[int] = frozenset()
        self._chips: dict[int, Chip] = {}
        self._opened: dict[Listener, frozenset[int]] = {}
        self._values: Values = {}
        self._valued = 0.0
        self._settings = AlertSettings()
        self._unread: set[int] = set()
        self._told: deque[int] = deque(maxlen=REMEMBERED)
        self._lock = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None
        self._is_stale = False
        self._fresh: list[Body] = []
        self._telling: asyncio.TimerHandle | None = None
        self._topics = {
            topics.of_user(user_id): self._hear,
            topics.SHARED: self._hear,
            topics.VALUES: self._hear_values,
        }

    async def start(self) -> None:
        """Listen, then read: nothing is missed between the two."""
        for topic, listener in self._topics.items():
            await self._bus.subscribe(topic, listener)
        try:
            await self._read()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        if self._telling is not None:
            self._telling.cancel()
        if self._reading is not None:
            self._reading.cancel()
        for topic, listener in self._topics.items():
            await self._bus.unsubscribe(topic, listener)

    async def snapshot(self) -> Body:
        """All that a page is told first.

        missed: the newest that the user has not looked at and no page in front has shown, the oldest first; at most 20
        of so many.
        """
        firings, count = await database_sync_to_async(self._missed)()
        return {
            "type": "alerts",
            "chips": list(self._chips.values()),
            "unread": self.unread,
            "settings": self._settings_body(),
            "missed": firings,
            "missed_count": count,
            "silent_ms": self.silent_ms,
        }

    def open(self, listener: Listener, alert_ids: Iterable[int]) -> None:
        """The All-alerts that a page shows with every asset."""
        self._opened[listener] = frozenset(alert_ids)
        self._compute()

    def leave(self, listener: Listener) -> None:
        self.listeners.discard(listener)
        self._opened.pop(listener, None)

    def look(self, firings: Iterable[AlertFiring]) -> None:
        """Tell those of the record's newest firings that were not told; forget values that are old."""
        mine = [each for each in firings if each.owner_id in (None, self.user_id) and each.pk not in self._told]
        if self._values and time.monotonic() - self._valued > STALE_SECONDS:
            self._values = {}
            self._compute()
        for firing in mine:
            self._fired(topics.firing_body(firing, firing.asset.root)["firing"])

    def feel(self, silent_ms: int | None) -> None:
        """Tell whether alerts are being evaluated; values that nobody renews are forgotten."""
        if silent_ms == self.silent_ms:
            return
        self.silent_ms = silent_ms
        self._tell({"type": "evaluator", "silent_ms": silent_ms})
        if silent_ms is not None:
            self._values = {}
            self._compute()

    def read_again(self) -> None:
        """The alerts have changed: read them, once more if they change meanwhile."""
        self._is_stale = True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_on(), name=f"alerts of {self.user_id}")

    # --- listening --------------------------------------------------------------------------------------

    def _hear(self, body: Body) -> None:
        match body["kind"]:
            case "firing":
                self._fired(body["firing"], is_again=body.get("again", False))
            case "seen":
                self._unread = {each for each in self._unread if each > body["until"]}
                self._tell({"type": "seen", "until": body["until"], "unread": self.unread})
            case "replayed":
                self._tell(self._replayed(body))
            case "changed":
                self.read_again()

    def _hear_values(self, body: Body) -> None:
        self._values, self._valued = body["values"], time.monotonic()
        self._compute()

    def _fired(self, firing: Body, *, is_again: bool = False) -> None:
        """is_again: a replay has come to it once more, which is told as well."""
        alert = self._known(firing["alert"])
        self._count(firing)
        if (firing["id"] in self._told and not is_again) or (alert is not None and alert.is_muted):  # type: ignore[attr-defined]
            return
        self._told.append(firing["id"])
        if firing["replay"] is None:
            self._unread.add(firing["id"])
        self._fresh.append(self._as_told(firing) | ({"again": True} if is_again else {}))
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._tell_fresh)

    def _count(self, firing: Body) -> None:
        """Each firing once: it may be told before or after the record that counts it was read."""
        if firing["replay"] is None and firing["alert"] is not None and not self._is_counted(firing["id"]):
            self._heard[firing["id"]] = firing["alert"]

    def _is_counted(self, firing_id: int) -> bool:
        is_old = len(self._counted) == REMEMBERED and firing_id < min(self._counted)
        return is_old or firing_id in self._counted

    def _tell_fresh(self) -> None:
        """What has fired at about the same time, in one message."""
        fresh, self._fresh, self._telling = self._fresh, [], None
        self._tell({"type": "firings", "firings": fresh, "unread": self.unread})
        self._compute()

    @property
    def unread(self) -> int:
        """How many live firings the user has not looked at, as far as they are counted."""
        return len(self._unread)

    def _known(self, alert_id: int | None) -> Alert | None:
        return next((alert for alert in self._alerts if alert.pk == alert_id), None)

    # --- reading ----------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        try:
            while self._is_stale:
                self._is_stale = False
                await self._read()
                self._tell({"type": "changed"})
                self._tell({"type": "settings", "settings": self._settings_body()})
        except (OperationalError, InterfaceError):
            log.warning("the alerts of user %s cannot be read now", self.user_id)
        except Exception:
            log.exception("the alerts of user %s cannot be read", self.user_id)

    async def _read(self) -> None:
        async with self._lock:
            await database_sync_to_async(self._read_rows)()
            self._counts, self._counted = await database_sync_to_async(self._read_counts)()
            self._heard = {pk: alert for pk, alert in self._heard.items() if not self._is_counted(pk)}
        self._compute()

    def _read_counts(self) -> tuple[dict[int, int], frozenset[int]]:
        """How often each alert has fired, and the newest firings that this counts: of one moment."""
        newest = _live(access.firings(self.user_id)).values_list("pk", flat=True)[:REMEMBERED]
        states = AlertState.objects.filter(alert__in=self._alerts).values_list("alert").annotate(Sum("fire_count"))
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            return dict(states), frozenset(newest)

    def _read_rows(self) -> None:
        self._alerts = list(access.visible(self.user_id))
        self._assets = {asset.root: asset for asset in Asset.objects.order_by("root")}
        self._roots = [root for root, asset in self._assets.items() if asset.is_active and not asset.from_files]
        self._settings = access.settings_of(self.user_id)
        self._unread = set(_live(access.unread(self.user_id)).values_list("pk", flat=True)[:MOST_UNREAD])

    def _missed(self) -> tuple[list[Body], int]:
        missed = _live(access.missed(self.user_id))
        bodies = [topics.firing_body(each, each.asset.root)["firing"] for each in missed[:MOST_MISSED]]
        return [self._as_told(body) for body in bodies[::-1]], missed[:MOST_UNREAD].count()

    def _as_told(self, firing: Body) -> Body:
        """The firing with the fields of the Load form that replays it; None for an asset that is new here.

        is_all: its alert is on all assets. is_shared: it is everybody's.
        """
        asset, alert = self._assets.get(firing["root"]), self._known(firing["alert"])
        terms = firing["market_ms"] * topics.MS, firing["timeframe"], firing["lookback_days"]
        replay_from = asset and load_fields(asset, *terms, self._settings.minutes_before)
        whose = {
            "is_all": alert is not None and alert.asset is None,
            "is_shared": alert is not None and alert.is_shared,
        }
        return firing | {"replay_from": replay_from} | whose

    # --- telling ----------------------------------------------------------------------------------------

    def _compute(self) -> None:
        opened = frozenset().union(*self._opened.values())
        heard = Counter(self._heard.values())
        now = {alert.pk: self._chip(alert, heard[alert.pk], alert.pk in opened) for alert in self._alerts}
        changed = [body for pk, body in now.items() if body != self._chips.get(pk)]
        gone = self._chips.keys() - now.keys()
        self._chips = now
        if changed or gone:
            for listener in self.listeners:
                listener.hear_chips(changed, gone)

    def _chip(self, alert: Alert, heard: int, with_rows: bool) -> Chip:
        return chip(
            alert,
            self._values,
            self._roots,
            self._counts.get(alert.pk, 0) + heard,
            is_on=alert.is_watched and not has_expired(alert),
            is_muted=bool(alert.is_muted),  # type: ignore[attr-defined]
            with_rows=with_rows,
        )

    def _replayed(self, body: Body) -> Body:
        """How the alerts that cover a replay's asset stand at its playhead."""
        root, values, counts = body["root"], {body["root"]: body["values"]}, dict(body["counts"])
        chips = [
            chip(alert, values, [root], counts.get(alert.pk, 0), is_on=True, is_muted=False, with_rows=False)
            for alert in self._alerts
            if alert.is_watched and not has_expired(alert) and (alert.asset is None or alert.asset.root == root)
        ]
        told = [{name: each[name] for name in ("id", "value", "tone", "count", "closest")} for each in chips]
        return {
            "type": "replayed", "replay": body["replay"], "market_ms": body["market_ns"] // topics.MS, "chips": told,
        }  # fmt: skip

    def _settings_body(self) -> Body:
        settings = self._settings
        return {
            "sound_on": settings.has_sound,
            "volume": settings.volume,
            "minutes_before": settings.minutes_before,
        }

    def _tell(self, message: Body) -> None:
        text = json.dumps(message)
        for listener in self.listeners:
            listener.hear(text)


class Board:
    """The watches of a web process. All methods run in the event loop."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._watches: dict[int, Watch] = {}
        self._starting: dict[int, asyncio.Lock] = {}
        self._newest: int | None = None
        self._looked_at: deque[int] = deque(maxlen=REMEMBERED)
        self._version: int | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, user_id: int, listener: Listener) -> Watch:
        """The user's watch, which tells the listener from now on."""
        async with self._starting.setdefault(user_id, asyncio.Lock()):
            watch = self._watches.get(user_id)
            if watch is None:
                watch = Watch(user_id, self._bus)
                await watch.start()
                await self._feel(watch)
                self._watches[user_id] = watch
            watch.listeners.add(listener)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._keep_looking(), name="alerts' record"),
                asyncio.create_task(self._keep_feeling(), name="alerts' evaluator"),
            ]
        return watch

    async def leave(self, watch: Watch, listener: Listener) -> None:
        """Tell the listener no more."""
        watch.leave(listener)
        async with self._starting.setdefault(watch.user_id, asyncio.Lock()):
            if not watch.listeners and self._watches.get(watch.user_id) is watch:
                del self._watches[watch.user_id]
                await watch.stop()
        if not self._watches:
            await self.stop()

    async def stop(self) -> None:
        """Look at the record no more."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()

    async def _keep_looking(self) -> None:
        while True:
            try:
                await self._look()
            except (OperationalError, InterfaceError):
                pass  # Postgres is away; at the next look it will be back
            except Exception:
                log.exception("the record of alerts cannot be looked at")
            await asyncio.sleep(LOOK_SECONDS)

    async def _keep_feeling(self) -> None:
        while True:
            await asyncio.sleep(FEEL_SECONDS)
            await self._feel(*self._watches.values())

    async def _feel(self, *watches: Watch) -> None:
        try:
            since_ns = await sync_to_async(pulse.silent_since_ns)()
        except (RedisError, OSError):
            return  # who cannot be asked may well be at work
        for watch in watches:
            watch.feel(None if since_ns is None else since_ns // topics.MS)

    async def _look(self) -> None:
        """One look for all users: what fired, and whether alerts have changed."""
        firings, version = await database_sync_to_async(self._read)()
        self._looked_at.extend(each.pk for each in firings)
        has_changed = self._version not in (None, version)
        self._version = version
        for watch in list(self._watches.values()):
            watch.look(firings)
            if has_changed:
                watch.read_again()

    def _read(self) -> tuple[list[AlertFiring], int]:
        """The firings that were not there at the last look, the oldest first; at the first look none is new."""
        version = Definitions.current()
        # what fires in a replay is news only to its pages, which its player tells
        rows = _live(AlertFiring.objects.all())
        if self._newest is None:
            latest = list(rows.order_by("-pk").values_list("pk", flat=True)[:OVERLAP])
            self._looked_at.extend(latest)
            self._newest = max(latest, default=0)
            return [], version
        found = rows.filter(pk__gt=self._newest - OVERLAP).select_related("asset").order_by("pk")
        fresh = [each for each in found if each.pk not in self._looked_at]
        self._newest = max([self._newest, *(each.pk for each in fresh)])
        return fresh, version


def has_expired(alert: Alert) -> bool:
    """Whether its time is over: it is not watched any more."""
    return alert.expires_at is not None and alert.expires_at <= timezone.now()


def _live(firings: QuerySet[AlertFiring]) -> QuerySet[AlertFiring]:
    return firings.filter(replay_key=None)
