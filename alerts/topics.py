"""What is published of alerts: topics of the project's hub, and their messages. docs/alerts.md describes them.

A message may be lost; the rows are the record, and pages look at them when they connect and now and then.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction
from redis.exceptions import RedisError

from alerts.models import AlertFiring, value_text

log = logging.getLogger(__name__)

SHARED = "alerts.shared"
"""Firings and changes of shared alerts: everybody's."""
VALUES = "alerts.values"
"""Once a second, the live values that active alerts ask for."""
MS = 1_000_000

Message = tuple[str, dict[str, Any]]
"""A topic and a body."""


def of_user(user_id: int) -> str:
    """The topic of what concerns one user: own alerts, firings of them, replayed firings, what has been seen."""
    return f"alerts.user.{user_id}"


def whose(owner_id: int | None) -> str:
    """The topic of an alert or firing of this owner."""
    return SHARED if owner_id is None else of_user(owner_id)


def group(timeframe: str, lookback_days: int) -> str:
    """How `values` names what is ranked with one sample."""
    return f"{timeframe}:{lookback_days}"


def firing_body(firing: AlertFiring, root: str, *, is_again: bool = False) -> dict[str, Any]:
    """As pages have it: milliseconds and floats. replay: its key, None where live.

    is_again: a replay was put back and has come to the same firing once more.
    """
    body = {
        "id": firing.pk,
        "alert": firing.alert_id,
        "root": root,
        "bar_start_ms": firing.bar_start_ns // MS,
        "market_ms": firing.market_ns // MS,
        "fired_ms": int(firing.fired_at.timestamp() * 1000),
        "threshold": float(firing.threshold),
        "value_text": value_text(firing.value),
        "replay": None if firing.replay_key is None else str(firing.replay_key),
    }
    same = ("timeframe", "lookback_days", "metric", "operator", "value", "n", "sound", "note", "sentence")
    again = {"again": True} if is_again else {}
    return {"kind": "firing", **again, "firing": body | {name: getattr(firing, name) for name in same}}


def changed_body(what: str, alert_ids: Iterable[int] = ()) -> dict[str, Any]:
    """Alerts have changed; the lists of them must be fetched anew. what: the service's name, for the log."""
    return {"kind": "changed", "what": what, "alerts": sorted(alert_ids)}


def stopped_body(alert_id: int, reason: str) -> dict[str, Any]:
    """An alert was stopped by itself: the flood stop, or it fires once only."""
    return changed_body("stopped", [alert_id]) | {"reason": reason}


def seen_body(until_id: int) -> dict[str, Any]:
    """The user has looked at the firings up to this one."""
    return {"kind": "seen", "until": until_id}


def values_body(market_ns: int, values: Mapping[str, Mapping[str, tuple[Any, ...]]]) -> dict[str, Any]:
    """values: by root and `group`, (vol_rank, vol_pending, range_rank, range_pending, n, bar_start_ns).

    What an asset has no bars or no sample for is left out.
    """
    return {"kind": "values", "market_ns": market_ns, "values": values}


def replayed_body(
    replay: str, root: str, market_ns: int, values: Mapping[str, tuple[Any, ...]], counts: Mapping[int, int]
) -> dict[str, Any]:
    """How a replay's alerts stand at its playhead. values: by `group`. counts: firings in it up to there, by alert."""
    told = [[alert, count] for alert, count in counts.items()]
    return {
        "kind": "replayed",
        "replay": replay,
        "root": root,
        "market_ns": market_ns,
        "values": values,
        "counts": told,
    }


def publish(messages: Iterable[Message]) -> None:
    """Tell the listeners in all web processes. What cannot be told is logged."""
    async_to_sync(tell)(list(messages))


def publish_on_commit(*messages: Message) -> None:
    """The same, once this transaction is committed."""
    transaction.on_commit(lambda: publish(messages))


async def tell(messages: Iterable[Message]) -> None:
    """The same in an event loop."""
    layer = get_channel_layer()
    try:
        for topic, body in messages:
            await layer.group_send(topic, {"type": "hub.message", "topic": topic, "body": body})
    except (RedisError, OSError) as problem:
        log.warning("alerts: not told (%s)", problem)
