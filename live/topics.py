"""What the feed publishes: topics of the project's hub, and their messages. docs/live.md describes them."""

from collections.abc import Sequence
from typing import Any

from channels.layers import get_channel_layer

from live.engine.bars import Bar
from live.history import SessionKey

STATE = "live.state"
MOST_BARS = 300
"""A message carries at most so many; where there are more, it says from which index on to read the history."""

Packed = tuple[str, bytes]
"""A channel of Valkey, and a message on it."""


def bars(root: str) -> str:
    """The topic of an asset's bars."""
    return f"live.bars.{root}"


def bars_body(
    key: SessionKey,
    epoch: int,
    *,
    index: int,
    closed: Sequence[Bar],
    forming: Bar | None,
    last: tuple[int, int, int, str] | None,
    market_ns: int,
) -> dict[str, Any]:
    """From `index` on, the session's bars are `bars`; None where they are too many for a message."""
    return {
        "kind": "bars",
        "root": key.root,
        "epoch": epoch,
        "trade_date": key.trade_date,
        "symbol": key.symbol,
        "index": index,
        "bars": list(closed) if len(closed) <= MOST_BARS else None,
        "forming": forming,
        "last": last,
        "market_ns": market_ns,
    }


def roll_body(before: SessionKey, after: SessionKey, spread: int | None = None) -> dict[str, Any]:
    """The front month has changed: from this session's opening on, bars are those of another contract.

    spread: new minus old at the opening (1e-9 units); it is told once it is known, in a message of its own.
    """
    return {
        "kind": "roll",
        "root": after.root,
        "trade_date": after.trade_date,
        "at_ns": after.open_ns,
        "from": before.symbol,
        "to": after.symbol,
        "spread": spread,
    }


async def publish(topic: str, body: dict[str, Any]) -> None:
    """Send to the topic's listeners in all web processes. Raises RedisError, OSError."""
    await get_channel_layer().group_send(topic, _message(topic, body))


def packed(topic: str, body: dict[str, Any]) -> Packed:
    """What `publish` would send, for whoever sends many at once: the layer takes one turn with Valkey for each."""
    layer = get_channel_layer()
    return layer._get_group_channel_name(topic), layer.serialize(_message(topic, body))


def _message(topic: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"type": "hub.message", "topic": topic, "body": body}
